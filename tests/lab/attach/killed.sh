# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# killed.sh: what is left when a command or its agent dies. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154


# armed N: status lists N watches.
armed() { [ "$(hvtrace status | sed -n 's/^watches: \([0-9]*\) .*/\1/p')" = "$1" ]; }

# watching: a watch that runs until something ends it; CLI and AGENT are its processes.
watching() {
	hvtrace watch jiffies_64 -a w -q -o $T/watch.data >$T/watch.out 2>$T/watch.err &
	CLI=$!
	soon armed 1
	AGENT=$(pgrep -P $CLI hvtrace-agent)
}

# over: the command has ended.
over() { ! kill -0 "$CLI" 2>/dev/null; }

mark killed
ok 'a watch by itself attaches' watching
ok '... every CPU' attached "$CPUS"
ok '... for as long as it runs' value_is persist false
run detach hvtrace detach
ok 'detach while something is armed: status 1, who and the remedy' gave detach 1 '' \
	"hvtrace: detach: 1 watch is armed, the first by PID $AGENT; try: end that process first"
kill -9 "$AGENT"
ok 'kill -9 of the agent disarms' soon armed 0
ok '... and detaches' soon value_is cpus_attached 0
ok '... and ends the command' soon over
wait "$CLI"
ok '... with a status that says so' test $? != 0

ok 'a second watch' watching
kill -9 "$CLI"
wait "$CLI" 2>/dev/null
ok 'kill -9 of the command disarms' soon armed 0
ok '... and detaches' soon value_is cpus_attached 0
ok '... and ends the agent' soon fails kill -0 "$AGENT"

hvtrace attach >/dev/null
ok 'a watch on an attached machine' watching
kill -9 "$AGENT"
ok 'kill -9 of its agent disarms' soon armed 0
ok '... and leaves the machine attached' value_is cpus_attached "$CPUS"
wait "$CLI" 2>/dev/null

ok 'a watch, then attach under it, then its end' watching
hvtrace detach >/dev/null 2>&1
kill -INT "$CLI"
ok '... the watch ends' soon over
wait "$CLI" 2>/dev/null
ok '... the machine stays attached' value_is cpus_attached "$CPUS"
hvtrace detach >/dev/null
watching
run attach hvtrace attach
ok 'attach while a watch holds the machine' gave attach 0 "attached: $CPUS CPUs"
kill -INT "$CLI"
wait "$CLI" 2>/dev/null
ok '... outlives the watch' value_is cpus_attached "$CPUS"
hvtrace detach >/dev/null
ok '... until detach' value_is cpus_attached 0
ok '... dmesg is clean' quiet killed
