# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The rows of a chunk's tables put together into records."""
from ._event import ACCESS, FLOW, INSN, LOST, R, REGS, REMAP, RUN, W, WIDE, Access, Lost, Remap
from ._stream import Damage
from ._trace import DELTA, MEM, Flow, Insn

DELTA_MASK = 0x1ffff
FLOW_COLUMNS = "code task to what vector nest number arg body"


def _slices(lengths, data):
    at, parts = 0, []
    for n in lengths:
        parts.append(data[at:at + n])
        at += n
    if at != len(data):
        raise Damage("bytes that belong to no row")
    return parts


def _deltas(chunk):
    """(mask, values) of each row of DELTA."""
    masks = chunk.column("delta.mask")
    if any(mask > DELTA_MASK for mask in masks):
        raise Damage("a register that there is not")
    data = _slices([8 * bin(mask).count("1") for mask in masks], chunk.column("delta.bytes"))
    return iter([(mask, memoryview(v).cast("Q").tolist()) for mask, v in zip(masks, data)])


def _operands(chunk):
    """(addr, size, access, old, new, bytes in the ring) of each row of MEM."""
    accesses, lengths = chunk.column("mem.access"), chunk.column("mem.len")
    if any(not 0 < access <= R | W for access in accesses):
        raise Damage("an operand that is not accessed")
    data = _slices([n * (2 if access == R | W else 1) for access, n in zip(accesses, lengths)],
                   chunk.column("mem.bytes"))
    return iter([(addr, size, access, v[:n] if n and access & R else None,
                  v[len(v) - n:] if n and access & W else None, 16 + (len(v) + 7 & ~7))
                 for addr, size, access, n, v in
                 zip(chunk.column("mem.addr"), chunk.column("mem.size"), accesses, lengths, data)])


def _mem(operands, nr, exact, delta):
    """The operands of an instruction; they and its delta are of one record."""
    size, found = 72 + (8 + 8 * len(delta[1]) if delta else 0), []
    for _ in range(nr):
        found.append(next(operands))
        size += found[-1][5]
        if size > 255 * 64:
            raise Damage("a record that is too long")
    return found, exact


def records(chunk):
    """The records of a chunk in their order: (tsc, seq, make), where make(facts) is the Event."""
    def rows(table, names):
        return list(zip(*(chunk.column(f"{table}.{name}") for name in names.split())))

    heads = rows("record", "type flags watch seq tsc")
    code = list(zip(chunk.column("code.ip"), _slices(chunk.column("code.insn_len"), chunk.column("code.insn"))))
    task = rows("task", "pid tid cr3 comm")
    access = rows("access", "gla gpa_gla size access vector order old new")
    codes, tasks = chunk.column("access.code"), chunk.column("access.task")
    if any(len(insn) > 15 for _, insn in code):
        raise Damage("an instruction that is too long")
    for table in "access", "insn", "flow":
        if max(chunk.column(f"{table}.code"), default=-1) >= len(code) or \
                max(chunk.column(f"{table}.task"), default=-1) >= len(task):
            raise Damage("an instruction or a task that is not there")
    regs = iter([memoryview(g).cast("Q").tolist() for g in chunk.column("regs.gpr")])
    runs = iter(rows("run", "count elem down"))
    sizes = chunk.column("wide.len")
    values = _slices([2 * n for n in sizes], chunk.column("wide.bytes"))
    wides = iter([(off, (v[:n], v[n:])) for off, n, v in zip(chunk.column("wide.off"), sizes, values)])
    losts, remaps = iter(chunk.column("lost.count")), iter(rows("remap", "va old_gpa new_gpa pid tid"))
    accesses = iter(range(len(access)))
    insns, flows = iter(rows("insn", "code task body nest")), iter(rows("flow", FLOW_COLUMNS))
    deltas, mems, operands = _deltas(chunk), iter(rows("mems", "nr exact")), _operands(chunk)
    cpu, made = chunk.cpu, []
    try:
        for head in heads:
            kind, flags = head[:2]
            if kind == ACCESS:
                a = next(accesses)
                parts = (access[a], code[codes[a]], task[tasks[a]], next(regs) if flags & REGS else None,
                         next(runs) if flags & RUN else None, next(wides) if flags & WIDE else None)
                made.append((Access, head, parts))
            elif kind == LOST:
                made.append((Lost, head, (next(losts),)))
            elif kind == REMAP:
                made.append((Remap, head, (next(remaps),)))
            elif kind == INSN:
                row = next(insns)
                delta = next(deltas) if flags & DELTA else None
                mem = _mem(operands, *next(mems), delta) if flags & MEM else None
                made.append((Insn, head, (row[2:], code[row[0]], task[row[1]], delta, mem)))
            elif kind == FLOW:
                row = next(flows)
                made.append((Flow, head, (row[2:], code[row[0]], task[row[1]])))
    except StopIteration:
        raise Damage("a record without its row") from None
    for left in (accesses, losts, remaps, regs, runs, wides, insns, flows, deltas, mems, operands):
        if next(left, None) is not None:
            raise Damage("a row without its record")
    return [(head[4], head[3], lambda facts, c=c, h=head, p=parts: c(facts, h, cpu, *p)) for c, head, parts in made]
