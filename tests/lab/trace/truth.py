# SPDX-License-Identifier: GPL-2.0-only
"""The comparison of a thread's stream with what a single-stepper saw of it, and the wrong
streams that this has to notice. tests/lab/programs/stepper.c says what is in its files.
"""

import bisect
import os
import struct
import subprocess

from steps import Code, codes, where


class Symbols:
    """Names of a program's addresses, by its own symbol table."""

    def __init__(self, program):
        self.program, self.table, self.of = program, [], {}
        out = subprocess.run(["nm", "-n", "-S", program], stdout=subprocess.PIPE, text=True).stdout
        for line in out.splitlines():
            parts = line.split()
            if parts[-2] in "tTwWiIDdBb":
                size = int(parts[1], 16) if len(parts) == 4 else 0
                self.table.append((int(parts[0], 16), parts[-1]))
                self.of[parts[-1]] = (int(parts[0], 16), size)
        self.starts = [a for a, _ in self.table]

    def __call__(self, ip):
        i = bisect.bisect_right(self.starts, ip) - 1
        if i < 0 or ip - self.starts[i] > 1 << 20:
            return hex(ip)
        return f"{ip:#x} {self.table[i][1]}+{ip - self.starts[i]:#x}"


FAULTS = {4, 7, 8, 11}  # in these programs always of an instruction


class Truth:
    """What the stepper saw of one thread."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        self.ips = struct.unpack(f"<{len(data) // 8}Q", data)
        self.bytes = None
        if os.path.exists(path + ".bytes"):
            with open(path + ".bytes", "rb") as f:
                data = f.read()
            self.bytes = [data[i:i + 16] for i in range(0, len(data), 16)]
        self.calls, self.signals, self.exit, signal = [], [], None, None
        with open(path + ".events") as f:
            for at, what, *values in (line.split() for line in f):
                values = [int(v) for v in values]
                if what == "thread":
                    self.tid = values[0]
                elif what == "syscall":
                    self.calls.append((int(at), values[0], values[1], values[2:]))
                elif what == "handler":
                    self.signals.append((int(at), signal[0], values[0],
                                         signal[1] if signal[0] in FAULTS else None))
                elif what == "signal":
                    signal = values
                elif what == "exit":
                    self.exit = values[0]


def truths(prefix):
    """Of all threads, in the order in which they were made."""
    found = []
    while os.path.exists(f"{prefix}.{len(found)}"):
        found.append(Truth(f"{prefix}.{len(found)}"))
    return sorted(found, key=lambda t: t.tid)


def same_path(want, got, symbols):
    """'' or the first difference between two lists of addresses."""
    if len(want) == len(got) and all(map(int.__eq__, want, got)):
        return ""
    n = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    show = [f"{len(want)} instructions, {len(got)} in the log; the first difference is at {n}"]
    for what, path in (("stepper", want), ("log", got)):
        show += [f"{what}: {symbols(ip)}" for ip in path[max(0, n - 2):n + 3]]
    return "\n".join(show)


def same_bytes(want, got):
    for n, (raw, c) in enumerate(zip(want, got)):
        if raw[:len(c.bytes) // 2].hex() != c.bytes:
            return f"at {n}: {c.text}: {c.bytes}, the stepper has {raw.hex()}"
    return ""


# Whose results, or arguments, are numbers of processes, or say who was first (futex).
OF_PIDS = {202, 39, 56, 57, 58, 61, 62, 110, 129, 186, 200, 218, 234, 247}


def calls_of(stream):
    """(instructions before, number, result or None, arguments or None) of each system call."""
    n, found, open_call = 0, [], None
    for x in stream:
        if isinstance(x, Code):
            n += 1
            last = x
        elif x["what"] == "syscall":
            arguments = [int(a, 16) for a in x["args"]] if last.name == "syscall" else None
            open_call = [n, x["nr"], None, arguments]
            found.append(open_call)
        elif x["what"] == "resume" and x.get("result") is not None:
            if not open_call or x["nr"] != open_call[1]:
                found.append([n, f"the result of {x['nr']}, out of nothing", None, None])
            else:
                open_call[2] = int(x["result"], 16)
    return found


def random(value):
    """No number and no address: a register that the call does not use may hold what the C library
    has out of AT_RANDOM."""
    return value >> 47 not in (0, (1 << 17) - 1)


def same_calls(want, stream):
    """'' or the first system call that is not as the stepper saw it; not those that do not
    come back, and rt_sigreturn."""
    got = [c for c in calls_of(stream) if c[1] not in (15, 59, 60, 231)]
    want = [c for c in want if c[1] not in (15, 59)]
    handlers = {n for n, *_ in signals_of(stream)}
    for w, g in zip(want, got):
        if (w[0], w[1]) != (g[0], g[1]):
            return f"behind {w[0]} instructions call {w[1]}, not behind {g[0]} call {g[1]}"
        # of INT 0x80 the numbers are others, and here it asks for the process's own
        if w[1] in OF_PIDS or g[3] is None:
            continue
        if any(a != b and not (random(a) and random(b)) for a, b in zip(w[3], g[3])):
            return f"call {w[1]} behind {w[0]}: arguments {w[3]}, in the log {g[3]}"
        if g[2] is None or g[2] & (1 << 64) - 1 != w[2] & (1 << 64) - 1:
            # what is to be restarted is no result yet; a handler that runs first hides it
            if not (-516 <= w[2] <= -512 or (g[2] is None and w[0] in handlers)):
                return f"call {w[1]} behind {w[0]}: result {w[2]}, in the log {g[2]}"
    return "" if len(want) == len(got) else f"{len(want)} calls, {len(got)} in the log"


def signals_of(stream):
    """(instructions before, number, handler, the one that faulted) of each handler that runs."""
    n, got, fault = 0, [], None
    for x in stream:
        if isinstance(x, Code):
            n += 1
        elif x["what"] == "exception":
            fault = where(x, "ip")
        elif x["what"] == "signal" and x.get("to"):
            got.append((n, x["signal"], where(x, "to"), fault if x["signal"] in FAULTS else None))
    return got


def same_signals(want, stream):
    got = signals_of(stream)
    if got == want:
        return ""
    i = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    return (f"{len(want)} handlers, {len(got)} in the log; at {i}: "
            f"{want[i:i + 1]}, in the log {got[i:i + 1]}")


def compare(truth, stream, symbols):
    """'' or how a thread's stream differs from what the stepper saw of it."""
    got = codes(stream)
    return same_path(truth.ips, [c.ip for c in got], symbols) or \
        (truth.bytes and same_bytes(truth.bytes, got)) or same_calls(truth.calls, stream) or \
        same_signals(truth.signals, stream)


def mutations(stream):
    """(what was done, the stream) for copies that are wrong in one place each."""
    middle = len(stream) // 2
    while not (isinstance(stream[middle], Code) and isinstance(stream[middle + 1], Code) and
               stream[middle].ip != stream[middle + 1].ip and
               stream[middle].ip != stream[middle - 1]):
        middle += 1
    flow = next(i for i in range(middle, 0, -1) if not isinstance(stream[i], Code) and
                stream[i]["what"] == "resume")
    a, b = stream[middle:middle + 2]
    last = max(i for i, x in enumerate(stream) if isinstance(x, Code))
    yield "an instruction removed", stream[:middle] + stream[middle + 1:]
    yield "an instruction twice", stream[:middle] + [a] + stream[middle:]
    yield "two instructions swapped", stream[:middle] + [b, a] + stream[middle + 2:]
    yield "the last instruction removed", stream[:last] + stream[last + 1:]
    yield "a resume removed", stream[:flow] + stream[flow + 1:]
