#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Where do two runs of the same work part? Addresses differ from run to run, names do not: an
access is what it does to what, from which symbol, and the values.

usage: diff.py LOG LOG          exits with 1 when they differ
"""
import itertools
import sys

import hvtrace


def accesses(path):
    for e in hvtrace.open(path):
        if e.type == "access":
            yield e


def same(e):
    return e and (e.access, e.addr_sym or hex(e.addr), e.size, e.old, e.new, e.sym or e.obj_off or hex(e.ip))


def line(e):
    return f"{e.ns / 1e9:.9f} {e.comm} {same(e)} {e.insn or ''}" if e else "(ended)"


for n, (a, b) in enumerate(itertools.zip_longest(*map(accesses, sys.argv[1:3]))):
    if same(a) != same(b):
        print(f"they differ from access {n} on:\n< {line(a)}\n> {line(b)}")
        sys.exit(1)
print("the same accesses")
