#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The mmiotrace text is what the kernel documents (Documentation/trace/mmiotrace.rst, "Trace
# Log Format"): every line is parsed by that grammar, and what it says is compared with the
# JSON of the same log. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script --format mmiotrace "$tmp/log" >"$tmp/mmiotrace" || exit 1
"$hvt" script --format json "$tmp/log" >"$tmp/json" || exit 1
"$hvt" info --format json "$tmp/log" >"$tmp/info" || exit 1
python3 - "$tmp" <<'PY'
import json, re, sys
from tap import finish, ok
tmp = sys.argv[1]

HEX, DEC, TIME = r"0x[0-9a-f]{1,16}", r"\d+", r"\d+\.\d{6}"
# keyword: its arguments, space-separated; MARK's text goes on to the end of the line
grammar = {
    "VERSION": ["20070824"],
    "MAP": [TIME, DEC, HEX, HEX, HEX, HEX, DEC],
    "UNMAP": [TIME, DEC, HEX, DEC],
    "R": [DEC, TIME, DEC, HEX, HEX, HEX, DEC],
    "W": [DEC, TIME, DEC, HEX, HEX, HEX, DEC],
    "UNKNOWN": [TIME, DEC, HEX, r"[0-9a-f]{2}(?:,[0-9a-f]{2}){2}", HEX, DEC],
    "MARK": [TIME, r"[ -~]+"],
}
lines, bad = [], []
for line in open(tmp + "/mmiotrace", encoding="ascii"):
    key = line.split(" ", 1)[0]
    m = key in grammar and re.fullmatch(" ".join([key] + ["(%s)" % g for g in grammar[key]]) + "\n", line)
    if m:
        lines.append((key, list(m.groups())))
    else:
        bad.append(line)
ok(not bad, "each line is of the documented grammar", bad)
ok(lines[0][0] == "VERSION" and [k for k, _ in lines].count("VERSION") == 1, "it begins with the version")

watches = json.load(open(tmp + "/info"))["watches"]
maps = {a[1]: a for k, a in lines if k == "MAP"}
ok(set(maps) == set(watches), "each watch is a map", (maps, watches))
ok(all(maps[i][2 if w["physical"] else 3] == w["addr"] and int(maps[i][4], 16) == w["len"]
       for i, w in watches.items()), "a map is where its watch is", (maps, watches))
seen, live = [], set()
for key, a in lines:
    if key == "MAP":
        live.add(a[1])
    elif key == "UNMAP":
        live.remove(a[1])
    elif key in "RW":
        seen.append(a[2] in live)
    elif key == "UNKNOWN":
        seen.append(a[1] in live)
ok(seen and all(seen) and not live, "every access is of a map that is there, all are unmapped at the end")
times = [float(a[1] if k in "RW" else a[0]) for k, a in lines if k not in ("VERSION", "UNMAP")]
ok(times == sorted(times), "time does not go back", times)
ok(all(int(a[0]) in (1, 2, 4, 8) for k, a in lines if k in "RW"), "widths are those of a bus")

# bytes in the order of the lines, from both

ours, want = [], []
for k, a in lines:
    if k in "RW":
        width, phys, value = int(a[0]), int(a[3], 16), int(a[4], 16)
        ok(value < 1 << (8 * width), "a value of %d bytes has no more" % width, a)
        ours += [(k, phys + i, value >> (8 * i) & 255, a[5], a[6]) for i in range(width)]
unknown = 0
for line in open(tmp + "/json", encoding="ascii"):
    e = json.loads(line)
    if e["type"] != "access":
        continue
    size = e.get("value_len", e["size"])
    at = int(e["gpa"], 16) + e.get("value_off", 0)
    value = lambda v: bytes.fromhex(v) if size > 8 else int(v, 16).to_bytes(size, "little")
    does = {"read": [("R", "old" if e["old"] else "new")], "write": [("W", "new")],
            "rmw": [("R", "old"), ("W", "new")], "exec": [(None, "new")]}[e["access"]]
    for what, member in does:
        if what and e[member] is not None:
            want += [(what, at + i, b, e["ip"], str(e["pid"])) for i, b in enumerate(value(e[member]))]
        if not what or e[member] is None or size != e["size"]:
            unknown += 1
ok(ours == want, "every byte that is known is there, in order, and no other", (ours, want))
ok([k for k, _ in lines].count("UNKNOWN") == unknown, "what is not known is said to be unknown", unknown)
marks = [a[1] for k, a in lines if k == "MARK"]
ok("Lost 3 events on CPU 1" in marks, "a loss is a mark", marks)
finish()
PY
