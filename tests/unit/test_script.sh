#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace script's choice of events and of fields, and the formats of other tools: all of
# them say what the JSON of the same log says. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/log"
python3 - "$hvt" "$tmp/log" <<'PY'
import csv, io, json, re, subprocess, sys
from tap import finish, ok
hvt, log = sys.argv[1:]

def script(*options, code=0):
    r = subprocess.run([hvt, "script", *options, log], capture_output=True)
    assert r.returncode == code, (options, r)
    return r.stdout.decode("ascii")

def escaped(s):
    return None if s is None else "".join(
        chr(b) if 32 <= b < 127 and b != 92 else "\\\\" if b == 92 else "\\x%02x" % b
        for b in s.encode("utf-8", "surrogateescape"))

events = [json.loads(line) for line in script("--format", "json").splitlines()]
rows = list(csv.DictReader(io.StringIO(script("--format", "csv")), strict=True))
ok(len(rows) == len(events) and len(rows) > 10, "csv has a row for each event", len(rows))
ok([r["event"] for r in rows] == [str(i + 1) for i in range(len(rows))], "events are numbered")

def same(row, e, name):
    v, got = e.get(name), row[name]
    if name in ("addr",) and e["type"] == "remap":
        v = e["va"]
    if name in ("value_off", "value_len") and name not in e and e["type"] == "access":
        return got in ("", str(0 if name == "value_off" else e["size"]))
    if name in ("comm", "addr_obj", "obj", "insn", "sym", "addr_sym") and v is not None:
        return "\ufffd" in v or got == escaped(v)
    if name == "watches" and v is not None:
        v = " ".join(map(str, v))
    if name == "count" and "run" in e:
        v = e["run"]["count"]
    if isinstance(v, bool):
        v = str(v).lower()
    return got == ("" if v is None else str(v))

names = [n for n in rows[0] if n not in ("event", "time", "spec")]
bad = [(n, r[n], e.get(n)) for r, e in zip(rows, events) for n in names if not same(r, e, n)]
ok(not bad, "every field says what the JSON says", bad[:5])
ok(all(int(r["time"].replace(".", "")) == e["ns"] for r, e in zip(rows, events)), "time is ns in seconds")
ok({r["spec"] for r in rows if r["watch"] == "2"} == {"kernel:jiffies_64"}, "spec is the watch's")
evil = [r for r in rows if "evil" in r["comm"]][0]
ok(evil["comm"] == "\\x1b[31m\\xff\"\\\\evil\\x0a", "hostile bytes are escaped", evil["comm"])

text = [l.split("\t") for l in script("--fields", "event,comm,size,insn").splitlines()]
ok(text == [[r["event"]] + [r[n] or "-" for n in ("comm", "size", "insn")] for r in rows],
   "--fields in text is the same with tabs", text)
ok(list(csv.reader(io.StringIO(script("--format", "csv", "--fields", "ns,cpu")))) ==
   [["ns", "cpu"]] + [[r["ns"], r["cpu"]] for r in rows], "--fields chooses what csv has")

def chosen(options, test):
    got = [json.loads(l) for l in script("--format", "json", *options).splitlines()]
    want = [e for e in events if test(e)]
    ok(got == want and 0 < len(want) < len(events), "%s: %d of %d" % (" ".join(options), len(want), len(events)), got)

ns = [e["ns"] for e in events]
mid = "%d.%09d" % divmod(ns[5], 10**9)
chosen(["--time", "," + mid], lambda e: e["ns"] <= ns[5])
chosen(["--time", mid + ","], lambda e: e["ns"] >= ns[5])
chosen(["--time", mid + "," + mid], lambda e: e["ns"] == ns[5])
chosen(["--cpu", "1-7"], lambda e: e["cpu"] == 1)
chosen(["--pid", "0,7"], lambda e: e["type"] == "lost" or e["pid"] == 0)
chosen(["--watch", "2-3"], lambda e: e["type"] == "lost" or set(e.get("watches", [e.get("watch")])) & {2, 3})
one = script("--fields", "event", "--cpu", "1").split()
ok(one == [r["event"] for r in rows if r["cpu"] == "1"], "an event keeps its number", one)

# the grammar that readers of `perf script` know: a head line, chain lines, an empty line
head = re.compile(r"(\S.*?)\s+(\d+)/(\d+) \[(\d{3})\] (\d+\.\d{6}): (\S+):\s+([0-9a-f]+)$")
chain = re.compile(r"\s+([0-9a-f]+) (.+) \((\S+)\)$")
perf, blocks = script("--format", "perf-script"), []
for block in re.sub(r"(?m)^#.*\n", "", perf).split("\n\n")[:-1]:
    lines = block.split("\n")
    blocks.append((head.match(lines[0]), chain.match(lines[1]), len(lines)))
accesses = [(e, r) for e, r in zip(events, rows) if e["type"] == "access"]
ok(len(blocks) == len(accesses) and all(h and c and n == 2 for h, c, n in blocks),
   "perf-script: each access is a sample with a chain of one", perf)
want = [(str(e["pid"]), str(e["tid"]), "%03d" % e["cpu"], "hvtrace:" + e["access"], int(e["addr"], 16),
         int(e["ip"], 16), e["sym"] and e["sym"].split("+")[0]) for e, r in accesses]
got = [(h[2], h[3], h[4], h[6], int(h[7], 16), int(c[1], 16),
        None if c[2] == "[unknown]" else c[2].split("+")[0]) for h, c, n in blocks]
ok(got == want, "perf-script: and says the same", (got, want))
ok([l for l in perf.splitlines() if l.startswith("#") and "lost 3" in l], "perf-script: a loss is a comment")
for bad in (["--time", "x"], ["--time", ","], ["--time", "6,5"], ["--time", "5"], ["--cpu", ""], ["--cpu", "3-1"],
            ["--pid", "1,"], ["--fields", "no"], ["--fields", ""], ["--fields", "ns", "--format", "json"]):
    r = subprocess.run([hvt, "script", *bad, log], capture_output=True)
    ok(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr and not r.stdout,
       "%s: exit 2 and one line" % bad, r)
r = subprocess.run([hvt, "script", "-v", log], capture_output=True)
ok(r.returncode == 0 and r.stderr.count(b"\n") == 1 and b"records" in r.stderr, "-v says what was read", r.stderr)
finish()
PY
