#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace at and last-writer against a machine whose memory is known (lograndom.c): what
# they say is true, whatever was lost; what a brute-force reading of the events knows,
# they know. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

python3 - "$hvt" "$build/tests/unit/mklog" "$tmp" <<'PY'
import json, random, subprocess, sys
from tap import finish, ok
hvt, mklog, tmp = sys.argv[1:]

def run(*args, code=0, stdin=None):
    r = subprocess.run([hvt, *args], capture_output=True, stdin=stdin)
    assert r.returncode == code, (args, r)
    return r.stdout.decode("ascii")

PAGE = 4096
KERNEL = 0xffffffff82000000
RANGES = {0x404010: 40, 0x404ff0: 16, 0x405000: 24, 0x405100: 16, KERNEL: 24}
# (first, last, pid, are all writes seen)
WATCHES = {1: (0x404010, 32, 100, True), 2: (0x404020, 24, 100, True), 3: (0x404ff0, 40, 100, True),
           4: (KERNEL, 24, 0, True), 5: (0x405100, 16, 100, False)}

def space(addr):
    return 0 if addr >> 63 else 100

class Model:
    """All memory, byte by byte, with everything that is known of it, from the JSON events alone."""

    def __init__(self, events):
        self.events = events
        self.windows = []  # (from, to]: a CPU's records are missing
        last = {}
        for e in events:
            if e["type"] == "lost":
                self.windows.append((last.get(e["cpu"], 0), e["tsc"]))
            last[e["cpu"]] = e["tsc"]

    def in_loss(self, n):
        return any(a < self.events[n]["tsc"] <= b for a, b in self.windows)

    def covered(self, addr, armed):
        return any(w[0] <= addr < w[0] + w[1] and w[2] == space(addr) and w[3] and i in armed
                   for i, w in WATCHES.items())

    def pages_of(self, ids, pid):
        """The pages of the watches that an event touches, of one memory."""
        return [sorted({a // PAGE for a in (w[0], w[0] + w[1] - 1)})
                for i, w in WATCHES.items() if i in ids and w[2] == pid]

    def places(self, e, gpas, at):
        """Where byte `at` of access e may be: [sure address] or a list of maybes."""
        addr = int(e["addr"], 16) + at
        gpa = None if e["gpa"] is None else int(e["gpa"], 16)
        start = int(e["addr"], 16) % PAGE
        page = (start + at) // PAGE
        if gpa is not None and gpa % PAGE != start:
            gpa = gpa // PAGE if gpa % PAGE == 0 and page == 1 else None
        else:
            gpa = None if gpa is None or page else gpa // PAGE
        pid = 0 if addr >> 63 else e["pid"]
        ours = {a // PAGE for a in (0x404000, 0x405000)} if pid == 100 else {KERNEL // PAGE} if pid == 0 else set()
        if addr // PAGE in ours:
            if gpa is not None:
                gpas[addr // PAGE] = gpa
            return [addr], True
        off, maybe = (start + at) % PAGE, []
        for pid in (0, 100):
            lists = self.pages_of(e["watches"], pid)
            if not lists:
                continue
            pages = sorted({p for l in lists for p in l})
            known = [p for p in pages if gpa is not None and gpas.get(p) == gpa]
            if known:
                return [known[0] * PAGE + off], True
            if gpa is not None and e["exact"] and not e.get("blind") and all(len(l) == 1 for l in lists) and \
                    len(pages) == 1 and gpas.get(pages[0]) is None:
                gpas[pages[0]] = gpa
                return [pages[0] * PAGE + off], True
            maybe += [p * PAGE + off for p in pages if gpa is None or gpas.get(p) is None]
        return maybe, False

    def run(self, upto):
        """What is known after event upto (from 0): {address: (value, event)}."""
        known, gpas, armed, wrote, group = {}, {}, set(), {}, None
        for n, e in enumerate(self.events[:upto + 1]):
            known = {a: v for a, v in known.items() if self.covered(a, armed)}
            if e["type"] == "lost":
                known, gpas = {}, {}
                continue
            if e["type"] == "remap":
                page = int(e["va"], 16) // PAGE
                known = {a: v for a, v in known.items() if a // PAGE != page}
                gpas[page] = int(e["new_gpa"], 16) // PAGE
                continue
            armed |= set(e["watches"])
            if group != (e["cpu"], e["tsc"]):
                group, wrote = (e["cpu"], e["tsc"]), {}
            writes = e["access"] in ("write", "rmw") or not e["exact"]
            span = range(e["size"]) if e["exact"] and e["size"] else \
                range(-(int(e["addr"], 16) % PAGE), PAGE - int(e["addr"], 16) % PAGE)
            mine = set()
            for at in span if writes else ():
                where, sure = self.places(e, gpas, at) if e["exact"] else self.places(
                    dict(e, addr=hex(int(e["addr"], 16) & ~4095), gpa=hex(int(e["gpa"], 16) & ~4095)), gpas,
                    at + int(e["addr"], 16) % PAGE)
                for a in where:
                    known.pop(a, None)
                    if wrote.get(a) == "torn":
                        continue
                    wrote[a] = "torn"
                    mine.add(a)
            if e["new"] is None:
                continue
            length = e.get("value_len", e["size"])
            value = bytes.fromhex(e["new"]) if length > 8 else int(e["new"], 16).to_bytes(length, "little")
            for i, v in enumerate(value):
                where, sure = self.places(e, gpas, e.get("value_off", 0) + i)
                if sure and (where[0] in mine if writes else where[0] not in wrote):
                    known[where[0]] = (v, n)
                    if writes:
                        wrote[where[0]] = "valued"
        if self.in_loss(upto):
            known = {a: v for a, v in known.items() if v[1] == upto}
        return known

rng = random.Random(1)
shown = asked = named = spanned = 0
for seed in range(1, 6):
    log, truth_file = "%s/log%d" % (tmp, seed), "%s/truth%d" % (tmp, seed)
    with open(log, "wb") as out:
        subprocess.run([mklog, "random", str(seed), truth_file], stdout=out, check=True)
    truth = {(t["cpu"], t["seq"]): t for t in map(json.loads, open(truth_file))}
    events = [json.loads(line) for line in run("script", "--format", "json", log).splitlines()]
    model = Model(events)
    bad_value, bad_known, bad_writer, bad_none = [], [], [], []
    for n in sorted(rng.sample(range(len(events)), 12)) + [len(events) - 1]:
        known, e = model.run(n), events[n]
        facts = truth[e["cpu"], e["seq"]]
        for addr, length in RANGES.items():
            key = "%#x" % addr
            out = json.loads(run("at", "--format", "json", str(n + 1), "%s,%d" % (key, length), log))
            got = [out["bytes"][i:i + 2] for i in range(0, 2 * length, 2)]
            for i, b in enumerate(got):
                asked += 1
                shown += b != "??"
                if b != "??" and int(b, 16) != facts[key]["bytes"][i]:
                    bad_value.append((seed, n + 1, hex(addr + i), b))
                if (b != "??") != (addr + i in known):
                    bad_known.append((seed, n + 1, hex(addr + i), b, known.get(addr + i)))
        for addr in rng.sample(list(RANGES), 1):
            key = "%#x" % addr
            for line in run("last-writer", "--format", "json", "--before", str(n + 1),
                            "%s,%d" % (key, RANGES[addr]), log).splitlines():
                s = json.loads(line)
                first = int(s["addr"], 16) - addr
                for i in range(first, first + s["len"]):
                    who = facts[key]["writers"][i]
                    spanned += 1
                    if s["writer"] == "event":
                        named += 1
                        by = s["by"]
                        if s["all_seen"] and by["cpu"] * 1000000 + by["seq"] != who:
                            bad_writer.append((seed, n + 1, hex(addr + i), s["event"], who))
                        if events[s["event"] - 1] != by:
                            bad_writer.append((seed, n + 1, s["event"]))
                    elif s["writer"] == "none" and who != -1 and addr != 0x405100:
                        bad_none.append((seed, n + 1, hex(addr + i), who))
    ok(not bad_value, "seed %d: each byte shown is what the memory held" % seed, bad_value[:5])
    ok(not bad_known, "each byte that the events tell is shown, no other", bad_known[:5])
    ok(not bad_writer, "the last writer is the last writer", bad_writer[:5])
    ok(not bad_none, "no write was seen where there was none", bad_none[:5])
ok(shown * 5 > asked, "%d of %d bytes were known" % (shown, asked))
ok(named * 5 > spanned, "of %d of %d bytes the writer was" % (named, spanned))

# what verify says of such a memory: nothing differs that did not
proved = []
for seed in range(1, 31):
    with open(tmp + "/verified", "wb") as out:
        subprocess.run([mklog, "random", str(seed)], stdout=out, check=True)
    proved.append(json.loads(run("verify", "--format", "json", tmp + "/verified")))
ok(not any(p["differ"] or p["wrong"] for p in proved) and all(p["links"] > 100 for p in proved),
   "verify: of 30 such logs no byte differs", [(p["differ"], p["wrong"], p["links"]) for p in proved])

# the record of a number by CPU:SEQ, names, standard input, text
e = events[40]
by_number = run("at", "--format", "json", "41", "0x404010,8", log)
ok(by_number == run("at", "--format", "json", "%d:%d" % (e["cpu"], e["seq"]), "0x404010,8", log), "CPU:SEQ names it")
ok(by_number == run("at", "--format", "json", "41", "first,8", log), "a watch's name is its address")
ok(json.loads(run("at", "--format", "json", "41", "second+4", log))["addr"] == "0x404024", "and an offset counts on")
ok(json.loads(run("at", "--format", "json", "41", "kernel:third", log))["len"] == 24, "LEN is up to the watch's end")
with open(log, "rb") as f:
    ok(by_number == run("at", "--format", "json", "41", "first,8", "-", stdin=f), "- is standard input")
text = run("at", "41", "first,8", log).splitlines()
want = json.loads(by_number)["bytes"]
ok(text[0].startswith("# event 41: ") and text[-1].split("  ")[1].replace(" ", "") == want, "text has the same bytes", text)
text = run("last-writer", "first", log).splitlines()
spans = [json.loads(l) for l in run("last-writer", "--format", "json", "first", log).splitlines()]
ok(len(text) == len(spans) and sum(s["len"] for s in spans) == 32 and all(
    t.startswith("%s,%d" % (s["addr"], s["len"])) for t, s in zip(text, spans)), "last-writer's text has the same spans", text)
for bad, code in ((["at", "0", "first"], 2), (["at", "x", "first"], 2), (["at", "1:", "first"], 2), (["at"], 2),
                  (["at", "1"], 2), (["at", "1", "first,0"], 2), (["at", "1", "first,x"], 2), (["at", "1", ""], 2),
                  (["at", "1", "none", log], 1), (["at", "1", "0x404000", log], 1), (["at", "9999", "first", log], 1),
                  (["last-writer"], 2), (["last-writer", "first", "-b", "x"], 2),
                  (["last-writer", "first", "-p", "7", log], 1), (["last-writer", "first", "-b", "9999", log], 1)):
    r = subprocess.run([hvt, *bad], capture_output=True)
    ok(r.returncode == code and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr and not r.stdout,
       "%s: exit %d and one line" % (bad[:4], code), r)
finish()
PY
