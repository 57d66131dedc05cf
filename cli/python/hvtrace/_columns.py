# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Records of a log as numpy arrays, made of its columns without a look at single events."""
import os
from collections import deque
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

def _columns(kind, columns):
    """Those of a kind of records, between what all have. name: (type, the columns of a chunk that
    it is made of, which part of that): a second column is a dictionary."""
    return {
        "cpu": ("u4", (), 0),
        "seq": ("u8", ("record.seq",), 0),
        "tsc": ("u8", ("record.tsc",), 0),
        "ns": ("u8", ("record.tsc",), 0),
        "pid": ("u4", (f"{kind}.task", "task.pid"), 0),
        "tid": ("u4", (f"{kind}.task", "task.tid"), 0),
    } | columns | {
        "ip": ("u8", (f"{kind}.code", "code.ip"), 0),
        "flags": ("u2", ("record.flags",), 0),
    }


COLUMNS = {
    "access": _columns("access", {
        "cr3": ("u8", ("access.task", "task.cr3"), 0),
        "comm": ("S16", ("access.task", "task.comm"), 0),
        "access": ("u1", ("access.access",), 0),
        "addr": ("u8", ("access.gla",), 0),
        "size": ("u4", ("access.size",), 0),
        "gpa": ("u8", ("access.gla", "access.gpa_gla"), 0),
        "old": ("u8", ("access.old",), 0),
        "new": ("u8", ("access.new",), 0),
    }) | {
        "watch": ("u4", ("record.watch",), 0),
        "vector": ("u1", ("access.vector",), 0),
        "order": ("u8", ("access.order",), 0),
    },
    "insn": _columns("insn", {}) | {
        "trace": ("u4", ("record.watch",), 0),
        "body": ("u4", ("insn.body",), 0),
        "nest": ("u1", ("insn.nest",), 0),
    },
    "flow": _columns("flow", {
        "what": ("u1", ("flow.what",), 0),
    }) | {
        "to": ("u8", ("flow.to",), 0),
        "vector": ("u1", ("flow.vector",), 0),
        "number": ("u4", ("flow.number",), 0),
        "trace": ("u4", ("record.watch",), 0),
        "body": ("u4", ("flow.body",), 0),
        "nest": ("u1", ("flow.nest",), 0),
    } | {f"arg{i}": ("u8", ("flow.arg",), i) for i in range(6)},
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
    """Some chunks of one CPU; the first of their rows is at `at`."""

    def __init__(self, at):
        self.at, self.chunks, self.count = at, [], 0

    def add(self, chunk, rows):
        self.chunks.append(chunk)
        self.count += rows


def _grouped(chunks, kind, most):
    groups, at = [], 0
    for _, some in groupby(chunks, lambda chunk: chunk.cpu):
        group = None
        for chunk in some:
            rows = chunk.rows(kind)
            if not group or group.count + rows > most:
                group = _Group(at)
                groups.append(group)
            group.add(chunk, rows)
            at += rows
    return groups


def _first_bad(work, group, kind):
    at = group.at
    for chunk in group.chunks:
        alone = _Group(at)
        alone.add(chunk, chunk.rows(kind))
        try:
            work(alone)
        except Damage:
            return chunk.offset
        at += alone.count
    raise AssertionError("chunks that are malformed only together")


def _each(work, groups, kind):
    """work(group) for all of them, on all CPUs. The first chunk that is malformed, or None."""
    bad, left = [], deque(groups)

    def one_after_the_other():
        while left:
            try:
                group = left.popleft()
            except IndexError:  # another thread was faster
                break
            try:
                work(group)
            except Damage:
                bad.append(_first_bad(work, group, kind))

    cpus = min(len(os.sched_getaffinity(0)), len(groups))
    if cpus > 1:
        with ThreadPoolExecutor(cpus) as pool:
            try:
                for done in [pool.submit(one_after_the_other) for _ in range(cpus)]:
                    done.result()
            except BaseException:  # ^C, too: leave the rest
                left.clear()
                raise
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


def _order(tsc):
    # CPU by CPU each is in order: a stable sort by time is a merge of few runs
    return numpy.argsort(tsc, kind="stable")


class _ByNumpy:
    """How chunks become rows of out."""

    def __init__(self, chunks, kind, columns, out, structured, clocks):
        self._groups = _grouped(chunks, kind, ROWS_STRUCTURED if structured else ROWS)
        self._kind, self._columns, self._out, self._clocks = kind, columns, out, clocks
        self._tsc = None

    def put(self):
        """The first chunk that is malformed, or None."""
        return _each(lambda group: self._put(group, None), self._groups, self._kind)

    def put_by_time(self, tsc):
        def put_tsc(group):
            tsc[group.at:group.at + group.count] = Rows(group.chunks, self._kind).column("record.tsc")

        bad = _each(put_tsc, self._groups, self._kind)
        if bad is None:
            self._tsc, place = tsc, numpy.empty(len(tsc), "u8")
            place[_order(tsc)] = numpy.arange(len(tsc), dtype="u8")
            bad = _each(lambda group: self._put(group, place), self._groups, self._kind)
        return bad

    def _put(self, group, place):
        if not all(chunk.intact() for chunk in group.chunks):
            raise Damage("another checksum")
        rows, here, values = Rows(group.chunks, self._kind), slice(group.at, group.at + group.count), {}
        for name, (kind, sources, part) in self._columns.items():
            if name == "cpu":
                values[name] = numpy.array([group.chunks[0].cpu], kind)
            elif name in ("tsc", "ns"):
                tsc = rows.column("record.tsc") if self._tsc is None else self._tsc[here]
                values[name] = self._clocks.ns_array(numpy, tsc) if name == "ns" else tsc
            elif name == "gpa":
                values[name] = rows.column("access.gla") + rows.column("access.gpa_gla")
            else:
                values[name] = rows.column(sources[0], part) if len(sources) == 1 else rows.meant(sources[1])
        _put(self._out, here if place is None else _place(place[here]), values)


class _ByLibrary:
    def __init__(self, chunks, kind, columns, out, structured, clocks):
        self._rows, self._out, self._structured = _native.Rows(chunks, kind, clocks), out, structured
        fields = {"cpu": "cpu", "ns": "ns"}
        self._columns = {name: (out[name], fields.get(name) or sources[-1], part)
                         for name, (_, sources, part) in columns.items()}

    def put(self):
        return self._rows.put(self._columns)

    def put_by_time(self, tsc):
        bad = self._rows.put({"tsc": (tsc, "record.tsc", 0)})
        if bad is not None or self._rows.ascends(tsc):
            return self._rows.put(self._columns, tsc) if bad is None else bad
        bad, order = self.put(), _order(tsc)
        for array in [self._out] if self._structured else self._out.values():
            array[:] = array[order]
        return bad


def chunk_maker(data, kind):
    """What makes load()'s chunks of the EVENTS sections in data."""
    if not _native.lib:
        return Chunk
    data = _native.Data(data)
    return lambda section: data.chunk(section, kind)


def load(kind, names, chunks, clocks, structured):
    """The records of a kind in chunks, as a dict of arrays or as one structured array. Raises
    Malformed with the first chunk's offset."""
    chunks = sorted(chunks, key=lambda chunk: chunk.cpu)
    count = sum(chunk.rows(kind) for chunk in chunks)
    columns = {name: COLUMNS[kind][name] for name in names}
    if structured:
        out = numpy.empty(count, [(name, column[0]) for name, column in columns.items()])
    else:
        out = {name: numpy.empty(count, column[0]) for name, column in columns.items()}
    rows = (_ByLibrary if _native.lib else _ByNumpy)(chunks, kind, columns, out, structured, clocks)
    one_cpu = not chunks or chunks[0].cpu == chunks[-1].cpu
    bad = rows.put() if one_cpu else rows.put_by_time(numpy.empty(count, "u8"))
    if bad is not None:
        raise Malformed(bad)
    return out
