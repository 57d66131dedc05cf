#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# refused.sh: a machine that cannot be attached: check and attach say why and leave it alone.
# usage: refused.sh REASON WHY REMEDY (patterns; REASON as in the JSON of check)
# shellcheck source=/dev/null
. /lab/in/tap.sh
# Lockdown takes ioperm away, which the way out of the guest needs: the results go with the files.
[ "$1" != lockdown ] || exec >/lab/out/tap 2>&1
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null

# Without the module the CPU and the kernel say a part: not what VMX lacks.
run check hvtrace check
case $1 in
no-vmx | lockdown)
	ok "check without the module: status 3, $1, remedy" gave check 3 '' "hvtrace: check: ($2); try: ($3)"
	hvtrace check --format json >/lab/out/check.json
	;;
esac
registers bare.regs
if [ "$1" = lockdown ]; then
	run modprobe modprobe hvtrace
	ok 'the module, which nobody signed, is refused' fails gave modprobe 0
	run attach hvtrace attach
	ok 'attach: status 3' gave attach 3 '' 'hvtrace: .*no such device; try: .*'
else
	ok 'the module loads' modprobe hvtrace
	run check hvtrace check
	ok "check: status 3, $1, remedy" gave check 3 '' "hvtrace: check: ($2); try: ($3)"
	hvtrace check --format json >/lab/out/check.json
	run attach hvtrace attach
	ok "attach: status 3, $1, remedy" gave attach 3 '' "hvtrace: attach: CPU 0: ($2); try: ($3)"
	ok '... no CPU is attached' value_is cpus_attached 0
	run watch timeout 100 hvtrace watch jiffies_64
	ok 'watch: status 3, too' gave watch 3 '' "hvtrace: .*($2); try: ($3)"
	registers after.regs
	ok '... the registers are as they were' same bare.regs after.regs
	ok 'the module unloads' rmmod hvtrace
fi
plan
