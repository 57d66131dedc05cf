# SPDX-License-Identifier: GPL-2.0-only
# views_lcov.py INFO GCOV.json SOURCE [TEXT]: a tracefile in lcov's format has the counts that gcov
# gives for the same run of the same program (stepped_calls.c), and as executed the lines that
# "hvtrace script --lines" prints, which is TEXT. Prints TAP.
import json, re, sys

from tap import finish, ok

info, gcov, source = sys.argv[1:4]

name = source.rsplit("/", 1)[1]
text = [""] + open(source).read().splitlines()
report = json.loads(open(gcov).readline())
want, calls, starts = {}, {}, set()
for f in report["files"]:
    if f["file"].endswith(name):
        for line in f["lines"]:
            want[line["line_number"]] = max(want.get(line["line_number"], 0), line["count"])
        for fn in f["functions"]:
            calls[fn["name"]] = fn["execution_count"]
            starts.add(fn["start_line"])

records, sums, bad = [], [], []
for line in open(info):
    kind, _, value = line.rstrip("\n").partition(":")
    if kind == "TN":
        records.append({"FN": {}, "FNDA": {}, "DA": {}})
    elif kind == "SF":
        records[-1]["SF"] = value
    elif kind == "FN":
        at, _, fn = value.partition(",")
        records[-1]["FN"][fn] = int(at)
    elif kind == "FNDA":
        count, _, fn = value.partition(",")
        records[-1]["FNDA"][fn] = int(count)
    elif kind == "DA":
        at, count = value.split(",")
        if int(at) in records[-1]["DA"]:
            bad.append(line)
        records[-1]["DA"][int(at)] = int(count)
    elif kind in ("FNF", "FNH", "LF", "LH"):
        records[-1][kind] = int(value)
    elif kind != "end_of_record":
        bad.append(line)
ok(not bad and records, "%d files in geninfo's grammar" % len(records), bad[:5])
ok(all(r["LF"] == len(r["DA"]) and r["LH"] == sum(c > 0 for c in r["DA"].values()) and
       r["FNF"] == len(r["FN"]) and r["FNH"] == sum(r["FNDA"][f] > 0 for f in r["FN"]) for r in records),
   "their sums are right")
ours = [r for r in records if r["SF"].endswith("/" + name)]
ok(len(ours) == 1 and ours[0]["SF"] == source, "one of them is the program's, by its whole path", [r["SF"] for r in ours])
got = ours[0]["DA"]
ok(ours[0]["FNDA"] == calls and {ours[0]["FN"][f] for f in calls} == starts,
   "%d functions are where gcov has them, called as often" % len(calls), (ours[0]["FNDA"], calls))

# debug information has lines of braces, gcov has not; gcov takes for executed what follows a
# fault, and counts a setjmp() that returns twice once
brace = re.compile(r"\s*[{}]\s*$")
differ = [n for n in set(want) | set(got) if want.get(n) != got.get(n)]
other = [n for n in differ if not brace.match(text[n]) and
         not re.search(r"setjmp\(|never", text[n])]
ok(not other and len(set(want) & set(got)) > 40, "%d lines of code were executed as often" % len(set(want) & set(got)),
   "\n".join("%d: %s: %s, not %s" % (n, text[n], got.get(n), want.get(n)) for n in sorted(other)))
ok(all(got[n] >= want[n] for n in want if "setjmp(" in text[n]), "setjmp returns at least as often as gcov counts")
ok([got[n] for n in range(1, len(text)) if "/* never */" in text[n]] == [0], "what a fault kept from being executed was not")
if len(sys.argv) > 4:
    at = re.compile(r".*  (\S.*):(\d+)$")
    said = {(m[1], int(m[2])) for m in map(at.match, open(sys.argv[4], errors="replace")) if m}
    # a function's line counts its entries, whatever code is of that line
    declared = {(r["SF"], n) for r in records for n in r["FN"].values()}
    executed = {(r["SF"], n) for r in records for n in r["DA"] if r["DA"][n]}
    # in libc's assembly are instructions that capstone 4, which this log was made with, has no length of
    said, executed = ({(f, n) for f, n in lines if not f.endswith(".S")} for lines in (said, executed))
    ok(len(said) > 100 and executed - declared == said - declared, "%d lines of all files were executed" % len(said),
       (sorted(executed - declared - said)[:5], sorted(said - executed)[:5]))
finish()
