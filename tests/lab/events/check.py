#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is what the programs noted about their own accesses, what they print when
nothing watches them, and what the kernel module counted.
usage: check.py HVTRACE DIRECTORY
"""

import difflib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "smp"))
from judge import events, judge, number  # noqa: E402
from tap import calm, check, note, run_parts  # noqa: E402

hvtrace, directory = sys.argv[1:]


def path(name):
    return os.path.join(directory, name)


def text(name):
    with open(path(name), errors="replace") as f:
        return f.read()


def load(name):
    return [e for e in events(hvtrace, path(name + ".data")) if e["type"] == "access"]


def run(name, what, remap=False):
    """One program's log against its notes. Returns what others, and the kernel, touched."""
    others = []
    judge(what, hvtrace, path(name + ".data"), path(name + ".truth"), remap=remap,
          also=lambda e: e["user"] or others.append(e), mine=lambda e: e["user"],
          one_page=True)
    return others


def both(name, what, remap=False, alone=True):
    bare, traced = text(name + ".bare"), text(name + ".traced")
    check(f"{what}: output and status as bare", bare == traced and bare and
          text(name + ".traced.rc") == text(name + ".bare.rc") == "0\n", f"{bare}\n{traced}")
    others = run(name, what, remap)
    if alone:
        check(f"{what}: nobody else touches it", not others, others[:1])
    return others


def ended_steps(name):
    """How many steps something else than the instruction ended."""
    before, after = (sum(c["steps_dropped"] for c in json.loads(text(f"{name}.{when}.status"))["cpus"])
                     for when in ("before", "after"))
    return after - before


def disks():
    both("disk", "a disk's interrupts")
    cpus = int(text("cpus"))
    came = [sum(int(line.split()[cpus]) for line in text(f"disk.{when}").splitlines())
            for when in ("before", "after")]
    check("a disk's interrupts: they came to the program's CPU, and ended steps",
          came[1] - came[0] > 10 and ended_steps("disk") > 0, (came, ended_steps("disk")))
    note(f"{came[1] - came[0]} interrupts of the disk, bare and traced; "
         f"{ended_steps('disk')} steps ended")


def disturbed():
    both("timer", "timer interrupts")
    check("timer interrupts: they ended steps", ended_steps("timer") > 10, ended_steps("timer"))
    note(f"timer interrupts: {ended_steps('timer')} steps ended")
    both("signal", "timer interrupts and signals")
    check("timer interrupts and signals: they came", "as asked" in text("signal.traced"))
    both("ipi", "IPIs")
    disks()
    both("unmap", "TLB shootdowns")
    both("protect", "the page closed and opened")
    both("all", "all of these at once")
    both("forget", "the page thrown away", remap=True)


def between():
    what = "interrupted everywhere"
    check(f"{what}: the program ends well", text("between.traced.rc") == "0\n", text("between.traced"))
    others = run("between", what)
    check(f"{what}: nobody else touches it", not others, others[:1])
    *lines, rounds = text("between.traced").splitlines()
    boundaries = [int(li.split()[-1]) for li in lines]
    check(f"{what}: in front of each of {len(boundaries)} instructions and iterations",
          len(boundaries) == 18 and min(boundaries) >= 3, text("between.traced"))
    note(f"{what}: {rounds}, {min(boundaries)} to {max(boundaries)} times")


def nmis():
    def counts(name):
        return [int(n) for n in re.findall(r"\b\d+\b", text(name))]
    came = [b - a for a, b in zip(counts("nmi.before"), counts("nmi.after"))]
    check("NMIs: the program ends well", text("nmi.traced.rc") == "0\n", text("nmi.traced"))
    others = run("nmi", "NMIs")
    check("NMIs: nobody else touches it", not others, others[:1])
    # A CPU asks itself without an NMI: alone it gets none.
    if int(text("cpus")) > 1:
        check("NMIs: they came to the program's CPU", came[-1] >= 16, came)
    check("NMIs: the kernel complains of nothing but being asked", not text("nmi.dmesg"),
          text("nmi.dmesg"))
    note(f"NMIs while it ran: {came}")


def instead():
    both("faults", "faults")
    both("step", "steps of its own")
    both("traps", "INT3, ICEBP, INT, SYSCALL, CPUID in a watched page")
    others = both("stepped", "stepped by ptrace", alone=False)
    looks = int(re.search(r"looked (\d+) times", text("stepped.bare"))[1])
    # The kernel may read a word by two loads.
    check(f"stepped by ptrace: {looks} looks at it",
          looks and len(others) >= looks and len(others) % looks == 0 and
          all((e["access"], e["size"]) == ("read", 8) for e in others), (len(others), others[:1]))


