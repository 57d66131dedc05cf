# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Columns of chunks by libhvtrace, which puts them faster. When it is
not installed _vector does the same. HVTRACE_LIBRARY in the environment: another path of it,
empty: do without it.
"""
import ctypes
import errno
import os
from itertools import accumulate

import numpy

from ._chunk import FIELDS, TYPES
from ._stream import Damage

# struct hvt_rows_section
_SECTION = numpy.dtype([("bytes", "u8"), ("len", "u8"), ("row", "u8"), ("count", "u4"), ("pad", "u4")])
SECTIONS = 256  # in one call: where Python sees that somebody has pressed ^C
_CPU, _NS = 0x10000, 0x10001


class _Column(ctypes.Structure):
    _fields_ = [("field", ctypes.c_uint32), ("part", ctypes.c_uint32), ("to", ctypes.c_void_p),
                ("stride", ctypes.c_uint64)]


class _Rows(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("sections", ctypes.c_void_p),
                ("nr_sections", ctypes.c_uint64), ("columns", ctypes.c_void_p), ("nr_columns", ctypes.c_uint64),
                ("clocks", ctypes.c_void_p), ("nr_clocks", ctypes.c_uint64), ("tsc", ctypes.c_void_p),
                ("starts", ctypes.c_void_p), ("nr_cpus", ctypes.c_uint64), ("bad", ctypes.c_void_p)]


def _load():
    path = os.environ.get("HVTRACE_LIBRARY", "libhvtrace.so.0")
    try:
        lib = ctypes.CDLL(path) if path else None
        if not lib:
            return None
        lib.hvt_rows_count.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t]
        lib.hvt_rows_load.argtypes = [ctypes.POINTER(_Rows)]
    except (OSError, AttributeError):  # not there, or older: hvt_rows_load() is the newest
        return None
    return lib


lib = _load()


class Data:
    """The bytes of a log, at an address."""

    def __init__(self, data):
        self._bytes = numpy.frombuffer(data, "u1")
        self.address = self._bytes.ctypes.data

    def chunk(self, section, kind):
        return Chunk(self, section, kind)


class Chunk:
    """An EVENTS section, of which it is known how many records of a kind it has."""

    def __init__(self, data, section, kind):
        self.cpu, self.offset, self.data = section.cpu, section.offset, data
        self.size = 64 + len(section.payload)
        self._count = lib.hvt_rows_count(TYPES[kind], data.address + section.offset, self.size)
        if self._count == -errno.EBADMSG:
            raise Damage("a section that is malformed")

    def rows(self, _kind):
        return self._count


class Rows:
    """The records of a kind in some chunks, those of a CPU one behind the other."""

    def __init__(self, chunks, kind, clocks):
        self._type, self._clocks = TYPES[kind], numpy.array(clocks.ties, "u8")
        self._base = chunks[0].data.address if chunks else 0
        counts = [chunk.rows(kind) for chunk in chunks]
        starts = list(accumulate(counts, initial=0))
        self._sections = numpy.array([(self._base + chunk.offset, chunk.size, start, count, 0)
                                      for chunk, start, count in zip(chunks, starts, counts)], _SECTION)
        cpus = numpy.array([chunk.cpu for chunk in chunks], "i8")
        self._starts = numpy.array(starts, "u8")[numpy.append(numpy.flatnonzero(numpy.diff(cpus, prepend=-1)), -1)]

    def ascends(self, tsc):
        """Does the time of no CPU go back?"""
        return all((some[1:] >= some[:-1]).all() for some in numpy.split(tsc, self._starts[1:-1]))

    def put(self, columns, tsc=None):
        """Columns: by name the array of all rows, a field, and which part of it. In the order of
        times that were put before. The offset of the first chunk that is malformed, or None."""
        fields = (_Column * len(columns))()
        for column, (array, field, part) in zip(fields, columns.values()):
            column.field = {"cpu": _CPU, "ns": _NS}.get(field) or FIELDS[field][0]
            column.part, column.to, column.stride = part, array.ctypes.data, array.strides[0]
        sections, bad = self._sections, []
        if tsc is not None and len(tsc):
            # what is put at a time is near each other
            sections = sections[numpy.argsort(tsc[numpy.minimum(sections["row"], len(tsc) - 1)])]
        for some in (sections[i:i + SECTIONS] for i in range(0, len(sections), SECTIONS)):
            rows = _Rows(type=self._type, threads=len(os.sched_getaffinity(0)), sections=some.ctypes.data,
                         nr_sections=len(some), columns=ctypes.addressof(fields), nr_columns=len(fields),
                         clocks=self._clocks.ctypes.data, nr_clocks=len(self._clocks))
            if tsc is not None:
                rows.tsc, rows.starts, rows.nr_cpus = tsc.ctypes.data, self._starts.ctypes.data, len(self._starts) - 1
            result = lib.hvt_rows_load(rows)
            if result == -errno.EBADMSG:
                bad.append(rows.bad - self._base)
            elif result < 0:
                raise OSError(-result, os.strerror(-result))
        return min(bad, default=None)
