#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How fast the Python module reads a log: million events a second, each the best of five, of the
clock on the wall by one CPU and by all of them, of CPU time, and of the part of it that is not
the kernel's, which gives the memory. Other work on the machine makes all of them smaller. It
asserts nothing.

usage: tests/bench/python.py LOG...    (tests/unit/mkevents N of a build makes logs, N counter too,
mktrace those of instructions; HVTRACE_LIBRARY: its cli/libhvtrace.so.0, or empty to do without)
"""
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cli/python"))
import hvtrace  # noqa: E402


def run(read):
    """Seconds of the wall, of CPU time, of user time."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    read()
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    user = after.ru_utime - before.ru_utime
    return wall, user + after.ru_stime - before.ru_stime, user


def measure(what, n, read):
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(cpus)])
    alone = min(run(read)[0] for _ in range(5))
    os.sched_setaffinity(0, cpus)
    best = map(min, zip(*(run(read) for _ in range(5))))
    print(f"{what:48}" + "".join(f" {n / seconds / 1e6:8.2f}" for seconds in (alone, *best)))


for path in sys.argv[1:]:
    log = hvtrace.open(path)
    print(f"{'million events a second of ' + Path(path).name:48} {'1 CPU':>8} {'all CPUs':>8} {'CPU time':>8} {'user':>8}")
    for kind, some in (("access", (("tsc", "addr", "new"), ("ns", "addr", "access", "old", "new", "ip"))),
                       ("insn", (("tsc", "tid", "ip"),))):
        n = len(log.columns("seq", kind=kind)["seq"])
        for names in some + (tuple(hvtrace.COLUMNS[kind]),) if n else ():
            label = f"{kind}: {len(names)} fields" + (f", {' '.join(names)}" if len(names) < 7 else ", all there are")
            measure(f"dict, {label}", n, lambda: log.columns(*names, kind=kind))
            measure(f"array, {label}", n, lambda: log.numpy(*names, kind=kind))
    measure("events, one by one", 100000, lambda: sum(1 for _ in zip(range(100000), log)))
