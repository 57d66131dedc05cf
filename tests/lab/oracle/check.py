#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares hvtrace's events with the simulator's own watchpoints on the same physical
bytes, access by access. TAP on stdout.

The simulator reports each access at the simulated time t, which is the guest's TSC, with
the address of the next instruction. Root mode's own reads of old and new values are not
the guest's: the file ROOT says where that code is. A read-modify-write is one write.
usage: check.py TRACE.json SIMULATOR.log ROOT SYMBOL=PHYS,LEN...
"""

import json
import re
import sys

SLACK = 20000  # simulated instructions between an access and the record of it

results = []


def check(what, ok, detail=""):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {what}")
    if not ok:
        print("\n".join(f"# {line}" for line in str(detail).splitlines()[:12]))


def oracle(log, root, ranges):
    """(t, kind, physical address) of each access by the guest."""
    hits, pending, t = [], [], None
    caught = re.compile(r"Caught (read|write) watch point at 0x0*([0-9a-f]+)")
    with open(log, errors="replace") as f:
        for line in f:
            if m := caught.search(line):
                addr = int(m[2], 16)
                if any(lo <= addr < hi for lo, hi in ranges):
                    pending.append((m[1], addr))
            elif m := re.match(r"Next at t=(\d+)", line):
                t = int(m[1])
            elif m := re.match(r"\(\d+\) \[0x[0-9a-f]+\] [0-9a-f]+:([0-9a-f]+)", line):
                if hits and t < hits[-1][0]:
                    break  # the log says everything twice, one copy after the other
                if int(m[1], 16) not in root:
                    hits += [(t, kind, addr) for kind, addr in pending]
                pending = []
    return hits


def main():
    trace, log, root, wanted = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    with open(root) as f:
        code = {name: int(addr, 16) for name, addr in map(str.split, f)}
    code = range(code["hvt_copy_safe"], code["hvt_fixup"])
    ranges = []
    for w in wanted:
        lo, length = w.split("=")[1].split(",")
        ranges.append((int(lo, 16), int(lo, 16) + int(length)))
    events = []
    with open(trace) as f:
        for line in f:
            if line.startswith('{"type":"access"'):
                events.append(json.loads(line))
    hits = oracle(log, code, ranges)
    check("there is something to compare", len(events) > 100 and len(hits) > 100,
          (len(events), len(hits)))
    first, last = events[0]["tsc"] - SLACK, events[-1]["tsc"]
    hits = [h for h in hits if first <= h[0] <= last]
    # What came just before the first event was before the watch was armed.
    ours = [("read" if e["access"] == "read" else "write", int(e["gpa"], 16)) for e in events]
    theirs = [h[1:] for h in hits][-len(ours):]
    check(f"the same {len(ours)} accesses in the same order", ours == theirs,
          next(((i, a, b) for i, (a, b) in enumerate(zip(ours, theirs)) if a != b),
               (len(ours), len(theirs))))
    extra = len(hits) - len(ours)
    check("nothing between the first and the last event that is not an event",
          extra >= 0 and all(h[0] < events[0]["tsc"] - 1000 for h in hits[:extra]),
          (extra, hits[:3]))
    check("both kinds occurred", {"read", "write"} == {k for k, _ in ours})
    print(f"1..{len(results)}")
    return not all(results)


sys.exit(main())
