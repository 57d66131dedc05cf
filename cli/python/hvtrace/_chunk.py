# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""EVENTS sections: columns, as hvtrace.data(5) describes them.

A column is decoded when it is asked for: here as a sequence of Python's own.
"""
import struct
from itertools import accumulate

from . import _zstd
from ._stream import Damage

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
_COUNTED = {table: ({name for name in FIELDS if name.startswith(table + ".")} - _BYTES,
                    {name for name in _BYTES if name.startswith(table + ".")}) for table in _TABLES}
_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}

# tables that have a row for each record of a type
TYPES = {"access": 1, "lost": 2, "remap": 3, "insn": 4, "flow": 5}

PLAIN, CONST, PLANES, DELTA = range(4)
RECORDS_MAX, DECODED_MAX = 65536, 16 << 20

_COLUMN = struct.Struct("<HHBBHII")


class Chunk:
    """The columns of one EVENTS section. len(): its records."""

    def __init__(self, section):
        payload, self.intact = section.payload, section.intact
        self.cpu, self.offset, self._columns = section.cpu, section.offset, {}
        if len(payload) < 8:
            raise Damage("no chunk header")
        n, = struct.unpack_from("<I", payload)
        at = 8 + n * _COLUMN.size
        if at > len(payload):
            raise Damage("columns that are not there")
        decoded, there = 0, self._columns
        for number, width, encoding, codec, _, count, length in _COLUMN.iter_unpack(payload[8:at]):
            end = at + length
            if end > len(payload) or not width:
                raise Damage("a column that is not there")
            decoded += width * count
            name, right = _NAMES.get(number, (number, width))
            if name in there or width != right or encoding > DELTA or codec > 1 or \
                    encoding == DELTA and width not in _FORMATS or decoded > DECODED_MAX:
                raise Damage("a column that cannot be")
            there[name] = width, encoding, codec, count, payload[at:end]
            at = end
        if at != len(payload):
            raise Damage("bytes behind the columns")
        self._rows = {table: self._count(*names) for table, names in _COUNTED.items()}
        if not 0 < len(self) <= RECORDS_MAX or len(self) != section.count:
            raise Damage("another number of records")

    def _count(self, counted, others):
        """Rows of a table with these columns, and others of which it has all or none, too."""
        there = self._columns
        counts = {there[name][3] for name in counted if name in there}
        if not counts and not any(name in there for name in others):
            return 0
        if len(counts) != 1 or not all(name in there for name in counted | others):
            raise Damage("a table with columns of different lengths")
        return counts.pop()

    def __len__(self):
        return self._rows["record"]

    def rows(self, table):
        return self._rows[table]

    def part(self, name):
        """A column as it is stored: (width, encoding, codec, count, bytes); None: it has none."""
        return self._columns.get(name)

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
