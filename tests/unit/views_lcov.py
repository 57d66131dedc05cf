# SPDX-License-Identifier: GPL-2.0-only
# views_lcov.py INFO GCOV.json SOURCE: a tracefile in lcov's format has the counts that gcov
# gives for the same run of the same program (stepped_calls.c). Prints TAP.
import json, re, sys

from tap import finish, ok

info, gcov, source = sys.argv[1:]

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

# gcov counts a function at its name, debug information at its brace; gcov takes for
# executed what follows a fault, and counts a setjmp() that returns twice once
brace = re.compile(r"\s*[{}]\s*$")
differ = [n for n in set(want) | set(got) if want.get(n) != got.get(n)]
other = [n for n in differ if n not in starts and not brace.match(text[n]) and
         not re.search(r"setjmp\(|never", text[n])]
ok(not other and len(set(want) & set(got)) > 40, "%d lines of code were executed as often" % len(set(want) & set(got)),
   "\n".join("%d: %s: %s, not %s" % (n, text[n], got.get(n), want.get(n)) for n in sorted(other)))
ok(all(got[n] >= want[n] for n in want if "setjmp(" in text[n]), "setjmp returns at least as often as gcov counts")
ok([got[n] for n in range(1, len(text)) if "/* never */" in text[n]] == [0], "what a fault kept from being executed was not")
finish()
