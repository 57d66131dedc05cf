# SPDX-License-Identifier: GPL-2.0-only
"""Columns have what the events have, whatever is decoded together, and of damaged logs, too.

usage: python_columns.py [library] LOG...    Prints TAP.
library: libhvtrace is to be used; else it is not.
"""
import io
import random
import struct
import sys
import zlib

import hvtrace
from hvtrace import _columns, _native
from tap import finish, ok

WIDE = 2


def wanted(accesses):
    """Columns as lists, made of events; None: an event has another part of it."""
    kinds = {"read": 1, "write": 2, "rmw": 3, "exec": 4}
    columns = {name: [getattr(e, name) for e in accesses] for name in (
        "cpu", "seq", "tsc", "ns", "pid", "tid", "cr3", "comm", "addr", "ip", "order", "flags")}
    return columns | {
        "size": [e.size or 0 for e in accesses],
        "gpa": [2**64 - 1 if e.gpa is None else e.gpa for e in accesses],
        "access": [kinds[e.access] for e in accesses],
        "vector": [e.vector or 0 for e in accesses],
        "watch": None, "old": None, "new": None,
    }


def difference(columns, accesses):
    """What is not the same, None: nothing. Of values only what an event has of them."""
    want = wanted(accesses)
    if set(columns) != set(_columns.COLUMNS) or set(columns) != set(want):
        return "names", set(columns) ^ set(want)
    for name, array in columns.items():
        got = array.tolist()
        if len(got) != len(accesses):
            return name, len(got), len(accesses)
        if name == "comm":
            got = [c.decode("utf-8", "replace") for c in got]
        if name in ("old", "new"):
            for i, e in enumerate(accesses):
                v = getattr(e, name)
                if isinstance(v, int) and e.size and e.size <= 8 and not e.flags & WIDE:
                    if got[i] & (1 << 8 * e.size) - 1 != v:
                        return name, i, hex(got[i]), hex(v)
        elif want[name] is not None and got != want[name]:
            return name, next((i, a, b) for i, (a, b) in enumerate(zip(got, want[name])) if a != b)
    return None


def compare(data, what):
    by_events, by_columns = (hvtrace.open(io.BytesIO(data)) for _ in range(2))
    accesses = [e for e in by_events if e.type == "access"]
    why = difference(by_columns.columns(), accesses)
    ok(why is None and (by_columns.state, by_columns.why) == (by_events.state, by_events.why), what,
       (why, by_columns.state, by_columns.why, by_events.state, by_events.why))
    return accesses


def chunks(data):
    at = 64
    while at < len(data):
        kind, _, length = struct.unpack_from("<IIQ", data, at)
        if kind == 5:
            yield at, length
        at += 64 + (length + 7 & ~7)


paths = sys.argv[1:]
by_library = paths[0] == "library"
ok(by_library == bool(_native.lib), "libhvtrace is used" if by_library else "libhvtrace is not used")
for path in paths[by_library:]:
    name = path.rsplit("/", 1)[1]
    with open(path, "rb") as f:
        data = f.read()
    accesses = compare(data, f"{name}: columns have what the events have")
    log = hvtrace.open(path)
    columns, array = log.columns(), log.numpy()
    ok(array.dtype.names == tuple(columns) and all((array[n] == columns[n]).all() for n in columns)
       and len(array) == len(accesses) > 0, f"{name}: a structured array has the same")
    few = log.numpy("new", "ns", "cpu")
    ok(few.dtype.names == ("new", "ns", "cpu") and all((few[n] == columns[n]).all() for n in few.dtype.names),
       f"{name}: a few of them have, too")

    together = _columns.ROWS, _columns.ROWS_STRUCTURED
    for rows in 1, 50, 1 << 30:
        _columns.ROWS = _columns.ROWS_STRUCTURED = rows
        again, rows_too = log.columns(), log.numpy()
        ok(all((again[n] == columns[n]).all() and (rows_too[n] == columns[n]).all() for n in columns),
           f"{name}: whether {rows} rows are made at once does not matter")
    _columns.ROWS, _columns.ROWS_STRUCTURED = together

    # the log ends at the first chunk that is wrong: with its checksum wrong, then right
    chance, where = random.Random(2), list(chunks(data))
    bad = []
    for n in range(20):
        at, length = chance.choice(where)
        flipped = bytearray(data)
        flipped[at + 64 + chance.randrange(length)] ^= 1 << chance.randrange(8)
        got = hvtrace.open(io.BytesIO(flipped))
        it = hvtrace.open(io.BytesIO(flipped))
        events = [e for e in it if e.type == "access"]
        if difference(got.columns(), events) or (got.state, got.why) != (it.state, it.why) or got.state != "damaged":
            bad.append((at, got.why, it.why))
    ok(not bad, f"{name}: with another checksum it ends at that chunk", bad[:3])
    bad, damaged = [], 0
    for n in range(25):
        at, length = chance.choice(where)
        flipped = bytearray(data)
        flipped[at + 64 + chance.randrange(min(length, 600))] ^= 1 << chance.randrange(8)
        struct.pack_into("<I", flipped, at + 56, zlib.crc32(flipped[at + 64:at + 64 + length]))
        struct.pack_into("<I", flipped, at + 60, zlib.crc32(flipped[at:at + 60]))
        got, it = hvtrace.open(io.BytesIO(flipped)), hvtrace.open(io.BytesIO(flipped))
        columns, events = got.columns(), [e for e in it if e.type == "access"]
        # what columns do not need they do not look at: operands' bytes, registers
        damaged += got.state == "damaged"
        if got.state == it.state and len(events) != len(columns["tsc"]) or got.state == "damaged" != it.state:
            bad.append((at, got.why, it.why))
    ok(not bad and damaged, f"{name}: and with malformed contents", (damaged, bad[:3]))
finish()
