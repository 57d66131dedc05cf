# SPDX-License-Identifier: GPL-2.0-only
"""What the simulator's debugger said about watched bytes, as session.py kept it.

After an instruction that touched a watched byte the debugger prints a block:

    [CPU0 RW]: LIN 0x4bb310 PHY 0x391e310 (len=4, WB): 0x00000001     ("all" only: each access
    [CPU0 WR]: PHY 0x391e310 (len=4, WB): 0x00000002                   of it, in its order)
    (0) Caught write watch point at 0x391e310                         the last access
    Next at t=2841299329
    (0) [0x58ca624] 0033:401624 ...                                   the next instruction

With several processors there is one "(N)" pair for each that has something to say. When the
next instruction is the module's, it was none that the guest retired: root mode reads values
itself, and an instruction that an exit cut short is repeated whole, to be seen again then.
The module's other code touches nothing that is watched.
"""

import re
from dataclasses import dataclass, field

CAUGHT = re.compile(r"\((\d+)\) Caught (read|write) watch point at 0x([0-9a-f]+)")
NEXT = re.compile(r"\((\d+)\) \[0x[0-9a-f]+\] [0-9a-f]+:([0-9a-f]+)")
DETAIL = re.compile(r"\[CPU(\d+) (RD|WR|RW)\]: (?:LIN 0x([0-9a-f]+) )?PHY 0x([0-9a-f]+) "
                    r"\(len=(\d+), \w+\):?((?: (?:0x)?[0-9A-Fa-f]+)*)")


@dataclass
class Access:
    kind: str  # RD, WR, RW: the first half of a read-modify-write, or RD
    lin: int | None
    phys: int
    value: bytes


@dataclass
class Hit:
    """One instruction that touched watched bytes."""
    cpu: int
    t: int
    kind: str  # of the last access: read or write
    phys: int
    next_ip: int
    accesses: list


@dataclass
class Window:
    all: bool
    pieces: int
    begin: int
    end: int = 0
    armed: int = 0
    root: int = 0
    hits: list = field(default_factory=list)


def value(text, length):
    """The debugger prints words from high to low, odd lengths as bytes from high to low."""
    words = text.split()
    data = bytes.fromhex("".join(w[2:] if w.startswith("0x") else w for w in words))[::-1]
    assert len(data) == length, text
    return data


def windows(path, module):
    """{name: Window} in the order of time; @module: the addresses of the module's code."""
    found, w = {}, None
    t, caught, details = 0, {}, {}
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            if m := DETAIL.match(line):
                length = int(m[5])
                details.setdefault(int(m[1]), []).append(
                    Access(m[2], m[3] and int(m[3], 16), int(m[4], 16), value(m[6], length)))
            elif m := CAUGHT.match(line):
                caught[int(m[1])] = (m[2], int(m[3], 16))
            elif line.startswith("Next at t="):
                t = int(line[len("Next at t="):])
            elif m := NEXT.match(line):
                cpu, ip = int(m[1]), int(m[2], 16)
                if cpu not in caught:
                    continue
                kind, phys = caught.pop(cpu)
                accesses = details.pop(cpu, [])
                if ip not in module:
                    w.hits.append(Hit(cpu, t, kind, phys, ip, accesses))
                else:
                    w.root += 1
            elif line.startswith("begin "):
                _, name, detail, pieces, t = line.split()
                w = found[name] = Window(detail == "all", int(pieces), int(t))
                caught, details = {}, {}
            elif line.startswith("end "):
                w.end = int(line.split()[1])
            elif "watchpoint at" in line:
                w.armed += 1
    return found
