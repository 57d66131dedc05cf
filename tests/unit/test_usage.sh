#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The CLI without any device: bad input gives one line and the right exit code.
# Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

# CODE ARG...: exits with CODE and says one line "hvtrace: what: why; try: remedy"
bad()
{
	code=$1
	shift
	"$hvt" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got -eq "$code" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -q '^hvtrace: .*; try: ' "$tmp/err" && [ ! -s "$tmp/out" ]
	ok $? "hvtrace $* exits with $code (got $got) and one line"
}

# ARG...: exits with 0 and prints something on stdout only
good()
{
	"$hvt" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null && [ -s "$tmp/out" ] && [ ! -s "$tmp/err" ]
	ok $? "hvtrace $* prints and exits with 0"
}

good --help
good -h
good --version
good help watch
for c in $("$hvt" --dump-options | cut -d' ' -f1 | sort -u); do
	good $c --help
	bad 2 $c --no-such-option
	bad 2 $c -Z
	case $c in
	watch) bad 2 $c x --format xml ;;
	trace) bad 2 $c -p 1 --format xml ;;
	*) bad 2 $c --format xml ;;
	esac
done
bad 2
bad 2 no-such-command
bad 2 --no-such-option
bad 2 help no-such-command
bad 2 check operand
bad 2 script one two
bad 2 watch
bad 2 watch --
bad 2 watch x --
bad 2 watch -- true
bad 2 watch x -p
bad 2 watch x -p 0
bad 2 watch x -p -5
bad 2 watch x -p 1x
bad 2 watch x -p 99999999999
bad 2 watch x -p 1 -- true
bad 2 watch x -a
bad 2 watch x -a rz
bad 2 watch -a r x -a w
bad 2 watch x --ring-slots 3
bad 2 watch --phys
bad 2 watch --phys jiffies
bad 2 watch --phys 0xfed00000,0
bad 2 watch --phys 0x10000000000000
bad 2 watch x --user --kernel
for list in '' ',' '1,' x -1 1-2 4294967296; do
	bad 2 watch x --pid "$list"
	bad 2 watch x --tid "$list"
done
bad 2 watch x --pid 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
bad 1 watch x --pid 4194304
bad 1 watch x --tid 4194304
for list in '' ',' 0- '0-,1' -1 3-1 512 0-512 x; do
	bad 2 watch x --cpu "$list"
done
for list in '' ',' 'a,' sixteen-bytes-xx; do
	bad 2 watch x --comm "$list"
done
for code in '' ',' 0x2000-0x1000 0x1000-0x1000 0x1000-x 0x1000,0 'a b' main+x; do
	bad 2 watch x --ip "$code"
done
for value in '' 5 '>' '>=' '> x' '>> 5' '> -1' '=> 5' '& ' '> 0x10000000000000000'; do
	bad 2 watch x --value "$value"
done
bad 2 watch x --value '> 1' --value '< 9'
for number in '' 0 -1 x 1x 18446744073709551616; do
	bad 2 watch x --limit "$number"
	bad 2 watch x --every "$number"
done
for option in --changed '--value >1' '--every 2'; do
	# shellcheck disable=SC2086 # an option and its argument
	bad 2 watch x --coalesce $option
done
bad 2 trace
bad 2 trace --
bad 2 trace function
bad 2 trace -k
bad 2 trace -k one two
bad 2 trace -k one -p 1
bad 2 trace -k one -- true
bad 2 trace -k one --follow
bad 2 trace -k one --from main
bad 2 trace -k 0x1000-0x2000
bad 2 trace -k one --skip main
bad 2 trace -k 0x2000-0x1000
bad 2 trace -p 1 -t 1
bad 2 trace -p 1 -- true
bad 2 trace -p 0
bad 2 trace -t x
bad 1 trace -p 4194304
bad 1 trace -t 4194304
bad 2 trace -p 1 -a w
bad 2 trace -p 1 --on x -a q
bad 2 trace -p 1 --on x --from y
bad 2 trace -p 1 --from x --from y
bad 2 trace -p 1 --from 0x
bad 2 trace -p 1 --to 'a b'
bad 2 trace -p 1 --repeat
bad 2 trace -p 1 --from x --repeat
bad 2 trace -p 1 --ring-slots 3
for number in '' 0 -1 x 1x 18446744073709551616; do
	bad 2 trace -p 1 --count "$number"
	bad 2 trace -p 1 --after "$number"
