# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# cpus.sh: more than one CPU: a CPU that refuses, CPUs that come and go, NMIs. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154

CPU1=/sys/devices/system/cpu/cpu1/online

mark hog
ok 'a module holds VMX on CPU 1' insmod /lab/modules/hvt_hog.ko cpu=1
run hog taskset -c 0 hvtrace attach
ok 'attach then: status 3, names CPU 1, why and the remedy' gave hog 3 '' \
	'hvtrace: attach: CPU 1: CR4.VMXE is set: another hypervisor module uses VMX; try: .*unload it.*'
ok '... and CPU 0 is taken back out' value_is cpus_attached 0
run hog taskset -c 0 hvtrace check
ok 'check then: status 3, names CPU 1' gave hog 3 '' 'hvtrace: check: CPU 1: .*VMX.*; try: .*'
hvtrace check --format json >/lab/out/check-busy.json
ok 'rmmod of that module' rmmod hvt_hog
registers rolled.regs
ok '... CPU 0 is as it was' same bare.regs rolled.regs
run attach hvtrace attach
ok '... attach works' gave attach 0 "attached: $CPUS CPUs"
ok '... the kernel complained of nothing but this attach' test \
	"$(since hog | grep -Ei 'warn|\bbug\b|oops|uhhuh|hvtrace:.*fail')" = \
	"hvtrace: attach failed on CPU 1: CR4.VMXE is set: another hypervisor module uses VMX"

mark hotplug
programs_start
ok 'CPU 1 goes offline while attached' sh -c "echo 0 >$CPU1"
ok '... the others stay attached' attached $((CPUS - 1))
ok '... CPU 1 comes back' sh -c "echo 1 >$CPU1"
ok '... under VMX' attached "$CPUS"
n=0
while [ $n -lt 5 ]; do
	n=$((n + 1))
	echo 0 >$CPU1
	echo 1 >$CPU1
done
ok '... five more times' attached "$CPUS"
echo 0 >$CPU1
hvtrace detach >/dev/null
echo 1 >$CPU1
ok 'a CPU that was offline at detach comes back outside of VMX' value_is cpus_attached 0
echo 0 >$CPU1
hvtrace attach >/dev/null
ok 'attach with CPU 1 offline' attached $((CPUS - 1))
echo 1 >$CPU1
ok '... when it comes, it is attached' attached "$CPUS"
ok '... the programs get right results' programs_end
ok '... dmesg is clean' quiet hotplug

mark nmi
programs_start
n=0
: >$T/nmi
while [ $n -lt 20 ]; do
	n=$((n + 1))
	# All that they say may be more than the kernel keeps.
	mark nmi-$n
	echo l >/proc/sysrq-trigger
	since nmi-$n >>$T/nmi
done
ok 'NMIs reach the other CPU while attached' test "$(grep -c 'NMI backtrace for cpu' $T/nmi)" -ge 40
ok '... none of them is unknown' fails sh -c "dmesg | grep -Ei 'uhhuh|dazed|unknown nmi|NMI received'"
ok '... all CPUs are still attached' attached "$CPUS"
ok '... the programs get right results' programs_end
hvtrace detach >/dev/null
registers nmi.regs
ok '... the registers are as they were' same bare.regs nmi.regs
