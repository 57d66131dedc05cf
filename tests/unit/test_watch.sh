#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# How hvtrace watch treats its agent, its target and its outputs, with a stand-in for the
# agent (no device here; the real thing runs in tests/lab). Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script "$tmp/log" >"$tmp/text"
# soon COMMAND...: within a minute
soon()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.2
	done
}

export HVTRACE_AGENT="$tests/standin-agent.sh" STANDIN_LOG="$tmp/log" STANDIN_ARGS="$tmp/args"

export STANDIN_MODE=end
"$hvt" watch a -a w b,4 c -a rx d >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/out" "$tmp/text"
ok $? "prints what the stream holds"
grep -qe '--watch a --access rw --watch b,4 --access w --watch c --access w --watch d --access rx$' \
	"$tmp/args"
ok $? "-a counts for the SPECs that follow"
"$hvt" watch a b -a x >"$tmp/out" 2>"$tmp/err"
grep -qe '--watch a --access x --watch b --access x$' "$tmp/args"
ok $? "one -a behind all SPECs counts for all"
"$hvt" watch a --limit 5 --phys 0xfed00000,4 --value '>= 5' --user >"$tmp/out" 2>"$tmp/err"
grep -qe '--limit=5 --value=>= 5 --user --watch a --access rw --phys 0xfed00000,4 --access rw$' \
	"$tmp/args"
ok $? "the agent's own options reach it as they are"
"$hvt" script --format mmiotrace "$tmp/log" >"$tmp/mmiotrace"
"$hvt" watch a --format mmiotrace >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/out" "$tmp/mmiotrace"
ok $? "mmiotrace is the same live"
"$hvt" watch a -o "$tmp/copy" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/copy" "$tmp/log" && cmp -s "$tmp/out" "$tmp/text" &&
	tail -n 1 "$tmp/err" | grep -q "11 events, 3 lost, .* bytes in $tmp/copy"
ok $? "-o keeps the very bytes, lines are still printed, one summary line"
"$hvt" watch a -q -o "$tmp/copy" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/copy" "$tmp/log" && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ]
ok $? "-q -o is silent"
"$hvt" watch a -o - 2>"$tmp/err" | cmp -s - "$tmp/log"
ok $? "-o - is the log on standard output"
"$hvt" watch a --fail-on-loss >"$tmp/out" 2>"$tmp/err"
[ $? -eq 4 ]
ok $? "--fail-on-loss exits with 4"
"$hvt" script --format json "$tmp/log" >"$tmp/json"
"$hvt" watch a --format json >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/out" "$tmp/json"
ok $? "JSON is the same live"
if [ -c /dev/full ]; then
	"$hvt" watch a -o /dev/full >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 1 ] && [ "$(grep -c 'No space left' "$tmp/err")" -eq 1 ]
	ok $? "a full disk is one line, exit 1"
fi

export STANDIN_MODE=fail
"$hvt" watch x >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
ok $? "what the agent cannot do is its one line and its code"
"$hvt" watch x -- touch "$tmp/ran" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && sleep 0.2 && [ ! -e "$tmp/ran" ]
ok $? "the command does not run unwatched"

export STANDIN_MODE=die
"$hvt" watch x -o "$tmp/copy" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && grep -q 'killed by signal 9' "$tmp/err" && cmp -s "$tmp/out" "$tmp/text"
ok $? "a killed agent: one line, exit 1, what arrived is kept"
"$hvt" script "$tmp/copy" 2>/dev/null | cmp -s - "$tmp/text"
ok $? "and the log is readable"
"$hvt" watch x -- sh -c "sleep 0.3; touch $tmp/ran" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ -e "$tmp/ran" ]
ok $? "the target of a killed agent runs to its end"

export STANDIN_MODE=wait
for s in INT TERM HUP; do
	rm -f "$tmp/out" # of the round before
	# a background job of a shell without job control ignores SIGINT: undo that
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$hvt" watch x -o "$tmp/copy" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	soon cmp -s "$tmp/out" "$tmp/text"
	ok $? "lines come at once, before the end"
	kill -$s $pid
	wait $pid
	[ $? -eq 0 ] && cmp -s "$tmp/copy" "$tmp/log"
	ok $? "SIG$s ends it in order, the log is whole"
