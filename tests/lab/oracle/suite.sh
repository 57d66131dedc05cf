#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest. "where": print the physical addresses of what is to be watched (the
# kernel is not relocated: nokaslr). "trace": watch it while the kernel works on it.

case $1 in
where)
	for symbol in modprobe_path jiffies_64; do
		awk -v s=$symbol '$3 == s { print s, "0x" substr($1, 9) }' /proc/kallsyms
	done
	;;
trace)
	modprobe hvtrace || exit 1
	# Where root mode reads guest memory: the code from one symbol to the other.
	awk '$3 == "hvt_copy_safe" || $3 == "hvt_fixup" { print $3, "0x" $1 }' /proc/kallsyms \
		>/lab/out/root
	hvtrace watch kernel:modprobe_path,256 kernel:jiffies_64,8 -a rw --format json -- sh -c '
		i=0
		while [ $i -lt 20 ]; do
			cat /proc/sys/kernel/modprobe
			echo "/bin/true.$i" >/proc/sys/kernel/modprobe
			i=$((i + 1))
		done >/dev/null' >/lab/out/trace.json 2>/lab/out/trace.err
	;;
esac
