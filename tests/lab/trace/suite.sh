#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each program bare, stepped by programs/stepper, and traced; leaves the logs,
# the truth and the machine's counts, for check.py to judge outside.
# usage: suite.sh CPUS ROUNDS TORTURE HOST PART...
#   ROUNDS of trace_long, about 22,000 instructions each; TORTURE: millions of the simulator's instructions
#   HOST: what /lab/in is called outside

cpus=$1 rounds=$2 torture=$3 host=$4
shift 4
out=/lab/out
progs=/lab/programs
params=/sys/module/hvt_trace/parameters
mkdir -p $out
cd $out || exit 1
# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh
echo "$cpus" >cpus
echo "$*" >parts
# One environment for the bare, the stepped and the traced: the C library reads it. It is
# stepped where it is traced, at fixed addresses, with its output going to a file.
alike="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 setarch $(uname -m) -R"

pin=''

# Where the time goes: seconds of the guest's own clock.
said() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }
status() {
	hvtrace status --format json >"$1.status"
	awk '$1 == "LOC:"' /proc/interrupts >"$1.ticks"
}
wants() { case " $parts " in *" $1 "*) ;; *) false ;; esac; }
parts=$*

# step NAME [-b|-r] -- PROGRAM ARG...: the truth.
step() {
	name=$1 option=''
	shift
	[ "$1" = -- ] || { option=$1; shift; }
	shift
	# shellcheck disable=SC2086 # none is no word
	$pin $alike $progs/stepper $option "$name.truth" "$@" >"$name.bare" 2>"$name.bare.err"
	echo $? >"$name.bare.rc"
	said "$name stepped"
}

# trace NAME OPTION... -- PROGRAM ARG...
trace() {
	name=$1
	shift
	status "$name.before"
	$pin $alike hvtrace trace -q -o "$name.data" "$@" >"$name.traced" 2>"$name.err"
	echo $? >"$name.rc"
	status "$name.after"
	said "$name traced"
}

LONG="$progs/trace_long $rounds"
SHORT="$progs/trace_long 1"
SIGNALS="$progs/trace_signals 2"
THREADS="$progs/trace_threads $cpus 6"
JIT="$progs/trace_jit 3"
FORK="$progs/trace_fork $progs/trace_jit 1"
SQLITE='sqlite3 -batch -init /dev/null :memory: .read\ /lab/in/script.sql'

