# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Columns of several chunks, one behind the other, as numpy arrays.

Chunks are small when little happens; what Python itself costs is paid for each call, so all
that can be done for many chunks at once is. What is the same in all rows is an array of one
element, which numpy broadcasts. Only its users come here.
"""
from itertools import accumulate, groupby
from operator import itemgetter

import numpy

from . import _zstd
from ._chunk import CONST, DELTA, FIELDS, PLAIN, PLANES, TYPES
from ._stream import Damage

ONE = {width: numpy.dtype("<u%d" % width).type(1) for width in (1, 2, 4, 8)}


def _kind(width):
    return numpy.dtype("<u%d" % width if width in ONE else "S%d" % width)


def _decompress(part, address, octets):
    """What was encoded, to an address, which is that of these bytes."""
    _, _, codec, _, data = part
    if codec:
        try:
            _zstd.decompress_to(address, len(octets), data)
        except _zstd.Broken:
            raise Damage("a column that cannot be decompressed") from None
    elif len(data) != len(octets):
        raise Damage("a column of another length")
    else:
        octets[:] = numpy.frombuffer(data, "u1")


def _plain(parts, width, out):
    octets, address, at = out.view("u1"), out.ctypes.data, 0
    for part in parts:
        size = width * part[3]
        _decompress(part, address + at, octets[at:at + size])
        at += size


def _const(parts, width, out):
    value = numpy.empty(width, "u1")
    address, at = value.ctypes.data, 0
    for part in parts:
        _decompress(part, address, value)
        out[at:at + part[3]] = value.view(out.dtype)
        at += part[3]


def _planes(parts, width, out):
    planes = numpy.empty((width, len(out)), "u1")
    if len(parts) == 1:
        _decompress(parts[0], planes.ctypes.data, planes.reshape(-1))
    else:
        one, at = numpy.empty(width * max(part[3] for part in parts), "u1"), 0
        address = one.ctypes.data
        for part in parts:
            count = part[3]
            octets = one[:width * count]
            _decompress(part, address, octets)
            planes[:, at:at + count] = octets.reshape(width, count)
            at += count
    octets = out.view("u1").reshape(len(out), width)
    out.fill(0)
    for b in planes.any(axis=1).nonzero()[0].tolist():
        octets[:, b] = planes[b]


def _delta(parts, width, out):
    _planes(parts, width, out)
    sign = out & ONE[width]
    out >>= ONE[width]
    out ^= numpy.negative(sign, out=sign)
    if len(parts) > 1:  # each begins at 0
        starts = list(accumulate((part[3] for part in parts[:-1]), initial=0))
        out[starts[1:]] -= numpy.add.reduceat(out, starts, dtype=out.dtype)[:-1]
    numpy.cumsum(out, dtype=out.dtype, out=out)


_DECODERS = {PLAIN: _plain, CONST: _const, PLANES: _planes, DELTA: _delta}


class Rows:
    """The records of a kind in some chunks."""

    def __init__(self, chunks, kind):
        self._chunks, self._kind, self._indices = chunks, kind, {}
        self.counts = [chunk.rows(kind) for chunk in chunks]
        self.count = sum(self.counts)
        self._kept = None
        if any(count != len(chunk) for count, chunk in zip(self.counts, chunks)):
            kept = numpy.broadcast_to(self._whole("record.type") == TYPES[kind], sum(map(len, chunks)))
            starts = list(accumulate((len(chunk) for chunk in chunks[:-1]), initial=0))
            if numpy.add.reduceat(kept, starts, dtype="i8").tolist() != self.counts:
                raise Damage("a record without its row")
            self._kept = kept

    def _whole(self, name):
        """A column, of all rows of its table."""
        width, at = FIELDS[name][1], 0
        parts = [part for part in (chunk.part(name) for chunk in self._chunks) if part and part[3]]
        if parts and all(part[1:3] == (CONST, 0) and part[4] == parts[0][4] for part in parts):
            out = numpy.empty(1, _kind(width))
            _const([(width, CONST, 0, 1, parts[0][4])], width, out)
            return out
        out = numpy.empty(sum(part[3] for part in parts), _kind(width))
        for encoding, some in groupby(parts, itemgetter(1)):
            some = list(some)
            count = sum(part[3] for part in some)
            _DECODERS[encoding](some, width, out[at:at + count])
            at += count
        return out

    def column(self, name, part=0):
        """A column of all records or of those of the kind; of elements of more than 8 bytes a part."""
        array = self._whole(name)
        if array.dtype.kind == "S":
            array = array.view("<u8").reshape(-1, array.itemsize // 8)[:, part]
        if self._kept is not None and len(array) > 1 and name.startswith("record."):
            array = array[self._kept]
        return array

    def _index(self, name):
        """Which rows of its chunk's dictionary each record means."""
        if name not in self._indices:
            index = self._whole(f"{self._kind}.{name}")
            some = [(count, chunk.rows(name)) for count, chunk in zip(self.counts, self._chunks) if count]
            starts = list(accumulate((count for count, _ in some[:-1]), initial=0))
            last = index if len(index) == 1 else numpy.maximum.reduceat(index, starts) if some else index
            if (last >= numpy.array([size for _, size in some], "u4")).any():
                raise Damage("an instruction or a task that is not there")
            index = index.astype("intp")
            if len(some) > 1:
                # all dictionaries together, those of chunks without such records, too
                bases = accumulate((chunk.rows(name) for chunk in self._chunks), initial=0)
                index = index + numpy.repeat(list(bases)[:-1], self.counts)
            self._indices[name] = index
        return self._indices[name]

    def meant(self, name):
        """A column of a dictionary, of the row that each record means."""
        index, array = self._index(name.split(".")[0]), self._whole(name)
        # clip: they were looked at before
        return array if len(array) == 1 else array.take(index, mode="clip")
