# SPDX-License-Identifier: GPL-2.0-only
"""Compares a memory trace with the grammar of valgrind's own, and with the JSON lines.

usage: export_lackey.py TRACE JSON VALGRIND    Prints TAP.
VALGRIND is what valgrind --tool=lackey --trace-mem=yes wrote on its standard error.
"""
import json
import re
import sys

from tap import finish, ok

# lk_main.c: "I  %08lx,%lu", " L %08lx,%lu", " S ...", " M ..."; the rest is valgrind's own talk
GRAMMAR = re.compile(r"(?P<kind>I | L| S| M) (?P<addr>[0-9a-f]{8,16}),(?P<size>[1-9][0-9]*)\n|==[0-9]+==.*\n")


def parse(path):
    lines = list(open(path, encoding="ascii"))
    matches = [GRAMMAR.fullmatch(line) for line in lines]
    return matches, [line for line, m in zip(lines, matches) if not m]


theirs, bad = parse(sys.argv[3])
kinds = {m["kind"] for m in theirs if m and m["kind"]}
ok(not bad and kinds == {"I ", " L", " S", " M"}, "the grammar is that of valgrind's trace", bad[:3])
ours, bad = parse(sys.argv[1])
ok(not bad, "so is that of ours", bad[:3])

want, before, lost = [], None, 0
for line in open(sys.argv[2], encoding="ascii"):
    e = json.loads(line)
    lost += e["type"] == "lost"
    if e["type"] != "access":
        continue
    insn = (e["cpu"], e["tsc"], e["ip"])
    kind = {"read": " L", "write": " S", "rmw": " M", "exec": "I "}[e["access"]]
    if kind != "I " and insn != before and e["bytes"]:
        want.append(("I ", int(e["ip"], 16), len(e["bytes"]) // 2))
    want.append((kind, int(e["addr"], 16), e["size"] or 1))
    before = insn
got = [(m["kind"], int(m["addr"], 16), int(m["size"])) for m in ours if m["kind"]]
ok(got == want and want, f"{len(want)} lines are the accesses and their instructions",
   next(((a, b) for a, b in zip(got, want) if a != b), (len(got), len(want))))
ok(len(ours) - len(got) == lost, f"{lost} losses are told")
finish()
