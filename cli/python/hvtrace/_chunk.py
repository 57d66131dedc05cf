# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""EVENTS sections: columns, as hvtrace.data(5) describes them.

A column is decoded when it is asked for: as a sequence of Python's own, or as a numpy array.
"""
import struct
from itertools import accumulate

from . import _zstd
from ._stream import Damage

try:
    import numpy
except ImportError:
    numpy = None

# field: (number, width, table). A row count belongs to a table; bytes columns have their own.
_TABLES = {
    "record": (0, "type:1 flags:2 watch:4 seq:8 tsc:8"),
    "access": (1, "code:2 task:2 gla:8 gpa_gla:8 size:4 access:1 vector:1 order:8 old:8 new:8"),
    "lost": (2, "count:8"),
    "remap": (3, "va:8 old_gpa:8 new_gpa:8 pid:4 tid:4"),
    "regs": (4, "gpr:128"),
    "run": (5, "count:8 elem:4 down:4"),
    "wide": (6, "off:4 len:4 bytes:1"),
    "code": (7, "ip:8 insn_len:1 insn:1"),
    "task": (8, "pid:4 tid:4 cr3:8 comm:16"),
    "insn": (9, "code:2 task:2 body:4 nest:1"),
    "flow": (10, "code:2 task:2 to:8 what:1 vector:1 nest:1 number:4 arg:48 body:4"),
    "delta": (11, "mask:4 bytes:1"),
    "mems": (12, "nr:4 exact:1"),
    "mem": (13, "addr:8 size:4 access:1 len:2 bytes:1"),
}
FIELDS = {f"{table}.{name}": (number << 8 | i, int(width))
          for table, (number, columns) in _TABLES.items()
          for i, (name, width) in enumerate(c.split(":") for c in columns.split())}
_NAMES = {number: (name, width) for name, (number, width) in FIELDS.items()}
_BYTES = {"wide.bytes", "code.insn", "delta.bytes", "mem.bytes"}
_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}

PLAIN, CONST, PLANES, DELTA = range(4)
RECORDS_MAX, DECODED_MAX = 65536, 16 << 20

_COLUMN = struct.Struct("<HHBBHII")


class Chunk:
    """The columns of one EVENTS section. len(): its records."""

    def __init__(self, section):
        payload = section.payload
        self.cpu, self.offset, self._columns = section.cpu, section.offset, {}
        if len(payload) < 8:
            raise Damage("no chunk header")
        n, = struct.unpack_from("<I", payload)
        at = 8 + n * _COLUMN.size
        if at > len(payload):
            raise Damage("columns that are not there")
        decoded = 0
        for i in range(n):
            number, width, encoding, codec, _, count, length = _COLUMN.unpack_from(payload, 8 + i * _COLUMN.size)
            if length > len(payload) - at or not width:
                raise Damage("a column that is not there")
            decoded += width * count
            name, right = _NAMES.get(number, (number, width))
            if name in self._columns or width != right or encoding > DELTA or codec > 1 or \
                    encoding == DELTA and width not in _FORMATS or decoded > DECODED_MAX:
                raise Damage("a column that cannot be")
            self._columns[name] = (width, encoding, codec, count, payload[at:at + length])
            at += length
        if at != len(payload):
            raise Damage("bytes behind the columns")
        self._rows = {}
        for table, (_, columns) in _TABLES.items():
            self._check_table(table, [f"{table}.{c.split(':')[0]}" for c in columns.split()])
        if not 0 < len(self) <= RECORDS_MAX or len(self) != section.count:
            raise Damage("another number of records")

    def _check_table(self, table, names):
        there = [name for name in names if name in self._columns]
        counts = {self._columns[name][3] for name in there if name not in _BYTES}
        if there and (len(there) != len(names) or len(counts) != 1):
            raise Damage("a table with columns of different lengths")
        self._rows[table] = counts.pop() if there else 0

    def __len__(self):
        return self._rows["record"]

    def rows(self, table):
        return self._rows[table]

    def _raw(self, name):
        """A column's bytes, decompressed: (width, encoding, count, bytes)."""
        width, encoding, codec, count, data = self._columns[name]
        size = width * (1 if encoding == CONST else count)
        if codec:
            try:
                data = _zstd.decompress(data, size)
            except _zstd.Broken:
                raise Damage("a column that cannot be decompressed") from None
        if len(data) != size:
            raise Damage("a column of another length")
        return width, encoding, count, data

    def column(self, name):
        """A sequence of integers; of bytes for columns that are not of integers."""
        if name not in self._columns:
            return b"" if name in _BYTES else []
        width, encoding, count, data = self._raw(name)
        if encoding in (PLANES, DELTA):
            planes, data = data, bytearray(width * count)
            for b in range(width):
                data[b::width] = planes[b * count:(b + 1) * count]
        if name in _BYTES:
            return bytes(data) * (count if encoding == CONST else 1)
        if width not in _FORMATS:
            data = bytes(data) * (count if encoding == CONST else 1)
            return [data[i:i + width] for i in range(0, len(data), width)]
        values = memoryview(bytes(data)).cast(_FORMATS[width]).tolist()
        if encoding == CONST:
            return values * count
        if encoding == DELTA:
            mask = (1 << 8 * width) - 1
            return [v & mask for v in accumulate(z >> 1 ^ -(z & 1) for z in values)]
        return values

    def array(self, name):
        """The same of an integer column as a numpy array; CONST ones are not writable."""
        if name not in self._columns:
            return numpy.empty(0, "u%d" % FIELDS[name][1])
        width, encoding, count, data = self._raw(name)
        kind = numpy.dtype("<u%d" % width)
        if encoding == PLAIN:
            return numpy.frombuffer(data, kind)
        if encoding == CONST:
            return numpy.broadcast_to(numpy.frombuffer(data, kind), count)
        planes = numpy.frombuffer(data, "u1").reshape(width, count)
        z = numpy.zeros(count, kind)
        octets = z.view("u1").reshape(count, width)
        for b in range(width):
            if planes[b].any():
                octets[:, b] = planes[b]
        if encoding == DELTA:
            sign = z & kind.type(1)
            z >>= kind.type(1)
            z ^= numpy.negative(sign, out=sign)
            numpy.cumsum(z, dtype=kind, out=z)
        return z
