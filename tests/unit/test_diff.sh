#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace diff: two runs of a program at other addresses, of other numbers, on other CPUs
# are the same; one access that is other is found, and found first. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

python3 - "$hvt" "$build/tests/unit/mklog" "$tmp" <<'PY'
import json, subprocess, sys
from tap import finish, ok
hvt, mklog, tmp = sys.argv[1:]

def log(name, base, seed, change=""):
    path = "%s/%s" % (tmp, name)
    with open(path, "wb") as out:
        subprocess.run([mklog, "run", base, str(seed), change], stdout=out, check=True)
    return path

def diff(*args, stdin=None):
    r = subprocess.run([hvt, "diff", *args], capture_output=True, stdin=stdin)
    return r.returncode, r.stdout.decode("ascii"), r.stderr.decode()

def events(path):
    r = subprocess.run([hvt, "script", "--format", "json", path], capture_output=True, check=True)
    return [json.loads(l) for l in r.stdout.splitlines()]

a = log("a", "0x555555554000", 1)
b = log("b", "0x7f1234560000", 2)
ea, eb = events(a), events(b)
ok([(e["cpu"], e["tid"] - e["pid"]) for e in ea] != [(e["cpu"], e["tid"] - e["pid"]) for e in eb] and
   {e["pid"] for e in ea} != {e["pid"] for e in eb}, "the runs differ as runs do")
ok(diff(a, b) == (0, "", ""), "they are the same: exit 0, nothing said", diff(a, b))
code, out, err = diff("--format", "json", a, b)
out = json.loads(out)
ok(code == 0 and out["streams"] == 2 and out["differ"] == 0 and out["matched"] == 120 and out["stream"] is None, "JSON says so", out)
with open(a, "rb") as f:
    ok(diff("-", b, stdin=f) == (0, "", ""), "- is standard input")
for change in ("value", "ip"):
    c = log(change, "0x7f1234560000", 3, change)
    ec = events(c)
    second = lambda es: [i + 1 for i, e in enumerate(es) if e["tid"] != e["pid"]]
    code, out, err = diff("--format", "json", a, c)
    j = json.loads(out)
    ok(code == 1 and not err and j["differ"] == 1 and "prog#2" in j["stream"] and
       (j["a"]["event"], j["b"]["event"]) == (second(ea)[39], second(ec)[39]), "%s: the 40th access of the second thread" % change, j)
    code, out, err = diff(a, c)
    lines = out.splitlines()
    ok(code == 1 and lines[0] == "--- %s event %d" % (a, j["a"]["event"]) and lines[1].startswith("+++ ") and
       "behind 39 alike" in lines[2] and len([l for l in lines if l[0] == " "]) == 3 and
       lines[-2] == "-" + j["a"]["access"] and lines[-1] == "+" + j["b"]["access"] and lines[-1][1:] != lines[-2][1:],
       "%s: as a unified diff, with what was alike before" % change, lines)
    ok(diff("-q", a, c) == (1, "", ""), "%s: -q says nothing" % change)
    ok(diff("--no-values", a, c)[0] == (0 if change == "value" else 1), "%s: with --no-values" % change)
code, out, err = diff("--format", "json", a, log("short", "0x7f1234560000", 3, "short"))
j = json.loads(out)
ok(code == 1 and j["a"]["event"] == second(ea)[39] and j["b"]["event"], "an access that is missing is a difference there", j)
code, out, err = diff(a, log("lost", "0x7f1234560000", 3, "lost"))
ok(code == 2 and out == "" and err.count("\n") == 1 and "lost" in err, "after a loss nobody can say: exit 2, one line", (code, out, err))
lost = log("lost2", "0x555555554000", 5, "lost")
code, out, err = diff(lost, log("value2", "0x7f1234560000", 3, "value"))
ok(code == 2 and out == "", "what differs behind the loss does not count", (code, out, err))
whole = open(b, "rb").read()
open(tmp + "/cut", "wb").write(whole[:len(whole) - 100])
code, out, err = diff(a, tmp + "/cut")
ok(code == 2 and out == "" and err.count("\n") == 1, "a log that is cut short: exit 2", (code, out, err))
same_thread = diff("--any-thread", "--format", "json", a, a)
ok(same_thread[0] == 0 and json.loads(same_thread[1])["streams"] == 1, "--any-thread has one stream for a watch")
ok(diff("--any-thread", a, b)[0] == 1, "in which threads that take turns differently differ")
for bad in (["diff"], ["diff", a], ["diff", a, b, a], ["diff", a, tmp + "/none"], ["diff", "/dev/null", a], ["diff", a, "/bin/sh"]):
    r = subprocess.run([hvt, *bad], capture_output=True)
    ok(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr and not r.stdout, "%s: exit 2" % [
        x.rsplit("/", 1)[-1] for x in bad], r)
finish()
PY
