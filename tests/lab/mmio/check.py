#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is the list of accesses that the module made: each has to be an event, in the order
of its CPU, and no other. What the module read shows that the device was left alone.
usage: check.py DIRECTORY
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import check  # noqa: E402

left = tap.Directory(sys.argv[1])
text = left.said
COUNTER = 0xfed000f0
# The operand of these is in no register and at no other place of memory afterwards.
NOWHERE = {"add", "cmp", "inc", "xadd", "xchg", "between"}
KINDS = {"read": "R", "write": "W", "rmw": "X"}


def state(name):
    return json.loads(text(name + ".state"))


def truth(name):
    out = []
    for line in text(name + ".truth").splitlines():
        w = line.split()
        if w[0] == "access":
            out.append({"cpu": int(w[1]), "kind": w[2], "phys": int(w[3], 16), "va": int(w[4], 16),
                        "size": int(w[5]), "old": bytes.fromhex(w[6]), "new": bytes.fromhex(w[7]),
                        "how": w[8]})
    return out


def areas(name):
    rows = [x.split() for x in text(name + ".truth").splitlines() if x.startswith("area ")]
    return {r[1]: (int(r[2], 16), int(r[3], 16), int(r[4])) for r in rows}


def accesses(name):
    return [e for e in left.load(name + ".json")[0] if e["type"] == "access"]


def value(e, member):
    if e[member] is None:
        return None
    return bytes.fromhex(e[member]) if e["size"] > 8 else int(e[member], 16).to_bytes(8, "little")[:e["size"]]


def by_module(e):
    return e["obj"] == "hvt_mmio"


def wrong(t, e):
    """Why the event e is not the access t to a device, or None."""
    if (t["kind"], t["phys"], t["size"]) != (KINDS.get(e["access"]), int(e["gpa"], 16), e["size"]):
        return "not this access"
    if t["va"] != int(e["addr"], 16):
        return "linear address"
    if e.get("device") is not True or e["old"] is not None or e.get("exact") is False:
        return "device, old or exact"
    if value(e, "new") is None:
        return None if t["how"] in NOWHERE else "no value"
    return None if value(e, "new") == t["new"] else "value"


def devices(name):
    want, got = truth(name), [e for e in accesses(name) if by_module(e)]
    check(f"{name}: there is something to compare", len(want) > 200, text(name + ".err"))
    for cpu in range(cpus):
        mine = [t for t in want if t["cpu"] == cpu]
        seen = [e for e in got if e["cpu"] == cpu]
        first = next(((wrong(t, e), t, e) for t, e in zip(mine, seen) if wrong(t, e)), "the length")
        check(f"{name}: each of the {len(mine)} accesses by CPU {cpu} once, with its width and value",
              mine and len(mine) == len(seen) and not any(map(wrong, mine, seen)),
              f"{len(seen)} events\n{first[0]}\n{first[1]}\n{first[2]}" if first != "the length"
              else f"{len(seen)} events, want {len(mine)}")
    known = {t["how"] for t, e in zip(sorted(want, key=lambda t: t["cpu"]),
                                      sorted(got, key=lambda e: e["cpu"])) if e["new"] is not None}
    check(f"{name}: values out of registers, immediates, vectors and RAM",
          {"mov", "imm", "movzx", "high", "movnti", "string", "sse"} <= known, known)
    check(f"{name}: nothing lost, status 0", '"type":"lost"' not in text(name + ".json") and
          text(name + ".rc").strip() == "0" and text(name + ".seen") == text(name + ".json"),
          text(name + ".err"))


def undisturbed(name):
    """The module read what it reads without a tracer."""
    masked = [[(t["cpu"], t["kind"], t["phys"], t["size"], t["how"],
                None if t["phys"] == COUNTER else (t["old"], t["new"]))
               for cpu in range(cpus) for t in truth(n) if t["cpu"] == cpu] for n in ("bare", name)]
    check(f"{name}: the devices gave the module what they give it untraced", masked[0] == masked[1],
          next(((a, b) for a, b in zip(*masked) if a != b), "the length"))
    for cpu in range(cpus):
        ticks = [int.from_bytes(t["new"][:4], "little") for t in truth(name)
                 if t["phys"] == COUNTER and t["cpu"] == cpu]
        check(f"{name}: the counter that CPU {cpu} read only went forward", len(ticks) > 60 and
              all(0 < (b - a) & 0xffffffff < 1 << 31 for a, b in zip(ticks, ticks[1:])), ticks[:20])


