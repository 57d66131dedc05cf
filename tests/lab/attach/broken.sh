# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# broken.sh: root mode itself fails (a test module sees to it): every CPU leaves VMX, the machine goes
# on, people are told, and a detach heals. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154

WHY='exception in root mode; try: .*hvtrace detach'

mark broken
hvtrace attach >/dev/null
programs_start
echo '# from here on a hang is a CPU that failed and keeps the others stopped'
taskset -c $((CPUS - 1)) insmod /lab/modules/hvt_break.ko 2>/dev/null
ok 'a failure of root mode is noticed' soon value_is broken true
ok '... and every CPU leaves VMX' soon value_is cpus_attached 0
hvtrace status --format json >/lab/out/status-broken.json
run status hvtrace status
ok '... status says where and why' gave status 0 "broken: CPU $((CPUS - 1)): exception in root mode"
ok '... dmesg, too' sh -c "dmesg | grep -q 'hvtrace: CPU $((CPUS - 1)) left VMX: exception in root mode.* vector 13'"
run check hvtrace check
ok '... check: status 1, why and the remedy' gave check 1 '' "hvtrace: check: (CPU 1: )?$WHY"
run attach hvtrace attach
ok '... attach: status 1, why and the remedy' gave attach 1 '' "hvtrace: attach: CPU $((CPUS - 1)): $WHY"
run watch timeout 100 hvtrace watch jiffies_64
ok '... watch: status 1, why and the remedy' gave watch 1 '' "hvtrace: .*$WHY"
run detach hvtrace detach
ok '... detach, as they say' gave detach 0 detached
run check hvtrace check
ok '... heals' gave check 0 'hvtrace can attach here'
run attach hvtrace attach
ok '... attach works again' gave attach 0 "attached: $CPUS CPUs"
hvtrace detach >/dev/null
ok '... the programs get right results' programs_end
registers broken.regs
ok '... the registers are as they were' same bare.regs broken.regs
ok '... the kernel says nothing else' test -z "$(since broken | grep -v 'left VMX' |
	grep -Ei 'warn|\bbug\b|oops|uhhuh|call trace|stall|lockup')"
