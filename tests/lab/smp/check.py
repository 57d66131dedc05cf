#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is what the programs noted about their own accesses.
usage: check.py HVTRACE DIRECTORY [long]
"""

import json
import statistics
import sys

from judge import events, judge, number
from tap import Directory, calm, check, note, run_parts

hvtrace, left = sys.argv[1], Directory(sys.argv[2])
path, text = left.path, left.text


def status(name):
    return json.loads(text(name + ".status"))


def run(name, what, also=None):
    check(f"{what}: the program ends well, and nothing is said",
          text(name + ".rc") == "0\n" and not text(name + ".err"), text(name + ".err"))
    return judge(what, hvtrace, path(name + ".data"), path(name + ".truth"), also)


def long_run():
    since, until = text("long.time").split()
    stream = run("long", "long run")
    # The threads are pinned to two CPUs, main, with a few accesses, to none.
    check("long run: on two CPUs, half by each", sum(n * 4 > stream.count for n in
          stream.cpus.values()) == 2, stream.cpus)
    note(f"{stream.count} events in {float(until) - float(since):.1f} s of the guest's time")


def mixed():
    cpus = int(text("cpus"))
    stream = run("mixed", f"{cpus} CPUs")
    check(f"{cpus} CPUs: all of them", len(stream.cpus) == cpus, stream.cpus)
    machine = status("end")
    check(f"{cpus} CPUs: they did meet (page locks found taken)",
          sum(c["lock_retries"] for c in machine["cpus"]) > 0, machine["cpus"])


def coming_and_going():
    """The watches that come and go see a part without a hole of what the first one sees,
    and the first one sees all."""
    wanted, area = {}, number(text("area").strip())
    ranges = [(area + 0x48, area + 0x50), (area + 0xff0, area + 0x1010)]

    def also(e):
        at = number(e["addr"])
        if any(at < hi and at + e["size"] > lo for lo, hi in ranges):
            wanted[(e["gpa"], e["order"])] = len(wanted)

    check("armed and disarmed meanwhile: nothing is said", not text("busy.err"), text("busy.err"))
    judge("armed and disarmed meanwhile", hvtrace, path("busy.data"), path("busy.truth"), also)
    cycles, hit = (int(x) for x in text("arm.out").split())
    check("armed and disarmed meanwhile: 20 times with accesses in between", hit >= 20 and
          text("arm.rc") == "0\n", (cycles, hit, text("arm.err")))
    sides = int(text("sides"))
    note(f"armed and disarmed {cycles} times, {sides} short watches")
    holes, strangers, ends, counts = 0, 0, [], []
    for i in range(sides):
        got = [(e["gpa"], e["order"]) for e in events(hvtrace, path(f"side.{i}.data"))
               if e["type"] == "access"]
        strangers += sum(key not in wanted for key in got)
        got = [key for key in got if key in wanted]
        status, *limit = text(f"side.{i}.end").split()
        ends.append(status)
        counts.append((len(got), int(limit[0]) if limit else None))
        holes += has_hole(got, wanted, bool(limit))
    check("the short watches: all end well", ends == ["0"] * sides, ends)
    check("the short watches: nothing invented", not strangers, strangers)
    check("the short watches: no hole between their first and their last event", not holes, holes)
    check("the short watches: each saw something, or as much as it should", sides >= 6 and
          all(n == limit if limit else n > 0 for n, limit in counts), counts)


def has_hole(got, wanted, limited):
    """A limit is counted on all CPUs at once: which events are the last is exact on each page."""
    def page_of(key):
        return key[0][:-3] if limited else None

    for page in {page_of(key) for key in got}:
        here = [n for key, n in wanted.items() if page_of(key) == page]
        mine = [wanted[key] for key in got if page_of(key) == page]
        first = here.index(mine[0])
        if mine != here[first:first + len(mine)]:
            return True
    return False


def cost():
    """An event that touches eight watches, with those alone and among very many. Both statuses
    are from while all is armed: what arming costs is not in it. Ticks are said, not judged: they
    count what else the guest does as well; tests/unit/test_root_pages has the lookups."""
    exits, ticks, many = {}, {}, int(text("many"))
    for count in (8, many):
        tsc, touched = [], set()
        run(f"word.{count}", f"{count} watches, one word",
            lambda e: (tsc.append(e["tsc"]), touched.add(len(e["watches"]))))
        before, after = status(f"word.{count}.before"), status(f"word.{count}.after")
        check(f"{count} watches: all are armed, and an event names the eight that it touches",
              len(after["watches"]) == count and touched == {8}, (len(after["watches"]), touched))

        # A step that an interrupt ends is begun again: how many do is a matter of time.
        def total(machine):
            return sum(c["exits"].get("EPT violation", 0) + c["exits"].get("Monitor trap flag", 0) -
                       c["steps_dropped"] for c in machine["cpus"])
        exits[count] = (total(after) - total(before)) / len(tsc)
        ticks[count] = statistics.median(b - a for a, b in zip(tsc, tsc[1:]))
        note(f"{count} watches: {exits[count]:.3f} exits per event, {ticks[count]:.0f} ticks from "
             "one event to the next (median)")
    check("exits per event do not grow with the number of watches",
          exits[many] <= exits[8] * 1.05, exits)
    run("many", f"{many + 1} watches")


def overlapping():
    """Every watch whose bytes and kind of access an event touches is named, no other."""
    area = number(text("area").strip())
    specs = [("rw", 0, 16384), ("r", 0x40, 8), ("w", 0x44, 4), ("rw", 0xffc, 8), ("rw", 0xffe, 4),
             ("w", 0x1000, 4096), ("r", 0x47, 1)]
    letters = {"read": "r", "write": "w", "rmw": "rw"}
    wrong = []

    def also(e):
        at, base = number(e["addr"]) - area, min(e["watches"])
        want = [base + i for i, (access, off, size) in enumerate(specs)
                if at < off + size and at + e["size"] > off and
                set(letters[e["access"]]) & set(access)]
        if sorted(e["watches"]) != want and not wrong:
            wrong.append((want, e))

    run("overlap", "ranges one over the other", also)
    check("ranges one over the other: each event names the watches that it touches", not wrong,
          wrong)


def big():
    run("big", "64 MiB")
    armed = status("big")
    check("64 MiB: one watch on all of its pages",
          len(armed["watches"]) == 1 and armed["watches"][0]["len"] == 64 << 20 and
          armed["pages_watched"] >= 16384, (armed["watches"], armed["pages_watched"]))


def end():
    first, last = status("start"), status("end")
    keys = ("leaves_1g", "leaves_2m", "leaves_4k", "pages_watched", "ram_4k_bytes", "watches",
            "cpus_attached", "attached")
    check("after the last watch the EPT is as at attach",
          all(first[k] == last[k] for k in keys) and not last["watches"] and
          not last["pages_watched"], {k: (first[k], last[k]) for k in keys})
    calm(text("dmesg"))


parts = [long_run, end]
if "long" not in sys.argv[3:]:
    parts = [long_run, mixed, coming_and_going, cost, overlapping, big, end]
run_parts(parts)
