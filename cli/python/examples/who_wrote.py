#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Who wrote this field, and from where?

usage: who_wrote.py LOG ADDRESS[,LENGTH]
"""
import sys
from collections import Counter

import hvtrace

addr, _, length = sys.argv[2].partition(",")
addr, length = int(addr, 0), int(length or "1", 0)
writers, last = Counter(), {}
for e in hvtrace.open(sys.argv[1]):
    if e.type == "access" and e.writes and e.addr < addr + length and addr < e.addr + (e.size or 1):
        who = e.sym or e.obj or hex(e.ip), e.comm, e.insn
        writers[who] += 1
        last[who] = e.new
for (sym, comm, insn), n in writers.most_common():
    value = last[sym, comm, insn]
    print(f"{n:8}  {sym:32}  {comm:16}  {hex(value) if isinstance(value, int) else value}  {insn or ''}")
