# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# cycles.sh: 100 times attached and detached while programs run on every CPU, and some more by the
# command. Sourced by machine.sh.
# shellcheck disable=SC2086,SC2153,SC2154

# by_command N: status 0 when each attach and detach says what it should.
by_command() {
	n=0
	while [ $n -lt "$1" ]; do
		n=$((n + 1))
		[ "$(hvtrace attach 2>&1)" = "attached: $CPUS CPUs" ] || { echo "attach $n"; return 1; }
		[ "$(hvtrace detach 2>&1)" = detached ] || { echo "detach $n"; return 1; }
	done
}

mark cycles
programs_start
ok "100 times attach and detach while programs run on every CPU" "$IN/cycle" 100 "$CPUS"
ok '... and by the command' by_command 5
ok '... the programs get right results' programs_end
sed 's/^/# /' $T/why
ok '... dmesg tells of each' test "$(since cycles | grep -c "hvtrace: attached, $CPUS CPUs")" = 105
ok '... and of nothing wrong' quiet cycles
picture cycled
ok '... the machine is as it was' same_picture bare cycled
