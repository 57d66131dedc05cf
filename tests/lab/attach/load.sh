# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# load.sh: real work while attached gives what it gives bare; other users of VMX. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154

# work NAME: archive, compress, sort, hash and run a language over the system's own files.
work() {
	{
		tar -C /usr -cf - bin/tar bin/sort | sha256sum
		find /usr/bin /usr/sbin -xdev | LC_ALL=C sort | sha256sum
		tar -C /usr -cf - bin/sort | gzip -1 | gzip -dc | sha256sum
		perl -e '$h = 7; for $i (1..3000) { $h = ($h * 33 + $i) % 4294967291; $s{$h % 997} += sqrt $i; }
			printf "%d %.6f\n", $h, $s{$_} for sort { $a <=> $b } keys %s' | sha256sum
		for n in 1 2 3 4 5; do sh -c "echo $n | sed 's/^/=/'"; done
	} >"$T/$1"
}

mark load
work bare.work
hvtrace attach >/dev/null
programs_start
work attached.work
ok 'real work while attached gives the same as bare' same bare.work attached.work
ok '... and is some' has_lines bare.work 9
ok '... so do the programs beside it' programs_end
ok '... with every CPU attached to the end' attached "$CPUS"
ok '... dmesg is clean' quiet load

# kvm_intel: attached, CPUID says that there is no VMX.
run kvm modprobe kvm_intel
ok 'modprobe kvm_intel while attached fails' gave kvm 1 '' '.*'
ok '... and the kernel stays calm' quiet load
hvtrace detach >/dev/null
run kvm modprobe kvm_intel
if [ "$(cat $T/kvm.rc)" = 0 ]; then
	"$IN/probe" kvm >$T/vm &
	vm=$!
	ok 'detached, kvm_intel makes a virtual machine' soon grep -qx 'kvm: created' $T/vm
	run attach hvtrace attach
	ok 'attach while KVM holds VMX: status 3, CPU, reason and remedy' gave attach 3 '' \
		'hvtrace: attach: CPU [0-9]+: .*VMX.*; try: .*modprobe -r kvm_intel'
	run check hvtrace check
	ok '... check says it too' gave check 3 '' 'hvtrace: check: .*VMX.*; try: .*modprobe -r kvm_intel'
	kill $vm
	wait $vm 2>/dev/null
	ok '... modprobe -r kvm_intel, as it said' soon modprobe -r kvm_intel
	ok '... dmesg is clean' quiet load
	# Loaded before the attach, KVM asks no CPUID any more. It takes VMX at once (6.12) or with its
	# first machine (6.1).
	modprobe kvm_intel
	run attach hvtrace attach
	if [ "$(cat $T/attach.rc)" = 0 ]; then
		ok '... then attach works, with KVM idle' gave attach 0 "attached: $CPUS CPUs"
		mark kvm
		registers before.regs
		run kvm timeout 10 "$IN/probe" kvm
		ok 'KVM cannot make a virtual machine while attached' gave kvm 1 'kvm: Device or resource busy'
		ok '... which its VMXON told it' test "$(hvtrace status | grep -c '  VMXON$')" -ge 1
		registers after.regs
		ok '... the registers are as they were' same before.regs after.regs
		ok '... every CPU is attached' attached "$CPUS"
		ok '... the kernel warns of nothing but that VMXON' test -z "$(since kvm |
			grep -Ei 'warn|\bbug\b|oops|general prot' | grep -v 'vmx_hardware_enable')"
		hvtrace detach >/dev/null
		"$IN/probe" kvm >$T/vm &
		vm=$!
		ok '... after detach it can' soon grep -qx 'kvm: created' $T/vm
		kill $vm
		wait $vm 2>/dev/null
	else
		ok 'attach while an idle KVM holds VMX: status 3, CPU, reason and remedy' gave attach 3 '' \
			'hvtrace: attach: CPU [0-9]+: .*VMX.*; try: .*modprobe -r kvm_intel'
	fi
	soon modprobe -r kvm_intel
else
	skip 'attach while KVM holds VMX' 'kvm_intel does not load here'
fi
