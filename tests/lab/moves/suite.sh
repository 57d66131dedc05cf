#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each case bare, then watched. What it leaves in /lab/out, check.py
# judges outside.
out=/lab/out
mkdir -p $out /tmp/disk
cd $out || exit 1

# Somewhere to swap to, and a file system that writes pages back and drops them.
modprobe -a zram brd hvtrace || exit 1
echo 64M >/sys/block/zram0/disksize
/lab/bin/busybox mkswap /dev/zram0 >/dev/null && /lab/bin/busybox swapon /dev/zram0 || exit 1
cat /lab/in/disk.img >/dev/ram0 && mount -t ext4 /dev/ram0 /tmp/disk || exit 1
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo 4 >/proc/sys/vm/nr_hugepages
echo 1000 >/sys/kernel/mm/ksm/pages_to_scan
echo 0 >/sys/kernel/mm/ksm/sleep_millisecs
# Nothing but the cases moves pages.
echo 0 >/sys/kernel/mm/transparent_hugepage/khugepaged/defrag

while read -r program name spec; do
	case=$program-$name${spec:+-$spec}
	access=rw
	case $case in move_race* | move_phys-merged) access=w ;; esac
	for run in bare traced; do
		set -- /lab/programs/"$program" "$name"
		[ $run = bare ] || set -- hvtrace watch "${spec:-arena+1992,8}" -a $access --format json -- "$@"
		# They map at fixed addresses behind them, where a heap at a random place might be.
		set -- setarch "$(uname -m)" -R "$@"
		# Through a pipe: the case is over when the last of its processes is.
		{ "$@" 2>"$case.$run.err" </dev/null; echo $? >"$case.$run.status"; } |
			cat >"$case.$run"
	done
done </lab/in/cases

hvtrace status --format json >status.json
dmesg >dmesg
cp /lab/in/cases .
