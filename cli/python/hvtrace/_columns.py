# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The accesses of a log as numpy arrays, made of its columns without a look at single events."""
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

try:
    import numpy
except ImportError:
    numpy = None
else:
    from . import _native
    from ._vector import Rows
from ._chunk import Chunk
from ._stream import Damage

# name: (type, the columns of a chunk that it is made of); a second one is a dictionary
COLUMNS = {
    "cpu": ("u4", ()),
    "seq": ("u8", ("record.seq",)),
    "tsc": ("u8", ("record.tsc",)),
    "ns": ("u8", ("record.tsc",)),
    "pid": ("u4", ("access.task", "task.pid")),
    "tid": ("u4", ("access.task", "task.tid")),
    "cr3": ("u8", ("access.task", "task.cr3")),
    "comm": ("S16", ("access.task", "task.comm")),
    "access": ("u1", ("access.access",)),
    "addr": ("u8", ("access.gla",)),
    "size": ("u4", ("access.size",)),
    "gpa": ("u8", ("access.gla", "access.gpa_gla")),
    "old": ("u8", ("access.old",)),
    "new": ("u8", ("access.new",)),
    "ip": ("u8", ("access.code", "code.ip")),
    "flags": ("u2", ("record.flags",)),
    "watch": ("u4", ("record.watch",)),
    "vector": ("u1", ("access.vector",)),
    "order": ("u8", ("access.order",)),
}


class Malformed(Exception):
    """A chunk is, or has another checksum."""

    def __init__(self, offset):
        super().__init__(offset)
        self.offset = offset


# Rows that are made at once: enough that what each call of numpy costs is little. Those of a
# structured array should be in the cache until all of their columns are there.
ROWS_STRUCTURED, ROWS = 8192, 32768


class _Group:
    """Some chunks of one CPU; the first of their accesses is at `at`."""

    def __init__(self, at):
        self.at, self.chunks, self.count = at, [], 0

    def add(self, chunk):
        self.chunks.append(chunk)
        self.count += chunk.rows("access")


def _grouped(chunks, most):
    groups, at = [], 0
    for _, some in groupby(chunks, lambda chunk: chunk.cpu):
        group = None
        for chunk in some:
            if not group or group.count + chunk.rows("access") > most:
                group = _Group(at)
                groups.append(group)
            group.add(chunk)
            at += chunk.rows("access")
    return groups, at


def _first_bad(work, group):
    at = group.at
    for chunk in group.chunks:
        alone = _Group(at)
        alone.add(chunk)
        try:
            work(alone)
        except Damage:
            return chunk.offset
        at += alone.count
    raise AssertionError("chunks that are malformed only together")


def _each(work, groups):
    """work(group) for all of them, on all CPUs. The first chunk that is malformed, or None."""
    bad, left = [], iter(groups)

    def one_after_the_other():
        for group in left:
            try:
                work(group)
            except Damage:
                bad.append(_first_bad(work, group))

    cpus = min(os.cpu_count() or 1, len(groups))
    if cpus > 1:
        with ThreadPoolExecutor(cpus) as pool:
            for done in [pool.submit(one_after_the_other) for _ in range(cpus)]:
                done.result()
    else:
        one_after_the_other()
    return min(bad, default=None)


def _place(place):
    """Rows in the order of time, as a slice if they are one behind the other."""
    if len(place) and place[-1] - place[0] == len(place) - 1 and (place[1:] > place[:-1]).all():
        return slice(int(place[0]), int(place[-1]) + 1)
    return place


def _put(out, there, values):
    """Columns, of which those with one element are the same in all rows."""
    same = [name for name, array in values.items() if len(array) == 1]
    if isinstance(out, numpy.ndarray) and isinstance(there, slice) and len(same) > 2:
        # whole rows are copied faster than one field after the other
        row = numpy.zeros(1, out.dtype)
        for name in same:
            row[name] = values.pop(name)
        rows = numpy.dtype((numpy.void, out.dtype.itemsize))
        out.view(rows)[there] = row.view(rows)
    for name, array in values.items():
        out[name][there] = array


