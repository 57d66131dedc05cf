#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what suite.sh left behind, from outside the guest. TAP on stdout.

The truth is computed here or said by the bare run; nothing is taken from hvtrace's
own account of itself except where that account is what is tested.
usage: check.py DIRECTORY
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import check, check_complete  # noqa: E402

left = tap.Directory(sys.argv[1])
path, text, load = left.path, left.text, left.load


def accesses(events):
    return [e for e in events if e["type"] == "access"]


def value(s):
    return int(s, 16)


def check_chain(what, events):
    """In the order of the stream each write starts from what the one before left."""
    last, bad = None, None
    for e in events:
        if last is not None and e["old"] != last and bad is None:
            bad = e
        last = e["new"]
    check(f"{what}: each old value is the new value before it", bad is None, bad)


def counting():
    events, out = load("one.traced")
    writes = accesses(events)
    total = int(text("one.total"))
    check(f"one thread: {total} writes", len(writes) == total, len(writes))
    check("one thread: every value in order",
          [value(e["new"]) for e in writes] == list(range(1, total + 1)))
    check_chain("one thread", writes)
    check_complete("one thread", events)
    check("one thread: output and status as bare",
          out == text("one.bare") and text("one.traced.status") == text("one.bare.status"),
          text("one.traced.err"))
    check("one thread: every event is an 8-byte store by `work`",
          all(e["access"] == "write" and e["size"] == 8 and e["sym"].startswith("work+") and
              e["obj"] == "count" and e["user"] for e in writes))
    check("one thread: the variable is named", all(e["addr_sym"] == "counter+0x0" for e in writes),
          writes[:1])

    events, out = load("two.traced")
    writes = accesses(events)
    cpus = {e["cpu"] for e in writes}
    check("two threads: 100000 locked increments", len(writes) == 100000, len(writes))
    check("two threads: 1..100000 in one order",
          [value(e["new"]) for e in writes] == list(range(1, 100001)))
    check_chain("two threads", writes)
    check_complete("two threads", events)
    check("two threads: sum undisturbed", out == "100000\n", out)
    check("two threads: each made its 50000",
          sorted(sum(e["tid"] == t for e in writes) for t in {e["tid"] for e in writes}) ==
          [50000, 50000])
    if int(text("cpus")) > 1:
        check("two threads: on two CPUs at once", len(cpus) == 2, cpus)
    check("two threads: rmw is told from write", all(e["access"] == "rmw" for e in writes))

    events, _ = load("reads.traced")
    reads = accesses(events)
    check("-a r sees the increments too (they read), and main's last look",
          len(reads) == 2001 and reads[-1]["access"] == "read", len(reads))


def losing():
    events, out = load("loss.json")
    gaps = [e for e in events if e["type"] == "lost"]
    lost = sum(e["count"] for e in gaps)
    seen = [value(e["new"]) for e in accesses(events)]
    check("small rings: the target is unharmed, --fail-on-loss says 4",
          out == "20000\n" and text("loss.status") == "4\n", (out, text("loss.err")))
    check("small rings: every record is seen or counted as lost",
          gaps and 20000 <= len(events) - len(gaps) + lost <= 20000 + 4,
          (len(events), len(gaps), lost))
    check("small rings: what is seen is true and in order",
          seen == sorted(set(seen)) and all(1 <= n <= 20000 for n in seen))
    after, bad = {}, None
    for e in events:
        if after.get(e["cpu"], e["seq"]) != e["seq"] and bad is None:
            bad = e
        after[e["cpu"]] = e["seq"] + (e["count"] if e["type"] == "lost" else 1)
    check("small rings: a LOST record stands in each gap", bad is None, bad)


