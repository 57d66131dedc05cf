# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# ends.sh: however a watch ends, everything is disarmed and what was recorded is readable.
# Sourced by suite.sh.

# begin NAME ARG...: a watch in the background, in a process group of its own, until it has events.
begin() {
	name=$1
	shift
	hvtrace watch "$@" --format json >$T/$name.out 2>$T/$name.err </dev/null &
	cli=$!
	until_true 20 lines_in $T/$name.out 5 || { echo "# $name: no events"; sed 's/^/# /' $T/$name.err; }
}

# ended NAME CODE: it ends within 10 s, with CODE.
ended() {
	local got=0 pid=$cli
	until_true 10 gone_or_zombie "$pid" || { echo "still there"; kill -9 -- "-$pid"; }
	wait "$pid" || got=$?
	[ $got = "$2" ] || { echo "status $got, want $2"; tail -n 3 "$T/$1.err"; return 1; }
}
gone_or_zombie() { gone "$1" || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

begin int jiffies_64,8 -a w -o $T/int.data
kill -INT -- -$cli
ok 'Ctrl-C: ends with 0' ended int 0
ok 'Ctrl-C: nothing is armed' soon_idle
ok 'Ctrl-C: the log is complete' readable $T/int.data 0 5
ok 'Ctrl-C: the log holds what was printed' equal "$(grep -c . $T/read)" "$(grep -c . $T/int.out)"

begin intcmd counter -a w -o $T/intcmd.data -- $here/victim run
kill -INT -- -$cli
ok 'Ctrl-C with a command: its status, 128+2' ended intcmd 130
ok 'Ctrl-C with a command: nothing is armed' soon_idle
ok 'Ctrl-C with a command: the log is complete' readable $T/intcmd.data 0 5

begin term jiffies_64,8 -a w -o $T/term.data
kill -TERM $cli
ok 'SIGTERM: ends with 0' ended term 0
ok 'SIGTERM: nothing is armed' soon_idle
ok 'SIGTERM: the log is complete' readable $T/term.data 0 5

begin termcmd counter -a w -o $T/termcmd.data -- $here/victim run
kill -TERM $cli
ok 'SIGTERM with a command: it gets it, 128+15' ended termcmd 143
ok 'SIGTERM with a command: nothing is armed' soon_idle

begin kill jiffies_64,8 -a w -o $T/kill.data
kill -KILL $cli
ok 'kill -9 of the CLI: dead' ended kill 137
ok 'kill -9 of the CLI: the agent goes, nothing is armed' soon_idle
hvtrace script $T/kill.data >$T/read 2>$T/read.err
ok 'kill -9 of the CLI: what reached the log is readable' lines_in $T/read 5

begin agent jiffies_64,8 -a w -o $T/agent.data
pkill -KILL -x hvtrace-agent
ok 'kill -9 of the agent: the CLI ends with 1' ended agent 1
ok 'kill -9 of the agent: the CLI says so' grep -q '^hvtrace: hvtrace-agent: killed by signal 9' $T/agent.err
ok 'kill -9 of the agent: nothing is armed' soon_idle
ok 'kill -9 of the agent: what arrived is readable' readable $T/agent.data 1 5

begin agentcmd counter -a w -o $T/agentcmd.data -- $here/victim run
pkill -KILL -x hvtrace-agent
until_true 10 no_agent
pkill -USR1 -x victim
ok 'kill -9 of the agent with a command: ends' eval "wait $cli; [ \$? = 0 ] || [ \$? = 1 ]"
ok 'kill -9 of the agent with a command: nothing is armed' soon_idle
pkill -KILL -x victim

# --- the reader of the lines goes away
timeout -k 5 30 bash -c 'hvtrace watch jiffies_64,8 -a w 2>/tmp/inputs/pipe.err | head -n 3' >$T/pipe.out
ok 'a closed pipe: ends by itself, after the lines' eval "[ $? = 0 ] && [ \$(wc -l <$T/pipe.out) = 3 ]"
ok 'a closed pipe: nothing is armed' soon_idle
# shellcheck disable=SC2016 # expanded inside
timeout -k 5 30 bash -c '(hvtrace watch counter -a w -- "$1" exit 9 2>/dev/null; echo $? >/tmp/inputs/pipe.rc) |
	head -n 3' sh $here/victim >/dev/null
ok 'a closed pipe: the command goes on, its status is ours' equal "$(cat $T/pipe.rc)" 9
ok 'a closed pipe with a command: nothing is armed' soon_idle

# --- no room: events flow, 64 KiB for their log
mkdir -p $T/small
mount -t tmpfs -o size=64k tmpfs $T/small
timeout -k 5 60 hvtrace watch counter -a w -q -o $T/small/full.data -- /lab/programs/count 100000 >$T/full.out 2>$T/full.err
full=$?
ok 'a full disk: status 1' equal $full 1
ok 'a full disk: says so' grep -qE '^hvtrace: .*full.data: No space left on device; try: ' $T/full.err
ok 'a full disk: the program ended as always' grep -qx 100000 $T/full.out
ok 'a full disk: nothing is armed' soon_idle
ok 'a full disk: the log is readable up to there' readable $T/small/full.data 1 100
# shellcheck disable=SC2016 # for awk
ok 'a full disk: its events are the first ones' eval '
	grep -o "\"new\":\"0x[0-9a-f]*" $T/read |
		awk "{ sub(/.*0x0*/, \"\"); if (\$0 != sprintf(\"%x\", NR)) exit 1 }"'
umount $T/small
# The lines on a full disk.
timeout -k 5 30 hvtrace watch jiffies_64,8 -a w >/dev/full 2>$T/devfull.err
ok 'lines on a full disk: status 1' equal $? 1
ok 'lines on a full disk: says so' grep -q '^hvtrace: standard output: No space left on device' $T/devfull.err
ok 'lines on a full disk: nothing is armed' soon_idle
