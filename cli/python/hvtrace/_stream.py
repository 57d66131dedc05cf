# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The outer shape of a log, hvtrace.data(5): a header, then sections with checksums.

Nothing in the stream is believed. It is read up to its end or to the first thing that is
wrong; Stream.state and Stream.why say which.
"""
import struct
import zlib

from . import _zstd

SCHEMA, HOST, CLOCK, WATCH, EVENTS, ROUND, KSYM, TASK, MAP, ARMED, STAT, END, FILTER, OBJECT, SYMTAB, \
    MARK, INDEX, TRACE = range(1, 19)

MAGIC = b"HVTRACE\n"
VERSION, ABI = 2, 1
SECTION_MAX = 64 << 20

_HEADER = struct.Struct("<8sIIII32xII")
_SECTION = struct.Struct("<IIQQIIQQQII")


class Error(Exception):
    """There is no log to read: it is something else, or newer than this module."""


class Damage(Exception):
    """A section contradicts hvtrace.data(5) although its checksums are right."""


class Section:
    __slots__ = ("offset", "type", "cpu", "count", "tsc_first", "tsc_last", "seq_first", "crc", "payload")

    def intact(self):
        return self.crc == zlib.crc32(self.payload)


class Stream:
    """Sections of `data`, anything that has the buffer interface: for section in stream.

    EVENTS may be left for the user to ask whether they are intact."""

    def __init__(self, data, check_events=True):
        self._data, self._check_events = memoryview(data), check_events
        self.state, self.why = "open", "more bytes may come"
        if len(data) < _HEADER.size:
            raise Error("it is too short for an hvtrace log" if len(data) else "it is empty")
        magic, version, self._begin, abi, self.nr_cpus, _, crc = _HEADER.unpack_from(data)
        if magic != MAGIC:
            raise Error("it does not begin with the magic of an hvtrace log")
        if crc != zlib.crc32(self._data[:_HEADER.size - 4]):
            self._stop("damaged", "the header's checksum is wrong")
        elif version != VERSION or abi > ABI:
            raise Error(f"its version {version}.{abi} is not this reader's {VERSION}.{ABI}")
        elif not _HEADER.size <= self._begin <= 4096 or not 0 < self.nr_cpus <= 65536:
            self._stop("damaged", "the header is malformed")

    def _stop(self, state, why):
        self.state, self.why = state, why

    def damaged(self, section, what):
        """The user of a section found that it is malformed: nothing behind it counts."""
        self._stop("damaged", f"damaged at byte {section.offset} ({what})")

    def __iter__(self):
        at = self._begin if self.state == "open" else None
        while self.state == "open":
            section, at = self._section(at)
            if section:
                yield section
                if self.state == "open" and section.type == END:
                    self._stop("complete", "complete")

    def _section(self, at):
        data, s = self._data, Section()
        if len(data) < at + _SECTION.size:
            return self._cut(at)
        (s.type, codec, length, raw, s.cpu, s.count, s.tsc_first, s.tsc_last, s.seq_first, s.crc,
         hcrc) = _SECTION.unpack_from(data, at)
        s.offset, begin = at, at + _SECTION.size
        if (hcrc != zlib.crc32(data[at:begin - 4]) or max(length, raw) > SECTION_MAX
                or codec == 0 and length != raw):
            return self.damaged(s, "section header"), at
        end = begin + length + 7 & ~7
        if len(data) < end:
            return self._cut(at)
        s.payload = data[begin:begin + length]
        if (s.type != EVENTS or self._check_events) and not s.intact():
            return self.damaged(s, f"checksum of a section of type {s.type}"), at
        try:
            if codec > 1 or codec and s.type in (EVENTS, END):
                raise _zstd.Broken
            if codec:
                s.payload = memoryview(_zstd.decompress(s.payload, raw))
        except _zstd.Broken:
            return self.damaged(s, f"malformed section of type {s.type}"), at
        return s, end

    def _cut(self, at):
        self._stop("cut", f"cut short after byte {at}: no END section")
        return None, at
