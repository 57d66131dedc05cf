# SPDX-License-Identifier: GPL-2.0-only
"""A log of instructions as the streams of its threads, and the proof that in each of them every
instruction follows from the one before, or from an event that says why not.
"""

import collections
import os
import sys

import capstone

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "smp"))
from judge import events  # noqa: E402

DECODER = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
DECODER.detail = True
JUMPS = ("loop", "loope", "loopne", "jrcxz", "jecxz", "jcxz")


class Code:
    """An instruction at an address: what may be executed next, by what it is."""

    __slots__ = ("ip", "bytes", "user", "nest", "body", "obj", "text", "name", "next", "far")

    def __init__(self, e):
        self.ip, self.bytes = int(e["ip"], 16), e["bytes"]
        self.user, self.nest, self.body = e["user"], e.get("nest", 0), e.get("body", 0)
        self.obj = e.get("obj")
        self.text = f"{self.ip:#x} <{e.get('sym')}> {e.get('insn')}"
        self.name, self.next, self.far = "", frozenset(), False
        raw = bytes.fromhex(self.bytes)
        i = next(DECODER.disasm(raw, self.ip, 1), None)
        if i is None:  # newer than the decoder, or 32-bit code: its length is taken as it is
            self.next = frozenset({self.ip + len(raw)}) if len(raw) < 15 else None
            return
        self.name = i.mnemonic.split()[-1]
        behind = self.ip + i.size
        if i.size != len(raw):
            self.next = frozenset({-1})
        elif i.group(capstone.x86.X86_GRP_INT) or self.name in (
                "syscall", "sysret", "sysenter", "sysexit", "int1", "sysretq") or \
                i.group(capstone.x86.X86_GRP_IRET):
            self.far, self.next = True, frozenset({behind})
        elif i.group(capstone.x86.X86_GRP_RET) or self.name in ("ljmp", "lcall", "retf"):
            self.next = None
        elif i.group(capstone.x86.X86_GRP_JUMP) or i.group(capstone.x86.X86_GRP_CALL) or \
                self.name in JUMPS:
            if i.operands and i.operands[0].type == capstone.x86.X86_OP_IMM:
                always = self.name in ("jmp", "call")
                self.next = frozenset({i.operands[0].imm & (1 << 64) - 1} |
                                      (set() if always else {behind}))
            else:
                self.next = None
        elif i.prefix[0] in (0xf2, 0xf3) and self.name.rstrip("bwldq") in (
                "movs", "stos", "lods", "scas", "cmps", "ins", "outs", "mov", "sto", "lo", "sca",
                "cmp", "in", "out") and raw[:1] != b"\x0f":
            self.next = frozenset({self.ip, behind})
        else:
            self.next = frozenset({behind})


class Log:
    """The records of a log by thread: Code objects, and FLOW events as they are."""

    def __init__(self, hvtrace, path):
        self.threads, self.names = collections.OrderedDict(), {}
        self.count = self.flows = self.lost = 0
        self.wrong = {}
        self.cpus, self.accesses = collections.Counter(), []
        self.long = collections.Counter()  # of no known length
        known, seq, tsc = {}, {}, {}
        for e in events(hvtrace, path):
            cpu = e.get("cpu")
            if "seq" in e:
                if seq.setdefault(cpu, e["seq"]) != e["seq"]:
                    self.wrong.setdefault("seq", e)
                seq[cpu] = e["seq"] + e.get("count", 1)
                if e["tsc"] < tsc.get(cpu, 0):
                    self.wrong.setdefault("tsc", e)
                tsc[cpu] = e["tsc"]
            kind = e["type"]
            if kind == "insn":
                self.count += 1
                self.cpus[cpu] += 1
                key = (e["ip"], e["bytes"], e["user"], e.get("nest"), e.get("body"))
                item = known.get(key)
                if item is None:
                    item = known[key] = Code(e)
                if len(item.bytes) == 30:
                    self.long[item.bytes] += 1
            elif kind == "flow":
                self.flows += 1
                item = e
            elif kind == "lost":
                self.lost += e["count"]
                continue
            else:
                if kind == "access":
                    self.accesses.append(e)
                continue
            self.threads.setdefault(e["tid"], []).append(item)

    def complete(self):
        """'' or what is missing of the records themselves."""
        if self.lost:
            return f"{self.lost} lost"
        return "\n".join(f"{k}: {v}" for k, v in self.wrong.items())


def codes(stream):
    return [x for x in stream if isinstance(x, Code)]


def where(e, key):
    return int(e[key], 16) if e.get(key) else None


