#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh: in the guest: everything of this directory in one boot, TAP on stdout. Job control
# is on so that a watch in the background is a process group that Ctrl-C can be sent to.
set -m
here=/lab/in
for part in tap bad ends targets; do
	[ "$part" = tap ] || echo "# $part.sh"
	# shellcheck source=/dev/null
	. $here/$part.sh
done
ok 'the kernel did not complain' bash -c \
	'! dmesg | grep -v RETBleed | grep -E "WARNING|BUG:|Oops|general protection|hvtrace: CPU|soft lockup|rcu.*stall"'
echo "1..$NUMBER"