def debugged():
    def of_gdb(name):
        lines = text(name)
        lines = lines[lines.index("\nBreakpoint 1, "):]
        # What the wait before left in the status flags is not the same twice.
        lines = re.sub(r"0x[0-9a-f]+ +\[([A-Z ]*)\]",
                       lambda m: re.sub(r"\b[CPAZSO]F ", "", m[1]), lines)
        return re.sub(r"process \d+", "process N", lines)
    check("gdb: breakpoints, steps, registers and memory as bare", of_gdb("gdb.bare") ==
          of_gdb("gdb.traced") and of_gdb("gdb.bare").count("\n$") == 3,
          "\n".join(line for line in difflib.ndiff(of_gdb("gdb.bare").splitlines(),
                                                   of_gdb("gdb.traced").splitlines())
                    if line[0] != " "))
    # What is too long to be shown is the notes, with the thread's number in them.
    bare, traced = (re.sub(r"\d+", "N", re.sub(r'"(?:[^"\\]|\\.)*"\.\.\.', "NOTES", text(f"strace.{n}")))
                    for n in ("bare", "traced"))
    check("strace: as bare", bare == traced and bare.count("getppid()") == 3 and "write(" in bare,
          bare + traced)
    for name in ("gdb", "strace"):
        check(f"{name}: the program's output and status as bare",
              text(name + ".bare.program") == text(name + ".traced.program") and
              text(name + ".bare.rc") == text(name + ".traced.rc") == "0\n",
              text(name + ".traced.program"))
        others = run(name, name)
        check(f"{name}: it looked, and wrote nothing", others and
              all(e["access"] == "read" and e["comm"].startswith(name) for e in others),
              others[:1])


def shadows():
    rounds = 1500
    said = f"{rounds} rounds, interrupt before 0, behind {rounds}\n"
    check("STI and MOV SS: bare the interrupt comes behind the instruction",
          text("shadow.bare") == said, text("shadow.bare"))
    check("STI and MOV SS: traced too", text("shadow.traced") == said, text("shadow.traced"))
    want = [("write", 0, 0)]
    for i in range(rounds):
        if i % 3 == 2:
            want += [("write", 64, i + 1), ("read", 64, i + 1), ("write", 0, i + 1)]
        else:
            want.append(("rmw", 0, i + 1))
        want.append(("read", 0, i + 1))
    got = [(e["access"], number(e["addr"]) % 4096, number(e["new"])) for e in load("shadow")]
    first = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), None)
    check("STI and MOV SS: the access, then the interrupt's look at it, each time", got == want,
          (len(got), len(want), first, got[first or 0:][:4], want[first or 0:][:4]))


def idle():
    before, after = ([line.split() for line in text(f"idle.{n}").splitlines()]
                     for n in ("before", "after"))
    got = load("idle")
    for cpu, (was, now) in enumerate(zip(before, after)):
        mine = [e for e in got if e["addr"] == was[0]]
        check(f"idle, CPU {cpu}: each tick is one event, in order and by this CPU",
              [number(e["new"]) for e in mine] == list(range(int(was[1]) + 1, int(now[1]) + 1)) and
              len(mine) == 50 and {(e["cpu"], e["access"]) for e in mine} == {(cpu, "rmw")},
              (len(mine), mine[:1]))
    check("idle: no other event", len(got) == 50 * len(before), len(got))


def halt():
    """The idle loop's innermost function from a watched page: its last instruction but one
    stops the CPU until an interrupt comes."""
    check("HLT: the machine goes on", text("halt.rc") == "0\n", text("halt.err"))
    cpus, bad, halts = {}, None, 0
    for e in load("halt"):
        insn = (e["insn"] or "?").split()[0]
        halts += insn == "hlt"
        before = cpus.get(e["cpu"])
        # Each instruction is followed by the next one, or goes elsewhere.
        if before and insn != "?" and not (
                number(e["ip"]) == number(before["ip"]) + len(before["bytes"]) // 2 or
                before["insn"].startswith(("ret", "jmp", "call"))):
            bad = bad or (before, e)
        cpus[e["cpu"]] = e
    check("HLT: more than 10, on each CPU", halts > 10 and len(cpus) == int(text("cpus")),
          (halts, list(cpus)))
    check("HLT: every instruction of the function once and in order", bad is None, bad)


def end():
    status = json.loads(text("end.status"))
    check("nothing is armed, the machine is as it was found",
          not status.get("attached") and not status.get("watches"), status)
    calm(text("dmesg"))


run_parts([disturbed, between, nmis, instead, debugged, shadows, idle, halt, end])
