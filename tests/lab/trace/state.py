# SPDX-License-Identifier: GPL-2.0-only
"""The registers and memory operands of a traced program, against the registers that the stepper
saw before each instruction, and against each other."""

import os
import sys

import capstone

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "smp"))
from judge import events  # noqa: E402
from registers import NAMES, Registers  # noqa: E402
from steps import DECODER  # noqa: E402

KINDS = {capstone.CS_AC_READ: "read", capstone.CS_AC_WRITE: "write",
         capstone.CS_AC_READ | capstone.CS_AC_WRITE: "rmw"}


def value(text, size):
    return int(text, 16).to_bytes(size, "little") if size <= 8 else bytes.fromhex(text)


class Memory:
    """Operands are where the registers say; what is read is what was written there last."""

    def __init__(self):
        self.memory, self.places, self.values = {}, [], []
        self.known = self.operands = 0

    def forget(self):
        self.memory.clear()

    def feed(self, n, e, insn, row):
        if "mem" not in e:
            self.places.append(f"{n}: no operands")
            return
        self.known += e["mem_known"]
        got = [(int(m["addr"], 16), m["size"], m["access"]) for m in e["mem"]]
        self.operands += len(got)
        for m in e["mem"]:
            self.chain(n, e, m)
        if not e["mem_known"] or insn is None:
            return
        want = self.explicit(insn, row)
        missing = [w for w in want if not any(g[0] == w[0] and g[1] == w[1] and
                                              w[2] in (None, g[2]) for g in got)]
        if missing:
            self.places.append(f"{n}: {e['insn']}: {missing}, in the log {got}")

    def chain(self, n, e, m):
        at = int(m["addr"], 16)
        for key in ("old", "new"):
            text = m.get(key)
            if text is None:
                continue
            size = m.get("value_len", m["size"])
            for i, byte in enumerate(value(text, size)):
                if key == "old":
                    if self.memory.get(at + i, byte) != byte:
                        self.values.append(f"{n}: {e['insn']} at {at + i:#x}: {byte:#x}, where "
                                           f"{self.memory[at + i]:#x} was left")
                    self.memory[at + i] = byte
                else:
                    self.memory[at + i] = byte
        if m["access"] != "read":  # of what is wide the log has the first bytes
            known = len(value(m["new"], m["size"])) if m.get("new") else 0
            for i in range(known, m["size"]):
                self.memory.pop(at + i, None)

    @staticmethod
    def explicit(insn, row):
        """(address, size, kind or None) of what the instruction names."""
        regs = dict(zip(NAMES, row))
        if insn.mnemonic in ("lea", "nop") or insn.mnemonic.startswith(("prefetch", "v", "f", "x")):
            return []
        found = []
        for op in insn.operands:
            if op.type != capstone.x86.X86_OP_MEM or op.mem.segment:
                continue
            if insn.prefix[0] in (0xf2, 0xf3) or insn.mnemonic[:4] in ("movs", "stos", "lods", "scas",
                                                                       "cmps"):
                continue
            at = op.mem.disp
            for reg, scale in ((op.mem.base, 1), (op.mem.index, op.mem.scale)):
                if not reg:
                    continue
                name = insn.reg_name(reg)
                if name == "rip":
                    at += insn.address + insn.size
                elif name in regs:
                    at += regs[name] * scale
                else:
                    return []
            kind = KINDS.get(op.access) if insn.mnemonic in ("mov", "add", "sub", "xor", "inc") else None
            found.append((at & (1 << 64) - 1, op.size, kind))
        if insn.mnemonic in ("push", "call"):
            found.append((regs["rsp"] - 8, 8, "write"))
        if insn.mnemonic in ("pop", "ret"):
            found.append((regs["rsp"], 8, "read"))
        return found


def judge(hvtrace, log, truth):
    """(what, '' or what is wrong) of a log with both."""
    registers, memory, n, decoded = Registers(truth), Memory(), 0, {}
    for e in events(hvtrace, log):
        if e["type"] == "insn":
            key = (e["ip"], e["bytes"])
            if key not in decoded:
                decoded[key] = next(DECODER.disasm(bytes.fromhex(e["bytes"]), int(e["ip"], 16), 1),
                                    None)
            insn = decoded[key]
            name = f"{e['ip']} {e.get('insn')}"
            registers.feed(n, e, name, insn)
            if n < len(registers.rows):
                memory.feed(n, e, insn, registers.rows[n])
            n += 1
        elif e["type"] == "flow" and e["what"] in ("syscall", "signal", "exception"):
            memory.forget()
            registers.forget()
    yield "registers, as the stepper saw them", "\n".join(registers.bad[:5]) or \
        (f"{registers.none} without registers" if registers.none else "")
    yield f"{registers.strict} values of registers follow from what is the same in each run", \
        "" if registers.strict > n // 2 else "too few"
    yield f"{memory.operands} memory operands, where the registers say", "\n".join(memory.places[:5])
    yield "each value read is the one that was left there", "\n".join(memory.values[:5])
    yield f"operands of {memory.known} of {n} instructions are known", \
        "" if memory.known > n * 0.99 else "too few"
