# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A log file: its events one by one, or columns of all of them at once."""
import io
import json
import mmap
from bisect import bisect_left
from operator import itemgetter

from . import _stream
from ._chunk import Chunk
from ._columns import COLUMNS, Malformed, chunk_maker, load, numpy
from ._event import Mark
from ._facts import Facts
from ._records import records
from ._stream import Damage, Stream


class Log:
    """for event in log: all events of all CPUs in one order. Read as often as you like.

    state and why tell, after a whole iteration, how the log ended: "complete", "cut" or
    "damaged"; what is given out is good in any case.
    """

    def __init__(self, file):
        if isinstance(file, io.IOBase):
            self._data = file.read()
        else:
            with open(file, "rb") as f:
                try:
                    self._data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
                except (ValueError, OSError):  # empty, or a pipe
                    self._data = f.read()
        Stream(self._data)  # raises Error when it is no log
        self.state, self.why, self._facts = "open", "not read yet", None

    def _read(self, facts, events=None, marks=None, check_events=True, bad=None):
        """Gives each section to facts, and the EVENTS to events(section), then to the caller. What
        is malformed ends them; that at the offset `bad` is known to be."""
        stream = Stream(self._data, check_events)
        for s in stream:
            try:
                if s.offset == bad:
                    raise Damage
                if s.type == _stream.EVENTS and events:
                    events(s)
                if s.type == _stream.MARK and marks:
                    marks(Mark(s.payload))
                facts.add(s)
                yield s
            except Damage:
                what = "malformed section" if s.type != _stream.EVENTS or s.intact() else "checksum of a section"
                stream.damaged(s, f"{what} of type {s.type}")
        self.state, self.why = stream.state, stream.why

    def __iter__(self):
        facts, pending = Facts(), []

        def add(section):
            chunk = Chunk(section)
            pending.extend((tsc, chunk.cpu, seq, make) for tsc, seq, make in records(chunk))

        def add_mark(mark):
            # before what has its time
            pending.append((mark.tsc, -1, 0, mark.at))

        def release(limit):
            """All that is earlier; what came in one order keeps it."""
            pending.sort(key=itemgetter(0, 1, 2))
            n = bisect_left(pending, (limit,))
            for p in pending[:n]:
                yield p[3](facts)
            del pending[:n]

        for s in self._read(facts, add, add_mark):
            if s.type == _stream.ROUND:
                yield from release(facts.round)
        yield from release(2**64)

    @property
    def facts(self):
        """All that the log says beside its events."""
        if not self._facts:
            self._facts = Facts()
            for _ in self._read(self._facts):
                pass
        return self._facts

    @property
    def host(self):
        """Where and how it was made: the members of HOST in hvtrace.data(5)."""
        return json.loads(self.facts.host) if self.facts.host else {}

    @property
    def watches(self):
        return self.facts.watches

    @property
    def traces(self):
        return self.facts.traces

    @property
    def lost(self):
        """Events that the agent counted as lost."""
        return sum(lost for _, _, lost in self.facts.stats)

    def processes(self, ns):
        """The threads that there were at ns."""
        return self.facts.processes(ns)

    def symbol(self, addr, pid=0, ns=2**64 - 1):
        """What lay at a linear address of a process at a time."""
        return self.facts.symbol(pid, ns, addr)

    # --- columns

    def _load(self, names, kind, structured):
        if not numpy:
            raise ImportError("columns need numpy; try: apt-get install python3-numpy")
        if kind not in COLUMNS:
            raise KeyError(f"{kind}: no such kind of event; try: {' '.join(COLUMNS)}")
        names = names or tuple(COLUMNS[kind])
        unknown = set(names) - set(COLUMNS[kind])
        if unknown:
            raise KeyError(f"{', '.join(sorted(unknown))}: no such column of {kind} events; "
                           f"try: {' '.join(COLUMNS[kind])}")
        try:
            return self._arrays(names, kind, structured, check_events=False)
        except Malformed:
            pass
        # Once more, in order, to know what is the first thing that is wrong.
        bad = None
        while True:
            try:
                return self._arrays(names, kind, structured, bad=bad)
            except Malformed as e:
                bad = e.offset

    def _arrays(self, names, kind, structured, **how):
        facts, chunks, make = Facts(), [], chunk_maker(self._data, kind)
        for _ in self._read(facts, lambda section: chunks.append(make(section)), **how):
            pass
        return load(kind, names, chunks, facts.clocks, structured)

    def columns(self, *names, kind="access"):
        """The accesses, in order, as a dict of numpy arrays; with kind "insn" the instructions of
        traces, with "flow" what breaks their sequence. names: of COLUMNS[kind]; none: all.

        Of accesses, values are the low 8 bytes, and access is a sum of 1 read, 2 write, 4 execute.
        Records that only a disassembler can place (flag 0x10) are there as they are, with size 0.
        Of flow, what is an index in WHAT, vector 255 is none that is known, and arg0 to arg5 are
        the arguments of a system call, in arg0 the result of one that returns.
        """
        return self._load(names, kind, False)

    def numpy(self, *names, kind="access"):
        """columns() as one structured array."""
        return self._load(names, kind, True)

    def pandas(self, *names, kind="access"):
        """columns() as a DataFrame."""
        import pandas
        return pandas.DataFrame(self.columns(*names, kind=kind))
