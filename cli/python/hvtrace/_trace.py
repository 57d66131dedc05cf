# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Events of traces: instructions, and what breaks their sequence."""
import signal

from ._event import CODE32, REGISTERS, USER, Code, as_hex, lazy, plus
from ._facts import text

try:
    from ._syscalls import NAMES_32, NAMES_64
except ImportError:  # made when hvtrace is built
    NAMES_32 = NAMES_64 = {}

DELTA = SYSRET = 1 << 13
MEM = TRAP = 1 << 14
VECTOR_NONE = 0xff
NAMES = REGISTERS + ("rflags",)
WHAT = (None, "begin", "end", "interrupt", "exception", "syscall", "resume", "signal", "exec", "exit",
        "return", "switch")
# SIGIO is SIGPOLL (signal(7)); those of real time have no names
SIGNALS = {s.value: s.name for s in signal.Signals if s.value < 32} | {29: "SIGPOLL"}
ACCESSES = {1: "read", 2: "write", 3: "rmw"}


def _signed(v):
    v &= 0xffffffff
    return v - (1 << 32) if v >> 31 else v


def _value(data):
    return None if data is None else int.from_bytes(data, "little") if len(data) <= 8 else bytes(data)


class _Traced(Code):
    def _who(self, task):
        self.pid, self.tid = task[:2]

    @lazy
    def comm(self):
        """What the thread was called then."""
        return text(self._facts.comm(self.pid, self.tid, self.ns)[:16])

    @property
    def trace(self):
        """The trace's id."""
        return self.watch

    def __repr__(self):
        return f"<{self.type} {self.ip:#x} cpu={self.cpu} seq={self.seq} tid={self.tid}>"

    def _head_json(self):
        return {"type": self.type, "seq": self.seq, "cpu": self.cpu, "ns": self.ns, "tsc": self.tsc,
                "pid": self.pid, "tid": self.tid, "comm": self.comm, "trace": self.trace}

    def _depth_json(self):
        return {k: getattr(self, k) for k in ("body", "nest") if getattr(self, k)}


class Insn(_Traced):
    """An instruction that was executed. regs: what it changed; mem: its operands, as dicts."""

    def __init__(self, facts, record, cpu, row, code, task, delta, mem):
        super().__init__(facts, record, cpu)
        self._code(code)
        self._who(task)
        self.body, self.nest = row
        self.regs = self.mem = self.mem_known = None
        if delta:
            bits = [i for i in range(len(NAMES)) if delta[0] >> i & 1]
            self.regs = {NAMES[i]: v for i, v in zip(bits, delta[1])}
        if mem:
            self.mem_known = bool(mem[1])
            self.mem = [{"addr": addr, "size": size, "access": ACCESSES[access], "old": _value(old),
                         "new": _value(new)} for addr, size, access, old, new, _ in mem[0]]

    def json(self):
        e = self._head_json() | self._code_json() | self._depth_json()
        if self.regs is not None:
            e["regs"] = {name: hex(v) for name, v in self.regs.items()}
        if self.mem is not None:
            e["mem"] = [m | {k: as_hex(m[k]) for k in ("addr", "old", "new")} for m in self.mem]
            e["mem_known"] = self.mem_known
        return e


class Flow(_Traced):
    """What breaks the sequence of a thread's instructions: what says which kind."""

    def __init__(self, facts, record, cpu, row, code, task):
        super().__init__(facts, record, cpu)
        self._code(code)
        self._who(task)
        self.to, what, self.vector, self.nest, self.number, args, self.body = row
        self.what = WHAT[what] if what < len(WHAT) else None
        self.args = memoryview(args).cast("Q").tolist()
        if self.vector == VECTOR_NONE:
            self.vector = None
        self._ia32 = False
        if self.what == "syscall" or self.returns:
            self._ia32 = facts.is_ia32(self.tid, self.what == "syscall", self.bytes == b"\xcd\x80") or \
                bool(self.flags & CODE32)

    @property
    def returns(self):
        """A system call ends here: args[0] is its result."""
        return self.what == "resume" and bool(self.flags & SYSRET)

    @property
    def name(self):
        """Of the system call or the signal, or None."""
        if self.what == "syscall" or self.returns:
            return (NAMES_32 if self._ia32 else NAMES_64).get(self.number)
        return SIGNALS.get(self.number) if self.what == "signal" else None

    @lazy
    def to_symbol(self):
        return self._facts.symbol(self.pid, self.ns, self.to, self._known)

    def json(self):
        e = self._head_json() | {"what": self.what, "ip": hex(self.ip) if self.ip else None,
                                 "to": hex(self.to) if self.to else None}
        e |= {"to_sym": plus(self.to_symbol), "to_obj": self.to_symbol.obj} if self.to else \
            {"to_sym": None, "to_obj": None}
        e |= {"user": bool(self.flags & USER)} | self._depth_json()
        if self.what in ("interrupt", "exception"):
            e["vector"] = self.vector
        if self.what == "exception":
            e |= {"error": self.number, "trap": bool(self.flags & TRAP)}
            if self.vector == 14:
                e["fault_addr"] = hex(self.args[0])
            e |= {"insn": self.insn, "bytes": self.bytes.hex() or None}
        elif self.what == "syscall":
            e |= {"nr": self.number, "name": self.name, "args": [hex(v) for v in self.args]}
        elif self.returns:
            e |= {"nr": self.number, "name": self.name, "result": hex(self.args[0])}
        elif self.what == "signal":
            e |= {"signal": self.number, "name": self.name, "si_code": _signed(self.args[0]),
                  "si_addr": hex(self.args[1])}
        elif self.what == "exit":
            e["status"] = self.number
        elif self.what == "switch":
            e["on"] = bool(self.number)
        return e
