#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares hvtrace's events with the accesses that each case of the table makes, case by
case: address, size, kind, old and new value, and nothing else. TAP on stdout.

NAME.expected is what the program said when it ran traced, NAME.bare what it said when it
ran alone, NAME.events hvtrace's JSON lines (see tests/lab/programs/table.h).
usage: check.py DIRECTORY NAME...
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import check  # noqa: E402

left, names = tap.Directory(sys.argv[1]), sys.argv[2:]
text = left.text


def lines(name):
    return left.load(name)[0]


def value_bytes(e, key):
    """The known bytes of a value, and where they are in the access."""
    length = e.get("value_len", e["size"])
    if e[key] is None:
        return b"", 0
    data = (int(e[key], 16).to_bytes(length, "little") if length <= 8 else bytes.fromhex(e[key]))
    return data, e.get("value_off", 0)


class Access:
    """An event in the table's terms."""

    def __init__(self, e):
        self.event = e
        self.addr, self.size, self.kind = int(e["addr"], 16), e["size"], e["access"]
        self.old, self.off = value_bytes(e, "old") if e["size"] else (b"", 0)
        self.new, _ = value_bytes(e, "new") if e["size"] else (b"", 0)

    def key(self):
        return (self.addr, self.size, self.kind, self.old.hex(), self.new.hex())

    def __str__(self):
        e = self.event
        return (f"{e['access']} {e['addr']},{e['size']} {e['old']} -> {e['new']} exact "
                f"{e['exact']} at {e['ip']} {e['insn']} cpu {e['cpu']} tsc {e['tsc']}")


def key_of(x):
    return (x["addr"], x["size"], x["access"], x["old"], x["new"])


def said(x, base):
    return f"{x['access']} {x['addr']:#x} (+{x['addr'] - base:#x}),{x['size']} {x['old']} -> {x['new']}"


def one_instruction(got):
    return len({(a.event["tsc"], a.event["ip"]) for a in got}) <= 1


def as_list(case, got):
    """One event an access; the accesses of one instruction in any order, at one time."""
    want = case["expect"]
    at = 0
    for step in sorted({x["step"] for x in want}):
        every = sorted(key_of(x) for x in want if x["step"] == step)
        must = sorted(key_of(x) for x in want if x["step"] == step and not x["may"])
        # What may come has to be of the same instruction: the next one's can look alike.
        part = next((p for p in (every, must) if one_instruction(got[at:at + len(p)]) and
                     sorted(a.key() for a in got[at:at + len(p)]) == p), None)
        if part is None:
            return f"differs at step {step}, or that is not one instruction"
        at += len(part)
    return "" if at == len(got) else "has too many events"


def known(a):
    """(address, old, new) of each byte; None where the values are not kept."""
    for i in range(a.size):
        inside = a.off <= i < a.off + len(a.old)
        yield a.addr + i, *((a.old[i - a.off], a.new[i - a.off]) if inside else (None, None))


def as_bytes(case, got):
    """Each byte in one event, with its values; how they are cut does not count."""
    want, may, have = {}, {}, set()
    for x in case["expect"]:
        old, new = bytes.fromhex(x["old"]), bytes.fromhex(x["new"])
        for i in range(x["size"]):
            (may if x["may"] else want)[x["addr"] + i] = (x["access"], old[i], new[i])
    for a in got:
        for at, old, new in known(a):
            if at in have:
                return f"two events at {at:#x}"
            if at not in want and at not in may:
                return f"not accessed: {at:#x}"
            kind, *values = want.get(at) or (a.kind, *may[at][1:])
            if a.kind != kind:
                return f"{a.kind} at {at:#x}, not {kind}"
            # Of a long operand the values are kept up to a limit.
            if old is not None and [old, new] != values:
                return f"{old:02x} -> {new:02x} at {at:#x}, not {bytes(values).hex(' ')}"
            have.add(at)
    missing = sorted(at for at in want if at not in have)
    return f"missing from {missing[0]:#x}" if missing else ""


