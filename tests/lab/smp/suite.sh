#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: the logs, the programs' own notes and the machine's status that
# check.py judges outside. usage: suite.sh CPUS ACCESSES [long]
# ACCESSES is how many each of two threads makes in the long run; "long" does only that.

cpus=$1 accesses=$2 only=$3
many=10000
out=/lab/out
progs=/lab/programs
mkdir -p $out
cd $out || exit 1
echo "$cpus" >cpus
echo $many >many
modprobe hvtrace || exit 1
hvtrace attach >attach.out 2>&1 || exit 1

# Where the time goes: seconds of the guest's own clock.
said() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }

status() { hvtrace status --format json >"$1.status"; }

# traced NAME SPEC... -- MODE N THREADS [COMMAND]: one run of the program under watches.
traced() {
	name=$1 watches=''
	shift
	while [ "$1" != -- ]; do
		watches="$watches $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # a list
	hvtrace watch $watches -q -o "$name.data" -- $progs/smp "$name.truth" "$@" >"$name.out" 2>"$name.err"
	echo $? >"$name.rc"
	said "$name"
}

# bytes FIRST LAST: a watch on each of these bytes of area, by address: a symbol is looked up in
# the file each time.
bytes() {
	i=$1
	while [ "$i" -le "$2" ]; do
		echo "$((area + i)),1"
		i=$((i + 1))
	done
}

area=$($progs/smp | cut -d' ' -f1)
echo "$area" >area
status start
read -r since _ </proc/uptime
traced long --ring-slots 1048576 area -- mixed "$accesses" 2
read -r until _ </proc/uptime
echo "$since $until" >long.time
if [ -z "$only" ]; then
	traced mixed area -- mixed $((40000 / cpus)) "$cpus"

	# --- other watches come and go on the same bytes, and next to them. The program goes on while
	# it is asked to: a round for each line to `rounds`, so that there is something to see for each
	# short watch once it is armed. The even ones end by themselves in the middle of a round.
	mkfifo rounds
	exec 3<>rounds
	hvtrace watch area -q -o busy.data -- $progs/smp busy.truth rounds $((16000 / cpus)) "$cpus" \
		<rounds 3>&- >busy.out 2>busy.err &
	busy=$!
	until pid=$(pgrep -x smp) || ! kill -0 $busy; do :; done
	$progs/smp_arm "$pid" "$((area + 0x40))" 8 arm.enough 3>&- >arm.out 2>arm.err &
	arm=$!
	n=0
	while kill -0 $arm && { [ $n -lt 6 ] || [ ! -e arm.enough ]; }; do
		limit=$([ $((n % 2)) = 1 ] || echo '--limit 50')
		# shellcheck disable=SC2086 # nothing or two words
		hvtrace watch -p "$pid" area+0x48,8 area+0xff0,32 $limit -o "side.$n.data" \
			3>&- >"side.$n.lines" 2>"side.$n.err" &
		side=$!
		until grep -q ': watching ' "side.$n.err" || ! kill -0 $side; do :; done
		echo >&3
		if [ -z "$limit" ]; then
			until [ -s "side.$n.lines" ] || ! kill -0 $side; do :; done
			kill -INT $side
		fi
		wait $side
		echo "$? ${limit#--limit }" >"side.$n.end"
		n=$((n + 1))
	done 2>kill.err
	exec 3>&-
	said busy
	wait $arm
	echo $? >arm.rc
	wait $busy
	echo $n >sides

	# --- what an event costs with few watches and with many: eight of one byte on the word, and
	# those among very many. All but the byte that the program touches itself.
	for count in 8 $many; do
		watches=$(bytes 64 71)
		[ "$count" = 8 ] || watches="$(bytes 0 2047) $(bytes 2049 $many)"
		# shellcheck disable=SC2086 # a list
		traced word.$count $watches -- word 4000 1 'hvtrace status --format json >before.status' \
			'hvtrace status --format json >after.status'
		mv before.status word.$count.before.status
		mv after.status word.$count.after.status
	done

	# --- all of them, and on all CPUs
	# shellcheck disable=SC2046 # a list
	traced many $(bytes 0 $((many - 1))) "area+$many,$((16384 - many))" -- mixed $((20000 / cpus)) "$cpus"

	# --- ranges one over the other; 64 MiB
	traced overlap -a rw area -a r area+0x40,8 -a w area+0x44,4 -a rw area+0xffc,8 area+0xffe,4 \
		-a w area+0x1000,4096 -a r area+0x47,1 -- mixed $((20000 / cpus)) "$cpus"
	traced big big -- big 0 2 '' 'hvtrace status --format json >big.status'
fi
status end
dmesg >dmesg
