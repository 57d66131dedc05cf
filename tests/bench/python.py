#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How fast the Python module reads a log: accesses a second, each the best of five, of the
clock on the wall, of CPU time (columns are decoded by all CPUs), and of the part of it that is
not the kernel's, which gives the memory. It asserts nothing.

usage: tests/bench/python.py LOG...    (tests/unit/mkevents N of a build makes logs, N counter too;
HVTRACE_LIBRARY: its cli/libhvtrace.so.0, or empty to do without)
"""
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cli/python"))
import hvtrace  # noqa: E402


def measure(what, read):
    walls, users, cpus = [], [], []
    for _ in range(5):
        before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        n = read()
        walls.append(time.perf_counter() - wall)
        after = resource.getrusage(resource.RUSAGE_SELF)
        users.append(after.ru_utime - before.ru_utime)
        cpus.append(users[-1] + after.ru_stime - before.ru_stime)
    print(f"{what:48} {n / min(walls) / 1e6:8.2f} {n / min(cpus) / 1e6:8.2f} {n / min(users) / 1e6:8.2f}")


for path in sys.argv[1:]:
    log = hvtrace.open(path)
    print(f"{'million accesses a second of ' + Path(path).name:48} {'wall':>8} {'CPU':>8} {'user':>8}")
    for names in (("tsc", "addr", "new"), ("ns", "addr", "access", "old", "new", "ip"), tuple(hvtrace.COLUMNS)):
        label = f"{len(names)} fields" + (f": {', '.join(names)}" if len(names) < 7 else ", all there are")
        measure(f"dict, {label}", lambda: len(log.columns(*names)["addr"]))
        measure(f"array, {label}", lambda: len(log.numpy(*names)))
    measure("events, one by one", lambda: sum(1 for _, e in zip(range(200000), log)))
