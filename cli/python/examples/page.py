#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Which instructions touch this page, how often, at which offsets?

usage: page.py LOG ADDRESS      (needs numpy)
"""
import sys

import numpy

import hvtrace

log = hvtrace.open(sys.argv[1])
page = int(sys.argv[2], 0) & ~4095
a = log.numpy("ns", "pid", "addr", "access", "ip")
a = a[a["addr"] & ~numpy.uint64(4095) == page]
ips, where, counts = numpy.unique(a["ip"], return_inverse=True, return_counts=True)
for i in numpy.argsort(-counts, kind="stable"):
    of = a[where == i]
    offsets = numpy.unique(of["addr"] - numpy.uint64(page))
    kinds = "".join(c for bit, c in ((1, "r"), (2, "w"), (4, "x")) if (of["access"] & bit).any())
    s = log.symbol(int(ips[i]), int(of["pid"][0]), int(of["ns"][0]))
    name = f"{s.name}+{s.off:#x}" if s.name else s.obj or "?"
    print(f"{counts[i]:8}  {kinds:3}  {int(ips[i]):#018x}  {name:32}  "
          f"+{offsets[0]:#x}..+{offsets[-1]:#x}, {len(offsets)} offsets")
