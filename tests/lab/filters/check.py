#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

What each filter lets pass is computed here from what the program says that it did; the
events have to be exactly that, in that order, and the counters of status have to add up.
usage: check.py DIRECTORY
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import check, difference  # noqa: E402

left = tap.Directory(sys.argv[1])
text = left.said
NEAR = 13  # the program's accesses to the same page that are not to the cell
twice = ["phys_seen"]  # what the program did two times


def lines(name):
    return left.load(name)[0]


def accesses(name):
    return [e for e in lines(name + ".json") if e["type"] == "access"]


pid, tid, child, phys, cpus = text("ids").split()
pid, tid, child, cpus = int(pid), int(tid), int(child), int(cpus)


def after(t):
    """The watched bytes that the access touched, after it."""
    return t["new"] & 0xffffffff if t["size"] == 4 else t["new"]


def changed(t):
    return t["old"] != t["new"]


def user(t):
    return t["user"]


FIRST = lambda t: t["pid"] == pid and t["tid"] == pid
filters = {
    "all": lambda t: True,
    "pid": lambda t: t["pid"] == child,
    "pids": lambda t: True,
    "tid": lambda t: t["tid"] == tid,
    "comm": lambda t: not FIRST(t),
    "nobody": lambda t: False,
    "cpu": lambda t: t["cpu"] == cpus - 1,
    "user": user,
    "kernel": lambda t: not user(t),
    "changed": changed,
    "eq": lambda t: after(t) == 100,
    "ne": lambda t: after(t) != 100,
    "lt": lambda t: after(t) < 200,
    "le": lambda t: after(t) <= 200,
    "gt": lambda t: after(t) > 300,
    "ge": lambda t: after(t) >= 300,
    "and": lambda t: after(t) & 1,
    "every": lambda t: True,
    # code is looked up in the process that is watched: the child's is not meant
    "store": lambda t: t["code"] == "store" and t["pid"] == pid,
    "put": lambda t: t["code"] == "put",
    "object": lambda t: user(t) and t["pid"] == pid,
    "image": lambda t: not user(t),
    "module": lambda t: False,
    "two": lambda t: t["code"] == "get" or (t["code"] == "load" and t["pid"] == pid),
    "range": lambda t: t["code"] == "put",
    "all_of_them": lambda t: t["pid"] == pid and t["code"] == "store" and changed(t) and after(t) >= 200,
    "phys_none": lambda t: t["pid"] == child and t["code"] == "put",
    "limit": lambda t: True,
    "limit_some": lambda t: user(t) and after(t) > 100,
    "phys": lambda t: True,
    "phys_seen": lambda t: True,
    "phys_pid": lambda t: t["pid"] == child and changed(t),
}
every = {"every": 7, "all_of_them": 2, "limit_some": 3}
limits = {"limit": 9, "limit_some": 4}


def as_truth(e):
    mask = (1 << (8 * e["size"])) - 1 if e["size"] else 0
    return (e["pid"], e["tid"], e["comm"], e["user"], e["access"], e["size"],
            int(e["old"], 16) & mask, int(e["new"], 16) & mask)


def as_event(t):
    mask = (1 << (8 * t["size"])) - 1
    return (t["pid"], t["tid"], t["comm"], t["user"], t["access"], t["size"], t["old"] & mask,
            t["new"] & mask)


def exact(name):
    truth = lines(name + ".truth")
    want = [t for t in truth if filters[name](t)]
    if name in every:
        want = want[every[name] - 1::every[name]]
    want = [as_event(t) for t in want[:limits.get(name)]]
    got = [as_truth(e) for e in accesses(name)]
    check(f"{name}: exactly the {len(want)} of {len(truth)} accesses that pass",
          truth and got == want, text(name + ".err") + difference(want, got))
    check(f"{name}: status 0", text(name + ".rc").strip() == "0", text(name + ".err"))
    return truth, len(want)


def adds_up(name, truth, passed):
    watches = json.loads(text(name + ".state"))["watches"]
    w = watches[0] if len(watches) == 1 else {}
    counts = [w.get("hits"), w.get("filtered"), w.get("near")]
    want = [passed, len(truth) - passed, 2 * NEAR if name in twice else NEAR]
    check(f"{name}: hits, filtered and near add up", counts == want, f"{counts}, want {want}")
    f = w.get("filter")
    check(f"{name}: status has its filter", (f is None) == (name in ("all", "phys", "phys_seen")) and
          (f is None or f["passed"] == passed), f)


