# SPDX-License-Identifier: GPL-2.0-only
"""What the judges of logs share, besides TAP: the events of a log as a stream, and the comparison
of such a stream with what a program noted about its own accesses.

Logs are read by the `hvtrace` of this checkout, as a user would: one pass, any length.
"""

import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import check  # noqa: E402


def events(hvtrace, log):
    """The records of a log, one at a time. A log that is not whole is an error."""
    with subprocess.Popen([hvtrace, "script", "--format", "json", log],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        for line in reader.stdout:
            yield json.loads(line)
        why = reader.stderr.read()
    if reader.returncode:
        raise RuntimeError(f"{log}: {why.strip()}")


def number(s):
    return int(s, 16)


def value_bytes(e, key):
    """The recorded bytes, and where the first of them lies."""
    size = e.get("value_len", e["size"])
    at = number(e["addr"]) + e.get("value_off", 0)
    if size <= 8:
        return at, number(e[key]).to_bytes(size, "little")
    return at, bytes.fromhex(e[key])


class Stream:
    """What holds for every log: nothing missing, nothing twice, one order for each page,
    and each byte found as it was left. remap: pages may come and
    go with other content. one_page: what lies on the next page is not watched."""

    def __init__(self, remap=False, one_page=False):
        self.remap, self.one_page = remap, one_page
        self.count = self.lost = 0
        self.bad = {}
        self.seq, self.order, self.memory, self.cpus = {}, {}, {}, {}
        self.alias = {}  # physical page -> where the program has it

    def wrong(self, what, e):
        self.bad.setdefault(what, e)

    def feed(self, e):
        if e["type"] == "lost":
            self.lost += e["count"]
        if self.seq.setdefault(e["cpu"], e["seq"]) != e["seq"]:
            self.wrong("sequence", e)
        self.seq[e["cpu"]] = e["seq"] + e.get("count", 1)
        if e["type"] != "access":
            return False
        self.count += 1
        self.cpus[e["cpu"]] = self.cpus.get(e["cpu"], 0) + 1
        # Equal: the two operands of one instruction on one page.
        page = e["gpa"][:-3]
        last = self.order.get(page, (-1, None))
        if (e["order"], e["tsc"]) != last and e["order"] <= last[0]:
            self.wrong("order", e)
        self.order[page] = (e["order"], e["tsc"])
        if e["access"] != "exec" and e["old"] is not None and not self.remap:
            self.bytes(e)
        return True

    def bytes(self, e):
        at, old = value_bytes(e, "old")
        _, new = value_bytes(e, "new")
        memory, page = self.memory, e["gpa"][:-3]
        if e["user"]:
            self.alias[page] = at & ~4095
        else:
            at = self.alias.get(page, at & ~4095) | at & 4095
        if self.one_page:
            old = old[:4096 - at % 4096]
        for i, byte in enumerate(old):
            if memory.get(at + i, byte) != byte:
                self.wrong("chain", e)
            memory[at + i] = new[i]

    def report(self, what):
        check(f"{what}: no sequence number is missing, none twice",
              "sequence" not in self.bad and not self.lost, (self.lost, self.bad.get("sequence")))
        check(f"{what}: in the order of each page", "order" not in self.bad, self.bad.get("order"))
        if not self.remap:
            check(f"{what}: each old value is the new value before it", "chain" not in self.bad,
                  self.bad.get("chain"))


KINDS = {1: "read", 2: "write", 3: "rmw", 4: "exec"}


def read_truth(file):
    """tid -> its notes; tests/lab/programs/notes.h says how they are written."""
    with open(file, "rb") as f:
        data = f.read()
    nthreads, at, truth = struct.unpack_from("<I", data)[0], 4, {}
    for _ in range(nthreads):
        tid, count = struct.unpack_from("<II", data, at)
        at += 8
        truth[tid] = memoryview(data)[at:at + count * 24]
        at += count * 24
    return truth


class Truth:
    """Each thread's events are its notes: the same accesses in the same order, with the
    values that it saw itself."""

    def __init__(self, file):
        notes = read_truth(file)
        self.total = sum(len(n) // 24 for n in notes.values())
        self.next = {tid: struct.iter_unpack("<IBBBBQQ", n) for tid, n in notes.items()}
        self.seen = 0
        self.access = self.value = self.extra = None
        self.source = {}

    def feed(self, e):
        want = next(self.next.get(e["tid"], iter(())), None)
        if want is None:
            self.extra = self.extra or e
            return
        self.seen += 1
        addr, size, access, known, moved, old, new = want
        if (number(e["addr"]), e["size"], e["access"]) != (addr, size, KINDS[access]):
            self.access = self.access or (want, e)
            return
        if not known and not moved and e["tid"] not in self.source:
            return
        keep = (1 << 8 * min(size, 8)) - 1
        got_old = int.from_bytes(value_bytes(e, "old")[1][:8], "little")
        got_new = int.from_bytes(value_bytes(e, "new")[1][:8], "little")
        if (known & 1 and got_old != old & keep) or (known & 2 and got_new != new & keep):
            self.value = self.value or (want, e)
        if moved:
            self.source[e["tid"]] = got_old
        elif self.source.pop(e["tid"], got_new) != got_new:
            self.value = self.value or (want, e)

    def report(self, what):
        check(f"{what}: {self.total} accesses, each one recorded once",
              self.seen == self.total and self.extra is None, (self.seen, self.extra))
        check(f"{what}: address, size and kind of each", self.access is None, self.access)
        check(f"{what}: the values that the program saw itself", self.value is None, self.value)


def judge(what, hvtrace, log, truth_file, also=None, remap=False, one_page=False,
          mine=lambda e: True):
    """All of the above for one log. also(e) sees each access too; those that are not mine(e)
    are not the program's own."""
    stream, truth = Stream(remap, one_page), Truth(truth_file)
    for e in events(hvtrace, log):
        if stream.feed(e):
            if mine(e):
                truth.feed(e)
            if also:
                also(e)
    truth.report(what)
    stream.report(what)
    return stream
