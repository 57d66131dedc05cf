#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: what tests/bench/run puts into a table, as "WHERE KIND TICKS EXITS".
bench=/lab/programs/bench
modprobe hvtrace && cd /lab/out || exit 1

# traced WHERE OPTION...: the log goes to a file, as it would.
traced() {
	where=$1
	shift
	hvtrace watch "$@" -q -o bench.data -- $bench >costs || exit 1
	sed "s/^/$where /" costs
}

$bench >costs || exit 1
sed 's/^/bare /' costs
hvtrace attach || exit 1
$bench >costs || exit 1
sed 's/^/attached /' costs
traced watched cell,1024 -a rw
traced coalesced cell,1024 -a rw --coalesce
traced filtered cell,1024 -a rw --kernel
# All on the same page, one of them on what is touched; as addresses, which are not looked up.
# shellcheck disable=SC2046 # a list of words
traced 1000 cell,1024 $(seq 0 998 | awk -v cell="$($bench where)" \
	'{ printf "%d,%d\n", cell + 1024 + $1 % 2816, 1 + $1 / 2816 }') -a rw
hvtrace detach
