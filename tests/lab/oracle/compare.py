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
simulator splits one at a page's end and vectors into parts. Nothing else is made alike,
except what this simulator does otherwise than the SDM:

- a store under a mask (and VPMOV to fewer bytes) first reads for writing what it is about
  to write, element by element; MASKMOVDQU and MASKMOVQ read and write the other bytes too,
  and read also when the mask is empty;
- a shift by 0 does not write.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from itertools import groupby

KINDS = {"read": "R", "write": "W", "rmw": "RW"}
TRANSFER = re.compile(r"(bnd )?(call|ret|jmp|j\w+|loop\w*|int\w*|iret\w*|sys\w+)\b")

MASKED = re.compile(r"v?p?maskmov|vpmov|v.*\{k[1-7]\}")


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
    if text is None:
        return b""
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
    """(R or W, physical, linear, value) of each byte of one instruction's events, counted."""
    found = Counter()
    for e in group:
        for kind, text in (("R", e["old"]), ("W", e["new"])):
            if kind not in KINDS[e["access"]]:
                continue
            data = number(text, e["size"])
            for i, byte in enumerate(data, e.get("value_off", 0)):
                phys = memory.phys(e, i)
                if phys in memory.watched:
                    found[kind, phys, int(e["addr"], 16) + i, byte] += 1
    return found


def of_hit(hit, memory):
    """The same of the simulator's. The write half of a read-modify-write has no linear
    address: it is that of the read half."""
    found, lin_of = Counter(), {}
    for a in hit.accesses:
        for i, byte in enumerate(a.value):
            phys = a.phys + i
            if phys not in memory.watched:
                continue
            if a.lin is not None:
                lin_of[phys] = a.lin + i
            found["W" if a.kind == "WR" else "R", phys, lin_of[phys], byte] += 1
    return found


def masked_store(e):
    return e["access"] == "write" and MASKED.match(e["insn"] or "")


def writes(found):
    return Counter({k: n for k, n in found.items() if k[0] == "W"})


def other_bytes(group, hit, memory):
    """Both sides' bytes, without those that are the same."""
    ours, theirs = of_events(group, memory), of_hit(hit, memory)
    if masked_store(group[0]):
        theirs = writes(theirs)
        if "maskmov" in group[0]["insn"] and not group[0]["insn"].startswith("v"):
            return ours - theirs, Counter()
    elif theirs and not writes(theirs) and hit.kind == "write":
        # The shift: what it would have written is what it has read.
        ours -= Counter({("W", *k[1:]): n for k, n in theirs.items()})
    return ours - theirs, theirs - ours


def pruned(hits, groups):
    """Without those that wrote nothing (an empty mask) where we have no event."""
    times = [g[0]["tsc"] for g in groups]
    ends = [h.t for h in hits[1:]] + [float("inf")]
    return [h for h, end in zip(hits, ends)
            if any(a.kind != "RW" for a in h.accesses) or not h.accesses or
            bisect_left(times, h.t) < bisect_left(times, end)]


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
        parts = e["size"] and (e["size"] > 8 or masked_store(e))
        if parts and first < hit.phys < first + e["size"]:
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
    if not place(group, hit):
        return "another instruction"
    if not last_access(group, hit, memory):
        return "another access"
    if any(e["size"] is None for e in group):
        return ""
    if not window.all:
        operands = {(e["gpa"], e["access"]) for e in group}
        return "the same access twice" if len(operands) < len(group) else ""
    ours, theirs = other_bytes(group, hit, memory)
    if not ours and not theirs:
        return ""
    return f"ours alone: {named(ours)}; theirs alone: {named(theirs)}"


def named(found):
    return " ".join(f"{kind} 0x{lin:x} {byte:02x}" for kind, _, lin, byte in sorted(found)[:8])


def differences(events, window, memory):
    """Lines that say what differs; none when all is the same."""
    wrong = [] if events and window.hits else ["nothing to compare"]
    for cpu in sorted({e["cpu"] for e in events} | {h.cpu for h in window.hits}):
        ours = [list(g) for _, g in groupby((e for e in events if e["cpu"] == cpu),
                                            key=lambda e: e["tsc"])]
        theirs = pruned([h for h in window.hits if h.cpu == cpu], ours)
        if len(ours) != len(theirs):
            wrong.append(f"CPU {cpu}: {len(ours)} instructions, the simulator has {len(theirs)}")
        for n, (group, hit) in enumerate(zip(ours, theirs)):
            following = theirs[n + 1] if n + 1 < len(theirs) else None
            if what := instruction(group, hit, following, window, memory):
                wrong += [f"CPU {cpu}, instruction {n}: {what}",
                          *("  ours: " + json.dumps(e) for e in group), f"  theirs: {hit}"]
                if len(wrong) > 8 or len(ours) != len(theirs):
                    break
    return wrong