done
for list in '' ',' 0x2000-0x1000 0x1000-0x1000 'a b' 'main,' ',main' 'main,0'; do
	bad 2 trace -p 1 --only "$list"
	bad 2 trace -p 1 --skip "$list"
done
bad 2 watch x,0
bad 2 watch x,2000000000
bad 2 watch 0x800000000000
bad 2 watch 0x
bad 2 watch 'bad symbol'
bad 2 watch "$(printf 'esc\033[31m')"
bad 2 watch x --no-such-option
bad 1 script "$tmp/none"
bad 1 script "$tmp"
bad 1 script /dev/null
bad 1 script /bin/sh
bad 1 info "$tmp/none"
bad 1 info /bin/sh
bad 2 export "$tmp/none"
bad 2 export --format ctf "$tmp/none"
bad 2 export --format lackey one two
bad 1 export --format lackey "$tmp/none"
bad 1 export --format perfetto -o "$tmp/none/file" /bin/sh
bad 1 verify "$tmp/none"
bad 1 verify /bin/sh
bad 1 verify /dev/null

# an unwritable output fails before the agent is even started
HVTRACE_AGENT=/bin/false
export HVTRACE_AGENT
bad 1 watch x -o "$tmp/none/file"
bad 127 watch x -- "$tmp/none"
: >"$tmp/plain"
bad 126 watch x -- "$tmp/plain"
HVTRACE_AGENT=$tmp/none
bad 1 watch x
bad 1 status
unset HVTRACE_AGENT

# a stand-in that cannot start leaves no file behind, an old log stays as it was
HVTRACE_AGENT=/bin/false
"$hvt" watch x -o "$tmp/new" 2>"$tmp/err"
[ $? -eq 1 ] && [ ! -e "$tmp/new" ]
ok $? "a failed start leaves no empty log"
echo old >"$tmp/old"
HVTRACE_AGENT=/bin/false "$hvt" watch x -o "$tmp/old" 2>"$tmp/err"
[ "$(cat "$tmp/old")" = old ]
ok $? "a failed start keeps the old log"

# a sample log: text, JSON, cut short, damaged, from a pipe, into a closed pipe
"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script "$tmp/log" >"$tmp/text" 2>"$tmp/err"
[ $? -eq 0 ] && [ ! -s "$tmp/err" ] && [ "$(wc -l <"$tmp/text")" -eq 13 ]
ok $? "script prints the sample log"
grep -qxF '     5.000004 [000]        swapper/0       0/0       RW jiffies_64                8  0x1 -> 0x2                tick_do_update+0x100          add qword ptr [rdi], 1' "$tmp/text"
ok $? "a line has time, CPU, process, access, names, values and the instruction"
awk '$5 == "R" && $6 == "HPET" && $8 == 4 && $9 == "0x1234" { r++ }
	$5 == "W" && $6 == "HPET" && $9 == "?" && $11 == "0xfedc" { w++ }
	/rep movsw .* x12 downwards$/ { n++ } END { exit !(r && w && n) }' "$tmp/text"
ok $? "a device's old value is not known, a run says how often"
! LC_ALL=C grep -q "[^ -~]" "$tmp/text"
ok $? "no byte of it can do anything to a terminal"
"$hvt" script - <"$tmp/log" | cmp -s - "$tmp/text"
ok $? "script - reads a pipe"
"$build/tests/unit/mkevents" 20000 >"$tmp/many"
for format in text json; do
	{ "$hvt" script --format $format - <"$tmp/many" 2>"$tmp/err"; echo $? >"$tmp/code"; } |
		head -n 1 >"$tmp/out"
	[ "$(cat "$tmp/code")" -eq 0 ] && [ ! -s "$tmp/err" ] && [ -s "$tmp/out" ]
	ok $? "script, $format: a reader that has seen enough is no error"
done
(cd "$tmp" && cp log hvtrace.data && "$hvt" script) | cmp -s - "$tmp/text"
ok $? "hvtrace.data is the default"
"$hvt" script --format json "$tmp/log" >"$tmp/json" && python3 - "$tmp/json" <<'PY' 2>"$tmp/err"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8", errors="strict")]
assert len(lines) == 13
need = {"type", "seq", "cpu", "ns", "tsc", "pid", "tid", "comm", "access", "addr", "size", "gpa",
        "old", "new", "ip", "sym", "obj", "insn", "bytes", "watch"}
