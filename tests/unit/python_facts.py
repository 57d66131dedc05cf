# SPDX-License-Identifier: GPL-2.0-only
"""Names and processes out of sections, as hvtrace.data(5) describes them. Prints TAP."""
import struct

from hvtrace import _facts, _stream
from tap import finish, ok


def same(got, want, what):
    ok(got == want, what, f"{got} is not {want}")


def add(kind, layout, *members, tail=b""):
    s = _stream.Section()
    s.type, s.payload = kind, memoryview(struct.pack("<" + layout, *members) + tail)
    facts.add(s)


def task(ns, what, pid, tid, ppid=0, comm=b""):
    add(_stream.TASK, "QIIIIII", ns, what, pid, tid, ppid, ppid, len(comm), tail=comm)


def mapping(ns, pid, start, end, offset, prot, path):
    add(_stream.MAP, "QQQQIIII", ns, start, end, offset, pid, prot, 0, len(path), tail=path)


def uleb(v):
    out = b""
    while v > 0x7f:
        out, v = out + bytes([v & 0x7f | 0x80]), v >> 7
    return out + bytes([v])


def name(pid, ns, addr):
    s = facts.symbol(pid, ns, addr)
    return s.name, s.off, s.obj, s.obj_off


facts = _facts.Facts()
task(10, _facts.SEEN, 7, 7, comm=b"sh")
mapping(10, 7, 0x400000, 0x402000, 0, 5, b"/bin/prog")
mapping(10, 7, 0x402000, 0x403000, 0x2000, 3, b"/bin/prog")
segments = struct.pack("<QQQQIIQQQQII", 0, 0x2000, 0x1000000, 0x2000, 5, 0,
                       0x2000, 0x800, 0x1003000, 0x1800, 6, 0)
add(_stream.OBJECT, "IIIIII", 1, 0, 2, 0, 9, 0, tail=segments + b"/bin/prog")
symbols = [(0x1000100, 0x40, b"main"), (0x1000200, 0, b"label"), (0x1003000, 8, b"counter"), (0x1003900, 64, b"bss")]
table, last = b"", 0
for value, size, _ in symbols:
    table, last = table + uleb(value - last) + uleb(size) + b"\x12", value
names = b"".join(n + b"\0" for _, _, n in symbols)
add(_stream.SYMTAB, "IIII", 1, len(symbols), len(table), len(names), tail=table + names)
same(name(7, 20, 0x400110), ("main", 0x10, "prog", 0x110), "a function")
same(name(7, 20, 0x400140), (None, 0, "prog", 0x140), "behind it")
same(name(7, 20, 0x400210), ("label", 0x10, "prog", 0x210), "a label without a size")
same(name(7, 20, 0x402004), ("counter", 4, "prog", 0x2004), "a variable")
same(name(7, 20, 0x403000 - 0x700), ("bss", 0, "prog", 0x2900), "bss in the file's last page")
same(name(7, 20, 0x403100), (None, 0, "prog", 0x3100), "bss behind the file's mapping")
same(name(7, 20, 0x403900), (None, 0, None, 0), "behind the bss")
same(name(8, 20, 0x400110), (None, 0, None, 0), "another process")
task(30, _facts.FORK, 8, 8, 7)
mapping(40, 7, 0x400000, 0x401000, 0, 5, b"/bin/other")
same(name(8, 50, 0x400110)[:3], ("main", 0x10, "prog"), "a child has what its parent had")
same(name(7, 50, 0x400110)[:3], (None, 0, "other"), "which has something else now")
same(name(7, 35, 0x400110)[:3], ("main", 0x10, "prog"), "but had not then")
task(60, _facts.EXEC, 8, 8, comm=b"ls")
same(name(8, 70, 0x400110), (None, 0, None, 0), "an exec ends it")
threads = lambda ns: [(t.pid, t.tid, t.comm) for t in facts.processes(ns)]
same(threads(29), [(7, 7, "sh")], "processes before the fork")
same(threads(5), [(7, 7, "sh")], "who was met first had been there before")
same(threads(30), [(7, 7, "sh"), (8, 8, "sh")], "a child has its parent's name")
same(threads(60), [(7, 7, "sh"), (8, 8, "ls")], "until its exec")
task(80, _facts.EXIT, 8, 8)
same(threads(80), [(7, 7, "sh")], "and ends")
kernel = 0xffffffff81000000
add(_stream.KSYM, "QQII", kernel, 16, 4, 0, tail=b"init")
add(_stream.KSYM, "QQII", kernel, 16, 5, 3, tail=b"laterext")
same(name(0, 1, kernel + 2), ("later", 2, "ext", 0), "of two kernel names the later one holds")
same(facts.symbol(0, 1, kernel + 2, 1)[:2], ("init", 2), "but not before it was there")
for what, kind, payload in (
        ("a mapping", _stream.MAP, struct.pack("<QQQQIIII", 0, 1, 2, 0, 1, 0, 0, 9)),
        ("a symbol table", _stream.SYMTAB, struct.pack("<IIII", 9, 1, 0, 0)),
        ("a table that is cut", _stream.SYMTAB, struct.pack("<IIII", 1, 5, 0, 0)),
        ("a clock", _stream.CLOCK, b"\1" * 31)):
    s = _stream.Section()
    s.type, s.payload = kind, memoryview(payload)
    try:
        facts.add(s)
        ok(False, f"{what} that lies")
    except _stream.Damage:
        ok(True, f"{what} that lies is damage")
finish()
