# SPDX-License-Identifier: GPL-2.0-only
"""The registers of a traced program against those that the stepper saw before each instruction.

Two runs differ in what the kernel makes by chance: random bytes, times, numbers of processes. So
it is followed where such values may have come to. What an instruction makes of anything else has
to be the same; what it loads from where the program left nothing since the last system call may be
another value, for one value always the same other one.
"""

import struct

from capstone.x86 import X86_OP_REG

NAMES = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
         "r13", "r14", "r15", "rflags")
NOT_FLAGS = 0x10100  # TF is the stepper's, RF a fault's
KERNEL = ("syscall", "int")  # what it returns is in the next instruction's registers
CHANCE = KERNEL + ("cpuid", "rdtsc", "rdtscp", "rdrand", "rdseed", "xrstor", "fxrstor")
WHOLE = {"flags": "rflags", "eflags": "rflags"}
WHOLE.update({f.format(x): f"r{x}x" for x in "abcd" for f in ("e{}x", "{}x", "{}l", "{}h")})
WHOLE.update({f.format(x): f"r{x}" for x in ("si", "di", "sp", "bp") for f in ("e{}", "{}", "{}l")})
WHOLE.update({f"r{x}{part}": f"r{x}" for x in range(8, 16) for part in "dwb"})
WHOLE.update({f"{x}mm{n}": f"v{n}" for x in "xyz" for n in range(32)})


def whole(name):
    """The register that NAME is a part of: rax of eax, or itself."""
    return WHOLE.get(name, name)


def touched(insn):
    """The registers that an instruction reads, those that it writes."""
    reads, writes = ({whole(insn.reg_name(r)) for r in some} for some in insn.regs_access())
    # capstone 4 does not know the access of all operands
    named = [whole(insn.reg_name(op.reg)) for op in insn.operands if op.type == X86_OP_REG]
    if insn.mnemonic[0] == "v":
        reads |= set(named)
    return reads, writes | set(named[:1])


class Registers:
    def __init__(self, path):
        with open(path + ".regs", "rb") as f:
            data = f.read()
        self.rows = [struct.unpack_from("<17Q", data, i) for i in range(0, len(data), 136)]
        self.logged = dict(zip(NAMES, self.rows[0]))  # what the log says is there now
        self.vague = set()  # registers whose values are not seen and may be another run's
        self.clean = {}  # byte -> whether what the program left there is the same in each run
        self.other, self.flags, self.bad, self.none, self.strict = {}, 0, [], 0, 0
        self.kernel = False  # the instruction before was one of KERNEL
        self.known = {}  # insn -> touched()

    @staticmethod
    def masked(reg, value):
        return value & ~(NOT_FLAGS if reg == "rflags" else 0)

    def forget(self):
        """The kernel may have written anywhere."""
        self.clean.clear()

    def loads(self, e):
        """'same' as in the other run, 'other', or 'unknown': what an instruction reads of memory."""
        found = {self.clean.get(at) for m in e.get("mem", ()) if m["access"] != "write"
                 for at in range(int(m["addr"], 16), int(m["addr"], 16) + m["size"])}
        if False in found:
            return "other"
        return "same" if found <= {True} and e.get("mem_known") else "unknown"

    def feed(self, n, e, name, insn):
        if n + 1 >= len(self.rows):
            return
        if "regs" not in e:
            self.none += 1
            return
        before = {reg: self.masked(reg, was) for reg, was in zip(NAMES, self.rows[n])}
        chance = insn is None or insn.mnemonic in CHANCE
        if not chance and insn not in self.known:
            self.known[insn] = touched(insn)
        reads, writes = (set(), set()) if chance else self.known[insn]
        loads = self.loads(e)
        differs = loads == "other" or any(
            r in self.vague or (r in before and self.masked(r, self.logged[r]) != before[r]) for r in reads)
        for reg, want in zip(NAMES, self.rows[n + 1]):
            want, was, had = self.masked(reg, want), before[reg], self.masked(reg, self.logged[reg])
            text = e["regs"].get(reg)
            if text is not None:
                self.logged[reg] = int(text, 16)
            got = self.masked(reg, self.logged[reg])
            if reg == "rflags":  # an instruction leaves some alone: those that differ already may
                got ^= (got ^ want) & (had ^ was)
            if chance or differs or (got, want) == (had, was) or (self.kernel and reg not in writes):
                continue
            self.strict += loads == "same"
            if got != want and not (loads == "unknown" and reg in writes and self.may_differ(reg, want, got)):
                self.bad.append(f"{n}: {name}: {reg} {was:#x} became {want:#x}, in the log {had:#x} " +
                                (f"became {got:#x}" if text else "stayed"))
        self.kernel = insn is not None and insn.mnemonic in KERNEL
        self.follow(e, chance or differs or loads != "same", writes)

    def follow(self, e, vague, writes):
        """Where what may be another value has come to."""
        hidden = {r for r in writes if r not in NAMES}
        self.vague = self.vague | hidden if vague else self.vague - hidden
        for m in e.get("mem", ()):
            if m["access"] != "read":
                at = int(m["addr"], 16)
                self.clean.update(dict.fromkeys(range(at, at + m["size"]), not vague))

    def may_differ(self, reg, want, got):
        if reg == "rflags":
            self.flags += 1
            return self.flags <= len(self.rows) // 500
        return want > 16 and self.other.setdefault(want, got) == got