for line in lines:
    if line["type"] == "access":
        assert need <= set(line), need - set(line)
        assert line["access"] in ("read", "write", "rmw", "exec")
        assert line["addr"].startswith("0x") and line["ip"].startswith("0x")
        if line["access"] == "exec":
            assert line["old"] is None and line["new"] is None
evil = [x for x in lines if "evil" in x.get("comm", "")][0]
assert evil["comm"] == "\x1b[31m\ufffd\"\\evil\n", evil["comm"]
assert evil["old"] == b"0123456789abcdef".hex()
device = [x for x in lines if x.get("device")]
assert [(x["gpa"], x["addr_sym"], x["old"], x["new"]) for x in device] == [
    ("0xfed000f0", "HPET 0+0xf0", None, "0x1234"), ("0xfed000f0", "HPET 0+0xf0", None, "0xfedc"),
    ("0xfed000f0", "HPET 0+0xf0", None, None)], device
assert [x["run"] for x in lines if "run" in x] == [{"count": 12, "elem": 2, "down": True}]
lost = [x for x in lines if x["type"] == "lost"]
assert lost == [{"type": "lost", "seq": 1, "cpu": 1, "ns": 5000002500, "tsc": 3500, "count": 3}]
PY
ok $? "JSON lines are valid whatever the bytes, with all members"
"$hvt" info "$tmp/log" >"$tmp/out" 2>"$tmp/err" && grep -q '^state *complete' "$tmp/out"
ok $? "info says complete"
"$hvt" info --format json "$tmp/log" 2>"$tmp/err" | python3 -m json.tool >/dev/null
ok $? "info's JSON is valid"
head -c $(($(wc -c <"$tmp/log") - 100)) "$tmp/log" >"$tmp/cut"
"$hvt" script "$tmp/cut" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && cmp -s "$tmp/out" "$tmp/text"
ok $? "a truncated log prints what is there, one line, exit 1"
"$hvt" info "$tmp/cut" 2>/dev/null | grep -q '^state *cut short'
ok $? "info says cut short"
"$build/tests/unit/mklog" filtered >"$tmp/filtered"
"$hvt" info "$tmp/filtered" >"$tmp/out" 2>"$tmp/err"
grep -q '^  filter   comm=a\\x20b\\x1b kernel ip=0x1000-0x2000/5 value>=0x10 changed$' "$tmp/out" &&
	grep -q '^ended *limit reached$' "$tmp/out" && grep -q ', 4 filtered' "$tmp/out"
ok $? "info shows filters and what did not pass them"

# verify: what its unit tests prove of the library, said by the program
"$hvt" verify "$tmp/log" >"$tmp/out" 2>"$tmp/err" && grep -q '^  proved: counts: ' "$tmp/out" &&
	grep -q '^  not proved: events: 3 records were lost' "$tmp/out" && ! grep -q '^  wrong' "$tmp/out"
ok $? "verify says what it proved and what not"
"$hvt" verify -q "$tmp/log" >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ]
ok $? "verify -q says nothing"
"$hvt" verify -q --strict "$tmp/log" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ ! -s "$tmp/err" ]
ok $? "verify --strict: what is not proved counts as wrong"
"$hvt" verify "$tmp/log" "$tmp/cut" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && grep -q '^  wrong: whole: cut short' "$tmp/out"
ok $? "verify: one bad log of two is exit 1"
"$hvt" verify --format json "$tmp/log" "$tmp/cut" 2>"$tmp/err" | python3 -c '
import json, sys
good, cut = [json.loads(line) for line in sys.stdin]
assert good["complete"] and not good["wrong"] and not good["proved"]
assert good["lost"] == 3 and good["in_loss"] and good["stated"] == 2
assert not cut["complete"] and cut["wrong"]' 2>"$tmp/err"
ok $? "verify's JSON has a line for each log"
"$hvt" script "$tmp/log" 2>"$tmp/err" >/dev/full
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
ok $? "a full disk on standard output is one line, exit 1"

finish
