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
    from ._vector import Rows
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
        return slice(place[0], place[-1] + 1)
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
    tsc = place = None

    def fill_tsc(group):
        tsc[group.at:group.at + group.count] = Rows(group.chunks).column("record.tsc")

    def fill(group):
        if not all(chunk.intact() for chunk in group.chunks):
            raise Damage("another checksum")
        rows, here = Rows(group.chunks), slice(group.at, group.at + group.count)
        times, values = None if tsc is None else tsc[here], {}
        if times is None and {"tsc", "ns"} & set(names):
            times = rows.column("record.tsc")
        for name in names:
            kind, sources = COLUMNS[name]
            if name == "cpu":
                values[name] = numpy.array([group.chunks[0].cpu], kind)
            elif name == "tsc":
                values[name] = times
            elif name == "ns":
                values[name] = clocks.ns_array(numpy, times)
            elif name == "gpa":
                values[name] = rows.column("access.gla") + rows.column("access.gpa_gla")
            else:
                values[name] = rows.column(sources[0]) if len(sources) == 1 else rows.meant(sources[1])
        _put(out, here if place is None else _place(place[here]), values)

    bad = None
    if chunks and chunks[0].cpu != chunks[-1].cpu:
        tsc = numpy.empty(count, "u8")
        bad = _each(fill_tsc, groups)
        # CPU by CPU each is in order: a stable sort by time is a merge of few runs
        order = numpy.argsort(tsc, kind="stable")
        place = numpy.empty(count, "intp")
        place[order] = numpy.arange(count)
    bad = bad or _each(fill, groups)
    if bad is not None:
        raise Malformed(bad)
    return out
