#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest. Each comparison is a window of time in which both hvtrace and the
# simulator's debugger watch the same bytes; nothing else is running that touches them when
# it begins and ends. Leaves NAME.data (hvtrace's log) and NAME.pages (ADDR PHYSICAL LEN) of
# each in /lab/out. usage: suite.sh TIMES [WINDOW...]

times=$1
shift
out=/lab/out
progs=/lab/programs
mkdir -p $out
cd $out || exit 1
mkfifo said hear armed answer
modprobe hvtrace || exit 1
# Root mode's own accesses are told by where its code is.
awk '$1 == "hvtrace" { print $6, $2 }' /proc/modules >module

# arm NAME SPEC...: hvtrace watches; RANGES is what, as ADDR,LEN words. The log is read
# outside, later: nothing but the agent's work is in the window.
arm() {
	name=$1
	shift
	hvtrace watch "$@" -a rw -o - >$name.data 2>armed &
	tracer=$!
	exec 9<armed
	RANGES=''
	wanted=0
	for word; do
		case $word in -*) break ;; esac
		wanted=$((wanted + 1))
	done
	while [ $wanted -gt 0 ] && read -r line <&9; do
		echo "$line" >>$name.err
		range=$(echo "$line" |
			sed -n 's/^hvtrace: watching .* at \(0x[0-9a-f]*\), \([0-9]*\) bytes.*/\1,\2/p')
		[ -n "$range" ] || continue
		RANGES="$RANGES $range"
		wanted=$((wanted - 1))
	done
	cat <&9 >>$name.err &
	exec 9<&-
	[ $wanted = 0 ]
}

# held NAME DETAIL "SPEC..." [-t] PROGRAM...: all that the program does to these symbols.
held() {
	name=$1 detail=$2 specs=$3 mode=''
	shift 3
	[ "$1" != -t ] || { mode=-t && shift; }
	$progs/held $mode said hear "$@" >$name.out 2>$name.held &
	read -r pid <said
	# shellcheck disable=SC2086 # lists of words
	arm "$name" $specs -p "$pid" && $progs/oracle watch "$pid" $RANGES >$name.pages &&
		$progs/oracle begin "$name" "$detail"
	echo go >hear
	read -r end <said
	$progs/oracle end
	# shellcheck disable=SC2086
	$progs/oracle where "$pid" $RANGES >$name.after
	echo "$end" >hear
	wait $tracer
}

# --- the kernel's own memory: not relocated (nokaslr), so its low half is the address.
kernel() {
	arm kernel kernel:modprobe_path,256 kernel:jiffies_64,8
	physical=''
	for range in $RANGES; do
		low=${range%,*}
		physical="$physical $((0x${low#0xffffffff} & 0x7fffffff)),${range#*,}"
	done
	# shellcheck disable=SC2086
	$progs/oracle physical $physical >kernel.pages
	$progs/oracle begin kernel all
	for i in $(seq "$times"); do
		read -r _ </proc/sys/kernel/modprobe
		echo "/bin/true.$i" >/proc/sys/kernel/modprobe
	done
	$progs/oracle end
	kill -INT $tracer
	wait $tracer
}

# ask FILE: has the running sqlite3 do what FILE says, waits for its answer.
ask() {
	cat "$1" - >&8 <<END
.output $out/answer
SELECT 'done';
.output $out/sqlite.result
END
	read -r _ <answer
}

# page ADDR: the page that ADDR is in, as a spec.
page() { printf '0x%x,4096\n' $(($1 & ~4095)); }

# start NAME: where its writable mapping in sqlite3 begins.
start() {
	awk -v name="$1" 'index($0, name) && $2 ~ /^rw/ { split($1, a, "-"); print "0x" a[1] }' \
		/proc/$pid/maps
}

# at_work NAME DETAIL FILE TIMES SPEC...: all that the running sqlite3 does to these pages
# when it is asked to do what FILE says.
at_work() {
	name=$1 detail=$2 file=$3 turns=$4
	shift 4
	arm "$name" "$@" -p $pid
	# shellcheck disable=SC2086
	$progs/oracle watch $pid $RANGES >"$name.pages"
	$progs/oracle begin "$name" "$detail"
	for i in $(seq "$turns"); do
		ask "$file"
	done
	$progs/oracle end
	# shellcheck disable=SC2086
	$progs/oracle where $pid $RANGES >"$name.after"
	kill -INT $tracer
	wait $tracer
}

# start_sqlite: it waits in read(), and the frames that work are a page below. Chance may have put them into the page
# that it waits in, which is watched: twelve times the accesses. Then it is started again.
start_sqlite() {
	while :; do
		sqlite3 base.db <ask >sqlite.out 2>&1 &
		pid=$!
		exec 8>ask
		until read -r nr fd _ _ _ _ _ stack _ </proc/$pid/syscall && [ "$nr $fd" = '0 0x0' ]; do :; done
		[ $((stack & 4095)) -ge 2048 ] || return 0
		echo .quit >&8
		exec 8>&-
		wait $pid
	done
}

# A database of the machine's own packages, on which sqlite3 works while pages of its heap,
# its stack and its library's variables are watched. First little of it, with all values.
sqlite() {
	mkfifo ask
	sh /lab/in/packages.sh
	wc -l packages files >sqlite.rows
	start_sqlite
	ask /lab/in/load.sql
	library=$(start libsqlite3) heap=$(start '[heap]')
	set -- "$library,8192" "$(page "$stack")"
	for i in 1 4 8 24 32; do
		set -- "$@" "$(page $((heap + i * 4096)))"
	done
	at_work sqlvals all /lab/in/little.sql 1 "$@"
	at_work sqlite hits /lab/in/work.sql "$times" "$@"
	echo .quit >&8
	wait $pid
}

touched() { held touched all 'pages,8192 src,8 dst,8 buffer,64' $progs/touch; }
faults() { held faults all 'cell,4096' $progs/faults; }
stack() { held stack all 'area' $progs/stack "$times"; }
count() { held count all 'counter' $progs/count $((300 * times)); }
counts() { held counts hits 'counter' $progs/count $((1000 * times)) 2; }

# table NAME: all cases of tests/lab/table's program. Its arena is a file in memory; in a
# huge page, the debugger needs one watchpoint for it.
table() {
	echo always >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	held "$1" all arena -t $progs/table_"$1" "$1.expected"
	echo never >/sys/kernel/mm/transparent_hugepage/shmem_enabled
}
int() { table int; }
string() { table string; }
vector() { table vector; }

windows=${*:-kernel touched faults stack count counts int string vector sqlite}
for window in $windows; do
	$window
done
