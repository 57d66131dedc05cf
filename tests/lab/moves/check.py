#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is what the programs say of themselves (tests/lab/programs/move.h): each access,
its values, and the frame that /proc/PID/pagemap gave for it.
usage: check.py DIRECTORY
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import check, check_complete, difference  # noqa: E402

left = tap.Directory(sys.argv[1])
text, load = left.text, left.load
WORD = 8
OFFSET = 0x7c8
WRITES_ONLY = ("move_phys-merged",)


def value(s):
    return int(s, 16)


def by_role(lines):
    """What each process said of accesses and pages; frames and pids differ between runs."""
    roles = {}
    for line in lines:
        words = line.split()
        if words[0] in ("access", "other", "look"):
            roles.setdefault(words[1], []).append(line.split(" @")[0])
        elif words[0] not in ("pid", "frame"):
            roles.setdefault("rest", []).append(line)
    return roles


def told(lines):
    """The accesses that have to be reported: (role, op, old, new, frame)."""
    for line in lines:
        m = re.match(r"access (\S+) (\S+) (\S+) (\S+) @(\w+)$", line)
        if m:
            yield (m[1], m[2], int(m[3], 0), int(m[4], 0), int(m[5], 16))


def word_bytes(event):
    """Byte of the word -> (old, new), for what an event touched of it."""
    at = (value(event["gpa"]) & 0xfff) - OFFSET
    size = event.get("value_len", event["size"])
    at += event.get("value_off", 0)
    if size <= 8:
        old, new = (value(event[k]).to_bytes(size, "little") for k in ("old", "new"))
    else:
        old, new = bytes.fromhex(event["old"]), bytes.fromhex(event["new"])
    return {at + i: (old[i], new[i]) for i in range(size) if 0 <= at + i < WORD}


def seen(events):
    """
    The accesses in the form of told(). The kernel may copy the word byte by byte: those of
    one process in a row are one until all bytes are there. Its memcpy stores a word
    twice, by two instructions (the overlapping ends of 8 to 16 bytes): that is one, too.
    """
    letters = {"read": "R", "write": "W", "rmw": "A"}
    parts, last, whole = {}, None, None
    for e in events:
        if e["type"] != "access":
            continue
        op = ("" if e["user"] else "k") + letters[e["access"]]
        here = (e["comm"], op, value(e["gpa"]) >> 12)
        new = word_bytes(e)
        if not new:  # of a watch that is wider than the word
            continue
        if not e["user"] and whole and here == whole[0] and e["ip"] != whole[1] and \
                new == {i: (b, b) for i, (_, b) in whole[2].items()}:
            whole = None
            continue
        whole = (here, e["ip"], new) if len(new) == WORD else None
        if here != last or set(new) & set(parts):
            if parts:
                yield joined(last, parts)
            parts = {}
        parts.update(new)
        last = here
        if len(parts) == WORD:
            yield joined(last, parts)
            parts, last = {}, None
    if parts:
        yield joined(last, parts)


def joined(who, parts):
    old, new = (sum(parts[i][n] << 8 * i for i in parts) for n in (0, 1))
    return (who[0], who[1] + ("" if len(parts) == WORD else "?"), old, new, who[2])


def check_remaps(what, events, frames):
    """
    Remaps are a chain; each access is where one of them led; and the page passes through
    all frames that the program saw, in their order.
    """
    state, states, bad = {}, [], []
    for e in events:
        if e["type"] == "remap":
            old, new = (0 if e[k] is None else value(e[k]) >> 12 for k in ("old_gpa", "new_gpa"))
            if old != state.get(e["va"], old):
                bad.append(f"chain was at {state[e['va']]:#x}: {e}")
            states += [new] if e["va"] in state else [old, new]
            state[e["va"]] = new
        elif e["type"] == "access" and value(e["gpa"]) >> 12 not in state.values():
            bad.append(f"pages are at {state}: {e}")
    check(f"{what}: remaps are a chain, each access is where it led", state and not bad,
          "\n".join(bad[:3]))
    check(f"{what}: gone at the end", state and not any(state.values()), state)
    if len(state) > 1:
        return
    rest, missed = iter(states), None
    for f in [f for i, f in enumerate(frames) if not i or f != frames[i - 1]]:
        if missed is None and not any(s == f for s in rest):
            missed = f
    check(f"{what}: each place that pagemap showed was told of", missed is None,
          f"missed {missed and hex(missed)} of {[hex(f) for f in frames]} in "
          f"{[hex(s) for s in states]}")


