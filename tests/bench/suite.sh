#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: what tests/bench/run puts into a table, as "WHERE KIND NUMBER".
progs=/lab/programs
modprobe hvtrace && cd /lab/out || exit 1
status() { hvtrace status --format json | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }

$progs/bench | sed 's/^/bare /'
hvtrace attach
$progs/bench | sed 's/^/attached /'
for watches in 1 10000; do
	set -- cell,1024
	i=1
	while [ $i -lt $watches ]; do
		set -- "$@" "others+$((i * 64)),8"
		i=$((i + 1))
	done
	exits=$(status exits_total) steps=$(status steps_retired)
	hvtrace watch "$@" -a rw -q -o bench.data -- $progs/bench >costs || exit 1
	exits=$(($(status exits_total) - exits)) steps=$(($(status steps_retired) - steps))
	sed "s/^/$watches /" costs
	echo "$watches exits $exits"
	echo "$watches steps $steps"
done
hvtrace detach
