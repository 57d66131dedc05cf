# SPDX-License-Identifier: GPL-2.0-only
# views_tenet.py LINES LOG.json: reads a Tenet text trace of one thread as its documentation
# has it, and compares it with the instructions of the log as JSON lines. Then it is played
# back: what is read is what was written before. Prints TAP.
import json, re, sys

from tap import finish, ok

trace, log = sys.argv[1:]

registers = "rax rbx rcx rdx rbp rsp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
lines, bad = [], []
for line in open(trace):
    regs, mem = {}, []
    for field in line.rstrip("\n").split(","):
        name, value = field.split("=")
        if name in registers and re.fullmatch("0x[0-9a-f]+", value) and name not in regs:
            regs[name] = int(value, 16)
        elif name in ("mr", "mw") and re.fullmatch("0x[0-9a-f]+:([0-9a-f]{2})+", value):
            addr, data = value.split(":")
            mem.append((name, int(addr, 16), bytes.fromhex(data)))
        else:
            bad.append(line)
    lines.append((regs, mem))
ok(not bad, "%d lines of registers and memory" % len(lines), bad[:3])
ok(all("rip" in regs for regs, mem in lines), "each has rip")

events = [json.loads(line) for line in open(log)]
insns = [e for e in events if e["type"] == "insn"]
ok([regs["rip"] for regs, mem in lines[:len(insns)]] == [int(e["ip"], 16) for e in insns] and
   len(lines) - len(insns) in (0, 1), "in the order of the %d instructions" % len(insns))

def values(e, kind):
    for m in e["mem"]:
        for name, key, kinds in (("mr", "old", ("read", "rmw")), ("mw", "new", ("write", "rmw"))):
            if name == kind and m["access"] in kinds and m[key] is not None:
                n = m["size"]
                yield int(m["addr"], 16), int(m[key], 16).to_bytes(n, "little") if n <= 8 else bytes.fromhex(m[key])

# the line behind an instruction's has what it did
wrong = []
for e, (regs, mem) in zip(insns, lines[1:]):
    without = ("rip", "rflags") + ("rax",) * (e["insn"] == "syscall")  # its result
    changed = {k: int(v, 16) for k, v in e["regs"].items() if k not in without}
    given = {k: v for k, v in regs.items() if k not in without}
    if given != changed or [m[1:] for m in mem if m[0] == "mr"] != list(values(e, "mr")) or \
       [m[1:] for m in mem if m[0] == "mw"] != list(values(e, "mw")):
        wrong.append((e, regs, mem))
ok(not wrong, "registers and memory are those of the instruction", wrong[:2])
# the result of a call is that of the last instruction; rt_sigreturn has none
results, n = {}, 0
for e in events:
    n += e["type"] == "insn"
    if e["type"] == "flow" and e["what"] == "resume" and e.get("result"):
        results[n - 1] = int(e["result"], 16)
given = {i: lines[1 + i][0].get("rax") for i in results}
ok(given == results and results and all(insns[i]["insn"] == "syscall" for i in results),
   "%d system calls have their results" % len(results), (given, results))

# the kernel writes, too: what it may have written since the last break is not known
breaks, n = set(), 0
for e in events:
    n += e["type"] == "insn"
    if e["type"] == "flow" and e["what"] in ("syscall", "signal", "exception"):
        breaks.add(n)
memory, compared, differ = {}, 0, []
for i, ((regs, mem), e) in enumerate(zip(lines[1:], insns)):
    if i in breaks:
        memory.clear()
    for kind, addr, data in mem:
        for i, byte in enumerate(data):
            if kind == "mr" and addr + i in memory:
                compared += 1
                if memory[addr + i] != byte:
                    differ.append((e["insn"], hex(addr + i)))
            memory[addr + i] = byte
ok(not differ and compared > 1000, "played back: %d bytes read are those that were written" % compared, differ[:5])
finish()