def run_like_bare(case, bare, lines):
    errors = text(f"{case}.bare.err") + text(f"{case}.traced.err")
    status = (text(f"{case}.bare.status"), text(f"{case}.traced.status"))
    want, got = by_role(bare), by_role(lines)
    check(f"{case}: values, page counts and faults as bare",
          want and want == got and status == ("0\n", "0\n"),
          f"{status} {errors}\n" +
          "\n".join(f"{r}: {difference(want.get(r, []), got.get(r, []))}"
                    for r in sorted(want | got) if want.get(r) != got.get(r)))


def exact(case):
    """A case of move.h: every access, in order, with values, frame and who."""
    bare = text(f"{case}.bare").splitlines()
    events, lines = load(f"{case}.traced")
    lines = lines.splitlines()
    run_like_bare(case, bare, lines)
    want, got = list(told(lines)), list(seen(events))
    if case in WRITES_ONLY:
        want = [x for x in want if "R" not in x[1]]
    check(f"{case}: each access once, with its value, its frame and who",
          want and want == got, difference(want, got))
    pids = {(m[1], int(m[2])) for m in (re.match(r"pid (\S+) (\d+)$", li) for li in lines) if m}
    wrong = [e for e in events if e["type"] == "access" and (e["comm"], e["pid"]) not in pids]
    check(f"{case}: by the processes that said so", not wrong, wrong[:2])
    check_remaps(case, events, [int(li.split("@")[1], 16) for li in lines
                                if li.startswith("frame @")])
    check_complete(case, events)


def race(case):
    """Increments by several CPUs: as many as were counted, each from the one before."""
    bare = text(f"{case}.bare").splitlines()
    events, lines = load(f"{case}.traced")
    lines = lines.splitlines()
    want = "137\n" if case.endswith("killed") else "0\n"
    status = (text(f"{case}.bare.status"), text(f"{case}.traced.status"))
    said = dict(re.findall(r"(\w+) (\d+)", " ".join(lines)))
    check(f"{case}: ends as it does bare", status == (want, want) and "final" in said and
          [re.sub(r"\d+", "", li) for li in lines] == [re.sub(r"\d+", "", li) for li in bare],
          f"{status} {lines} {text(f'{case}.traced.err')}")
    final = int(said.get("final", 0))
    writes = [e for e in events if e["type"] == "access" and e["access"] == "rmw"]
    news = [value(e["new"]) for e in writes]
    first = next((i for i, n in enumerate(news) if n != i + 1), None)
    check(f"{case}: each increment once, in its order",
          final and news == list(range(1, final + 1)),
          f"final {final}, {len(news)} events; from {first}: "
          f"{first is not None and writes[max(0, first - 1):first + 2]}")
    check(f"{case}: old values are what was left", all(
        value(e["old"]) + 1 == value(e["new"]) for e in writes))
    for role in ("main", "child"):
        if role in said:
            comm = "move_race" if role == "main" else role
            n = sum(e["comm"] == comm for e in writes)
            check(f"{case}: those of {comm}", n == int(said[role]), (n, said[role]))
    check_remaps(case, events, [])
    check(f"{case}: nothing else", len(writes) + sum(e["type"] == "remap" for e in events) +
          sum(e["new"] == e["old"] == "0x0" for e in events if e["type"] == "access") ==
          len(events))
    if "moved" in said:
        moves = sum(e["type"] == "remap" for e in events)
        # reclaim is free to leave a page that is in use where it is
        least = 1 if case == "move_race-swapped" else 20
        check(f"{case}: moved meanwhile, and told", moves >= max(least, int(said["moved"])), (moves, lines))
    check_complete(case, events)


def machine():
    status = json.loads(text("status.json"))
    check("nothing is armed, the machine is as it was found",
          not status.get("attached") and not status.get("watches"), status)
    tap.calm(text("dmesg"))


for entry in text("cases").splitlines():
    name = entry.replace(" ", "-")
    try:
        (race if name.startswith("move_race") else exact)(name)
    except Exception as e:  # a missing file or field is a failed check, not a crash
        check(f"{name}: {type(e).__name__}: {e}", False, text(f"{name}.traced.err"))
machine()
tap.finish()
