#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: makes the runs that check.py judges outside. Each leaves its JSON
# lines, its log, the program's own output and the exit status in /lab/out.
# usage: suite.sh CPUS

cpus=$1
out=/lab/out
progs=/lab/programs
mkdir -p $out
cd $out || exit 1
# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh

# lines FILE N: it has at least so many that are accesses.
lines() { [ "$(grep -c '^{"type":"access"' "$1")" -ge "$2" ]; }

# stopped NAME N ARG...: a watch that Ctrl-C ends once it has printed N accesses.
stopped() {
	name=$1 n=$2
	shift 2
	hvtrace watch "$@" --format json >"$name.json" 2>"$name.err" &
	cli=$!
	until_true 60 lines "$name.json" "$n"
	kill -INT $cli
	wait $cli
	echo $? >"$name.status"
}

modprobe hvtrace || exit 1

# --- exact counts and values; the simulator is slower with two CPUs
total=$((100000 / cpus))
echo $total >one.total
for run in bare traced; do
	set -- $progs/count $total
	[ $run = traced ] && set -- hvtrace watch counter -a w --format json -o one.data -- "$@"
	"$@" >one.$run 2>one.$run.err
	echo $? >one.$run.status
done
threads=2
hvtrace watch counter -a w --format json -o two.data -- $progs/count 50000 $threads \
	>two.traced 2>two.traced.err
echo $? >two.traced.status
hvtrace watch counter -a r --format json -- $progs/count 1000 2 >reads.traced 2>reads.err

# --- rings that are too small: what is lost is counted
hvtrace watch counter -a w --ring-slots 512 --fail-on-loss --format json -o loss.data \
	-- $progs/count 20000 >loss.json 2>loss.err
echo $? >loss.status

# --- ways to touch memory
$progs/touch >touch.bare
hvtrace watch pages,8192 src,8 dst,8 buffer,64 -a rw --format json -o touch.data -- $progs/touch \
	>touch.traced 2>touch.err
echo $? >touch.status
hvtrace watch main,4 -a x --format json -- $progs/touch >exec.traced 2>exec.err

# --- a stack: calls, returns, signal frames, the kernel's pushes
$progs/stack 10 >stack.bare
hvtrace watch area -a rw --format json -o stack.data -- $progs/stack 10 >stack.traced 2>stack.err
echo $? >stack.status

# --- instructions that fault after they touched it
$progs/faults >faults.bare
hvtrace watch cell,8 -a rw --format json -- $progs/faults >faults.traced 2>faults.err

# --- event delivery: gates read from the IDT, frames pushed on the idle task's stack. Each goes
# on until there is enough of it.
hvtrace watch kernel:idt_table,4096 -a r --format json -- \
	sh -c 'until [ "$(wc -l <idt.json)" -gt 5 ] && grep -q hvtrace-agent idt.json; do sleep 0.01; done' \
	>idt.json 2>idt.err
for limit in 3000 12000 48000; do
	hvtrace watch kernel:init_stack,16384 -a rw --limit $limit --format json >idle.json 2>idle.err
	echo $? >idle.status
	# how often so many accesses are interrupted is the idle task's affair
	[ "$(grep -c '"vector"' idle.json)" -lt 6 ] || break
done

# --- the kernel's memory; by name and by address, and the same bytes twice
stopped jiffies 60 jiffies_64,8 -a w
addr=0x$(awk '$3 == "modprobe_path" { print $1 }' /proc/kallsyms)
(
	hvtrace watch kernel:modprobe_path,256 "$addr,16" -a rw --format json \
		-- sh -c 'cat /proc/sys/kernel/modprobe; echo /bin/true >/proc/sys/kernel/modprobe' \
		>modprobe.json 2>modprobe.err
	echo $? >modprobe.status
)
echo /sbin/modprobe >/proc/sys/kernel/modprobe

# --- a running process, by pid, then Ctrl-C
$progs/count 2000000000 1 100 >/dev/null &
victim=$!
stopped pid 120 counter -p $victim -a w
kill -0 $victim && echo alive >pid.alive
kill -9 $victim

# --- exit status and output of the target pass through
hvtrace watch kernel:modprobe_path -q -- /bin/false >false.out 2>false.err
echo $? >false.status
hvtrace watch counter -q -- $progs/count 10 >text.out 2>text.err
echo $? >text.status

# --- logs to be read where the programs are not: of Debian's bash, of one that is deleted
hvtrace watch line_number -a rw -q -o bash.data -- bash -c 'for i in 1 2 3 4 5; do
	: $i; done' 2>bash.err
cp $progs/count gone
./gone 2000000000 1 1000 >/dev/null &
victim=$!
rm gone
stopped gone 10 counter -p $victim -a w -o gone.data
kill -9 $victim
hvtrace watch counter -a w -o own.data -- $progs/count 50 >own.live 2>own.err
for log in bash gone own; do
	hvtrace script $log.data >$log.inside.text
	hvtrace script --format json $log.data >$log.inside.json
done

# --- what the logs prove
hvtrace verify --format json one.data two.data touch.data stack.data loss.data >verify.json \
	2>verify.err
echo $? >verify.status

hvtrace status --format json >status.json
dmesg >dmesg
echo "$cpus" >cpus