# attached NAME OPTION: from outside, by -p or -t, once it waits.
attached() {
	mkfifo go
	$alike $progs/trace_long 1 waits <go >"$1.traced" 2>&1 &
	program=$!
	exec 9>go
	until_true 20 asleep $program
	said "$1 asleep"
	status "$1.before"
	$alike hvtrace trace -q -o "$1.data" "$2" $program 2>"$1.err" &
	tracer=$!
	until_true 20 armed $tracer
	said "$1 armed"
	echo >&9
	exec 9>&-
	wait $program
	echo $? >"$1.rc"
	said "$1 ended"
	until_true 20 ended $tracer || { hvtrace status --format json >"$1.stuck"; kill -INT $tracer; }
	wait $tracer
	echo $? >"$1.trace.rc"
	status "$1.after"
	rm go
	said "$1 traced"
}
asleep() { grep -q '^State:.S' /proc/"$1"/status && grep -qx trace_long /proc/"$1"/comm; }
armed() { hvtrace status --format json | grep -q '"traces":\[{' || ended "$1"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# --- bare, before anything of ours is there. What the simulator makes the kernel say about
# steps behind SYSCALL is said once.
# shellcheck disable=SC2086 # commands with arguments
{
	if wants oracle; then
		step long -- $LONG
		step signals -- $SIGNALS
		step threads -- $THREADS
		step jit -b -- $JIT
		step fork -- $FORK
		$progs/trace_self self.bare.truth 3 >self.bare 2>&1
		echo $? >self.bare.rc
	fi
	if wants attach; then
		echo | step waits -- $progs/trace_long 1 waits
	fi
	if wants oracle || wants windows; then
		pin='taskset -c 0' # what CPUID says is in its registers
		step short -r -- $SHORT
		pin=''
	fi
	if wants sqlite; then
		if [ "$rounds" -gt 4 ]; then
			eval "step sqlite -- $SQLITE"
		else
			eval "$alike $SQLITE" >sqlite.bare 2>sqlite.bare.err
			echo $? >sqlite.bare.rc
		fi
	fi
	if wants antidebug; then
		$alike $progs/antidebug >antidebug.bare 2>antidebug.bare.err
		echo $? >antidebug.bare.rc
	fi
	for program in long signals threads jit fork self; do
		cp $progs/trace_$program .
	done
}
awk '$1 == "LOC:"' /proc/interrupts >bare.ticks
cat /proc/uptime >>bare.ticks
dmesg -c >bare.dmesg

modprobe hvtrace || exit 1
insmod /lab/modules/hvt_trace.ko || exit 1
hvtrace attach >attach.out 2>&1 || exit 1
hvtrace check >check.out 2>&1
status start

# shellcheck disable=SC2086 # commands with arguments
if wants oracle; then
	trace long -- $LONG
	trace signals -f -- $SIGNALS
	trace threads -f -- $THREADS
	trace jit -- $JIT
	trace fork -f -- $FORK
	trace self -- $progs/trace_self self.truth 3
	pin='taskset -c 0'
	trace short --regs --mem -- $SHORT
	pin=''
fi
if wants attach; then
	attached process -p
	attached thread -t
fi

# --- what it costs: exits for each instruction, and for a process beside it that nobody traces
# cpu0 EXIT: how many of them CPU 0 has had.
cpu0() {
	count=$(hvtrace status --format json | sed -n "s/.*{\"cpu\":0,[^}]*\"$1\":\([0-9]*\).*/\1/p")
	echo "${count:-0}"
}
# beside NAME RUNS STEPS: a busy process on the last CPU, and its exits. It runs so many times, and
# until CPU 0 has made so many steps meanwhile: when a traced thread gets to run is the scheduler's.
beside() {
	status "$1.before"
	runs=0
	goal=$(($(cpu0 'Monitor trap flag') + $3))
	while [ $runs -lt "$2" ] || { [ $runs -lt 100 ] && [ "$(cpu0 'Monitor trap flag')" -lt $goal ]; }; do
		taskset -c $((cpus - 1)) $progs/trace_busy 1 >>"$1.busy"
		runs=$((runs + 1))
	done
	status "$1.after"
	said "$1 counted, $runs runs"
}
if wants exits; then
	runs=5
	if [ "$cpus" -gt 1 ]; then
		$alike taskset -c 0 hvtrace trace -q -o beside.data -- $progs/trace_long 1000000 >/dev/null 2>beside.err &
		tracer=$!
		until_true 20 armed $tracer
		said 'beside armed'
		beside beside 5 2000
		pgrep -x trace_long >beside.running
		pkill -KILL -x trace_long
		wait $tracer
		rm beside.data
		said 'beside ended'
	fi
	beside idle $runs 0
fi

if wants antidebug; then
	trace antidebug -f -- $progs/antidebug
fi

# --- kernel functions, by whoever enters them
# function NAME SYMBOL COUNT COMMAND...
function_trace() {
	name=$1 symbol=$2 count=$3
	shift 3
	$alike hvtrace trace -q -o "$name.data" --kernel "$symbol" --count "$count" >"$name.traced" 2>"$name.err" &
	tracer=$!
	until_true 20 armed $tracer
	"$@" >"$name.said" 2>&1
	echo $? >"$name.program.rc"
	until_true 20 ended $tracer || kill -INT $tracer
	wait $tracer
	echo $? >"$name.rc"
	said "$name"
}
parameter() { for _ in 1 2 3; do echo "$2" >$params/"$1"; done; }
if wants kernel; then
	grep -E ' (hvt_trace|do_sys_openat2|__x64_sys_openat)' /proc/kallsyms >kallsyms
	function_trace open do_sys_openat2 20 $progs/trace_open 20 /etc/passwd
	function_trace loop hvt_trace_loop 3 parameter loop 4000
	start=$(awk '$3 == "hvt_trace_loop" { print $1 }' kallsyms)
	end=$(awk '$3 == "hvt_trace_recurse" { print $1 }' kallsyms)
	function_trace range "0x$start-0x$end" 3 parameter loop 40
	function_trace recurse hvt_trace_recurse 3 parameter recurse 20
	function_trace leave hvt_trace_leave 3 parameter leave 20
	trace whole --kernel -- $progs/trace_open 3 /etc/passwd
fi

# --- windows. What they should hold follows from all of it and from what the options mean.
# shellcheck disable=SC2086 # commands with arguments
if wants windows; then
	trace w.to --from vectors --to kernel -- $SHORT
	trace w.repeat --from add --to ackermann --repeat -- $SHORT
	trace w.count --count 1000 -- $SHORT
	trace w.after --after 2000 --count 500 -- $SHORT
	trace w.again --from order --count 7 --repeat -- $SHORT
	trace w.again_after --from order --after 3 --count 4 --repeat -- $SHORT
	trace w.only --only ackermann -- $SHORT
	trace w.skip --skip ackermann,add -- $SHORT
	trace w.both --only strings,add --skip add --from strings --to kernel -- $SHORT
	somewhere=$(od -An -t u8 -j 160000 -N 8 short.truth.0 | tr -d ' ')
	trace w.off --from "$somewhere" --count 30 -- $SHORT
	trace w.on --on sum -a w --count 5 --repeat -- $SHORT
	trace w.never --from 0x10 -- $SHORT
fi
if wants objects; then
	pin='taskset -c 0' # what CPUID says decides which functions of the library run
	trace o.all -- true
	trace o.only --only true -- true
	trace o.skip --skip ld-linux-x86-64.so.2 -- true
	trace o.library --skip libc.so.6 -- true
	pin=''
fi

# --- programs that count what they do themselves; gcov's counts come with the end of the program
if wants views; then
	mkdir -p "$host"
	cp /lab/in/views_calls /lab/in/views_gcov "$host"
	trace calls --regs --mem -- "$host/views_calls" $out/calls.truth
	trace gcov -- env GCOV_PREFIX=$out GCOV_PREFIX_STRIP=100 "$host/views_gcov" $out/gcov.truth
fi

if wants sqlite; then
	cp "$(command -v sqlite3)" trace_sqlite3
	eval "trace sqlite -- $SQLITE"
fi

if wants torture; then
	trace torture -f -- $progs/trace_torture "$torture"
fi
status end
dmesg >dmesg