class _ByNumpy:
    """How chunks become rows of out."""

    def __init__(self, names, out, tsc, clocks):
        self._names, self._out, self._tsc, self._clocks = names, out, tsc, clocks

    def put_tsc(self, group):
        self._tsc[group.at:group.at + group.count] = Rows(group.chunks).column("record.tsc")

    def put(self, group, place):
        if not all(chunk.intact() for chunk in group.chunks):
            raise Damage("another checksum")
        rows, here, values = Rows(group.chunks), slice(group.at, group.at + group.count), {}
        if place is None and self._tsc is not None:
            self.put_tsc(group)
        for name in self._names:
            kind, sources = COLUMNS[name]
            if name == "cpu":
                values[name] = numpy.array([group.chunks[0].cpu], kind)
            elif name == "tsc" and self._tsc is not None:
                values[name] = self._tsc[here]
            elif name == "ns":
                values[name] = self._clocks.ns_array(numpy, self._tsc[here])
            elif name == "gpa":
                values[name] = rows.column("access.gla") + rows.column("access.gpa_gla")
            else:
                values[name] = rows.column(sources[0]) if len(sources) == 1 else rows.meant(sources[1])
        _put(self._out, here if place is None else _place(place[here]), values)


class _ByLibrary:
    def __init__(self, names, out, tsc, clocks):
        self._names, self._out, self._tsc, self._clocks = names, out, tsc, clocks
        arrays = [(COLUMNS[name][1][-1], out[name]) for name in names if name not in ("cpu", "ns")]
        self._of_tsc = _native.columns([("record.tsc", tsc)] if tsc is not None else [])
        self._in_order = _native.columns(arrays + ([("record.tsc", tsc)] if tsc is not None else []))
        self._placed = _native.columns(arrays)

    @staticmethod
    def _put(group, columns, place=None):
        at = group.at
        for chunk in group.chunks:
            chunk.put(columns, at, None if place is None else place[at:])
            at += chunk.rows("access")

    def put_tsc(self, group):
        self._put(group, self._of_tsc)

    def put(self, group, place):
        here = slice(group.at, group.at + group.count)
        self._put(group, self._in_order if place is None else self._placed, place)
        there = here if place is None else _place(place[here])
        if "cpu" in self._names:
            self._out["cpu"][there] = group.chunks[0].cpu
        if "ns" in self._names:
            self._out["ns"][there] = self._clocks.ns_array(numpy, self._tsc[here])


def chunk_maker(data):
    """What makes load()'s chunks of the EVENTS sections in data."""
    return _native.Data(data).chunk if _native.lib else Chunk


def load(names, chunks, clocks, structured):
    """The accesses of chunks, as a dict of arrays or as one structured array. Raises Malformed
    with the first chunk's offset."""
    chunks = sorted(chunks, key=lambda chunk: chunk.cpu)
    groups, count = _grouped(chunks, ROWS_STRUCTURED if structured else ROWS)
    kinds = [(name, COLUMNS[name][0]) for name in names]
    if structured:
        out = numpy.empty(count, kinds)
    else:
        out = {name: numpy.empty(count, kind) for name, kind in kinds}
    one_cpu = not chunks or chunks[0].cpu == chunks[-1].cpu
    tsc = numpy.empty(count, "u8") if not one_cpu or "ns" in names else None
    rows = (_ByLibrary if _native.lib else _ByNumpy)(names, out, tsc, clocks)
    place = bad = None
    if not one_cpu:
        bad = _each(rows.put_tsc, groups)
        # CPU by CPU each is in order: a stable sort by time is a merge of few runs
        order = numpy.argsort(tsc, kind="stable")
        place = numpy.empty(count, "u8")
        place[order] = numpy.arange(count, dtype="u8")
    if bad is None:
        bad = _each(lambda group: rows.put(group, place), groups)
    if bad is not None:
        raise Malformed(bad)
    return out