# Documentation/trace/mmiotrace.rst, "Trace Log Format"
HEX, DEC, TIME = r"0x[0-9a-f]+", r"\d+", r"\d+\.\d{6}"
GRAMMAR = {
    "VERSION": ["20070824"],
    "MAP": [TIME, DEC, HEX, HEX, HEX, HEX, DEC],
    "UNMAP": [TIME, DEC, HEX, DEC],
    "R": [DEC, TIME, DEC, HEX, HEX, HEX, DEC],
    "W": [DEC, TIME, DEC, HEX, HEX, HEX, DEC],
    "UNKNOWN": [TIME, DEC, HEX, r"[0-9a-f,]+", HEX, DEC],
    "MARK": [TIME, r"[ -~]+"],
    "PCIDEV": [r"[0-9a-f ]+.*"],
}


def mmiotrace(name):
    """Lines as (keyword, operands), and those that are not of the grammar."""
    lines, bad = [], []
    for line in text(name + ".mmiotrace").splitlines():
        key = line.split(" ", 1)[0]
        m = key in GRAMMAR and re.fullmatch(" ".join([key] + [f"({g})" for g in GRAMMAR[key]]), line)
        (lines if m else bad).append((key, list(m.groups())) if m else line)
    return lines, bad


def rw(lines, code=None):
    """(op, width, phys, value, time) of what is at code; UNKNOWN has no width and value."""
    out = []
    for key, a in lines:
        if key in ("R", "W") and (not code or int(a[5], 16) in code):
            out.append((key, int(a[0]), int(a[3], 16), int(a[4], 16), a[1]))
        elif key == "UNKNOWN" and (not code or int(a[4], 16) in code):
            out.append((key, 0, int(a[2], 16), 0, a[0]))
    return out


def lines_of(t, e):
    """The lines that the event e of the access t has to be."""
    known = value(e, "new") is not None
    out = [("UNKNOWN", 0, t["phys"], 0)] if t["kind"] == "X" or not known else []
    step = min(t["size"], 8)
    if known:
        out += [("R" if t["kind"] == "R" else "W", step, t["phys"] + i,
                 int.from_bytes(t["new"][i:i + step], "little")) for i in range(0, t["size"], step)]
    elif t["kind"] == "X":
        out *= 2
    return out


def format_of(name, maps):
    lines, bad = mmiotrace(name)
    check(f"{name}: each mmiotrace line is of the documented grammar", len(lines) > 80 and not bad,
          "\n".join(bad))
    mapped = sorted((int(a[2], 16), int(a[4], 16)) for k, a in lines if k == "MAP")
    check(f"{name}: the maps are the watches", mapped == sorted(maps), (mapped, maps))
    want = []
    events = [e for e in accesses(name) if by_module(e)]
    pending = {cpu: [t for t in truth(name) if t["cpu"] == cpu] for cpu in range(cpus)}
    for e in events:
        if pending[e["cpu"]]:
            want += lines_of(pending[e["cpu"]].pop(0), e)
    got = [x[:4] for x in rw(lines, code)]
    check(f"{name}: R, W and UNKNOWN lines are the module's {len(want)}", want and got == want,
          (len(got), next(((g, w) for g, w in zip(got, want) if g != w), "the length")))


def same_as_kernel():
    """The kernel's tracer on the same accesses, one line for each; it knows fewer instructions."""
    theirs, bad = mmiotrace("kernel")
    check("the kernel's own trace is of the grammar", theirs and not bad, "\n".join(bad))
    lines, made = rw(theirs), truth("kernel")
    check("the kernel's tracer saw each access once", len(lines) == len(made) and
          all(x[2] == t["phys"] for x, t in zip(lines, made)), (len(lines), len(made)))
    ours = rw(mmiotrace("first")[0], code)
    mine = truth("first")
    differ, compared = [], 0
    for x, e, t in zip(lines, [e for e in accesses("first") if by_module(e)], mine):
        group = [ours.pop(0)[:4] for _ in lines_of(t, e) if ours]
        # arch/x86/mm/pf_in.c takes the 32-bit immediate of a 64-bit store for its operand
        if x[0] == "UNKNOWN" or (t["how"], t["size"], x[1]) == ("imm", 8, 4):
            continue
        compared += 1
        same = x[3] & ((1 << 8 * x[1]) - 1)  # it has the whole register after MOVSX
        if len(group) != 1 or group[0][:3] != x[:3] or (t["phys"] != COUNTER and group[0][3] != same):
            differ.append((x, group, t))
    check(f"the same {compared} lines as the kernel's mmiotrace: R or W, width, address, value",
          compared > 50 and not differ and not ours, "\n".join(map(str, differ)) or (compared, ours[:3]))
    theirs = {(int(a[2], 16), int(a[4], 16)) for k, a in theirs if k == "MAP"}
    mapped = {(int(a[2], 16), int(a[4], 16)) for k, a in mmiotrace("first")[0] if k == "MAP"}
    check("and the same maps", mapped and mapped <= theirs, (mapped, theirs))


