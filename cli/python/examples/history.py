#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What did this object hold, at each time that it changed? Bytes not known yet are dots.

usage: history.py LOG ADDRESS,LENGTH
"""
import sys

import hvtrace

addr, length = (int(n, 0) for n in sys.argv[2].split(","))
memory = [None] * length


def store(e, value):
    """The bytes of a value of e that lie in the object."""
    if value is None:
        return
    if isinstance(value, int):
        value = value.to_bytes(e.value_len, "little")
    for i, byte in enumerate(value, e.addr + e.value_off - addr):
        if 0 <= i < length:
            memory[i] = byte


def show():
    return " ".join("".join("..." if b is None else f"{b:02x}" for b in memory[i:i + 8])
                    for i in range(0, length, 8)).replace("...", "..")


for e in hvtrace.open(sys.argv[1]):
    if e.type == "lost":
        memory = [None] * length
        print(f"{e.ns / 1e9:16.9f}  {e.count} events of CPU {e.cpu} were lost: nothing is known")
    if e.type != "access" or not (e.addr < addr + length and addr < e.addr + (e.size or 1)):
        continue
    store(e, e.old)
    before = show()
    store(e, e.new)
    if e.writes or show() != before:
        print(f"{e.ns / 1e9:16.9f}  {e.comm:16}  {e.sym or hex(e.ip):32}  {before} -> {show()}")
