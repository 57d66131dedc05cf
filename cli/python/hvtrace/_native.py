# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Columns of chunks by libhvtrace, which puts them faster and on all CPUs at once. When it is
not installed _vector does the same. HVTRACE_LIBRARY in the environment: another path of it,
empty: do without it.
"""
import ctypes
import errno
import os

import numpy

from ._chunk import FIELDS
from ._stream import Damage

_NONE = ctypes.c_void_p(None)


class _Column(ctypes.Structure):
    _fields_ = [("field", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("to", ctypes.c_void_p),
                ("stride", ctypes.c_uint64)]


def _load():
    path = os.environ.get("HVTRACE_LIBRARY", "libhvtrace.so.0")
    try:
        lib = ctypes.CDLL(path) if path else None
        if not lib:
            return None
        lib.hvt_rows_new.restype = ctypes.c_void_p
        lib.hvt_rows_count.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        lib.hvt_rows_put.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(_Column),
                                     ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p]
    except (OSError, AttributeError):  # not there, or older
        return None
    return lib


lib = _load()
_idle = []  # struct hvt_rows; threads take and return them


def _call(function, *arguments):
    try:
        rows = _idle.pop()
    except IndexError:
        rows = lib.hvt_rows_new()
        if not rows:
            raise MemoryError from None
    result = function(rows, *arguments)
    _idle.append(rows)
    if result == -errno.EBADMSG:
        raise Damage("a section that is malformed, or has another checksum")
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


class Data:
    """The bytes of a log, at an address."""

    def __init__(self, data):
        self._bytes = numpy.frombuffer(data, "u1")
        self._address = self._bytes.ctypes.data

    def chunk(self, section):
        return Chunk(self._address + section.offset, section)


class Chunk:
    """An EVENTS section, of which its accesses are known to be as many as rows() says."""

    def __init__(self, address, section):
        self.cpu, self.offset = section.cpu, section.offset
        self._address, self._size = address, 64 + len(section.payload)
        self._count = _call(lib.hvt_rows_count, address, self._size)

    def rows(self, _table):
        return self._count

    def put(self, columns, at, place):
        """Where place says, an array from the first of its accesses on; None: from row `at` on."""
        _call(lib.hvt_rows_put, self._address, self._size, columns, len(columns), self._count, at,
              _NONE if place is None else place.ctypes.data)


def columns(arrays):
    """What put() takes: pairs of a field and the array of all rows."""
    all_of_them = (_Column * len(arrays))()
    for column, (field, array) in zip(all_of_them, arrays):
        column.field, column.to, column.stride = FIELDS[field][0], array.ctypes.data, array.strides[0]
    return all_of_them
