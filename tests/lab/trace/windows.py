# SPDX-License-Identifier: GPL-2.0-only
"""What each window of the long program has to hold, out of all of its instructions, by the
definition of the options. suite.sh has the commands."""

import re
import subprocess


def window(ips, start=None, to=None, count=None, after=0, repeat=False, wanted=None, fires=None):
    """@wanted: is the instruction at ip recorded. @fires: does the one at ip make the access
    that opens the window; the first that can be recorded is the one behind it."""
    found, closed_for_good = [], False
    is_open = start is None and fires is None
    seen = recorded = 0
    for ip in ips:
        if not is_open and not closed_for_good and ip == start:
            is_open, seen, recorded = True, 0, 0
        if is_open:
            if wanted is None or wanted(ip):
                seen += 1
                if seen > after:
                    found.append(ip)
                    recorded += 1
            if ip == to or recorded == count:
                is_open, closed_for_good = False, not repeat
        if not is_open and not closed_for_good and fires and fires(ip):
            is_open, seen, recorded = True, 0, 0
    return found


def stores_of(symbols, function, variable):
    """The instructions of @function that write @variable."""
    text = subprocess.run(["objdump", "-d", f"--disassemble={function}", symbols.program],
                          stdout=subprocess.PIPE, text=True).stdout
    return {int(m[1], 16) for m in re.finditer(
        rf"^ +([0-9a-f]+):.*,0x[0-9a-f]+\(%rip\) +# [0-9a-f]+ <{variable}>$", text, re.M)}


def cases(ips, symbols):
    def at(name):
        return symbols.of[name][0]

    def inside(*names):
        spans = [symbols.of[n] for n in names]
        return lambda ip: any(a <= ip < a + size for a, size in spans)

    both = inside("strings")
    skip = inside("ackermann", "add")
    yield "to", window(ips, at("vectors"), at("kernel"))
    yield "repeat", window(ips, at("add"), at("ackermann"), repeat=True)
    yield "count", window(ips, count=1000)
    yield "after", window(ips, after=2000, count=500)
    yield "again", window(ips, at("order"), count=7, repeat=True)
    yield "again_after", window(ips, at("order"), after=3, count=4, repeat=True)
    yield "only", window(ips, wanted=inside("ackermann"))
    yield "skip", window(ips, wanted=lambda ip: not skip(ip))
    yield "both", window(ips, at("strings"), at("kernel"), wanted=both)
    yield "off", window(ips, ips[20000], count=30)
    stores = stores_of(symbols, "add", "sum")
    yield "on", window(ips, count=5, repeat=True, fires=lambda ip: ip in stores)
    yield "never", []
