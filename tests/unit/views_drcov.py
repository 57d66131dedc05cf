# SPDX-License-Identifier: GPL-2.0-only
# views_drcov.py HVTRACE LOG LINES: reads the drcov export of a log as Lighthouse does (version
# 2, module table of version 2, binary block table), and compares it with the instructions
# that the log holds, as JSON LINES. Prints TAP.
import json, os, re, struct, subprocess, sys

from tap import finish, ok

hvt, log, json_lines = sys.argv[1:]

data = subprocess.run([hvt, "export", "--format", "drcov", log], stdout=subprocess.PIPE, check=True).stdout
lines = data.split(b"\n", 4)
ok(lines[0] == b"DRCOV VERSION: 2" and lines[1].startswith(b"DRCOV FLAVOR: drcov"), "version 2")
count = int(re.fullmatch(rb"Module Table: version 2, count (\d+)", lines[2]).group(1))
columns = lines[3].decode().split(": ")[1].split(", ")
ok(columns == "id base end entry checksum timestamp path".split(), "the columns of a table of version 2", columns)
rest = lines[4].split(b"\n", count + 1)
modules = []
for i, line in enumerate(rest[:count]):
    f = line.decode().strip().split(", ")
    modules.append((int(f[1], 16), int(f[2], 16), f[-1]))
    assert int(f[0]) == i and len(f) == len(columns), line
blocks = int(re.fullmatch(rb"BB Table: (\d+) bbs", rest[count]).group(1))
table = rest[count + 1]
ok(len(table) == 8 * blocks and blocks > 100, "%d blocks of %d modules" % (blocks, count), len(table))
bbs = list(struct.iter_unpack("<IHH", table))
ok(len(set(bbs)) == len(bbs), "each block once")
ok(all(m < count and modules[m][0] + s + n <= modules[m][1] for s, n, m in bbs), "inside of their modules",
   [b for b in bbs if modules[b[2]][0] + b[0] + b[1] > modules[b[2]][1]])

insns = [e for e in map(json.loads, open(json_lines)) if e["type"] == "insn"]
executed = {}
for e in insns:
    if e["obj"]:
        executed[int(e["ip"], 16)] = (len(e["bytes"]) // 2, e["obj"])
starts = sorted(executed)
covered, wrong = set(), []
for s, n, m in bbs:
    at, end = modules[m][0] + s, modules[m][0] + s + n
    while at < end:
        if at not in executed or os.path.basename(modules[m][2]) != executed[at][1]:
            wrong.append((hex(at), modules[m]))
            break
        covered.add(at)
        at += executed[at][0]
    if at != end:
        wrong.append((hex(at), hex(end)))
ok(not wrong, "blocks are made of executed instructions, of that module", wrong[:5])
ok(covered == set(starts), "and all of %d are in a block" % len(starts), [hex(a) for a in set(starts) ^ covered][:5])

# where control may go elsewhere a block ends, and nowhere else: count both in the sequence
ends = re.compile(r"^(bnd |notrack |rep[a-z]* )?(j|call|ret|loop|syscall|iret|int)")
want, start, last = set(), None, None
for e in insns:
    ip, n = int(e["ip"], 16), len(e["bytes"]) // 2
    if last is not None and ip == last[0] and not ends.match(e["insn"] or ""):
        continue
    if start is None or ip != last[1]:
        if start is not None:
            want.add((start, last[1]))
        start = ip
    last = (ip, ip + n)
    if ends.match(e["insn"] or ""):
        want.add((start, last[1]))
        start = None
if start is not None:
    want.add((start, last[1]))
mapped = {(a, b) for a, b in want if a in executed}
got = {(modules[m][0] + s, modules[m][0] + s + n) for s, n, m in bbs}
ok(got == mapped, "%d blocks are those of the sequence" % len(mapped), [tuple(map(hex, b)) for b in got ^ mapped][:5])
finish()
