#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh: in the guest: one program does the same accesses again and again, each time under
# another filter; check.py knows what each name means. Leaves NAME.json (the events), NAME.truth
# (what the program did), NAME.state (hvtrace status), NAME.err and NAME.rc in /lab/out.
# usage: suite.sh CPUS

cpus=$1
out=/lab/out
program=/lab/programs/filters
cd $out || exit 1
# shellcheck source=tests/lab/guest/lib.sh
. /lab/lib.sh
modprobe hvtrace || exit 1

# What it maps at fixed addresses is behind it, where a heap at a random place might be.
coproc P { exec setarch "$(uname -m)" -R $program $((cpus - 1)); }
# shellcheck disable=SC2153 # the coprocess's
exec 3<&"${P[0]}" 4>&"${P[1]}"
read -r pid tid child phys <&3
echo "$pid $tid $child $phys $cpus" >ids

# tell WORDS: the program does it, and has done it.
tell() {
	echo "$*" >&4
	read -r -t 60 _ <&3
}

# begin NAME ARG...: a watch in the background, armed.
begin() {
	local name=$1
	shift
	: >"$name.err"
	hvtrace watch "$@" --format json -o "$name.data" >"$name.json" 2>"$name.err" </dev/null &
	cli=$!
	until_true 60 watching "$name.err" $cli
}

end() {
	hvtrace status --format json >"$1.state" 2>/dev/null
	kill -TERM $cli 2>/dev/null
	wait $cli
	echo $? >"$1.rc"
}

# try NAME ARG...: the cell under these options.
try() {
	local name=$1
	shift
	begin "$name" -p "$pid" 0x10000000,8 -a rw "$@"
	tell "cells $out/$name.truth"
	end "$name"
}

# self NAME ARG...: a watch that ends by itself
self() {
	local name=$1
	shift
	begin "$name" -p "$pid" 0x10000000,8 -a rw "$@"
	tell "cells $out/$name.truth"
	until_true 60 gone && echo yes >"$name.itself"
	end "$name"
}
gone() { [ ! -d /proc/$cli ] || grep -q '^State:.*Z' /proc/$cli/status; }

# kernel_code KIND: the function that did the kernel's reads or writes of the cell
kernel_code() {
	grep "\"access\":\"$1\".*\"user\":false" all.json | sed 's/.*"sym":"\([^+"]*\)+.*/\1/' | head -n 1
}

try all
try pid --pid "$child"
try pids --pid "$pid,$child"
try tid --tid "$tid"
try comm --comm second,child
try nobody --comm nobody
try cpu --cpu $((cpus - 1))
try user --user
try kernel --kernel
try changed --changed
try eq --value '== 100'
try ne --value '!= 100'
try lt --value '< 200'
try le --value '<= 200'
try gt --value '> 300'
try ge --value '>= 300'
try and --value '& 1'
try every --every 7
try store --ip store
# which function of the kernel's it was depends on the kernel
put=$(kernel_code write) get=$(kernel_code read)
echo "$put $get" >code
try put --ip "kernel:$put"
try object --ip filters
try image --ip kernel
try module --ip hvtrace
try two --ip load --ip "$get"
address=0x$(awk -v name="$put" '$3 == name { print $1; exit }' /proc/kallsyms)
try range --ip "$address,64"
try all_of_them --pid "$pid" --comm first,second --cpu 0-$((cpus - 1)) --user --ip store --changed \
	--value '>= 200' --every 2
try phys_none --pid "$child" --kernel --changed --value '== 5' # what the kernel does for the child
self limit --limit 9
self limit_some --user --value '> 100' --every 3 --limit 4

# by physical address: whoever uses it, by whatever address
begin phys --phys "$phys,8" -a rw
tell "cells $out/phys.truth"
end phys
# When its events are out, hvtrace has looked at what both processes have mapped.
begin phys_seen --phys "$phys,8" -a rw
tell "cells $out/phys_seen.truth"
until_true 60 grep -q '"access"' phys_seen.json
tell "cells $out/phys_seen.truth"
end phys_seen
begin phys_pid --phys "$phys,8" -a rw --pid "$child" --changed
tell "cells $out/phys_pid.truth"
end phys_pid

# what the kernel copies, byte by byte or not
begin io -p "$pid" buffer,64 -a rw --kernel
tell io
end io
begin io_user -p "$pid" buffer,64 -a rw --user
tell io
end io_user

# runs, one by one and as what they are
begin iterations -p "$pid" buffer,64 -a w
tell runs
end iterations
begin runs -p "$pid" buffer,64 -a w --coalesce
tell runs
end runs

# memory that is not there yet
begin later -p "$pid" 0x20000000,8 -a w
tell map
end later

# --limit ends the watch, not the command
hvtrace watch counter -a w --limit 7 --format json -- /lab/programs/count 1000 >command.json 2>command.err
echo $? >command.rc
hvtrace watch kernel:jiffies_64 -a w --limit 1 -q -o command2.data -- \
	sh -c 'until hvtrace status --format json | grep -q "\"watches\":\[\]"; do :; done; exit 7' >command2.out 2>command2.err
echo $? >command2.rc
hvtrace info --format json command2.data >command2.info

# a device, if there is one that is used; its log in the kernel's own format
begin device --phys 0xfee00000,0x1000 --limit 6
until_true 60 gone
end device
hvtrace script --format mmiotrace device.data >device.mmiotrace 2>>device.err
grep -i apic /proc/iomem >iomem

# execve: the watch goes on in what the process becomes, and names are of that
begin exec -p "$pid" 0x10000000,8 -a rw
echo "exec $program" >&4
read -r -t 60 pid2 _ <&3
echo "$pid2" >exec.pid
tell "cells $out/exec.truth"
end exec
exec 4>&-
hvtrace status --format json >status.json
dmesg >dmesg
