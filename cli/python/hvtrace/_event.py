# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Events: the records of a log, with names when they are asked for."""
import struct

from . import _insn
from ._facts import split, take, text
from ._watches import GPA_NONE, Place, touched

PAGE_MASK = 4095
REGS, WIDE, DELIVERY, WALK, BLIND, USER, CODE32, CODE16, NOINSN, CLIPPED, DEVICE, NOVALUE, RUN = (
    1 << i for i in range(13))
R, W, X = 1, 2, 4
ACCESS, LOST, REMAP, INSN, FLOW = range(1, 6)
TYPES = {ACCESS: "access", LOST: "lost", REMAP: "remap", INSN: "insn", FLOW: "flow"}
REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
             "r13", "r14", "r15")


class lazy:
    """An attribute that is computed when it is first asked for."""

    def __init__(self, compute):
        self.compute, self.name, self.__doc__ = compute, compute.__name__, compute.__doc__

    def __get__(self, event, cls):
        if event is None:
            return self
        value = event.__dict__[self.name] = self.compute(event)
        return value


def _gpa(v):
    return None if v == GPA_NONE else v


def as_hex(v):
    return v if v is None else v.hex() if isinstance(v, bytes) else hex(v)


class Event:
    """One record. The attributes are the members of `hvtrace script --format json`, but numbers
    are integers, and a value of more than 8 bytes is bytes. json() gives those members."""

    def __init__(self, facts, record, cpu):
        self._facts, self._known, self.cpu = facts, facts.ksyms.n, cpu
        kind, self.flags, self.watch, self.seq, self.tsc = record
        self.type = TYPES[kind]
        self.ns = facts.clocks.ns(self.tsc)

    def __repr__(self):
        if self.type != "access":
            return f"<{self.type} cpu={self.cpu} seq={self.seq}>"
        return f"<{self.access} {self.addr:#x} cpu={self.cpu} seq={self.seq} {self.comm}/{self.tid}>"


class Lost(Event):
    """The records seq to seq + count - 1 of this CPU are missing."""

    def __init__(self, facts, record, cpu, count):
        super().__init__(facts, record, cpu)
        self.count = count

    def json(self):
        return {"type": self.type, "seq": self.seq, "cpu": self.cpu, "ns": self.ns, "tsc": self.tsc,
                "count": self.count}


class Remap(Event):
    """A watched page is somewhere else now."""

    def __init__(self, facts, record, cpu, row):
        super().__init__(facts, record, cpu)
        self.va, old, new, self.pid, self.tid = row
        self.old_gpa, self.new_gpa = _gpa(old), _gpa(new)

    def json(self):
        return {"type": self.type, "seq": self.seq, "cpu": self.cpu, "ns": self.ns, "tsc": self.tsc,
                "pid": self.pid, "tid": self.tid, "watch": self.watch, "va": hex(self.va),
                "old_gpa": as_hex(self.old_gpa), "new_gpa": as_hex(self.new_gpa)}


class Mark:
    """A note that somebody made into the running watch: of no CPU, by pid and uid."""
    type, _LAYOUT = "mark", struct.Struct("<QQIIII")

    def __init__(self, payload):
        (self.ns, self.tsc, self.uid, self.pid, length, _), rest = take(self._LAYOUT, payload)
        self.text = text(split(rest, length)[0])

    def __repr__(self):
        return f"<mark {self.text!r}>"

    def at(self, facts):
        self.ns = facts.clocks.ns(self.tsc) or self.ns
        return self

    def json(self):
        return {k: getattr(self, k) for k in ("type", "ns", "tsc", "pid", "uid", "text")}


class Code(Event):
    """A record about an instruction: at ip, with its bytes."""

    def _code(self, code):
        self.ip, self._insn = code
        if self.flags & NOINSN:
            self._insn = b""

    @property
    def user(self):
        """It ran at privilege level 3."""
        return bool(self.flags & USER)

    @lazy
    def _decoded(self):
        return _insn.decode(self.ip, self._insn, self.flags)

    @property
    def insn(self):
        """The instruction as text; None without python3-capstone."""
        return self._decoded[0]

    @property
    def bytes(self):
        """The instruction's bytes, as many as are known."""
        return self._insn[:self._decoded[1]]

    @lazy
    def ip_symbol(self):
        return self._facts.symbol(self.pid, self.ns, self.ip, self._known)

    @property
    def sym(self):
        """The instruction's symbol, "name+0x1f", or None."""
        return plus(self.ip_symbol)

    @property
    def obj(self):
        """The instruction's object: "[kernel]", a module, a file's base name; or None."""
        return self.ip_symbol.obj

    @property
    def obj_off(self):
        """The instruction's offset in the object's file, or None."""
        s = self.ip_symbol
        return s.obj_off if s.obj and not s.kernel else None

    def _code_json(self):
        """Where it is, and what, as JSON has it."""
        e = {"ip": hex(self.ip), "sym": self.sym, "obj": self.obj}
        if self.obj_off is not None:
            e["obj_off"] = hex(self.obj_off)
        return e | {"insn": self.insn, "bytes": self.bytes.hex() or None, "user": self.user}


