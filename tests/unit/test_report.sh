#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace report and stat count what the JSON lines of the same log hold: each figure is
# counted again here. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/sample"
"$build/tests/unit/mklog" random 7 >"$tmp/random"
python3 - "$hvt" "$tmp/sample" "$tmp/random" <<'PY'
import collections, json, subprocess, sys
from tap import finish, ok
hvt, logs = sys.argv[1], sys.argv[2:]

def run(*args, code=0):
    r = subprocess.run([hvt, *args], capture_output=True)
    assert r.returncode == code, (args, r)
    return r.stdout.decode("ascii")

def lines(*args):
    return [json.loads(line) for line in run(*args).splitlines()]

def escaped(s):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\\\" if b == 92 else "\\x%02x" % b
                   for b in s.encode().replace(b"\xef\xbf\xbd", b"\xff"))

keys = {
    "comm": lambda e: escaped(e["comm"]),
    "process": lambda e: "%s/%d" % (escaped(e["comm"]), e["pid"]),
    "thread": lambda e: "%s/%d/%d" % (escaped(e["comm"]), e["pid"], e["tid"]),
    "access": lambda e: e["access"],
    "cpu": lambda e: str(e["cpu"]),
    "object": lambda e: escaped(e["obj"] or "?"),
    "watch": lambda e: str(e["watch"]),
    "page": lambda e: hex((int(e["gpa"] if phys.get(e["watch"]) else e["addr"], 16)) & ~0xfff),
}
for log in logs:
    name = log.rsplit("/", 1)[1]
    events = lines("script", "--format", "json", log)
    accesses = [e for e in events if e["type"] == "access"]
    info = json.loads(run("info", "--format", "json", log))
    phys = {int(i): w["physical"] for i, w in info["watches"].items()}
    for sort in [[k] for k in keys] + [["process", "access"], ["cpu", "page", "comm"]]:
        want = collections.defaultdict(list)
        for e in accesses:
            want[tuple(keys[k](e) for k in sort)].append(e)
        got = lines("report", "--format", "json", "--sort", ",".join(sort), log)
        seen = {tuple(r[k].split(" ")[0] if k == "watch" else r[k] for k in sort): r for r in got}
        ok(len(seen) == len(got) and set(seen) == set(want), "%s: report by %s: %d rows" % (name, sort, len(got)),
           (set(seen) ^ set(want)))
        wrong = [k for k, es in want.items() if k in seen and
                 [seen[k][m] for m in ("count", "total", "first_ns", "last_ns", "reads", "writes", "execs")] !=
                 [len(es), len(accesses), es[0]["ns"], es[-1]["ns"]] +
                 [sum(e["access"] in a for e in es) for a in (("read", "rmw"), ("write", "rmw"), ("exec",))]]
        ok(not wrong, "and their counts and times", wrong)
        ok([r["count"] for r in got] == sorted((r["count"] for r in got), reverse=True), "the most frequent first")
    for sort in ("symbol", "insn", "addr"):
        rows = lines("report", "--format", "json", "-s", sort, log)
        ok(sum(r["count"] for r in rows) == len(accesses), "%s: report by %s counts each access once" % (name, sort))
    text = run("report", "-s", "thread", "-n", "1", log).splitlines()
    rows = lines("report", "--format", "json", "-s", "thread", log)
    ok(len(text) == 3 and text[2].split()[1] == str(rows[0]["count"]) and text[2].endswith(rows[0]["thread"]) and
       text[2].split()[0] == "%.2f%%" % (100 * rows[0]["count"] / len(accesses)), "text has the same", text)
    ok(lines("report", "--format", "json", "--cpu", "1", log) and sum(
        r["count"] for r in lines("report", "--format", "json", "--cpu", "1", log)) ==
        sum(e["cpu"] == 1 for e in accesses), "--cpu chooses")

    stat = collections.defaultdict(list)
    for r in lines("stat", "--format", "json", log):
        stat[r["type"]].append(r)
    def counts(es):
        a = [e for e in es if e["type"] == "access"]
        kind = lambda k: sum(e["access"] == k for e in a)
        return dict(accesses=len(a), reads=kind("read"), writes=kind("write"), rmws=kind("rmw"), execs=kind("exec"),
                    bytes=sum(e["size"] or 0 for e in a), remaps=sum(e["type"] == "remap" for e in es),
                    instructions=0, flows=0,
                    lost=sum(e.get("count", 0) for e in es), first_ns=es[0]["ns"], last_ns=es[-1]["ns"])
    strip = lambda r: {k: v for k, v in r.items() if k not in ("type", "id")}
    ok([strip(r) for r in stat["total"]] == [counts(events)], "%s: stat's total" % name, stat["total"])
    want = [(c, counts([e for e in events if e["cpu"] == c])) for c in sorted({e["cpu"] for e in events})]
    ok([(r["id"], strip(r)) for r in stat["cpu"]] == want, "per CPU", (stat["cpu"], want))
    touches = lambda e, w: w in e.get("watches", [e.get("watch")])
    ids = sorted({w for e in events for w in e.get("watches", [e.get("watch")]) if w})
    want = [(w, counts([e for e in events if touches(e, w)])) for w in ids]
    ok([(r["id"], strip(r)) for r in stat["watch"]] == want, "per watch", (stat["watch"], want))
    bad = [i for i in stat["interval"] if i["accesses"] !=
           sum(i["from_ns"] <= e["ns"] < i["from_ns"] + i["ns"] for e in accesses)]
    ok(len(stat["interval"]) > 4 and not bad, "per interval", bad)
for bad in (["--sort", "no"], ["--sort", ""], ["--limit", "0"], ["--limit", "x"]):
    r = subprocess.run([hvt, "report", *bad, logs[0]], capture_output=True)
    ok(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr, "report %s: exit 2" % bad, r)
finish()
PY
