# SPDX-License-Identifier: GPL-2.0-only
"""The Python module says of a log what hvtrace script says, field by field; of cut and damaged
ones, too.

usage: python_log.py HVTRACE DIRECTORY LOG...    Prints TAP.
HVTRACE is the program, DIRECTORY takes temporary files.
"""
import io
import json
import random
import struct
import subprocess
import sys
import zlib

import hvtrace
from hvtrace import _columns, _insn
from tap import finish, ok, skip

program, directory, *paths = sys.argv[1:]
BLIND = 0x10


def script(path):
    """(JSON lines, exit code) of hvtrace script."""
    done = subprocess.run([program, "script", "--format", "json", path], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for e in lines:
        # the module has names as symbol tables have them
        e |= {name: e.pop(name + "_raw") for name in ("sym", "addr_sym", "to_sym") if name + "_raw" in e}
    return lines, done.returncode


def difference(events, lines):
    """What is not the same, None: nothing. What is blind takes a disassembler to place, so
    there the module has no more than the record."""
    blind = {(e.cpu, e.seq) for e in events if getattr(e, "flags", 0) & BLIND}
    ours, theirs = ([e for e in some if (e.get("cpu"), e.get("seq")) not in blind]
                    for some in ([e.json() for e in events], lines))
    if not _insn.capstone:
        for e in ours + theirs:
            e.pop("insn", None)
    if len(ours) != len(theirs):
        return len(ours), len(theirs)
    return next(((a, b) for a, b in zip(ours, theirs) if a != b), None)


def bare(event):
    """An event without what other sections say of it: names, time, watches."""
    return json.dumps({k: v for k, v in event.json().items() if k in (
        "type", "seq", "cpu", "tsc", "pid", "tid", "comm", "access", "addr", "size", "gpa", "old", "new", "ip",
        "bytes", "count", "va", "old_gpa", "new_gpa", "cr3", "order", "run", "trace", "body", "nest", "regs", "mem",
        "mem_known", "what", "to", "vector", "error", "trap", "fault_addr", "nr", "args", "result", "signal", "si_code",
        "si_addr", "status", "on") and not (k == "comm" and event.type in ("insn", "flow"))})


def bad_log(data, name):
    """The same of a log that may be anything: (events or None, lines, log)."""
    path = f"{directory}/{name}"
    with open(path, "wb") as f:
        f.write(data)
    lines, code = script(path)
    try:
        log = hvtrace.open(path)
        return list(log), lines, code, log
    except hvtrace.Error:
        return None, lines, code, None


def sections(data):
    """Offsets of the sections of a log."""
    at = 64
    while at < len(data):
        yield at
        at += 64 + (struct.unpack_from("<Q", data, at + 8)[0] + 7 & ~7)


for path in paths:
    name = path.rsplit("/", 1)[1]
    log, (lines, code) = hvtrace.open(path), script(path)
    events = list(log)
    ok(code == 0 and log.state == "complete" and lines, f"{name}: {len(lines)} events, complete", log.why)
    ok(difference(events, lines) is None, f"{name}: each is what hvtrace script says, field by field",
       difference(events, lines))
    ok(difference(list(log), lines) is None, f"{name}: it can be read again")

    with open(path, "rb") as f:
        data = f.read()
    ok(difference(list(hvtrace.open(io.BytesIO(data))), lines) is None, f"{name}: from a file object, too")

    # every cut: what is given out is a part of the whole; some are compared with the program
    whole = set(map(bare, events))
    invented = wrong = None
    for n in range(len(data)):
        try:
            cut = hvtrace.open(io.BytesIO(data[:n]))
            got = map(bare, cut)
        except hvtrace.Error:
            continue
        if not whole.issuperset(got) or cut.state != "cut":
            invented = n, cut.state
    ok(invented is None, f"{name}: cut after any of its {len(data)} bytes it says so, and invents nothing", invented)
    for at in sections(data):
        for n in at, at + 30, at + 70:
            got, lines, code, cut = bad_log(data[:n], "cut")
            if n < len(data) and (code == 0 or difference(got, lines) is not None):
                wrong = n, code
    ok(wrong is None, f"{name}: cut in any section it has what hvtrace script has", wrong)

    # flipped bits, under checksums and behind them
    chance, invented, wrong = random.Random(1), None, None
    for n in range(600):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        try:
            log = hvtrace.open(io.BytesIO(flipped))
            if not whole.issuperset(map(bare, log)):
                invented = at, bit
        except hvtrace.Error:
            pass
        if n % 20 == 0:
            got, lines, code, _ = bad_log(flipped, "flipped")
            if got is None and lines or got is not None and difference(got, lines) is not None:
                wrong = at, bit
    ok(invented is None, f"{name}: a flipped bit invents nothing", invented)
    ok(wrong is None, f"{name}: what is left is what hvtrace script has", wrong)
    crashed = None
    for n in range(600):
        flipped = bytearray(data)
        at = chance.choice(list(sections(data)))
        length, = struct.unpack_from("<Q", data, at + 8)
        for _ in range(chance.randrange(1, 4)):
            if length:
                flipped[at + 64 + chance.randrange(length)] = chance.randrange(256)
        struct.pack_into("<I", flipped, at + 56, zlib.crc32(flipped[at + 64:at + 64 + length]))
        struct.pack_into("<I", flipped, at + 60, zlib.crc32(flipped[at:at + 60]))
        try:
            log = hvtrace.open(io.BytesIO(flipped))
            for e in log:
                e.json()
            if _columns.numpy:
                log.columns()
        except hvtrace.Error:
            pass
        except Exception as e:
            crashed = n, at, repr(e)
    ok(crashed is None, f"{name}: contents that lie under good checksums are no surprise", crashed)

    # columns
    if not _columns.numpy:
        try:
            hvtrace.open(path).columns("addr")
            ok(False, f"{name}: columns without numpy")
        except ImportError as e:
            ok("try: " in str(e), f"{name}: columns without numpy say what to do")
        continue
    log = hvtrace.open(path)
    accesses = [e for e in events if e.type == "access"]
    try:
        frame = log.pandas("ns", "addr")
        ok(list(frame.columns) == ["ns", "addr"] and len(frame) == len(accesses), f"{name}: so has a DataFrame")
    except ImportError:
        skip(f"{name}: so has a DataFrame", "no pandas")
    try:
        log.columns("nonsense")
        ok(False, f"{name}: a column that is not there")
    except KeyError as e:
        ok("try: " in str(e), f"{name}: a column that is not there is said so")

for what, data in ("nothing", b""), ("a text", b"hello, this is no log\n" * 10):
    try:
        hvtrace.open(io.BytesIO(data))
        ok(False, f"{what} is no log")
    except hvtrace.Error as e:
        ok(str(e), f"{what} is no log: {e}")
finish()
