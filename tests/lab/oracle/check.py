#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares hvtrace's events with what the simulator's debugger said about the same
physical bytes in the same windows of time, instruction by instruction. TAP on stdout.

What is compared is in compare.py, how the simulator's words are read in simulator.py.
usage: check.py DIRECTORY
"""

import glob
import os
import sys

import compare
import mutate
import simulator

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402


def check(what, wrong):
    """@wrong: empty, or the lines that say what is."""
    tap.check(what, not wrong, "\n".join(wrong))


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [line.split() for line in f]


def window_checks(out, name, window):
    pages = lines(f"{out}/{name}.pages")
    after = f"{out}/{name}.after"
    if os.path.exists(after):
        check(f"{name}: the pages stayed where they were",
              [] if lines(after) == pages else ["before, after:", str(pages), str(lines(after))])
    memory = compare.Memory(pages)
    check(f"{name}: the debugger watched them", [] if window.armed == 2 * window.pieces else
          [f"{window.pieces} pieces, {window.armed} watchpoints"])
    events, wrong = compare.read_events(f"{out}/{name}.json", window)
    check(f"{name}: a whole log with no event lost", wrong)
    wrong = compare.differences(events, window, memory)
    check(f"{name}: {len(events)} events are the simulator's {len(window.hits)} instructions, "
          f"{'byte by byte' if window.all else 'address by address'}", wrong)
    unknown = sum(e["size"] is None for e in events)
    tap.note(f"{name}: {window.root} accesses by root mode or cut short by an exit")
    # Little is compared of an instruction that the decoder cannot place.
    check(f"{name}: {unknown} events of unknown size, at most 1 %",
          ["that is more"] if unknown * 100 > len(events) else [])
    if wrong:
        return  # a mutation of what differs already would say nothing
    for what, mutated in mutate.mutations(events, window.all):
        check(f"{name}: {what} would be noticed",
              [] if compare.differences(mutated, window, memory) else ["it was not"])


def main():
    out = sys.argv[1]
    base, size = lines(f"{out}/module")[0]
    module = range(int(base, 16), int(base, 16) + int(size))
    windows = simulator.windows(f"{out}/simulator", module)
    for name, window in windows.items():
        window_checks(out, name, window)
    names = {os.path.basename(p)[:-len(".pages")] for p in glob.glob(f"{out}/*.pages")}
    check("every window was compared, none was empty",
          sorted(names ^ windows.keys()) + [n for n, w in windows.items() if len(w.hits) < 10])
    tap.finish()


main()
