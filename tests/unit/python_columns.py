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


def wanted(events, kind):
    """Columns as lists, made of events; None: an event has another part of it."""
    def has(names):
        return {name: [getattr(e, name) for e in events] for name in names.split()}

    columns = has("cpu seq tsc ns pid tid ip flags")
    if kind != "access":
        columns |= has("trace body nest")
    if kind == "flow":
        columns |= has("to number") | {
            "what": [e.what for e in events],
            "vector": [255 if e.vector is None else e.vector for e in events],
        } | {f"arg{i}": [e.args[i] for e in events] for i in range(6)}
    return columns if kind != "access" else columns | wanted_of_accesses(events) | has("cr3 comm addr order")


def wanted_of_accesses(accesses):
    kinds = {"read": 1, "write": 2, "rmw": 3, "exec": 4}
    return {
        "size": [e.size or 0 for e in accesses],
        "gpa": [2**64 - 1 if e.gpa is None else e.gpa for e in accesses],
        "access": [kinds[e.access] for e in accesses],
        "vector": [e.vector or 0 for e in accesses],
        "watch": None, "old": None, "new": None,
    }


def difference(columns, events, kind="access"):
    """What is not the same, None: nothing. Of values only what an event has of them."""
    want = wanted(events, kind)
    if set(columns) != set(hvtrace.COLUMNS[kind]) or set(columns) != set(want):
        return "names", set(columns) ^ set(want)
    for name, array in columns.items():
        got = array.tolist()
        if len(got) != len(events):
            return name, len(got), len(events)
        if name == "comm":
            got = [c.decode("utf-8", "replace") for c in got]
        if name == "what":
            got = [hvtrace.WHAT[n] if n < len(hvtrace.WHAT) else None for n in got]
        if name in ("old", "new"):
            for i, e in enumerate(events):
                v = getattr(e, name)
                if isinstance(v, int) and e.size and e.size <= 8 and not e.flags & WIDE:
                    if got[i] & (1 << 8 * e.size) - 1 != v:
                        return name, i, hex(got[i]), hex(v)
        elif want[name] is not None and got != want[name]:
            return name, next((i, a, b) for i, (a, b) in enumerate(zip(got, want[name])) if a != b)
    return None


def compare(data, what):
    """How many of each kind there are."""
    by_events, by_columns = (hvtrace.open(io.BytesIO(data)) for _ in range(2))
    events, n = list(by_events), {}
    for kind in hvtrace.COLUMNS:
        some = [e for e in events if e.type == kind]
        why, n[kind] = difference(by_columns.columns(kind=kind), some, kind), len(some)
        ok(why is None and (by_columns.state, by_columns.why) == (by_events.state, by_events.why),
           f"{what} of {n[kind]} {kind} events",
           (why, by_columns.state, by_columns.why, by_events.state, by_events.why))
    return n


def other_ways(log, kind, name, count):
    """The same columns as a structured array, a few of them, and however many rows are made at once."""
    columns, array = log.columns(kind=kind), log.numpy(kind=kind)
    ok(array.dtype.names == tuple(columns) and all((array[n] == columns[n]).all() for n in columns)
       and len(array) == count, f"{name}: a structured array of {kind} events has the same")
    few = log.numpy("ip", "ns", "cpu", kind=kind)
    ok(few.dtype.names == ("ip", "ns", "cpu") and all((few[n] == columns[n]).all() for n in few.dtype.names),
       f"{name}: a few of them have, too")

    together = _columns.ROWS, _columns.ROWS_STRUCTURED, _native.SECTIONS
    for rows in 1, 50, 1 << 30:
        _columns.ROWS = _columns.ROWS_STRUCTURED = _native.SECTIONS = rows
        again, rows_too = log.columns(kind=kind), log.numpy(kind=kind)
        ok(all((again[n] == columns[n]).all() and (rows_too[n] == columns[n]).all() for n in columns),
           f"{name}: whether {rows} are made at once does not matter")
    _columns.ROWS, _columns.ROWS_STRUCTURED, _native.SECTIONS = together
    if _native.lib:
        ascends, _native.Rows.ascends = _native.Rows.ascends, lambda *_: False
        again, rows_too = log.columns(kind=kind), log.numpy(kind=kind)
        ok(all((again[n] == columns[n]).all() and (rows_too[n] == columns[n]).all() for n in columns),
           f"{name}: nor whether rows are sorted because a CPU's time goes back")
        _native.Rows.ascends = ascends


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
    counts = compare(data, f"{name}: columns have what the events have,")
    ok(any(counts.values()), f"{name}: there are some")
    log = hvtrace.open(path)
    for kind, count in counts.items():
        if count:
            other_ways(log, kind, name, count)

    # the log ends at the first chunk that is wrong: with its checksum wrong, then right
    kind = max(counts, key=counts.get)
    chance, where = random.Random(2), list(chunks(data))
    bad = []
    for n in range(20):
        at, length = chance.choice(where)
        flipped = bytearray(data)
        flipped[at + 64 + chance.randrange(length)] ^= 1 << chance.randrange(8)
        got = hvtrace.open(io.BytesIO(flipped))
        it = hvtrace.open(io.BytesIO(flipped))
        events = [e for e in it if e.type == kind]
        if difference(got.columns(kind=kind), events, kind) or (got.state, got.why) != (it.state, it.why) or got.state != "damaged":
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
        columns, events = got.columns(kind=kind), [e for e in it if e.type == kind]
        # what columns do not need they do not look at: operands' bytes, registers
        damaged += got.state == "damaged"
        if got.state == it.state and len(events) != len(columns["tsc"]) or got.state == "damaged" != it.state:
            bad.append((at, got.why, it.why))
    ok(not bad and damaged, f"{name}: and with malformed contents", (damaged, bad[:3]))
finish()