done
{ timeout 60 "$hvt" watch x 2>"$tmp/err"; echo $? >"$tmp/code"; } | head -n 1 >"$tmp/out"
[ "$(cat "$tmp/code")" = 0 ] && ! grep -qv watching "$tmp/err"
ok $? "a closed pipe ends it quietly"
"$hvt" watch x -- sh -c 'echo ran; exit 7' >"$tmp/out" 2>"$tmp/err"
[ $? -eq 7 ] && grep -q '^ran$' "$tmp/out"
ok $? "the exit status is the command's"
"$hvt" watch x -- sh -c 'kill -SEGV $$' >"$tmp/out" 2>"$tmp/err"
[ $? -eq 139 ]
ok $? "128 + n when a signal killed it"
"$hvt" watch x -- sh -c 'grep TracerPid /proc/self/status; grep TracerPid /proc/$$/status' \
	>"$tmp/out" 2>"$tmp/err"
[ "$(grep -c '^TracerPid:.*[^0-9]0$' "$tmp/out")" -eq 2 ]
ok $? "nobody traces it while it runs"
"$hvt" watch libc.so.6:environ no_such_symbol -- sh -c 'grep libc /proc/$$/maps; echo $0' hello \
	>"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && grep -q '^hello$' "$tmp/out" && grep -q libc "$tmp/out"
ok $? "a library's symbol: run until it is mapped, then unharmed"
rm -f "$tmp/out"
"$hvt" watch x -- sh -c 'echo here; exec sleep 300' >"$tmp/out" 2>"$tmp/err" &
pid=$!
soon grep -qsx here "$tmp/out" # before that it is the command's start that ends
kill -TERM $pid
wait $pid
[ $? -eq 143 ]
ok $? "SIGTERM is passed on to the command"

# --- hvtrace trace: the same, about instructions
"$build/tests/unit/mklog" traced >"$tmp/traced"
"$hvt" script "$tmp/traced" >"$tmp/text"
export STANDIN_LOG="$tmp/traced" STANDIN_MODE=end
"$hvt" trace -p 4711 --from main --to main+8 --count 5 --after 0x2 --skip libc.so.6 --regs --mem \
	>"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/out" "$tmp/text" &&
	tail -n 1 "$tmp/err" | grep -qx 'hvtrace: 12 instructions, 20 events, 3 lost'
ok $? "trace prints what the stream holds, and a summary of it"
grep -qe '^trace .*--process=4711 --from=main --to=main+8 --count=5 --after=0x2 --skip=libc.so.6 --regs --mem$' \
	"$tmp/args"
ok $? "the agent gets what the user wrote"
"$hvt" trace -k do_it --count 2 --format json >"$tmp/out" 2>"$tmp/err"
grep -qe '--count=2 --function=do_it$' "$tmp/args" && grep -q '^{"type":"insn",' "$tmp/out"
ok $? "a kernel function"
"$hvt" trace -k -p 1 >"$tmp/out" 2>"$tmp/err"
grep -qe '--process=1 --kernel$' "$tmp/args"
ok $? "--kernel with a target"
"$hvt" trace --on counter,4 -a w --only 0x1000,16 --repeat --count 3 -t 5 -q -o "$tmp/copy" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 0 ] && cmp -s "$tmp/copy" "$tmp/traced" && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ] &&
	grep -qe '--on=counter,4 --access=w --only=0x1000,16 --repeat --count=3 --thread=5$' "$tmp/args"
ok $? "a window on a watch; -q -o is silent"
"$hvt" trace -p 1 --fail-on-loss >"$tmp/out" 2>"$tmp/err"
[ $? -eq 4 ]
ok $? "--fail-on-loss exits with 4"
export STANDIN_MODE=wait
"$hvt" trace -- sh -c 'grep TracerPid /proc/$$/status; exit 7' >"$tmp/out" 2>"$tmp/err"
[ $? -eq 7 ] && grep -q '^TracerPid:.*[^0-9]0$' "$tmp/out" && grep -qe ' -p [0-9]*$' "$tmp/args"
ok $? "a command is let go when it is traced; the exit status is its own"
export STANDIN_LOG="$tmp/log"

if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$tmp"
	export SUDO_UID=65534 SUDO_GID=65534
	"$hvt" watch x -o "$tmp/owned" -- sh -c 'id -u; grep ^Uid: /proc/$PPID/status' \
		>"$tmp/out" 2>"$tmp/err"
	[ $? -eq 0 ] && grep -qx 0 "$tmp/out" && [ "$(stat -c %u:%g "$tmp/owned")" = 65534:65534 ] &&
		grep -q "^Uid:.65534.65534.65534.65534" "$tmp/out"
	ok $? "under sudo: the command stays root, the CLI and its log are the user's"
	unset SUDO_UID SUDO_GID
fi

finish
