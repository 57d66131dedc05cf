# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# lib.sh: what the suites' scripts share, in the guest as /lab/lib.sh: TAP, and waiting for
# something to be so. Sourced, by sh or bash, with T, a scratch directory that is there.

NUMBER=0

# ok NAME COMMAND...: one test point; what the command says is shown when it fails.
ok() {
	local name=$1
	shift
	NUMBER=$((NUMBER + 1))
	if "$@" >"$T/why" 2>&1; then
		echo "ok $NUMBER - $name"
	else
		echo "not ok $NUMBER - $name"
		sed 's/^/# /' "$T/why"
	fi
}

skip() {
	NUMBER=$((NUMBER + 1))
	echo "ok $NUMBER - $1 # SKIP $2"
}

plan() { echo "1..$NUMBER"; }

# until_true SECONDS COMMAND...: false when it is not after so many.
until_true() {
	local tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# watching FILE PID: the watch whose stderr goes to FILE says so, or it has ended.
watching() { grep -q '^hvtrace: watching' "$1" || ! kill -0 "$2" 2>/dev/null; }
