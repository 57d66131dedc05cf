# SPDX-License-Identifier: GPL-2.0-only
"""hvtrace's events against the simulator's hits.

Both sides are streams of instructions that touched watched bytes, one stream per CPU. They
must have the same length, and the n-th of one is compared with the n-th of the other:

time        the record's TSC is after the instruction and before the CPU's next one
place       the next instruction is where this one ends, unless it repeats or transfers
hits        the access that the debugger names (the last one) is one of the events
all         the bytes read and the bytes written inside the watched pieces are the same,
            each with its linear address and its value

Bytes rather than operands are compared because the two cut operands differently: the
simulator splits one at a page's end and vectors into parts. Nothing else is made alike.
"""

import json
import re
from itertools import groupby

KINDS = {"read": "R", "write": "W", "rmw": "RW"}
TRANSFER = re.compile(r"(bnd )?(call|ret|jmp|j\w+|loop\w*|int\w*|iret\w*|sys\w+)\b")


class Memory:
    """The watched pieces."""

    def __init__(self, pages):
        self.pieces = [(int(lin, 16), int(phys, 16), int(n)) for lin, phys, n in pages]
        self.watched = {phys + i for _, phys, n in self.pieces for i in range(n)}
        self.by_lin = {lin >> 12: phys >> 12 for lin, phys, _ in self.pieces}

    def phys(self, event, i):
        """Where byte @i of the event's operand is; None: on a second page, not watched."""
        first, lin = int(event["gpa"], 16), int(event["addr"], 16) + i
        if (first & 4095) + i < 4096:
            return first + i
        page = self.by_lin.get(lin >> 12)
        return page and (page << 12) + (lin & 4095)


def number(text, size):
    if text.startswith("0x"):
        return int(text, 16).to_bytes(size, "little")
    return bytes.fromhex(text)


def read_events(path, window):
    """The accesses of the window, and what is wrong with the log."""
    events, wrong = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            e = json.loads(line)
            if e["type"] == "lost":
                wrong.append(line)
            if e["type"] == "access" and window.begin < e["tsc"] < window.end:
                events.append(e)
    return events, wrong or ([] if events else ["no event"])


def of_events(group, memory):
    """{(R or W, physical): (linear, value)} of one instruction's events."""
    found = {}
    for e in group:
        for kind, text in (("R", e["old"]), ("W", e["new"])):
            if kind not in KINDS[e["access"]]:
                continue
            data = number(text, e["size"])
            for i, byte in enumerate(data, e.get("value_off", 0)):
                phys = memory.phys(e, i)
                if phys not in memory.watched:
                    continue
                if (kind, phys) in found:
                    return None
                found[kind, phys] = (int(e["addr"], 16) + i, byte)
    return found


def of_hit(hit, memory):
    """The same of the simulator's. The write half of a read-modify-write has no linear
    address: it is that of the read half."""
    found = {}
    for a in hit.accesses:
        for i, byte in enumerate(a.value):
            phys = a.phys + i
            if phys not in memory.watched:
                continue
            if a.kind != "WR":
                found["R", phys] = (a.lin + i, byte)
            else:
                lin = a.lin + i if a.lin is not None else found["R", phys][0]
                found["W", phys] = (lin, byte)
    return found


def last_access(group, hit, memory):
    """Whether the access that the debugger names is among the instruction's events."""
    kind = "W" if hit.kind == "write" else "R"
    for e in group:
        if kind not in KINDS[e["access"]]:
            continue
        first = int(e["gpa"], 16)
        starts = {first}
        if e["size"] and (first & 4095) + e["size"] > 4096:
            starts.add(memory.phys(e, 4096 - (first & 4095)))
        if hit.phys in starts or e["size"] is None and hit.phys >> 12 == first >> 12:
            return True
        # A vector operand is made in parts.
        if e["size"] and e["size"] > 8 and first < hit.phys < first + e["size"]:
            return True
    return False


def place(group, hit):
    e = group[0]
    end = int(e["ip"], 16) + len(e["bytes"]) // 2
    insn = e["insn"] or ""
    return hit.next_ip == end or TRANSFER.match(insn) or e.get("vector") is not None or \
        e["size"] is None or (insn.startswith("rep") and hit.next_ip == int(e["ip"], 16))


def instruction(group, hit, following, window, memory):
    """What differs between one instruction's events and its hit, "" for nothing."""
    if not hit.t <= group[0]["tsc"] or following and not group[0]["tsc"] < following.t:
        return "at another time"
    operands = {(e["gpa"], e["access"]) for e in group}
    if len(operands) < len(group):
        return "the same access twice"
    if not place(group, hit):
        return "another instruction"
    if not last_access(group, hit, memory):
        return "another access"
    if not window.all or any(e["size"] is None for e in group):
        return ""
    ours, theirs = of_events(group, memory), of_hit(hit, memory)
    if ours is None:
        return "the same byte twice"
    if ours.keys() != theirs.keys():
        return f"other bytes: {sorted(ours.keys() ^ theirs.keys())[:8]}"
    return "" if ours == theirs else "another value or linear address"


def differences(events, window, memory):
    """Lines that say what differs; none when all is the same."""
    wrong = [] if events and window.hits else ["nothing to compare"]
    for cpu in sorted({e["cpu"] for e in events} | {h.cpu for h in window.hits}):
        ours = [list(g) for _, g in groupby((e for e in events if e["cpu"] == cpu),
                                            key=lambda e: e["tsc"])]
        theirs = [h for h in window.hits if h.cpu == cpu]
        if len(ours) != len(theirs):
            wrong.append(f"CPU {cpu}: {len(ours)} instructions, the simulator has {len(theirs)}")
        for n, (group, hit) in enumerate(zip(ours, theirs)):
            following = theirs[n + 1] if n + 1 < len(theirs) else None
            if what := instruction(group, hit, following, window, memory):
                wrong += [f"CPU {cpu}, instruction {n}: {what}",
                          *("  ours: " + json.dumps(e) for e in group), f"  theirs: {hit}"]
                break
    return wrong