def touching():
    events, out = load("touch.traced")
    got = accesses(events)
    check("touch: output as bare", out == text("touch.bare"), out)
    for line in text("touch.bare").splitlines():
        name, addr, size, kind, old, new = line.split()
        hits = [e for e in got if value(e["addr"]) == value(addr) and e["size"] == int(size) and
                e["access"] == kind and e["old"] == old and e["new"] == new]
        check(f"touch: {name} once, with address, size, kind and values", len(hits) == 1,
              [e for e in got if value(e["addr"]) == value(addr)][:4])
    kernel = [e for e in got if not e["user"] and e["access"] == "write"]
    first = [e for e in kernel if e["new"] != "0x0"]
    data = b"".join(value(e["new"]).to_bytes(e["size"], "little") for e in first)
    check("touch: copy_to_user's bytes, in the kernel, by name",
          data == b"hello, kernel" and all(e["obj"] == "[kernel]" and e["sym"] for e in first),
          (data, first[:2]))
    check("touch: clear_user's 16 bytes", sum(e["size"] for e in kernel if e["new"] == "0x0") == 16,
          kernel)
    check("touch: nothing invented: each event lies in a watch",
          all(e["watch"] and e["size"] for e in got if e["exact"]))
    check_complete("touch", events)

    events, _ = load("exec.traced")
    runs = [e for e in accesses(events) if e["access"] == "exec"]
    check("exec: main's first bytes executed once, in order",
          len(runs) >= 1 and runs[0]["sym"].startswith("main") and
          runs[0]["addr"] == runs[0]["ip"] and len({e["ip"] for e in runs}) == len(runs), runs[:3])


def stack():
    events, out = load("stack.traced")
    got = accesses(events)
    check("stack: checksum and status as bare",
          out == text("stack.bare") and text("stack.status") == "0\n",
          (out, text("stack.bare"), text("stack.err")))
    check_complete("stack", events)
    calls = [e for e in got if e["insn"] and e["insn"].startswith("call") and
             (e["sym"] or "").startswith("fib+")]
    rets = [e for e in got if e["insn"] and re.match(r"(repz )?ret", e["insn"]) and
            (e["sym"] or "").startswith("fib+")]
    # fib(10) makes 177 calls, 176 of them from fib itself; four rounds.
    check("stack: every call of fib by fib", len(calls) == 4 * 176, len(calls))
    check("stack: every return of fib", len(rets) == 4 * 177, len(rets))
    byte_history("stack", got)


def faulting():
    events, out = load("faults.traced")
    got = [(e["access"], value(e["old"]), value(e["new"])) for e in accesses(events)]
    truth = []
    for i in (1, 2, 3):
        truth += [("write", i - 1, i), ("read", i, i), ("read", i, i)]
    truth += [("write", 3, 0), ("write", 0, 7), ("read", 7, 7), ("read", 7, 7)]
    check("faults: output as bare", out == text("faults.bare") and out == "3 1 3 7\n",
          (out, text("faults.err")))
    check("faults: #PF on the other operand and #DE: each access once, when it retires",
          got == truth, got)


def byte_history(what, events):
    """Every byte that is read is the byte that was last seen there."""
    memory, bad = {}, None
    for e in events:
        if e["old"] is None:
            continue
        size = e["value_len"] if "value_len" in e else e["size"]
        at = value(e["addr"]) + e.get("value_off", 0)
        if size <= 8:
            old = value(e["old"]).to_bytes(size, "little")
            new = value(e["new"]).to_bytes(size, "little")
        else:
            old, new = bytes.fromhex(e["old"]), bytes.fromhex(e["new"])
        for i in range(size):
            if memory.get(at + i, old[i]) != old[i] and bad is None:
                bad = e
            memory[at + i] = new[i]
    check(f"{what}: every byte read is the byte last written", bad is None, bad)


def delivery():
    gates = accesses(load("idt.json")[0])
    check("IDT: each delivery reads the gate of its vector", len(gates) > 5 and
          all(e["access"] == "read" and e["size"] == 16 and
              value(e["addr"]) % 4096 == 16 * e["vector"] for e in gates), gates[:2])
    check("IDT: interrupts that come while hvtrace-agent runs are told as well",
          any(e["comm"] == "hvtrace-agent" for e in gates), {e["comm"] for e in gates})
    idle = accesses(load("idle.json")[0])
    frames = [e for e in idle if "vector" in e]
    check("idle stack: interrupt frames, with the interrupted address in them",
          len(frames) > 2 and all(
              e["size"] in (40, 48) and
              int.from_bytes(bytes.fromhex(e["new"])[e["size"] - 40:][:8], "little") ==
              value(e["ip"]) for e in frames), frames[:2])
    byte_history("idle stack", idle)
    check("idle stack: the machine goes on", text("idle.status") == "0\n", text("idle.err"))


