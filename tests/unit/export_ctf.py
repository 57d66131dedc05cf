# SPDX-License-Identifier: GPL-2.0-only
"""Compares a CTF trace, as babeltrace2 reads it, with the JSON lines of the same log.

usage: export_ctf.py TRACE JSON    Prints TAP.
"""
import json
import re
import sys

import bt2
from tap import finish, ok


def text(s):
    """The string of a JSON member as the exporter escapes it: only what JSON can tell."""
    return re.sub(r"[^ -~]|\\", lambda m: f"\\x{ord(m[0]):02x}" if m[0] != "\\" else "\\\\", s or "")


def value(field):
    if isinstance(field, dict):
        return bytes(field["data"]).hex() if field else None
    return hex(field)


def plain(field):
    """A bt2 field as Python's own types."""
    if isinstance(field, bt2._VariantFieldConst):
        return plain(field.selected_option)
    if isinstance(field, bt2._StructureFieldConst):
        return {k: plain(v) for k, v in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(v) for v in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field)
    if isinstance(field, bt2._EnumerationFieldConst):
        return field.labels[0]
    return int(field)


def as_json(name, cpu, ns, f):
    """What hvtrace script --format json says of an event."""
    if name == "mark":
        return {"type": name, "ns": ns, "tsc": f["tsc"], "pid": f["pid"], "uid": f["uid"],
                "text": f["text"]}
    e = {"type": name, "cpu": cpu, "ns": ns, "seq": f["seq"], "tsc": f["tsc"]}
    if name == "lost":
        return {**e, "count": f["count"]}
    gpa = lambda v: None if v == 2**64 - 1 else hex(v)
    e |= {"pid": f["pid"], "tid": f["tid"]}
    if name == "remap":
        return {**e, "watch": f["watch"], "va": hex(f["va"]), "old_gpa": gpa(f["old_gpa"]),
                "new_gpa": gpa(f["new_gpa"])}
    e |= {k: None if f[k] == "?" else f[k] for k in ("addr_sym", "addr_obj", "sym", "obj", "insn")}
    e["size"] = f["size"] or None
    e |= {k: hex(f[k]) for k in ("addr", "ip", "cr3", "obj_off")}
    e |= {k: bool(f[k]) for k in ("user", "exact")}
    e |= {"comm": f["comm"], "access": f["access"], "gpa": gpa(f["gpa"]), "order": f["order"],
          "value_off": f["value_off"], "old": value(f["old"]), "new": value(f["new"]),
          "watches": f["watches"], "watch": f["watches"][0] if f["watches"] else 0}
    e |= {k: True for k in ("device", "walk") if f[k]}
    if f["delivery"]:
        e["vector"] = f["vector"]
    if f["run_count"]:
        e["run"] = {"count": f["run_count"], "elem": f["run_elem"], "down": bool(f["run_down"])}
    return e


def expected(e):
    """A JSON line without what CTF does not carry, its text escaped as there."""
    e = {k: v for k, v in e.items() if k not in ("bytes", "value_len")}
    for k in ("comm", "sym", "obj", "addr_sym", "addr_obj", "insn", "text"):
        if k in e:
            e[k] = text(e[k]) or ("?" if k == "comm" else None)
    return e


lines = [json.loads(line) for line in open(sys.argv[2], encoding="ascii")]
events, discarded, packets = [], 0, 0
for m in bt2.TraceCollectionMessageIterator(sys.argv[1]):
    if isinstance(m, bt2._EventMessageConst):
        f = plain(m.event.payload_field)
        cpu = int(m.event.packet.context_field["cpu_id"])
        events.append(as_json(m.event.name, cpu, m.default_clock_snapshot.value, f))
    elif isinstance(m, bt2._DiscardedEventsMessageConst):
        discarded += m.count
    elif isinstance(m, bt2._PacketEndMessageConst):
        packets += 1

want = [expected(e) for e in lines]
# a byte that is not UTF-8 is U+FFFD in JSON, where CTF still has it
for got, e in zip(events, want):
    for k in "comm", "text":
        if "\\xfffd" in (e.get(k) or ""):
            ok("\\xff" in got[k], "a byte that is not UTF-8 is kept", got[k])
            got[k] = got[k].replace("\\xff", "\\xfffd")
# JSON has these two only where they say something
optional = {"obj_off", "value_off"}
differ = [(a, b) for a, b in zip(events, want)
          if a != b | {k: v for k, v in a.items() if k in optional and k not in b}]
ok(len(events) == len(want) > 0, f"all {len(want)} events are there", len(events))
ok(not differ, "each is what the JSON says, member by member", differ[:1])
lost = sum(e["count"] for e in lines if e["type"] == "lost")
ok(discarded == lost, f"babeltrace2 counts {lost} discarded events", discarded)
cpus = len({e["cpu"] for e in lines if "cpu" in e})
ok(packets >= cpus, f"{packets} packets of {cpus} CPUs", packets)
finish()
