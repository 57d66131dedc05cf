#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is what a single-stepper saw of the same programs (stepper.c), what a program's own
trap handler wrote down, and instructions that were counted by hand.
usage: check.py HVTRACE DIRECTORY PROGRAMS PART...
  PROGRAMS: the directory of those that count for themselves, as it is called in the logs
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from steps import Code, Log, chain, codes, say, where  # noqa: E402
from tap import Directory, calm, check, difference, note, run_parts  # noqa: E402
from truth import Symbols, compare, mutations, same_path, truths  # noqa: E402
import state  # noqa: E402
import windows  # noqa: E402

hvtrace, left, programs, wanted = sys.argv[1], Directory(sys.argv[2]), sys.argv[3], sys.argv[4:]
UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "unit")
LOADER = "ld-linux-x86-64.so.2"
MTF, EPT = "Monitor trap flag", "EPT violation"


def machine(name):
    return json.loads(left.text(name + ".status"))


def traced(name, what, same_output=True, quiet=True):
    """The log of a run; it is whole, and the program ended as it does bare."""
    if same_output:
        check(f"{what}: output and status as bare",
              left.said(name + ".traced") == left.said(name + ".bare") != "" and
              left.said(name + ".rc") == left.said(name + ".bare.rc"),
              left.said(name + ".rc") + left.said(name + ".err") + left.said(name + ".traced"))
    if quiet:
        check(f"{what}: hvtrace says nothing", left.said(name + ".err") == "", left.said(name + ".err"))
    verify = subprocess.run([hvtrace, "verify", left.path(name + ".data")], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(f"{what}: hvtrace verify", verify.returncode == 0, verify.stdout)
    log = Log(hvtrace, left.path(name + ".data"))
    check(f"{what}: nothing lost, no gap in the sequence, in the order of time",
          not log.complete(), log.complete())
    return log


def explained(what, log):
    check(f"{what}: the length of each instruction is known", not log.long, log.long.most_common(5))
    why = "\n".join(f"thread {tid}: {chain(s)}" for tid, s in log.threads.items() if chain(s))
    check(f"{what}: each of {log.count} instructions follows, or {log.flows} events say why not",
          not why, why)


def against(name, what, program):
    """One program's log, thread by thread, against the stepper."""
    log = traced(name, what)
    symbols = Symbols(left.path("trace_" + program))
    truth = truths(left.path(name + ".truth"))
    # In the order in which they were made, here as there.
    streams = [log.threads[tid] for tid in sorted(log.threads)]
    check(f"{what}: {len(truth)} threads", len(streams) == len(truth) > 0,
          (len(truth), list(log.threads)))
    for i, (t, s) in enumerate(zip(truth, streams)):
        why = compare(t, s, symbols)
        check(f"{what}{f', thread {i}' if len(truth) > 1 else ''}: the {len(t.ips)} instructions "
              f"that a single-stepper sees, {len(t.calls)} system calls, {len(t.signals)} handlers",
              not why, why)
        last = s[-1]
        check(f"{what}{f', thread {i}' if len(truth) > 1 else ''}: ends with its exit",
              not isinstance(last, Code) and last["what"] in ("exit", "end") and
              (last["what"] != "exit" or last["status"] == t.exit or t.exit == 0), say(last))
    explained(what, log)
    missed = [done for done, wrong in mutations(streams[0])
              if not compare(truth[0], wrong, symbols) and not chain(wrong)]
    check(f"{what}: wrong streams are noticed", not missed, missed)
    cost(name, what, log)
    return log


def exits_of(before, after, cpu=None):
    total = {}
    for a, b in zip(before["cpus"], after["cpus"]):
        if cpu is None or a["cpu"] == cpu:
            for why in a["exits"].keys() | b["exits"].keys():
                more = b["exits"].get(why, 0) - a["exits"].get(why, 0)
                if more:
                    total[why] = total.get(why, 0) + more
    return total


def can(name, capability):
    """Of the machine on which a log was made."""
    info = json.loads(subprocess.run([hvtrace, "info", "--format", "json", left.path(name + ".data")],
                                     stdout=subprocess.PIPE, check=True).stdout)
    return capability in json.loads(info["host"])["caps"]


def cost(name, what, log):
    """One exit by the monitor trap flag for each instruction; an exit more for each way back from
    the kernel, which is where stepping begins again, and one for what ended a step instead."""
    exits = exits_of(machine(name + ".before"), machine(name + ".after"))
    returns = sum(x["what"] in ("resume", "begin") for s in log.threads.values() for x in s
                  if not isinstance(x, Code))
    broken = sum(x["what"] in ("interrupt", "exception") for s in log.threads.values() for x in s
                 if not isinstance(x, Code))
    ticks = [sum(int(n) for n in left.text(f"{name}.{when}.ticks").split()[1:-3])
             for when in ("before", "after")]
    note(f"{what}: {ticks[1] - ticks[0]} timer interrupts")
    note(f"{what}: {log.count} instructions, {returns} ways back from the kernel, {broken} interrupts "
         f"and exceptions; exits: {exits}")
    # Without mode-based execute control the kernel's entry code is stepped, too.
    most = log.count + returns + broken if can(name, "mbec") else 4 * log.count
    check(f"{what}: {exits.get(MTF, 0) / max(log.count, 1):.4f} steps for an instruction",
          log.count <= exits.get(MTF, 0) <= most, exits)
    size = os.path.getsize(left.path(name + ".data"))
    note(f"{what}: {size / max(log.count, 1):.2f} bytes of log for an instruction")


def attach():
    attached("process")
    attached("thread")


def self_stepped():
    what = "steps of its own"
    log = traced("self", what, same_output=False)
    first, end, *behind, rounds = (int(x) for x in left.text("self.traced").split())
    with open(left.path("self.truth"), "rb") as f:
        seen = [x for x, in struct.iter_unpack("<Q", f.read())]
    with open(left.path("self.bare.truth"), "rb") as f:
        check(f"{what}: its handler sees what it sees bare",
              [x for x, in struct.iter_unpack("<Q", f.read())] == seen)
    want = [x for x in seen if first <= x < end]
    stream = next(iter(log.threads.values()))
    got = [c.ip for c in codes(stream) if first <= c.ip < end]
    why = same_path(want, [x for x in got if x not in behind], Symbols(left.path("trace_self")))
    check(f"{what}: the {len(want)} instructions that its handler saw", not why and want, why)
    check(f"{what}: and those behind MOV SS and INT, which have no trap",
          [x for x in got if x in behind] == behind * rounds, [hex(x) for x in got if x in behind])
    traps = [x for x in stream if not isinstance(x, Code) and x["what"] == "exception" and
             x["trap"] and x["vector"] == 1]
    handlers = [x for x in stream if not isinstance(x, Code) and x["what"] == "signal"]
    check(f"{what}: each trap and each signal is there", len(handlers) == len(seen) - rounds and
          len(traps) == len(handlers) - rounds, (len(traps), len(handlers), len(seen)))
    explained(what, log)


def attached(name):
    """From outside: all that comes behind the call in which it waited."""
    what = f"attached to a {name}"
    log = traced(name, what, same_output=False)
    check(f"{what}: output and status as bare",
          left.said(name + ".traced") == left.said("waits.bare") != "" and
          left.said(name + ".rc") == left.said(name + ".trace.rc") == "0\n",
          left.said(name + ".traced") + left.said(name + ".trace.rc"))
    truth = truths(left.path("waits.truth"))[0]
    at = next(at for at, nr, _, args in truth.calls if nr == 0 and args[0] == 0)
    streams = list(log.threads.values())
    why = same_path(truth.ips[at:], [c.ip for c in codes(streams[0])],
                    Symbols(left.path("trace_long"))) if len(streams) == 1 else list(log.threads)
    check(f"{what}: the {len(truth.ips) - at} instructions behind the call it waited in", not why, why)
    explained(what, log)
    cost(name, what, log)


def oracle():
    against("long", "long", "long")
    against("signals", "signals", "signals")
    log = against("threads", "threads", "threads")
    if int(left.text("cpus")) > 1:
        check("threads: on all CPUs", len(log.cpus) > 1, log.cpus)
    against("jit", "code written at run time", "jit")
    against("fork", "forks and execs", "fork")
    self_stepped()
    against("short", "with registers and memory", "long")
    for name, why in state.judge(hvtrace, left.path("short.data"), left.path("short.truth.0")):
        check(f"with registers and memory: {name}", not why, why)


def exits():
    idle = exits_of(machine("idle.before"), machine("idle.after"), int(left.text("cpus")) - 1)
    note(f"a busy process, idle attach: {idle}")
    if int(left.text("cpus")) == 1:
        return
    beside = exits_of(machine("beside.before"), machine("beside.after"), 1)
    other = exits_of(machine("beside.before"), machine("beside.after"), 0)
    note(f"a busy process beside a traced one: {beside}; the traced one's CPU: {other}")
    check("exits: the other process was being traced meanwhile",
          left.text("beside.running") and other.get(MTF, 0) > 1000, other)
    check("exits: none of a process that nobody traces", not beside.get(MTF) and not beside.get(EPT),
          beside)
    # What is not the process's work: the commands that ask for the counts come and go; each
    # program executes CPUID as it starts, on whatever CPU that is.
    odd = {k: (idle.get(k, 0), beside.get(k, 0)) for k in idle.keys() | beside.keys()
           if k != "CPUID" and abs(idle.get(k, 0) - beside.get(k, 0)) > 8 + idle.get(k, 0) // 10}
    check("exits: as many as with an idle attach", not odd, odd)


def antidebug():
    bare, seen = left.text("antidebug.bare"), left.said("antidebug.traced")
    check("anti-debug: bare all pass", ": FAIL" not in bare and bare.count(": pass") > 40, bare)
    for want, got in zip(bare.splitlines(), seen.splitlines()):
        check(f"anti-debug: {want.rsplit(':', 1)[0]}", got == want, got)
    check("anti-debug: all of them, with the same status", len(bare.splitlines()) ==
          len(seen.splitlines()) and left.said("antidebug.rc") == "0\n", seen)
    explained("anti-debug", traced("antidebug", "anti-debug", same_output=False))


def bodies(stream):
    """The bodies of a thread's stream, each from its BEGIN to its END."""
    found, current = [], None
    for x in stream:
        if not isinstance(x, Code) and x["what"] == "begin":
            current = []
            found.append(current)
        if current is not None:
            current.append(x)
        if not isinstance(x, Code) and x["what"] == "end":
            current = None
    return found


def function(name, what, symbol, count, instructions=None):
    log = traced(name, what, same_output=False)
    check(f"{what}: the program and hvtrace end well",
          left.said(name + ".program.rc") == left.said(name + ".rc") == "0\n",
          left.said(name + ".rc") + left.said(name + ".said"))
    start = next(int(li.split()[0], 16) for li in left.text("kallsyms").splitlines()
                 if li.split()[2] == symbol)
    found = [b for s in log.threads.values() for b in bodies(s)]
    check(f"{what}: {count} bodies", len(found) == count, len(found))
    mine = [[x for x in b if isinstance(x, Code) and not x.nest] for b in found]
    check(f"{what}: each begins at the function", all(b and b[0].ip == start for b in mine),
          [say(b[0]) for b in mine if b][:3])
    check(f"{what}: each ends by a return to its caller", all(
        b[-1]["what"] == "end" and m[-1].name == "ret" and where(b[-1], "to")
        for b, m in zip(found, mine)), [(say(m[-1]), say(b[-1])) for b, m in zip(found, mine)][:3])
    check(f"{what}: to one and the same place", len({b[-1]["to"] for b in found}) == 1,
          {b[-1]["to"] for b in found})
    check(f"{what}: bodies are numbered", sorted({c.body for b in mine for c in b}) ==
          list(range(1, count + 1)), sorted({c.body for b in mine for c in b}))
    if instructions:
        check(f"{what}: {instructions} instructions each",
              {len(b) for b in mine} == {instructions}, [len(b) for b in mine])
        check(f"{what}: the same each time", len({tuple(c.ip for c in b) for b in mine}) == 1,
              difference([hex(c.ip) for c in mine[0]], [hex(c.ip) for c in mine[-1]]))
    explained(what, log)
    return log


def kernel():
    function("open", "do_sys_openat2", "do_sys_openat2", 20)
    log = function("loop", "a loop in the kernel", "hvt_trace_loop", 3, 2 + 3 * 4000)
    came = [x for s in log.threads.values() for x in s
            if not isinstance(x, Code) and x["what"] == "interrupt"]
    check("a loop in the kernel: interrupts arrived within", len(came) >= 3, len(came))
    function("range", "a range of the kernel's code", "hvt_trace_loop", 3, 2 + 3 * 40)
    function("recurse", "recursion in the kernel", "hvt_trace_recurse", 3, 4 + 7 * 20)
    function("leave", "a function that leaves its own code", "hvt_trace_leave", 3, 4 + 7 * 20)
    what = "a process with its kernel instructions"
    log = traced("whole", what, same_output=False)
    explained(what, log)
    stream = next(iter(log.threads.values()))
    inside, calls, bare = 0, 0, []
    for i, x in enumerate(stream):
        if not isinstance(x, Code) and x["what"] == "syscall":
            calls += 1
            behind = stream[i + 1:i + 2]
            bare += [x] if not isinstance(behind[0], Code) or behind[0].user else []
        inside += isinstance(x, Code) and not x.user
    check(f"{what}: {calls} system calls, {inside} kernel instructions",
          calls > 10 and inside > 1000 and not bare, bare[:2])


def windowed():
    truth = truths(left.path("short.truth"))[0]
    symbols = Symbols(left.path("trace_long"))
    for name, expected in windows.cases(truth.ips, symbols):
        what = f"window {name}"
        log = traced(f"w.{name}", what, same_output=False)
        stream = next(iter(log.threads.values()), [])
        why = same_path(expected, [c.ip for c in codes(stream)], symbols)
        check(f"{what}: its {len(expected)} instructions", not why, why)
        explained(what, log)


def objects():
    """Of a program with libraries, what is in some of them; the rest is not stepped through."""
    whole = codes(next(iter(traced("o.all", "all objects", same_output=False).threads.values())))
    here = {c.obj for c in whole}
    check("objects: a program, its loader and a library", {"true", LOADER, "libc.so.6"} <= here, here)
    for name, wanted in (("only", lambda o: o == "true"), ("skip", lambda o: o != LOADER),
                         ("library", lambda o: o != "libc.so.6")):
        what = f"objects: {name}"
        log = traced(f"o.{name}", what, same_output=False)
        explained(what, log)
        got = [c.ip for c in codes(next(iter(log.threads.values()), []))]
        want = [c.ip for c in whole if wanted(c.obj)]
        if name == "library":  # from when the loader has mapped it
            want = want[-len(got):]
        check(f"{what}: its {len(got)} instructions, each of them", got == want != [],
              difference([hex(x) for x in want], [hex(x) for x in got]))
        steps = exits_of(machine(f"o.{name}.before"), machine(f"o.{name}.after")).get(MTF, 0)
        note(f"{what}: {len(got)} of {len(whole)} instructions, {steps} steps")
        if name != "library":
            check(f"{what}: the others are not stepped", steps < 2 * len(got) + len(whole) // 20, steps)


def output_of(name, *command, cwd=None):
    """The path of a file with its standard output; its status is a test point."""
    path = left.path(name)
    with open(path, "w") as f:
        ran = subprocess.run(command, stdout=f, stderr=subprocess.PIPE, text=True, cwd=cwd)
    check("views: " + re.sub(r"\S*/", "", " ".join(command[:6])), ran.returncode == 0, ran.stderr)
    return path


def compared(script, *arguments):
    """The test points of a script of tests/unit become ours."""
    ran = subprocess.run([sys.executable, os.path.join(UNIT, script), *arguments],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    points = re.findall(r"^(not ok|ok) \d+ - (.*)\n((?:#.*\n)*)", ran.stdout, re.M)
    for good, what, why in points:
        check(f"{script[:-3]}: {what}", good == "ok", why)
    check(f"{script[:-3]}: came to its end", re.search(r"^1\.\.\d+$", ran.stdout, re.M) and points,
          ran.stderr)


def views():
    """What is made of a log, against what the programs counted themselves."""
    for name, program in ("calls", "views_calls"), ("gcov", "views_gcov"):
        log = traced(name, f"views: {name}", same_output=False)
        check(f"views: {name}: ends well", left.said(name + ".rc") == "0\n", left.said(name + ".rc"))
        explained(f"views: {name}", log)
    data = left.path("calls.data")
    lines = output_of("calls.json", hvtrace, "script", "--format", "json", data)
    compared("views_calls.py", hvtrace, data, os.path.join(programs, "views_calls"),
             left.path("calls.truth"), lines)
    compared("views_drcov.py", hvtrace, data, lines)
    output_of("tenet.said", hvtrace, "export", "--format", "tenet", "-o", left.path("tenet"), data)
    threads = os.listdir(left.path("tenet"))
    check("views: tenet: one thread, one file", len(threads) == 1, threads)
    compared("views_tenet.py", os.path.join(left.path("tenet"), threads[0]), lines)
    info = left.path("lcov.info")
    output_of("lcov.said", hvtrace, "export", "--format", "lcov", "-o", info, left.path("gcov.data"))
    shutil.copy(left.path("views_gcov-stepped_calls.gcda"), programs)
    counted = output_of("gcov.json", "gcov", "--json-format", "--stdout", "views_gcov-stepped_calls.gcda", cwd=programs)
    compared("views_lcov.py", info, counted, os.path.join(UNIT, "stepped_calls.c"))


def sqlite():
    """A program of Debian's from its first instruction to its exit."""
    what = "sqlite3"
    if os.path.exists(left.path("sqlite.truth.0")):
        log = against("sqlite", what, "sqlite3")
    else:
        log = traced("sqlite", what)
        explained(what, log)
        cost("sqlite", what, log)
    stream = next(iter(log.threads.values()))
    check(f"{what}: its exit is the last of {log.count} instructions", not isinstance(stream[-1], Code)
          and stream[-1]["what"] == "exit" and stream[-1]["status"] == 0, say(stream[-1]))
    output_of("sqlite.calls", hvtrace, "report", "--calls", "--format", "json", left.path("sqlite.data"))
    calls = left.load("sqlite.calls")[0]
    total = sum(n["self"] for n in calls)
    check(f"{what}: its call tree has all of its instructions", total == log.count, (total, log.count))


def torture():
    check("torture: the program ends well", left.said("torture.rc") == "0\n" and
          ", 0 bad, " in left.said("torture.traced"),
          left.said("torture.rc") + left.said("torture.traced") + left.said("torture.err"))
    note("torture: " + left.said("torture.traced").strip())
    log = traced("torture", "torture", same_output=False)
    explained("torture", log)
    note(f"torture: {log.count} instructions, {log.flows} events, {len(log.threads)} threads, "
         f"CPUs {dict(log.cpus)}")


def end():
    first, last = machine("start"), machine("end")
    keys = ("leaves_1g", "leaves_2m", "leaves_4k", "pages_watched", "ram_4k_bytes", "watches",
            "cpus_attached", "attached")
    check("after the last trace the EPT is as at attach",
          all(first[k] == last[k] for k in keys), {k: (first[k], last[k]) for k in keys})
    check("no trace is left", not last.get("traces"), last.get("traces"))
    calm(left.text("dmesg"))


PARTS = {"oracle": oracle, "attach": attach, "exits": exits, "antidebug": antidebug, "kernel": kernel,
         "windows": windowed, "objects": objects, "views": views, "sqlite": sqlite, "torture": torture}
run_parts([PARTS[p] for p in PARTS if p in wanted] + [end])
