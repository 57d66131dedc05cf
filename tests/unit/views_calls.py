# SPDX-License-Identifier: GPL-2.0-only
# views_calls.py HVTRACE LOG PROGRAM TRUTH LINES: the call tree of a stepped program is what the
# program (stepped_calls.c) wrote of itself; its counts are those of the log as JSON LINES.
# Prints TAP.
import collections, json, subprocess, sys

from tap import finish, ok

hvt, log, program, truth, lines = sys.argv[1:]

def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, check=True).stdout.decode()

names = {int(a, 16): n for a, t, n in (line.split() for line in run("nm", program).splitlines()
                                       if len(line.split()) == 3) if t in "tT"}
paths = [[int(a, 16) for a in line.split(";")] for line in open(truth)]
main = next(a for a, n in names.items() if n == "main")
shift = paths[0][0] - main
want = collections.Counter(";".join(names[a - shift] for a in p) for p in paths)
known = {names[a - shift] for p in paths for a in p}

nodes = [json.loads(line) for line in run(hvt, "report", "--calls", "--format", "json", log).splitlines()]
by_id = {n["id"]: n for n in nodes}
events = [json.loads(line) for line in open(lines)]
insns = [e for e in events if e["type"] == "insn"]
ours = program.rsplit("/", 1)[1]
got = collections.Counter()
for n in nodes:
    path, at = [], n
    while at:
        if at.get("sym") in known and at["obj"] == ours:
            path.append(at["sym"])
        at = by_id.get(at["parent"])
    if n.get("sym") in known and n["obj"] == ours:
        got[";".join(reversed(path))] += n["calls"]
got = +got
ok(got == want and len(want) > 20, "%d paths of calls are those that the program took" % len(want),
   "\n".join("%s: %d, not %d" % (k, got[k], want[k]) for k in sorted(set(got) | set(want)) if got[k] != want[k]))

ok(sum(n["self"] for n in nodes) == len(insns), "each of %d instructions is somebody's own" % len(insns))
roots = [n for n in nodes if n["parent"] is None]
ok(len(roots) == 1 and roots[0]["total"] == len(insns) and roots[0]["comm"] == ours[:15], "one thread, with all of them", roots)
total = {}
for n in reversed(nodes):
    total[n["id"]] = total.get(n["id"], 0) + n["self"]
    total[n["parent"]] = total.get(n["parent"], 0) + total[n["id"]]
ok(all(total[n["id"]] == n["total"] for n in nodes), "a total is the sum of what is below")
ok(all(n["parent"] is None or by_id[n["parent"]]["depth"] == n["depth"] - 1 and n["parent"] < n["id"] for n in nodes),
   "parents come before their children")
# a function's own instructions are where its symbol says, if nothing else has entered it
leaf = sum(n["self"] for n in nodes if n.get("sym") == "leaf")
ok(leaf == sum(e["sym"].startswith("leaf+") for e in insns if e["sym"]), "%d of them in leaf" % leaf)
signals = [n for n in nodes if n["kind"] == "signal"]
ok(sorted((n["nr"], n["name"], n["calls"]) for n in signals) == [(10, "SIGUSR1", 1), (11, "SIGSEGV", 1)],
   "two signals", signals)
calls = collections.Counter(e["nr"] for e in events if e["type"] == "flow" and e["what"] == "syscall")
seen = collections.Counter()
for n in nodes:
    if n["kind"] == "syscall":
        seen[n["nr"]] += n["calls"]
ok(seen == calls and calls, "%d system calls" % sum(calls.values()), (seen, calls))

# the same as text and as folded stacks
text = [line for line in run(hvt, "report", "--calls", log).splitlines() if not line.startswith("#")]
ok([int(f) for line in text for f in line.split()[1:4]] ==
   [n[k] for n in nodes if n["parent"] for k in ("total", "self", "calls")], "text has the same counts")
ok([(len(line) - len(line[48:].lstrip()) - 48) // 2 for line in text] == [n["depth"] - 1 for n in nodes if n["parent"]],
   "and is indented as deep", text[:5])
folded = [line.rsplit(" ", 1) for line in run(hvt, "export", "--format", "folded", log).splitlines()]
ok([(f[0].count(";"), int(f[1])) for f in folded] == [(n["depth"], n["self"]) for n in nodes if n["self"]],
   "folded stacks: a line for each node with instructions of its own")
ok(any(f[0].endswith(";main;fib;fib;fib") for f in folded) and all(f[0].startswith(ours[:15] + ";") for f in folded),
   "by name", folded[:3])
finish()
