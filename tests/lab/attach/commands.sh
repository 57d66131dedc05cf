# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# commands.sh: the module comes and goes, check, attach, detach and status: what they say, what they
# return, what they leave. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154

NOBODY='setpriv --reuid 65534 --regid 65534 --clear-groups'
NO_DEVICE='.*/dev/hvtrace: no such device; try: modprobe hvtrace'

picture bare
ok 'the registers of each CPU can be seen' has_lines bare.regs $((CPUS * 15))

for command in attach detach status; do
	run nomodule hvtrace $command
	ok "$command without the module: status 3 and the remedy" gave nomodule 3 '' "hvtrace: $NO_DEVICE"
done
run nomodule hvtrace check
ok 'check without the module: status 3 and the remedy' gave nomodule 3 '' "hvtrace: check: $NO_DEVICE"
run nomodule hvtrace check --format json
cp $T/nomodule.out /lab/out/check-no-module.json
ok 'check without the module, JSON' gave nomodule 3 '.*"can_attach":false,"reason":"no-module".*'

mark module
ok 'modprobe hvtrace' modprobe hvtrace
picture loaded
ok 'loading the module changes nothing' same_picture bare loaded
ok 'the device is for root alone' test "$(stat -c '%a %u %g' /dev/hvtrace)" = '600 0 0'
run check hvtrace check
ok 'check: it can' gave check 0 'hvtrace can attach here'
hvtrace check --format json >/lab/out/check.json
run status hvtrace status
ok 'status: not attached' gave status 0 'not attached'
hvtrace status --format json >/lab/out/status-loaded.json
ok 'status: no CPU is attached' value_is cpus_attached 0
run detach hvtrace detach
ok 'detach when not attached' gave detach 0 'not attached'

for command in check attach detach status; do
	run nobody $NOBODY hvtrace $command
	ok "$command as nobody: status 3 and the remedy" \
		gave nobody 3 '' "hvtrace: $command: not root; try: sudo hvtrace $command.*"
	run usage hvtrace $command --no-such-option
	ok "$command with an unknown option: status 2" gave usage 2 '' 'hvtrace: .*no-such-option.*; try: .*'
	run usage hvtrace $command operand
	ok "$command with an operand: status 2" gave usage 2 '' 'hvtrace: .*operand.*; try: .*'
	run usage hvtrace $command --format xml
	ok "$command with an unknown format: status 2" gave usage 2 '' 'hvtrace: .*xml.*; try: .*'
done
run nobody $NOBODY sh -c 'exec 3<>/dev/hvtrace'
ok 'nobody cannot open the device' fails gave nobody 0

ok 'rmmod when not attached' rmmod hvtrace
ok 'modprobe again' modprobe hvtrace

run attach hvtrace attach
ok 'attach' gave attach 0 "attached: $CPUS CPUs"
ok 'attach puts every CPU under VMX' attached "$CPUS"
run again hvtrace attach
ok 'attach when attached' gave again 0 "already attached: $CPUS CPUs"
hvtrace attach --format json >/lab/out/attach-again.json
hvtrace status --format json >/lab/out/status-attached.json
hvtrace check --format json >/lab/out/check-attached.json
ok 'attach persists' value_is persist true
run check hvtrace check
ok 'check while attached' gave check 0 'hvtrace can attach here'
run rmmod rmmod hvtrace
ok 'rmmod while attached is refused' gave rmmod 1 '' '.*in use.*'
ok '... and changes nothing' attached "$CPUS"
percent=$(value large_percent)
ok "2M and 1G leaves map 99% of RAM (${percent%??}%)" test "${percent%.*}" -ge 99
ok '... of all RAM' test "$(value ram_bytes)" -gt $(($(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo) * 1024))

picture attached
ok 'attached, the kernel sees the same registers' same bare.regs attached.regs
ok 'attached, programs see the same descriptor tables' same bare.tables attached.tables
ok 'attached, VMX and privileged instructions of programs give the same signals' same bare.insns attached.insns
ok '... VMCALL is one of them' grep -qx 'vmcall: Illegal instruction' $T/attached.insns
ok "... hvtrace's own VMCALL is one of them" \
	grep -qx "vmcall with hvtrace's number: Illegal instruction" $T/attached.insns
ok 'attached, ioperm works' same bare.ioport attached.ioport
ok '... and it means something' grep -qx 'with permission: done' $T/bare.ioport
# Leaf 1, ECX (the third number) bit 5.
sed -n 's/^1\.0: \(.*\)/\1/p' $T/bare.cpuid | { read -r _ _ c _; printf '%d\n' "0x$c"; } >$T/bare.ecx
sed -n 's/^1\.0: \(.*\)/\1/p' $T/attached.cpuid | { read -r _ _ c _; printf '%d\n' "0x$c"; } >$T/attached.ecx
ok 'attached, CPUID hides VMX and changes no other feature' \
	test "$(cat $T/attached.ecx)" = $(($(cat $T/bare.ecx) & ~32))
ok '... which it has' test $(($(cat $T/bare.ecx) & 32)) = 32
grep -v '^1\.0:' $T/bare.cpuid >$T/bare.leaves
grep -v '^1\.0:' $T/attached.cpuid >$T/attached.leaves
ok 'attached, every other CPUID leaf is the same' same bare.leaves attached.leaves
run selftest insmod /lab/modules/hvt_selftest.ko
ok 'attached, another module finds no VMX' gave selftest 1 '' '.*No such device.*'

run detach hvtrace detach
ok 'detach' gave detach 0 'detached'
ok 'detach takes every CPU out' value_is cpus_attached 0
hvtrace detach --format json >/lab/out/detach-again.json
picture detached
ok 'attach and detach leave the machine as it was' same_picture bare detached
ok 'dmesg is clean' quiet module