def kernel():
    ticks = accesses(load("jiffies.json")[0])
    news = [value(e["new"]) for e in ticks]
    check("jiffies_64: counts up, one writer at a time", len(news) > 50 and
          all(value(a["new"]) == value(b["old"]) for a, b in zip(ticks, ticks[1:])), len(news))
    check("jiffies_64: named, with the instruction and its function",
          all(e["addr_sym"] and e["sym"] and e["insn"] and e["obj"] == "[kernel]" for e in ticks))
    check("jiffies_64: Ctrl-C ends with status 0", text("jiffies.status") == "0\n",
          text("jiffies.err"))

    events, out = load("modprobe.json")
    got = accesses(events)
    check("modprobe_path: the program still reads it", out == "/sbin/modprobe\n", out)
    check("modprobe_path: read and written by the two processes",
          {"cat", "sh"} <= {e["comm"] for e in got} and
          {"read", "write"} <= {e["access"] for e in got}, {(e["comm"], e["access"]) for e in got})
    both = [e for e in got if 0 <= value(e["addr"]) - min(value(x["addr"]) for x in got) < 8]
    check("modprobe_path: what two watches see is one event that names both",
          both and all(e["watches"] == [1, 2] or len(e["watches"]) == 2 for e in both), both[:2])

    got = accesses(load("pid.json")[0])
    check("-p PID: a running process is watched and lives on",
          len(got) > 100 and os.path.exists(path("pid.alive")) and
          all(value(b["new"]) == value(a["new"]) + 1 for a, b in zip(got, got[1:])),
          (len(got), text("pid.err")))


def verifying():
    logs = {e["file"].split(".")[0]: e for e in load("verify.json")[0]}
    check("verify: nothing is wrong in any log", len(logs) == 5 and
          text("verify.status") == "0\n" and not any(e["wrong"] for e in logs.values()),
          (text("verify.err"), [e for e in logs.values() if e["wrong"]]))
    for name in ("one", "two", "stack"):
        check(f"verify: {name}: all of it is proved", logs[name]["proved"], logs[name])
    # the one load over two pages has values that nothing had locked, see hvtrace-verify(1)
    check("verify: touch: no byte differs from what was left there",
          logs["touch"]["links"] and not logs["touch"]["differ"] and
          logs["touch"]["unvalued"] == 1, logs["touch"])
    # each of the increments but the first found all 8 bytes as the one before left them
    check("verify: two: a link from each increment to the next",
          logs["two"]["links"] == 8 * 99999, logs["two"])
    check("verify: loss: what is lost is told and proves nothing",
          logs["loss"]["lost"] and not logs["loss"]["proved"] and not logs["loss"]["differ"],
          logs["loss"])


def elsewhere():
    names = {"bash": "bash:line_number", "gone": "gone (deleted):work", "own": "count:work"}
    for log, name in names.items():
        inside, outside = text(f"{log}.inside.text"), text(f"{log}.outside.text")
        check(f"elsewhere: {log}: the same text where its program is not, with its names",
              inside == outside and inside.count(name) >= 5, (inside[:300], outside[:300]))
        check(f"elsewhere: {log}: the same JSON",
              text(f"{log}.inside.json") == text(f"{log}.outside.json") != "")
    live = [li for li in text("own.live").splitlines(True) if li != "50\n"]
    check("elsewhere: own: what was printed live", "".join(live) == text("own.outside.text"))


def endings():
    check("exit status of the target is ours, and nothing else is said",
          text("false.status") == "1\n" and not text("false.err"), text("false.err"))
    lines = text("text.out").splitlines()
    check("text: ten lines that say old -> new, symbol and instruction",
          sum(bool(re.search(r"counter\s+8\s+0x\w+ -> 0x\w+\s+count:work\+0x\w+\s+mov", li) or
              re.search(r"counter.* 0x\w+ -> 0x\w+ .*work\+0x\w+.*mov", li))
              for li in lines) == 10, "\n".join(lines[:3]))
    status = json.loads(text("status.json"))
    check("nothing is armed, the machine is as it was found",
          not status.get("attached") and not status.get("watches"), status)
    tap.calm(text("dmesg"))


tap.run_parts((counting, losing, touching, stack, faulting, delivery, kernel, verifying, elsewhere,
               endings))
