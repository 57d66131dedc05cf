#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each program bare and traced, its output, its log and its own notes,
# for check.py to judge outside. usage: suite.sh CPUS

cpus=$1
out=/lab/out
progs=/lab/programs
params=/sys/module/hvt_events/parameters
mkdir -p $out
cd $out || exit 1
echo "$cpus" >cpus
modprobe hvtrace || exit 1
insmod /lab/modules/hvt_events.ko || exit 1
# The backtraces of NMIs would take the console minutes.
echo 1 >/proc/sys/kernel/printk

# Where the time goes: seconds of the guest's own clock.
said() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }

watch() { hvtrace watch "$@"; }

# messages bare|traced: what the kernel said; bare it is the simulator's doing (a trap behind
# SYSCALL under TF is a WARNING), which is said once.
messages() {
	if [ "$1" = bare ]; then
		dmesg -c >>bare.dmesg
	else
		dmesg -c >>dmesg
	fi
}

# both NAME PROGRAM MODE...: the program bare and traced.
both() {
	name=$1 program=$2
	shift 2
	$progs/$program /tmp/truth "$@" >"$name.bare" 2>&1
	echo $? >"$name.bare.rc"
	messages bare
	hvtrace status --format json >"$name.before.status"
	watch -a rw cell,4096 ${exec:+-a x "$exec"} -q -o "$name.data" -- $progs/$program "$name.truth" "$@" \
		>"$name.traced" 2>&1
	echo $? >"$name.traced.rc"
	hvtrace status --format json >"$name.after.status"
	messages traced
	said "$name"
}

# The counts of steps go on from run to run.
hvtrace attach >/dev/null || exit 1
# The disk's interrupts go where the program is.
irqs=$(awk '/ata_piix/ { sub(":", ""); print $1 }' /proc/interrupts)
for irq in $irqs; do
	printf '%x\n' $((1 << (cpus - 1))) >"/proc/irq/$irq/smp_affinity"
done

exec=''
both timer event work 4000 timer
both signal event work 4000 timer signal
both ipi event work 4000 ipi
grep ata_piix /proc/interrupts >disk.before
both disk event work 4000 disk
grep ata_piix /proc/interrupts >disk.after
both unmap event work 4000 unmap timer
both protect event work 3000 protect
both all event work 4000 timer signal ipi unmap protect
both forget event work 3000 forget
both faults event faults 40
both step event_step itself
both stepped event_step parent
exec=traps
both traps event_step traps
exec=''

messages traced

# --- the timer, in front of each of a number of instructions
insmod /lab/modules/hvt_between.ko || exit 1
watch cell,4096 -q -o between.data -- $progs/event_between between.truth >between.traced 2>&1
echo $? >between.traced.rc
rmmod hvt_between
messages traced
said between

# --- NMIs: all CPUs are asked for a backtrace, again and again, by a thread on CPU 0
awk '$1 == "NMI:"' /proc/interrupts >nmi.before
watch cell,4096 -q -o nmi.data -- $progs/event nmi.truth work 20000 timer nmi >nmi.traced 2>&1
echo $? >nmi.traced.rc
awk '$1 == "NMI:"' /proc/interrupts >nmi.after
dmesg -c | grep -E 'hvtrace: CPU|BUG|WARNING: CPU|Oops|[Uu]hhuh|NMI received' >nmi.dmesg
said nmi

# --- debuggers from outside: gdb, and strace that reads the memory of system calls
# debugged NAME COMMAND...: runs it on the waiting program, bare and traced; PID is its process.
debugged() {
	name=$1
	shift
	for run in bare traced; do
		set_watch=''
		[ $run = bare ] || set_watch="hvtrace watch cell,4096 -q -o $name.data --"
		rm -f $name.truth go
		$set_watch $progs/event_step $name.truth waits 3 >$name.$run.program 2>&1 &
		program=$!
		until [ -s $name.truth ]; do :; done
		PID=$(pgrep -x event_step)
		"$@" >$name.$run 2>&1
		wait $program
		echo $? >$name.$run.rc
		messages $run
	done
	said "$name"
}
run_gdb() { gdb --batch --nx -p "$PID" -x /lab/in/gdb.script $progs/event_step; }
run_strace() {
	: >strace.err
	strace -e trace=getppid,write -o /dev/stdout -p "$PID" 2>>strace.err &
	until grep -q attached strace.err || ! kill -0 $!; do :; done
	: >go
	wait $!
	cat strace.err >>"$name.$run" # behind what strace wrote by a description of its own
}
debugged gdb run_gdb
debugged strace run_strace

# --- the kernel: shadows of STI and MOV SS, per-CPU words of idle CPUs, HLT itself
for run in bare traced; do
	set_watch=''
	[ $run = bare ] || set_watch="hvtrace watch $(awk '$3 == "hvt_events_cell" { print "0x" $1 }' \
		/proc/kallsyms),4096 -q -o shadow.data --"
	$set_watch sh -c "echo 1500 >$params/shadow" >shadow.$run.err 2>&1
	cat $params/shadow >shadow.$run
	messages $run
done
said shadow
cat $params/idle >idle.before
# shellcheck disable=SC2046 # a list
watch $(sed 's/ .*/,8/' idle.before) -q -o idle.data -- sh -c "echo 50 >$params/idle" >idle.err 2>&1
cat $params/idle >idle.after
said idle
# Where HLT is depends on the kernel.
halt=$(awk '$3 ~ /^(default_idle|(pv_)?native_safe_halt)$/ { print "kernel:" $3 }' /proc/kallsyms)
# shellcheck disable=SC2086 # a list
watch $halt -a x -q -o halt.data -- sh -c "echo 20 >$params/idle" >halt.err 2>&1
echo $? >halt.rc
said halt

hvtrace detach >/dev/null
hvtrace status --format json >end.status
dmesg >>dmesg
