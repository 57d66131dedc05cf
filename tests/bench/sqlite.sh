#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: sqlite3 works on a database of the guest's packages (oracle/*.sql)
# while pages of its heap and stack and its library's variables are watched. Leaves
# /lab/out/sqlite.data.
out=/lab/out
mkdir -p $out
cd $out || exit 1
modprobe hvtrace || exit 1
mkfifo ask answer armed
sh /lab/in/packages.sh
sqlite3 base.db <ask &
pid=$!
exec 8>ask

# do_sql FILE: has it do what FILE says, waits for its answer.
do_sql() {
	cat "$1" - >&8 <<END
.output $out/answer
SELECT 'done';
.output $out/result
END
	read -r _ <answer
}

# start NAME: where its writable mapping begins.
start() {
	awk -v name="$1" 'index($0, name) && $2 ~ /^rw/ { split($1, a, "-"); print "0x" a[1] }' \
		/proc/$pid/maps
}

do_sql /lab/in/load.sql
until read -r _ _ _ _ _ _ _ stack _ </proc/$pid/syscall && [ -n "$stack" ]; do :; done
hvtrace watch "$(start libsqlite3),8192" "$(printf '0x%x,4096' $((stack & ~4095)))" \
	"$(start '[heap]'),262144" -a rw -p $pid -o sqlite.data 2>armed &
tracer=$!
exec 9<armed
for _ in 1 2 3; do
	read -r line <&9 && echo "$line"
done
do_sql /lab/in/work.sql
kill -INT $tracer
cat <&9
wait $tracer
echo .quit >&8
wait $pid
rm -f ask answer armed base.db packages files