def as_replay(case, got):
    """The events make of what was there what is there; nothing that is demanded is missing."""
    memory, lo = list(bytes.fromhex(case["before"])), case["lo"]
    watched = {at for first, end in case["watch"] for at in range(first, end)}
    want = {(x["addr"] + i, x["access"]) for x in case["expect"] for i in range(x["size"])
            if x["addr"] + i in watched}
    for a in got:
        for at, old, new in known(a):
            if at not in watched:
                continue
            was = memory[at - lo]
            if old is not None and was is not None and was != old:
                return f"{old:02x} at {at:#x}, where {was:02x} was left"
            if a.kind != "read":
                memory[at - lo] = new
            want.discard((at, a.kind))
    after = bytes.fromhex(case["after"])
    wrong = [lo + i for i, v in enumerate(memory)
             if lo + i in watched and v is not None and v != after[i]]
    if wrong:
        return f"{len(wrong)} bytes changed without an event, from {wrong[0]:#x}"
    return f"{len(want)} bytes were not accessed, from {min(want)[0]:#x}" if want else ""


def as_inexact(case, got):
    """Nothing is called exact; there is an event, of the right kind, on every page that is
    accessed; the values that are kept are right."""
    want, kinds = {}, {"read": {"r"}, "write": {"w"}, "rmw": {"r", "w"}}
    for x in sorted(case["expect"], key=lambda x: not x["may"]):  # what is demanded wins
        for i in range(x["size"]):
            want[x["addr"] + i] = (x, bytes.fromhex(x["old"])[i], bytes.fromhex(x["new"])[i])
    if any(a.event["exact"] for a in got):
        return "is called exact"
    have = {}
    for a in got:
        have.setdefault(a.addr // 4096, set()).update(kinds[a.kind])
        old, off = value_bytes(a.event, "old")
        new, _ = value_bytes(a.event, "new")
        for i, values in enumerate(zip(old, new)):
            at = a.addr + off + i
            right = want[at][1:] if at in want else (values[0], values[0])
            if values != right:
                return f"{bytes(values).hex(' ')} at {at:#x}, not {bytes(right).hex(' ')}"
    for at, (x, _, _) in want.items():
        if not x["may"] and not kinds[x["access"]] <= have.get(at // 4096, set()):
            return f"no {x['access']} on the page of {at:#x}"
    return ""


def elements(a):
    """(address, size, old, new) of each iteration of a run, in their order; values may be None."""
    run = a.event.get("run", {"count": 1, "elem": a.size, "down": False})
    places = range(0, run["count"] * run["elem"], run["elem"])
    for at in reversed(places) if run["down"] else places:
        lo = at - a.off
        known = 0 <= lo and lo + run["elem"] <= len(a.old)
        yield (a.addr + at, run["elem"],
               *((v[lo:lo + run["elem"]].hex() if known else None) for v in (a.old, a.new)))


def as_runs(case, got):
    """Each event is one operand of so many iterations in a row; together they are all of them."""
    left = {(x["step"], x["access"], x["addr"], x["size"]): (x["old"], x["new"])
            for x in case["expect"]}
    for a in got:
        parts = list(elements(a))
        if sum(size for _, size, _, _ in parts) != a.size:
            return f"{a}: its count and its size"
        first = [key for key in left if key[1:] == (a.kind, *parts[0][:2])]
        if not first:
            return f"{a}: no iteration left that begins there"
        for i, (addr, size, *values) in enumerate(parts):
            want = left.pop((first[0][0] + i, a.kind, addr, size), None)
            if want is None or (values[0] is not None and tuple(values) != want):
                return f"{a}: iteration {i} of it is {values}, not {want}"
    return f"{len(left)} iterations are in no event" if left else ""


JUDGES = {"runs": as_runs, "list": as_list, "bytes": as_bytes, "replay": as_replay, "inexact": as_inexact}


def judge(case, got, how):
    if case["how"] != "inexact" and not all(a.event["exact"] and a.size for a in got):
        return "is not exact"
    wrong = JUDGES[how](case, got)
    lo, hi = case["code"]
    if not wrong and case["how"] != "replay" and not all(
            lo <= int(a.event["ip"], 16) < hi and a.event["user"] == case.get("user", True)
            for a in got):
        return "is at another place of the code"
    return wrong


def same_cases(a, b):
    """Two runs say the same, but for what is not the same each time."""
    def fixed(cases):
        return [{k: v for k, v in c.items() if k != "after" or not c["varies"]} for c in cases]

    return fixed(a) == fixed(b)


def load(name):
    """What was expected, and the accesses; checks that nothing is lost."""
    expected, everything = lines(f"{name}.expected"), lines(f"{name}.events")
    lost = [e for e in everything if e["type"] == "lost"]
    check(f"{name}: runs as bare, nothing is lost",
          expected and same_cases(expected, lines(f"{name}.bare")) and not lost and
          text(f"{name}.status") == "0\n", (text(f"{name}.status"), text(f"{name}.err"), lost[:3]))
    return expected, [Access(e) for e in everything if e["type"] == "access"]


def program(name, how=None):
    cases, events = load(name)
    for case in cases:
        if "case" not in case:
            continue
        lo, hi = case["lo"], case["hi"]
        mine = [a for a in events if a.addr < hi and a.addr + (a.size or 1) > lo]
        events = [a for a in events if a not in set(mine)]
        if "simulator" in case and not case["model"]:
            check(f"{name}: {case['case']} # SKIP the simulator: {case['simulator']}", True)
            continue
        wrong = "" if case["model"] and case["memory"] and case["registers"] else (
            "table and CPU disagree" if not case["model"] else "the trace changed the result")
        wrong = wrong or judge(case, mine, how or case["how"])
        why = f" # not exact: {case['inexact']}" if "inexact" in case else ""
        detail = "\n".join([wrong, "expected:"] + [said(x, lo) for x in case["expect"]][:5] +
                           ["got:"] + [str(a) for a in mine][:5])
        check(f"{name}: {case['case']}, {len(case['expect'])} accesses{why}", not wrong, detail)
    check(f"{name}: no event beyond", not events, "\n".join(str(a) for a in events[:10]))


def coalesced():
    """All string instructions again, with a run of iterations as one event. An interrupt may
    end one early."""
    program("coalesced", "runs")
    runs = [e for e in lines("coalesced.events") if e.get("run", {"count": 0})["count"] > 1]
    kinds = {e["insn"].split()[1][:4] for e in runs}
    check("coalesced: there are runs of each kind of instruction",
          kinds == {"movs", "stos", "lods", "cmps", "scas"}, kinds)


def descriptors():
    cases, events = load("descriptors")
    for case in cases:
        lo, hi = case["code"]
        mine = [a for a in events if (a.event.get("vector", -1) == case["vector"] and
                                      lo <= int(a.event["ip"], 16) < hi)]
        events = [a for a in events if a not in set(mine)]
        want = sorted((addr, size, "read") for addr, size in case["reads"])
        check(f"descriptors: {case['case']}, {len(want)} reads",
              all(a.event["exact"] and a.old == a.new for a in mine) and
              sorted((a.addr, a.size, a.kind) for a in mine) == want,
              "\n".join([str(want)] + [str(a) for a in mine]))
    check("descriptors: what is left is the kernel's, or the delivery of interrupts",
          all(not a.event["user"] or "vector" in a.event for a in events),
          "\n".join(str(a) for a in events if a.event["user"] and "vector" not in a.event))
    check("descriptors: and exact", all(a.event["exact"] and a.size for a in events),
          "\n".join(str(a) for a in events if not a.event["exact"]))


def walks():
    table, memory, pages = map(int, text("walks.expected").split())
    events = [Access(e) for e in lines("walks.events") if e["type"] == "access"]
    by_walker = [a for a in events if a.event.get("walk")]
    entries = [int(a.event["gpa"], 16) % 4096 // 8 for a in by_walker]
    check("walks: every page that is touched is walked to, no other",
          set(entries) == set(range(pages)), sorted(set(entries)))
    check("walks: each is of 8 bytes, with the address that it translates",
          all(a.size == 8 and (a.addr - memory) // 4096 == n and a.event["exact"]
              for a, n in zip(by_walker, entries)), "\n".join(map(str, by_walker[:4])))
    last = table + 8 * (pages - 1)
    made = [a for a in events if a.addr == last and "w" in a.kind and a.old and a.new and
            a.old[0] & 1 == 0 and a.new[0] & 1]
    check("walks: the kernel makes the missing entry once", len(made) == 1 and
          not made[0].event["user"] and made[0].size == 8, "\n".join(map(str, made)))
    # A walk that finds none faults: its instruction does not retire, and is not an access.
    check("walks: each sees a present entry, of the page that was made the new one",
          all(a.old[0] & 1 and a.old == a.new for a in by_walker if a.kind == "read") and
          all(a.old == made[0].new for a, n in zip(by_walker, entries) if n == pages - 1))
    check("walks: what is not by the walker is the kernel's",
          all(not a.event["user"] for a in events if not a.event.get("walk")))


PARTS = {"coalesced": coalesced, "descriptors": descriptors, "walks": walks}
for name in names:
    try:
        PARTS.get(name, lambda: program(name))()
    except Exception as e:  # a missing file or field is a failed check, not a crash
        check(f"{name}: {type(e).__name__}: {e}", False)
tap.finish()
