#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine.sh: the whole suite in one guest, at the end of which the machine is left attached: it has
# to power off like that.
# shellcheck disable=SC2086,SC2154
# shellcheck source=/dev/null
. /lab/in/tap.sh

# KTAP of the self-test module, on the last CPU.
taskset -c $((CPUS - 1)) insmod /lab/modules/hvt_selftest.ko 2>/dev/null
dmesg | sed 's/^\[[^]]*\] //' | grep -E '^(not )?ok [0-9]+ - |^# got ' >$T/ktap
ok 'VMX wrappers: the self-test ran to its end' sh -c "dmesg | grep -q 'hvt_selftest: [0-9]* of [0-9]* failed'"
while read -r line; do
	case $line in
	ok\ *) ok "VMX wrappers: ${line#* - }" true ;;
	not\ *) ok "VMX wrappers: ${line#* - }" false ;;
	*) echo "$line" ;;
	esac
done <$T/ktap

for part in ${PARTS:-commands cycles load cpus killed broken}; do
	[ "$part" != cpus ] || [ "$CPUS" -gt 1 ] || continue
	echo "# $part: $(cut -d' ' -f1 /proc/uptime) s"
	# shellcheck source=/dev/null
	. "/lab/in/$part.sh"
done
hvtrace attach >/dev/null
ok 'attached for the power-off' attached "$CPUS"
plan
