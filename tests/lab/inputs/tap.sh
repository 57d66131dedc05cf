# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# tap.sh: what every part of this suite asks. Sourced, in the guest.

T=/tmp/inputs
mkdir -p $T
chmod 755 $T

# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh

gone() { ! kill -0 "$1" 2>/dev/null; }
no_agent() { ! pgrep -x hvtrace-agent >/dev/null; }
lines_in() { [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; }

# idle: nothing armed, not attached, nobody left that could be.
idle() {
	local status
	status=$(hvtrace status 2>&1)
	if ! grep -qx 'not attached' <<<"$status" || ! grep -qx 'sessions: 0' <<<"$status" ||
		! grep -q '^watches: 0 ' <<<"$status" || ! no_agent; then
		echo "$status"
		ps -e -o pid,stat,args | grep '[h]vtrace'
		return 1
	fi
}
soon_idle() { until_true 10 idle >/dev/null || idle; }

# one_line FILE: exactly one line, "hvtrace: what: why; try: remedy".
one_line() {
	[ "$(wc -l <"$1")" = 1 ] && grep -qE '^hvtrace: [^ ].*: .+; try: .+' "$1"
}

# refused CODE COMMAND...: ends by itself with CODE, one line on stderr and nothing on stdout.
refused() {
	local code=$1 got=0
	shift
	timeout -k 5 30 "$@" >$T/out 2>$T/err </dev/null || got=$?
	if [ $got != "$code" ] || ! one_line $T/err || [ -s $T/out ]; then
		echo "status $got, want $code; stdout, then stderr:"
		head -n 5 $T/out
		cat $T/err
		return 1
	fi
}

# bad CODE NAME COMMAND...: refused, and nothing stays armed.
bad() {
	local code=$1 name=$2
	shift 2
	ok "$name: refused with $code and one line" refused "$code" "$@"
	idle >$T/idle 2>&1 || ok "$name: nothing is armed afterwards" idle
}

# readable LOG CODE EVENTS: hvtrace script reads it, with this status and at least so many whole
# events, numbered without a gap from the first to the last.
readable() {
	local got=0
	hvtrace script --format json "$1" >$T/read 2>$T/read.err || got=$?
	[ $got = "$2" ] || { echo "script: status $got, want $2: $(cat $T/read.err)"; return 1; }
	[ "$(grep -c '^{"type":"access".*}$' $T/read)" -ge "$3" ] ||
		{ echo "$(wc -l <$T/read) events, want $3"; return 1; }
	# Each CPU's numbers in order, records that only came near a watch left out by nobody: -o keeps all.
	! grep -q '"type":"lost"' $T/read || { grep -m 3 '"type":"lost"' $T/read; return 1; }
	[ $got = 0 ] || one_line $T/read.err
}

# events FILE PATTERN: how many JSON lines of accesses match.
events() { grep '^{"type":"access"' "$1" | grep -c -- "$2"; }
equal() { [ "$1" = "$2" ] || { echo "$1, want $2"; return 1; }; }
