#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh: in the guest: the module hvt_mmio does the same accesses without hvtrace, under the
# kernel's mmiotrace, and under watches by physical and by linear address. Leaves in /lab/out of
# each of these NAME.truth (what the module did) and what was seen: NAME.json, NAME.mmiotrace.

out=/lab/out
tracing=/sys/kernel/tracing
module=/proc/hvt_mmio
cd $out || exit 1
# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh
insmod /lab/modules/hvt_mmio.ko || exit 1
grep '^hvt_mmio ' /proc/modules >modules
cat /proc/iomem >iomem
grep -m 1 '^address sizes' /proc/cpuinfo >sizes

tell() { echo "$1" >$module || echo "$1: refused" >>refused; }

# begin NAME ARG...: a watch in the background, armed.
begin() {
	local name=$1
	shift
	tell clear
	hvtrace watch "$@" -o "$name.data" >"$name.seen" 2>"$name.err" </dev/null &
	cli=$!
	until_true 60 watching "$name.err" $cli
}

end() {
	cat $module >"$1.truth"
	hvtrace status --format json >"$1.state" 2>/dev/null
	hvtrace status >"$1.status" 2>/dev/null
	kill -TERM $cli 2>/dev/null
	wait $cli
	echo $? >"$1.rc"
	hvtrace script --format json "$1.data" >"$1.json" 2>>"$1.err"
	hvtrace script --format mmiotrace "$1.data" >"$1.mmiotrace" 2>>"$1.err"
}

all_of_it() {
	tell play
	tell more
	tell together
}

# --- the kernel's own tracer: it takes all CPUs but one offline, and follows new mappings only
cpus=$(nproc)
echo mmiotrace >$tracing/current_tracer
cat $tracing/trace_pipe >kernel.mmiotrace 2>/dev/null &
reader=$!
tell clear
tell map
tell play
cat $module >kernel.truth
tell unmap
echo 'that is all' >$tracing/trace_marker
until_true 60 grep -q 'that is all' kernel.mmiotrace
kill $reader
wait $reader # busy until then
echo nop >$tracing/current_tracer
all_online() { [ "$(nproc)" = "$cpus" ]; }
until_true 60 all_online
echo "$cpus $(nproc)" >cpus

# --- without a tracer
tell map
tell clear
all_of_it
cat $module >bare.truth

area() { awk -v name="$1" -v n="$2" '$1 == "area" && $2 == name { print $n }' $module; }
phys() { echo "--phys $(area "$1" 4),$(area "$1" 5)"; }
linear() { echo "$(area "$1" 3),$(area "$1" 5)"; }

modprobe hvtrace || exit 1
hvtrace attach || exit 1
hvtrace status --format json >before.state

# shellcheck disable=SC2046 # options
begin phys $(phys hpet) $(phys ioapic) $(phys bar) $(phys vga) --format json
all_of_it
end phys

# shellcheck disable=SC2046
begin linear $(linear hpet) $(linear ioapic) $(linear bar) $(linear vga) -a rw --format json
all_of_it
end linear

# shellcheck disable=SC2046
begin first $(phys hpet) $(phys ioapic) $(phys bar) --cpu 0 --format mmiotrace
tell play
end first

# --- RAM: a page of a program and one of the kernel, each by two linear addresses
coproc P { exec /lab/programs/phys; }
# shellcheck disable=SC2153 # the coprocess's
exec 3<&"${P[0]}" 4>&"${P[1]}"
read -r -t 60 _ pid <&3
echo "$pid" >pid
# shellcheck disable=SC2046
begin ram $(phys user) $(phys page) --format json
echo >&4
while read -r -t 60 line <&3 && [ "$line" != 'done' ]; do
	echo "$line"
done >user.truth
end ram

# --- what is no physical memory
bad() {
	local rc=0
	hvtrace watch "$@" >bad.out 2>bad.err </dev/null || rc=$?
	echo "$rc $(wc -l <bad.err) $(wc -c <bad.out) $(hvtrace status --format json | grep -c '"watches":\[\]') $*: $(head -n 1 bad.err)"
}
bits=$(sed 's/.*: \([0-9]*\) bits physical.*/\1/' sizes)
{
	bad --phys "$(printf '0x%x' $((1 << bits)))"
	bad --phys "$(printf '0x%x' $(((1 << bits) - 4))),8"
	bad --phys 0xffffffffffffffff
	bad --phys kernel:jiffies_64
	bad --phys jiffies_64
	bad --phys hpet,8
	bad --phys 0xfed00000,0
	bad --phys 0xfed00000,0x10000001
	bad --phys ''
	bad --phys 0xfed00000 --phys nothing
	bad 0xfed00000,8
	bad --phys 0xfed00000 --process 0
} >bad

echo >&4
exec 4>&-
hvtrace status --format json >after.state
hvtrace detach
hvtrace status --format json >detached.state
rmmod hvt_mmio
dmesg >dmesg