class Access(Code):
    def __init__(self, facts, record, cpu, row, code, task, regs, run, wide):
        super().__init__(facts, record, cpu)
        gla, gpa_gla, size, self._bits, self._vector, self.order, old, new = row
        self._own, self._gla, self._gpa = self.__dict__.pop("watch"), gla, gpa_gla + gla & GPA_NONE
        self.addr, self.gpa, self.size = gla, _gpa(self._gpa), size or None
        self._code(code)
        self.pid, self.tid, self.cr3, comm = task
        self.comm = text(comm)
        self.regs = regs and dict(zip(REGISTERS, regs))
        self.run = run and {"count": run[0], "elem": run[1], "down": bool(run[2])}
        self.exact = not self.flags & BLIND
        self._values(old, new, wide)

    def _values(self, old, new, wide):
        """The part of the recorded bytes that the access covers; all when that is not known."""
        self.old = self.new = None
        self.value_off = self.value_len = 0
        flags, size = self.flags, self.size or 0
        if flags & NOVALUE or self._bits & X or not wide and (flags & CLIPPED or not size):
            return
        if wide:
            start, (old, new) = wide
            end = min(start + len(old), size) if size else start + len(old)
            if end <= start:
                return
            old, new = old[:end - start], new[:end - start]
        else:
            start, end = 0, min(size, 8)
            mask = (1 << 8 * end) - 1
            old, new = old & mask, new & mask
        self.value_off, self.value_len = start, end - start
        if wide and self.value_len <= 8:
            old, new = (int.from_bytes(v, "little") for v in (old, new))
        self.old, self.new = None if flags & DEVICE else old, new

    @property
    def access(self):
        """read, write, rmw (read and written by one instruction) or exec."""
        if self._bits & X:
            return "exec"
        return {R: "read", W: "write"}.get(self._bits & (R | W), "rmw")

    @property
    def reads(self):
        return self.access in ("read", "rmw")

    @property
    def writes(self):
        return self.access in ("write", "rmw")

    @property
    def device(self):
        return bool(self.flags & DEVICE)

    @property
    def walk(self):
        """It was made by the CPU's page walker."""
        return bool(self.flags & WALK)

    @property
    def vector(self):
        """Of the event whose delivery made it, or None."""
        return self._vector if self.flags & DELIVERY else None

    @lazy
    def watches(self):
        """Ids of all watches that it touches, the first one is watch."""
        place = Place(self.addr, self.size or 0, self._gla, self._gpa, self.pid,
                      bool(self.flags & (DELIVERY | WALK)))
        return touched(self._facts.watches, self._own, self._bits, place)

    @lazy
    def watch(self):
        return self.watches[0] if self.watches else self._own

    @lazy
    def addr_symbol(self):
        physical = any(w.physical for w in self._facts.watches if w.id == self.watch)
        if physical:
            return self._facts.physical_symbol(self._gpa, self._known)
        return self._facts.symbol(self.pid, self.ns, self.addr, self._known)

    @property
    def addr_sym(self):
        """What lies at addr: "name+0x1f", or None."""
        return plus(self.addr_symbol)

    @property
    def addr_obj(self):
        return self.addr_symbol.obj

    def json(self):
        """The object that `hvtrace script --format json` prints, but for text without capstone
        and for what is not exact: there it decodes the instruction."""
        e = {"type": self.type, "seq": self.seq, "cpu": self.cpu, "ns": self.ns, "tsc": self.tsc,
             "pid": self.pid, "tid": self.tid, "comm": self.comm, "access": self.access,
             "addr": hex(self.addr), "size": self.size, "gpa": as_hex(self.gpa), "old": as_hex(self.old),
             "new": as_hex(self.new)}
        if self.value_len and (self.value_off or self.value_len != self.size):
            e |= {"value_off": self.value_off, "value_len": self.value_len}
        e |= {"addr_sym": self.addr_sym, "addr_obj": self.addr_obj} | self._code_json() | {"exact": self.exact}
        if self.vector is not None:
            e["vector"] = self.vector
        e |= {k: True for k in ("walk", "device") if getattr(self, k)}
        if self.run:
            e["run"] = self.run
        return e | {"cr3": hex(self.cr3), "order": self.order, "watch": self.watch, "watches": self.watches}


def plus(s):
    return None if s.name is None else f"{s.name}+{s.off:#x}"
