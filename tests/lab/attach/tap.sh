# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# tap.sh: small helpers for the scripts that run in the guest. Sourced.
# IN is where these files are, T a scratch directory.

IN=/lab/in
T=/tmp/attach
CPUS=$(nproc)
mkdir -p $T
export LC_ALL=C.UTF-8

# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh

# run NAME COMMAND...: keeps its output and status as $T/NAME.out, .err, .rc.
run() {
	run=$1
	shift
	"$@" >"$T/$run.out" 2>"$T/$run.err" </dev/null
	echo $? >"$T/$run.rc"
}

# gave NAME STATUS [OUT [ERR]]: what run kept: the status, and a pattern that a whole line of its output
# (of its errors) matches; without a pattern that stream is empty.
gave() {
	good=1
	[ "$(cat "$T/$1.rc")" = "$2" ] || good=0
	lines "$T/$1.out" "${3-}" || good=0
	lines "$T/$1.err" "${4-}" || good=0
	[ $good = 1 ] && return
	echo "status $(cat "$T/$1.rc"), want $2; want out: ${3-nothing}; want err: ${4-nothing}"
	cat "$T/$1.out" "$T/$1.err"
	return 1
}

lines() {
	if [ -n "$2" ]; then
		grep -Eqx "$2" "$1"
	else
		[ ! -s "$1" ]
	fi
}

fails() { ! "$@"; }
same() { diff "$T/$1" "$T/$2"; }

# Kernel messages: mark a place, show what came after it, without time stamps.
mark() { echo "attach-mark: $1" >/dev/kmsg; }
since() { dmesg | sed "1,/attach-mark: $1\$/d; s/^\[[^]]*\] //"; }

# quiet MARK: no complaint of the kernel or of hvtrace since then.
quiet() {
	! since "$1" | grep -v 'L1TF CPU bug' | grep -Ei 'warn|\bbug\b|oops|panic|uhhuh|dazed|nmi received|fault|segfault|trap|stall|lockup|hung|call trace|hvtrace:.*(fail|left VMX|ran out|not attached)'
}

# Why should a person believe an empty file: at least N lines.
has_lines() { [ "$(wc -l <"$T/$1")" -ge "$2" ]; }

# registers NAME: what each CPU's registers hold, from the kernel's side.
registers() {
	regs_mark="registers-$1-$$"
	mark "$regs_mark"
	insmod /lab/modules/hvt_regs.ko 2>/dev/null
	since "$regs_mark" | grep '^hvt_regs: cpu ' >"$T/$1"
}

# picture NAME: what programs and the kernel see of the CPUs.
picture() {
	registers "$1.regs"
	for what in tables cpuid insns ioport; do
		"$IN/probe" $what >"$T/$1.$what" 2>&1
	done
	# The clock of a CPU is measured anew when it comes online.
	grep -Ev '^(cpu MHz|bogomips)' /proc/cpuinfo >"$T/$1.cpuinfo"
}

# same_picture A B: nothing of it differs.
same_picture() {
	good=0
	for what in regs tables cpuid insns ioport cpuinfo; do
		has_lines "$1.$what" 1 && same "$1.$what" "$2.$what" || good=1
	done
	return $good
}

# value KEY: a plain value of the machine-readable status.
value() { hvtrace status --format json | sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p"; }
value_is() {
	got=$(value "$1")
	[ "$got" = "$2" ] || { echo "$1 is $got, want $2"; hvtrace status; return 1; }
}

# attached N: status knows it, and the exits of N CPUs prove it.
attached() {
	value_is cpus_attached "$1" && [ "$(hvtrace status | grep -c '^CPU [0-9]*: attached')" = "$1" ]
}

# soon COMMAND...: within 10 s.
soon() { until_true 10 "$@"; }

# programs_start, programs_end: a computation on every CPU and one that keeps the kernel busy; nice, or
# they would take most of the time that the simulator needs. They have begun, on their CPUs, when it is over.
programs_start() {
	pids=''
	rm -f $T/busy.* $T/churn.*
	cpu=0
	while [ $cpu -lt "$CPUS" ]; do
		nice -n 7 "$IN/busy" $cpu >$T/busy.$cpu 2>&1 &
		pids="$pids $!"
		nice -n 7 "$IN/churn" >$T/churn.$cpu 2>&1 &
		pids="$pids $!"
		cpu=$((cpu + 1))
	done
	while [ $cpu -gt 0 ]; do
		cpu=$((cpu - 1))
		for file in $T/busy.$cpu $T/churn.$cpu; do
			until_true 60 grep -qs begun $file || echo "# $file: has not begun"
		done
	done
}

programs_end() {
	good=0
	for pid in $pids; do
		kill -TERM "$pid" || good=1
	done
	for pid in $pids; do
		wait "$pid" || good=1
	done
	cat $T/busy.* $T/churn.*
	return $good
}
