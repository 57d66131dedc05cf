#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How fast the Python module reads a log: accesses a second, each the best of five, of the
clock on the wall and of CPU time (columns are decoded by all CPUs). It asserts nothing.

usage: tests/bench/python.py LOG
"""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cli/python"))
import hvtrace  # noqa: E402

log = hvtrace.open(sys.argv[1])


def measure(what, read):
    walls, cpus = [], []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        n = read()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"{what:48} {n / min(walls) / 1e6:8.2f} {n / min(cpus) / 1e6:8.2f}")


print(f"{'million accesses a second':48} {'wall':>8} {'CPU':>8}")
for names in (("tsc", "addr", "new"), ("ns", "addr", "access", "old", "new", "ip"), ()):
    label = ", ".join(names) or "everything"
    measure(f"columns: {label}", lambda n=names: len(next(iter(log.columns(*n).values()))))
    measure(f"structured array: {label}", lambda n=names: len(log.numpy(*n)))
measure("events, one by one", lambda: sum(1 for _, e in zip(range(200000), log)))
