#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Exports, each read by what reads that format: CTF by babeltrace2, the memory trace by
# valgrind's own grammar, Perfetto's JSON by Chromium's trace engine. Prints TAP.
# Debian's Python has their modules.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script --format json "$tmp/log" >"$tmp/json" || exit 1

"$hvt" export --format ctf -o "$tmp/ctf" "$tmp/log" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ]
ok $? "ctf: a directory"
points ctf /usr/bin/python3 "$tests/export_ctf.py" "$tmp/ctf" "$tmp/json"
babeltrace2 "$tmp/ctf" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && [ "$(wc -l <"$tmp/out")" -eq "$(wc -l <"$tmp/json")" ] &&
	! LC_ALL=C grep -q '[^ -~]' "$tmp/out"
ok $? "babeltrace2 prints a line for each event, no byte of it can do anything to a terminal"
"$hvt" export --format ctf -o "$tmp/ctf" "$tmp/log" 2>"$tmp/err"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
ok $? "ctf: a directory that is there is left alone"

"$hvt" export --format lackey -o "$tmp/lackey" "$tmp/log" 2>"$tmp/err"
ok $? "lackey: a file"
"$hvt" export --format lackey - <"$tmp/log" | cmp -s - "$tmp/lackey"
ok $? "a log from a pipe is exported to a pipe"
valgrind --tool=lackey --trace-mem=yes --log-file="$tmp/valgrind" true 2>"$tmp/err"
ok $? "valgrind writes such a trace"
points lackey /usr/bin/python3 "$tests/export_lackey.py" "$tmp/lackey" "$tmp/json" "$tmp/valgrind"

"$hvt" export --format perfetto "$tmp/log" >"$tmp/perfetto" 2>"$tmp/err"
ok $? "perfetto: standard output"
points perfetto /usr/bin/python3 "$tests/export_perfetto.py" "$tmp/perfetto" "$tmp/json"

# notes of the user, between the accesses
"$build/tests/unit/mklog" marks >"$tmp/marks"
"$hvt" script --format json "$tmp/marks" >"$tmp/marks.json"
"$hvt" export --format ctf -o "$tmp/marks.ctf" "$tmp/marks" 2>"$tmp/err"
points "ctf, marks" /usr/bin/python3 "$tests/export_ctf.py" "$tmp/marks.ctf" "$tmp/marks.json"
"$hvt" export --format perfetto "$tmp/marks" 2>"$tmp/err" |
	/usr/bin/python3 -c 'import json, sys
got = [(e["name"], round(e["ts"] * 1000)) for e in json.load(sys.stdin)["traceEvents"] if e.get("s") == "g"]
want = [(e["text"], e["ns"]) for e in map(json.loads, open(sys.argv[1])) if e["type"] == "mark"]
sys.exit(got != want or not want)' "$tmp/marks.json" 2>>"$tmp/err"
ok $? "perfetto: each mark at its time"

# cut short: what is there, one line, exit 1; the results are good
size=$(wc -c <"$tmp/log")
"$build/tests/unit/mklog" $((size - 100)) >"$tmp/cut"
for format in ctf lackey perfetto; do
	"$hvt" export --format $format -o "$tmp/cut.$format" "$tmp/cut" 2>"$tmp/err"
	[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
	ok $? "$format: a cut log is exported as far as it goes, one line, exit 1"
done
babeltrace2 "$tmp/cut.ctf" 2>"$tmp/err" | cmp -s - "$tmp/out" && cmp -s "$tmp/cut.lackey" "$tmp/lackey" &&
	cmp -s "$tmp/cut.perfetto" "$tmp/perfetto"
ok $? "and all events are in it"
head -c 64 "$tmp/log" >"$tmp/empty"
"$hvt" export --format ctf -o "$tmp/empty.ctf" "$tmp/empty" 2>/dev/null
[ $? -eq 1 ] && [ -f "$tmp/empty.ctf/metadata" ]
ok $? "a log without events has a trace without events"

# nowhere to write to
for format in lackey perfetto; do
	for out in /dev/full "$tmp/none/file"; do
		"$hvt" export --format $format -o "$out" "$tmp/log" >"$tmp/out" 2>"$tmp/err"
		[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
		ok $? "$format: $(basename "$out") cannot be written: one line, exit 1"
	done
done

finish