class Chain:
    """Walks the stream of one thread; each instruction has to follow."""

    def __init__(self):
        self.bad, self.count = [], 0
        self.open = False
        self.next = frozenset()	 # of these one has to come; None: any
        self.last, self.call = None, None
        self.signals, self.away = [], None
        self.nests = []
        self.base = 0	 # the kernel handles an exception of user code

    def wrong(self, why, item):
        if len(self.bad) < 5:
            self.bad.append(f"{self.count}: {why}: {say(item)}; before: {say(self.last)}; "
                            f"to follow: {self.next and [hex(x) for x in sorted(self.next)]}")

    def fits(self, ip, why, item):
        if self.next is not None and ip not in self.next:
            self.wrong(why, item)

    def feed(self, item):
        if isinstance(item, Code):
            self.insn(item)
        else:
            getattr(self, "flow_" + item["what"])(item)
        self.last = item

    def insn(self, c):
        self.count += 1
        if not self.open:
            self.wrong("an instruction where nothing is traced", c)
        if self.away is not None and c.user:
            self.wrong(f"user code, and no resume behind {self.away}", c)
        if c.nest != len(self.nests) + self.base:
            self.wrong(f"nest, not {len(self.nests) + self.base}", c)
        self.fits(c.ip, "does not follow", c)
        self.next = c.next
        if c.far:  # SYSCALL or EXCEPTION has to say; in the kernel RESUME or RETURN
            self.next = frozenset() if c.user else None
            self.call = c

    def flow_begin(self, e):
        if self.open:
            self.wrong("begins twice", e)
        to = where(e, "to")
        # A process with its kernel instructions begins where it waits, in the kernel.
        self.open, self.next, self.away = True, frozenset({to}), None
        if to >> 63 and not e.get("body"):
            self.leave(e, None)
            self.next = frozenset({to})
        self.nests, self.base = [], 0

    def flow_end(self, e):
        if not self.open:
            self.wrong("ends twice", e)
        if e.get("to") and self.away is None:
            self.fits(where(e, "to"), "ends elsewhere", e)
        self.open = False

    def leave(self, e, to):
        """User code is left; it is to go on at one of @to (None: anywhere)."""
        self.away, self.signals = e["what"], []
        self.back = to
        self.next = None
        self.base = e["what"] == "exception"

    def flow_interrupt(self, e):
        self.broken(e, where(e, "ip"))

    def broken(self, e, ip):
        if self.away is None and ip >> 63 == 0:
            self.fits(ip, "in between", e)
            self.leave(e, frozenset({ip}))
        else:
            self.fits(ip, "in between", e)
            self.nests.append((frozenset({ip}), self.away))
            self.next = None

    def flow_exception(self, e):
        ip = where(e, "ip")
        # A #DB trap is of what came before, and told in front of what it comes back to.
        if e.get("trap") and e.get("bytes"):
            if isinstance(self.last, Code) and self.last.ip != ip:
                self.wrong("a trap behind something else", e)
            if self.away is None and ip >> 63 == 0:
                self.leave(e, self.call.next if self.next == frozenset() else self.next)
            else:
                self.nests.append((self.next, self.away))
                self.next = None
        else:
            self.broken(e, ip)

    def flow_return(self, e):
        if not self.nests:
            self.wrong("returns from nothing", e)
            return
        to, self.away = self.nests.pop()
        if to is not None and where(e, "to") not in to:
            self.next = to
            self.wrong("returns elsewhere", e)
        self.next = frozenset({where(e, "to")})

    def flow_syscall(self, e):
        ip = where(e, "ip")
        if not isinstance(self.last, Code) or self.last.ip != ip or not self.last.far:
            self.wrong("no system call", e)
            self.leave(e, None)
            return
        # It may be restarted. What rt_sigreturn and exec come back to is not in the code.
        again = frozenset({ip}) | self.last.next
        self.leave(e, None if e["nr"] in (15, 59, 322) else again)

    def flow_signal(self, e):
        if self.away is None:
            self.wrong("a signal out of nothing", e)
        if e.get("to"):
            self.signals.append(where(e, "to"))

    def flow_resume(self, e):
        to = where(e, "to")
        if self.away is None:
            self.wrong("resumes what was not left", e)
        elif self.nests:
            self.wrong("resumes, and interrupts have not returned", e)
        elif self.signals:
            if to != self.signals[-1]:
                self.wrong("not the handler", e)
        elif self.back is not None and to not in self.back:
            self.next = self.back
            self.wrong("resumes elsewhere", e)
        self.away, self.next, self.signals, self.base = None, frozenset({to}), [], 0

    def flow_exec(self, e):
        self.back = None

    def flow_exit(self, e):
        self.open, self.next, self.away = False, frozenset(), None
        self.nests, self.base = [], 0

    def flow_switch(self, e):
        """The thread sleeps, or goes on; what it does follows from what it did."""


def say(item):
    if isinstance(item, Code):
        return item.text
    return item and " ".join(f"{k}={item[k]}" for k in (
        "what", "ip", "to", "vector", "nr", "name", "result", "signal", "status", "cpu", "seq")
        if item.get(k) is not None)


def chain(stream):
    """'' or the first places where an instruction does not follow."""
    c = Chain()
    for item in stream:
        c.feed(item)
    return "\n".join(c.bad)
