#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Which instructions of a trace ran most often, and in how many threads?

usage: hot.py LOG [HOW_MANY]      (needs numpy)
"""
import sys

import numpy

import hvtrace

log = hvtrace.open(sys.argv[1])
a = log.numpy("ip", "pid", "tid", "ns", kind="insn")
ips, first, where, counts = numpy.unique(a["ip"], return_index=True, return_inverse=True, return_counts=True)
for i in numpy.argsort(-counts, kind="stable")[:int(sys.argv[2]) if len(sys.argv) > 2 else 20]:
    one = a[first[i]]
    s = log.symbol(int(ips[i]), int(one["pid"]), int(one["ns"]))
    name = f"{s.name}+{s.off:#x}" if s.name else s.obj or "?"
    print(f"{counts[i]:8}  {100 * counts[i] / len(a):5.1f} %  {int(ips[i]):#018x}  {name:32}  "
          f"{len(numpy.unique(a['tid'][where == i]))} threads")
