# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The accesses of a log as numpy arrays, made of its columns without a look at single events."""
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from ._chunk import numpy
from ._event import ACCESS
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


def _gather(index, table):
    if len(index) and (not len(table) or index.max() >= len(table)):
        raise Damage("an instruction or a task that is not there")
    return table[index]


class _Rows:
    """The accesses of one chunk."""

    def __init__(self, chunk, clocks):
        self._chunk, self._clocks, self._arrays = chunk, clocks, {}
        self.count = chunk.rows("access")
        self._kept = None
        if self.count != len(chunk):
            self._kept = chunk.array("record.type") == ACCESS
            if numpy.count_nonzero(self._kept) != self.count:
                raise Damage("a record without its row")

    def _array(self, name):
        if name not in self._arrays:
            array = self._chunk.array(name)
            if name.startswith("record.") and self._kept is not None:
                array = array[self._kept]
            self._arrays[name] = array
        return self._arrays[name]

    def column(self, name):
        if name == "cpu":
            return self._chunk.cpu
        if name == "ns":
            return self._clocks.ns_array(numpy, self._array("record.tsc"))
        if name == "comm":
            return _gather(self._array("access.task"), numpy.array(self._chunk.column("task.comm"), "S16"))
        arrays = [self._array(source) for source in COLUMNS[name][1]]
        if name == "gpa":
            return arrays[0] + arrays[1]
        return arrays[0] if len(arrays) == 1 else _gather(*arrays)


def _allocate(names, rows, structured):
    kinds = [(name, COLUMNS[name][0]) for name in names]
    if structured:
        return numpy.empty(rows, kinds)
    return {name: numpy.empty(rows, kind) for name, kind in kinds}


def load(names, chunks, clocks, structured):
    """(arrays, bad): a dict of arrays or one structured array; bad is the offset of the first
    chunk that is malformed, whose accesses are left out with those of all behind it, or None."""
    chunks = sorted(chunks, key=lambda c: c.cpu)
    starts = list(accumulate((c.rows("access") for c in chunks), initial=0))
    out = _allocate(names, starts[-1], structured)
    one_cpu = not chunks or chunks[0].cpu == chunks[-1].cpu
    key = {} if one_cpu or "tsc" in names else _allocate(["tsc"], starts[-1], False)

    def fill(chunk, at):
        try:
            rows = _Rows(chunk, clocks)
            for arrays, columns in (out, names), (key, key):
                for name in columns:
                    arrays[name][at:at + rows.count] = rows.column(name)
        except Damage:
            return chunk.offset

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = [offset for offset in pool.map(fill, chunks, starts) if offset is not None]
    if bad:
        return load(names, [c for c in chunks if c.offset < min(bad)], clocks, structured)[0], min(bad)
    if not one_cpu:
        # CPU by CPU each is in order: a stable sort by time is a merge of few runs
        order = numpy.argsort(key["tsc"] if key else out["tsc"], kind="stable")
        out = out[order] if structured else {name: array[order] for name, array in out.items()}
    return out, None
