#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace mark: notes reach the agents' logs, of those who may; every reader of a log shows
# them between the events by time. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" marks >"$tmp/log"
# the sockets of a network namespace of our own: other sessions of this machine are not ours
own=
[ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null && own='unshare -n'
$own python3 - "$hvt" "$build/tests/unit" "$tmp" <<'PY'
import csv, io, json, os, subprocess, sys
from tap import finish, ok
hvt, unit, tmp = sys.argv[1:]

def run(*args, code=0, **more):
    r = subprocess.run([hvt, *args], capture_output=True, **more)
    assert r.returncode == code, (args, r)
    return r.stdout.decode("ascii")

# --- in a log
log = tmp + "/log"
lines = [json.loads(l) for l in run("script", "--format", "json", log).splitlines()]
order = [l["text"] if l["type"] == "mark" else l["tsc"] for l in lines]
evil = "\x1b[31m\ufffd\"\\<evil>\n"
want = ["before", "at the first", 2000, 2100, 2200, "between", evil, 2300] + list(range(2400, 3000, 100)) + ["last"]
ok(order == want, "marks are between the events by time", order)
marks = [l for l in lines if l["type"] == "mark"]
ok(marks[0] == {"type": "mark", "ns": 5000000500, "tsc": 1500, "pid": 77, "uid": 1000, "text": "before"}, "JSON says who and when", marks[0])
text = run("script", log).splitlines()
ok(text[0] == "     5.000000 mark by 1000/77: before" and r"\x1b[31m\xff\"\\<evil>\x0a".replace('\\"', '"') in text[6], "text has them, escaped", text)
rows = list(csv.DictReader(io.StringIO(run("script", "--format", "csv", log))))
ok([r["text"] for r in rows if r["type"] == "mark"][:3] == ["before", "at the first", "between"] and rows[0]["cpu"] == "" and
   rows[0]["pid"] == "77", "csv has them", rows[0])
ok(run("script", "--format", "perf-script", log).startswith("# 5.000000 mark before\n"), "perf-script has them as comments")
ok([l for l in run("script", "--format", "mmiotrace", log).splitlines() if l.startswith("MARK")][0] == "MARK 5.000000 before", "mmiotrace has them")
ok(sum('"mark"' in l for l in run("script", "--format", "json", "--cpu", "1", log).splitlines()) == 5, "they are of no CPU")
ok(json.loads(run("stat", "--format", "json", log).splitlines()[0])["accesses"] == 10, "they count as nothing")
ok(json.loads(run("at", "--format", "json", "6", "counter", log))["event"] == 6, "at takes one for a moment")
ok("proved" in run("verify", log), "verify reads such a log")
whole = open(log, "rb").read()
bad = []
for n in range(0, len(whole), 7):
    r = subprocess.run([hvt, "script", "--format", "json", "-"], input=whole[:n], capture_output=True)
    got = [json.loads(l) for l in r.stdout.splitlines()]
    tscs = [l["tsc"] for l in got]
    if r.returncode != 1 or r.stderr.count(b"\n") != 1 or tscs != sorted(tscs) or not all(g in lines for g in got):
        bad.append((n, r))
ok(not bad, "a log cut anywhere has those that are there, in order", bad[:1])

# --- into one that is being written
def agent(count, **env):
    out = open(tmp + "/written", "wb")
    p = subprocess.Popen([unit + "/marklog", str(count)], stdout=out, stderr=subprocess.PIPE, env=dict(os.environ, **env))
    assert p.stderr.readline() == b"ready\n"
    return p

def written():
    return [json.loads(l) for l in run("script", "--format", "json", tmp + "/written").splitlines()]

p = agent(3, SUDO_UID=str(os.getuid()))
sessions = lambda: [l.rsplit("/", 1)[1].strip() for l in open("/proc/net/unix") if " @hvtrace-mark/" in l]
ok(str(p.pid) in sessions(), "a session has a socket of its number")
ok(run("mark", "-s", str(p.pid), "one", "two") == "", "mark is silent")
raw = b"\x1b[0m\xff\"'<\n"
run("mark", "-s", str(p.pid), raw)
run("mark", "-s", str(p.pid), "x" * 4096)
ok(p.wait(timeout=30) == 0, "the agent has them")
got = written()
ok([m["text"] for m in got] == ["one two", "\x1b[0m\ufffd\"'<\n", "x" * 4096], "they are in its log, any bytes", got)
ok({m["uid"] for m in got} == {os.getuid()} and len({m["pid"] for m in got}) == 3 and
   [m["tsc"] for m in got] == sorted(m["tsc"] for m in got), "with who and when", got)
r = subprocess.run([hvt, "mark", "-s", str(p.pid), "late"], capture_output=True)
ok(r.returncode == 1 and r.stderr.count(b"\n") == 1 and b"no such session" in r.stderr, "a session that is over: exit 1, one line", r)
if not sessions():
    a, b = agent(1, SUDO_UID=str(os.getuid())), None
    r = subprocess.run([hvt, "mark", "to all"], capture_output=True)
    ok(r.returncode == 0 and a.wait(timeout=30) == 0 and written()[0]["text"] == "to all", "without -s it goes to every session", r)
    r = subprocess.run([hvt, "mark", "to nobody"], capture_output=True)
    ok(r.returncode == 1 and b"nothing is being watched" in r.stderr and r.stderr.count(b"\n") == 1, "none: exit 1, one line", r)
if os.getuid() == 0:
    p = agent(1, SUDO_UID="12345")
    os.chmod(tmp, 0o755)
    def become(uid):
        return lambda: (os.setgid(uid), os.setuid(uid))
    copy = tmp + "/hvtrace"
    subprocess.run(["cp", hvt, copy], check=True)
    r = subprocess.run([copy, "mark", "-s", str(p.pid), "no"], capture_output=True, preexec_fn=become(54321))
    ok(r.returncode == 3 and b"somebody else" in r.stderr and r.stderr.count(b"\n") == 1, "another user may not: exit 3, one line", r)
    r = subprocess.run([copy, "mark", "-s", str(p.pid), "yes"], capture_output=True, preexec_fn=become(12345))
    ok(r.returncode == 0 and p.wait(timeout=30) == 0, "the user behind sudo may", r)
    ok([(m["text"], m["uid"]) for m in written()] == [("yes", 12345)], "and nothing else is in the log", written())
for bad in ([], ["x" * 4097], ["-s"]):
    r = subprocess.run([hvt, "mark", *bad], capture_output=True)
    ok(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr, "mark %.20s: exit 2" % bad, r)
finish()
PY