def ram():
    events, place, pid = accesses("ram"), areas("ram"), int(text("pid"))
    mine = truth("user")
    made = truth("ram")
    for what, want, got in (("program", mine, [e for e in events if e["user"]]),
                            ("module", made, [e for e in events if by_module(e)])):
        ours = [(t["kind"], t["va"], t["size"], t["new"]) for t in want]
        seen = [(KINDS.get(e["access"]), int(e["addr"], 16), e["size"],
                 value(e, "old" if e["access"] == "read" else "new")) for e in got]
        check(f"ram: each of the {len(ours)} accesses by the {what}, with its value",
              ours and ours == seen, (len(seen), next(((a, b) for a, b in zip(ours, seen) if a != b), "the length")))
    check("ram: and no others", len(events) == len(mine) + len(made), len(events))
    memory, bad = {}, []
    for e in events:
        at = range(int(e["gpa"], 16), int(e["gpa"], 16) + e["size"])
        if e.get("device") or value(e, "old") != bytes(memory.get(i, 0) for i in at):
            bad.append(e)
        if e["access"] != "read":
            memory.update(zip(at, value(e, "new")))
    check("ram: old is what was written last, by whatever address", events and not bad, bad[:2])
    base = lambda es: {int(e["addr"], 16) & ~0xfff for e in es}
    of = lambda name: [e for e in events if int(e["gpa"], 16) & ~0xfff == place[name][1]]
    check("ram: the program's page by its own address and by the kernel's",
          base(of("user")) == {place["user"][0], mine[0]["va"] & ~0xfff}, base(of("user")))
    check("ram: the kernel's page by both of its addresses",
          base(of("page")) == {place["page"][0], place["alias"][0]}, base(of("page")))
    check("ram: the program is named", {e["pid"] for e in events} == {pid}, {e["pid"] for e in events})


cpus, online = map(int, text("cpus").split())
start = int(text("modules").split()[5], 16)
code = range(start, start + int(text("modules").split()[1]))
names = ("hpet", "ioapic", "bar", "vga")
check("all CPUs are online, the module refused nothing", cpus == online and
      not os.path.exists(left.path("refused")), text("refused"))
latches = [t["new"][0] for t in truth("bare") if t["phys"] >> 12 == 0xa8 and t["kind"] == "R"]
check("the device is one that a read changes", latches == [0x11, 0x11, 0x22, 0x11, 0x11] * cpus, latches)
for name in "phys", "linear":
    devices(name)
    undisturbed(name)
    place = areas(name)
    watches = [[w["addr"], w["len"], w["physical"]] for w in state(name)["watches"]]
    want = [[hex(place[n][name == "phys"]), place[n][2], name == "phys"] for n in names]
    check(f"{name}: status has its watches", sorted(watches) == sorted(want), watches)
    lines = text(name + ".status").count("physical memory")
    check(f"{name}: and the text says which are physical", lines == (len(names) if name == "phys" else 0),
          text(name + ".status"))
devs = {e["addr_sym"].split("+")[0] for e in accesses("phys") if by_module(e) and e["addr_sym"]}
check("phys: registers have the names of /proc/iomem", {"HPET 0", "IOAPIC 0"} <= devs or
      any("HPET" in d for d in devs) and any("IOAPIC" in d for d in devs), devs)
place = areas("phys")
format_of("phys", [place[n][1:] for n in names])
format_of("first", [place[n][1:] for n in names[:3]])
check("first: what watch prints is what script makes of the log",
      text("first.seen") == text("first.mmiotrace"), text("first.err"))
same_as_kernel()
ram()

for line in text("bad").splitlines():
    words, message = line.split(" ", 4)[:4], line.split(" ", 4)[4]
    check(f"refused: {message.split(':')[0]}", words == ["2", "1", "0", "1"] and
          re.search(r": hvtrace: .+: .+; try: .+", message), line)
before, after = state("before"), state("after")
del before["cpus"], after["cpus"]  # exit counts
check("in the end the EPT map is as at attach", before == after and after["leaves_2m"] > 0 and
      after["pages_watched"] == 0, f"{before}\n{after}")
check("while watched it was not", all(state(n)["pages_watched"] >= 4 for n in ("phys", "linear")))
check("detached", state("detached")["attached"] is False)
tap.calm(text("dmesg"))
tap.finish()