for name in filters:
    truth, passed = exact(name)
    if name in limits:
        check(f"{name}: ends by itself", text(name + ".itself").strip() == "yes", text(name + ".err"))
    else:
        adds_up(name, truth, passed)

# the physical watch says where, and that it is physical
events = accesses("phys")
check("phys: all at its address", events and all(int(e["gpa"], 16) == int(phys, 16) for e in events))
check("phys: by both processes", {e["pid"] for e in events} == {pid, child})

# the kernel's copies: each byte of buffer once out and once in, in whatever pieces
for direction in "write", "read":
    at = sorted(int(e["addr"], 16) + i for e in accesses("io") if e["access"] == direction
                for i in range(e["size"]))
    check(f"io: the kernel's {direction}s cover 8 bytes, each once",
          len(at) == 8 and at == list(range(at[0], at[0] + 8)), at)
check("io: all by the kernel", accesses("io") and not any(e["user"] for e in accesses("io")))
check("io: none by user code", accesses("io_user") == [], accesses("io_user"))

its = accesses("iterations")
base = min((int(e["addr"], 16) for e in its), default=0)
places = [(int(e["addr"], 16) - base, e["size"], int(e["new"], 16)) for e in its]
check("iterations: 32 of one byte, in order", places ==
      [(i, 1, ord("u")) for i in range(16)] + [(i, 1, ord("d")) for i in range(47, 31, -1)], places)
# an interrupt ends a run early; what is left of it is another one
runs = [(int(e["addr"], 16) - base, e["size"], e.get("run")) for e in accesses("runs")]
order = [at + (n - 1 - i if run["down"] else i) for at, n, run in runs if run for i in range(n)]
check("coalesced: runs over the same bytes in the same order", order == [at for at, _, _ in places], runs)
check("coalesced: fewer than elements, with their counts", 2 <= len(runs) < len(its) and
      all(run and run["count"] == n and run["elem"] == 1 for _, n, run in runs), runs)

later = [(e["addr"], e["new"]) for e in accesses("later")]
check("memory mapped later: its 3 stores", later == [("0x20000000", hex(i)) for i in (1, 2, 3)], later)
check("memory mapped later: one note says so",
      len(re.findall(r"^hvtrace: 0x20000000,8: nothing is mapped at", text("later.err"), re.M)) == 1,
      text("later.err"))

check("a limit with a command: exactly 7, its output and status",
      len(accesses("command")) == 7 and "\n1000\n" in "\n" + text("command.json")
      and text("command.rc").strip() == "0", text("command.err"))
info = json.loads(text("command2.info") or "{}")
check("a limit with a command: it runs on to its own status", text("command2.rc").strip() == "7" and
      info.get("accesses") == 1 and info.get("ended") == "limit reached", text("command2.err") + str(info))

if "APIC" in text("iomem"):
    device = accesses("device")
    named = "Local APIC" in text("iomem")  # newer kernels do not say that it is there
    check("a device: 6 events, old unknown, the register named", len(device) == 6 and
          all(e.get("device") and e["old"] is None for e in device) and
          all(named == ("APIC" in str(e["addr_sym"])) for e in device),
          text("device.err") + str(device[:2]))
    said = [x.split() for x in text("device.mmiotrace").splitlines()]
    rw = [(x[0], int(x[1]), int(x[4], 16), int(x[5], 16)) for x in said if x[0] in "RW"]
    check("a device: mmiotrace says the same", said[:1] == [["VERSION", "20070824"]] and rw ==
          [("R" if e["access"] == "read" else "W", e["size"], int(e["gpa"], 16), int(e["new"], 16))
           for e in device if e["new"]], rw)

truth = lines("exec.truth")
mine = [t for t in truth if t["pid"] == pid]
got = [e for e in accesses("exec") if e["pid"] == pid and e["size"] and e["sym"] is not None]
names = [e["sym"].split("+")[0] for e in got if e["user"]]
check("execve: it is the same process", text("exec.pid").strip() == str(pid), text("exec.pid"))
tail = [as_truth(e) for e in accesses("exec") if e["pid"] == pid][-len(mine):]
check("execve: the watch goes on in the new program", mine and tail == [as_event(t) for t in mine],
      f"{len(tail)} of {len(mine)}: {text('exec.err')}")
check("execve: and its code has names", names and set(names[-5:]) <= {"store", "load", "bump"}, names[-5:])

check("nothing is left armed", json.loads(text("status.json"))["watches"] == [], text("status.json"))
tap.calm(text("dmesg"))
tap.finish()
