# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0-only
# targets.sh: what the watched process does, and several watches at a time. begin and ended
# are those of ends.sh. Sourced by suite.sh.

# --- how a command ends
for case in 'exit 0 0' 'exit 7 7' 'raise 11 139' 'raise 9 137' 'raise 15 143'; do
	read -r how n code <<<"$case"
	timeout -k 5 30 hvtrace watch counter -a w --format json -- $here/victim "$how" "$n" >$T/end.out 2>$T/end.err
	ok "a command that ends by $how $n: status $code" equal $? "$code"
	ok "a command that ends by $how $n: all 100 writes" equal "$(events $T/end.out '"new"')" 100
done
ok 'commands that ended: nothing is armed' soon_idle

# --- an address where nothing is mapped yet
timeout -k 5 30 hvtrace watch 0x1000,8 -q -- $here/victim exit 7 >$T/wait.out 2>$T/wait.err
ok 'an address not mapped: the command runs' equal $? 7
ok 'an address not mapped: one note says so' eval "
	[ \$(wc -l <$T/wait.err) = 1 ] && grep -q '^hvtrace: 0x1000,8: nothing is mapped at 0x1000 in PID' $T/wait.err"
ok 'an address not mapped: nothing is armed afterwards' soon_idle

# --- a command with children: the parent's memory is watched, theirs is another
timeout -k 5 30 hvtrace watch counter -a w --format json -o $T/fork.data -- $here/victim fork 3 >$T/fork.out 2>$T/fork.err
ok 'a command that forks: its own status' equal $? 0
ok 'a command that forks: no value twice, 1 to 100 by the parent' eval "
	pid=\$(sed -n 's/.*\"pid\":\\([0-9]*\\).*/\\1/p' $T/fork.out | tail -n 1)
	equal \$(events $T/fork.out \"\\\"pid\\\":\$pid,\") 100"
ok 'a command that forks: nothing is armed' soon_idle
pkill -KILL -x victim
until_true 5 eval '! pgrep -x victim >/dev/null'

# --- by pid: it ends, and it becomes another program
$here/victim run &
victim=$!
begin exits counter -a w -o $T/exits.data -p $victim
kill -USR1 $victim
ok '-p of a process that ends: the watch ends with 0' ended exits 0
ok '-p of a process that ends: nothing is armed' soon_idle
ok '-p of a process that ends: the log is complete' readable $T/exits.data 0 5
wait $victim

mkfifo $T/held
$here/victim run /bin/cat $T/held &
victim=$!
begin execs counter -a w -o $T/execs.data -p $victim
kill -USR2 $victim
ok '-p of a process that executes another: that one runs' until_true 10 grep -qx cat /proc/$victim/comm
: >$T/held
ok '-p of a process that executes another: ends with it, 0' ended execs 0
wait $victim
ok '-p of a process that executes another: its status is its own' equal $? 0
ok '-p of a process that executes another: nothing is armed' soon_idle
ok '-p of a process that executes another: the log is complete' readable $T/execs.data 0 5

$here/victim run &
victim=$!
begin killed counter -a w -p $victim
kill -KILL $victim
ok '-p of a process that is killed: the watch ends with 0' ended killed 0
ok '-p of a process that is killed: nothing is armed' soon_idle
wait $victim 2>/dev/null

# --- by pid: it is in the middle of an execve, held there
mkfifo $T/go
exec 5<>$T/go
said_watching() { grep -q '^hvtrace: watching' $T/inexec.err; }
not_yet() { cat $T/inexec.err && ! said_watching; }
# in_execve ARG...: a watch on a process that is in there, until it has said something.
in_execve() {
	rm -f $T/held.out $T/inexec.err
	/lab/programs/exec_held <$T/go >$T/held.out 5>&- &
	parent=$!
	until_true 10 test -s $T/held.out
	victim=$(cat $T/held.out)
	until_true 10 grep -qE 'de_thread|begin_new_exec' "/proc/$victim/wchan" || echo "# $(cat "/proc/$victim/wchan")"
	hvtrace watch counter -a w -p "$victim" "$@" >$T/inexec.out 2>$T/inexec.err 5>&- &
	cli=$!
	until_true 20 grep -qsE '^hvtrace: watching|middle of an execve' $T/inexec.err
}
# all_from_101: each value from there on once.
all_from_101() {
	grep -o '"new":"0x[0-9a-f]*' $T/inexec.out | sed 's/.*"//' | tail -n 100 >$T/inexec.new
	for n in $(seq 101 200); do printf '0x%x\n' "$n"; done | cmp - $T/inexec.new
}
in_execve --format json -o $T/inexec.data
ok '-p of a process in an execve: not said to be watched there' not_yet
echo >&5
ok '-p of a process in an execve: watched behind it' until_true 10 said_watching
echo >&5
ok '-p of a process in an execve: the watch ends with it' ended inexec 0
wait $parent
ok '-p of a process in an execve: its status' equal $? 0
ok '-p of a process in an execve: all that it does from then on' all_from_101
in_execve
kill -INT $cli
ok '-p of a process in an execve: Ctrl-C ends the waiting' ended inexec 1
ok '-p of a process in an execve: nothing is armed' soon_idle
echo >&5
echo >&5
wait $parent
exec 5>&-

# --- two at a time
$here/victim run &
victim=$!
hvtrace watch counter -a w --format json -o $T/two1.data -p $victim >$T/two1.out 2>$T/two1.err &
first=$!
hvtrace watch counter other -a w --format json -o $T/two2.data -p $victim >$T/two2.out 2>$T/two2.err &
second=$!
until_true 20 lines_in $T/two1.out 100
until_true 20 lines_in $T/two2.out 100
ok 'two watches: both are there' eval "hvtrace status | grep -qx 'sessions: 2'"
cli=$first
kill -INT $first
ok 'two watches: the first ends with 0' ended two1 0
before=$(wc -l <$T/two2.out)
ok 'two watches: the second goes on' until_true 10 lines_in $T/two2.out $((before + 50))
kill -USR1 $victim
cli=$second
ok 'two watches: the second ends with the process' ended two2 0
ok 'two watches: both logs are complete' eval "readable $T/two1.data 0 100 && readable $T/two2.data 0 100"
for n in 1 2; do
	ok "two watches: the values in log $n go up one by one" eval "
		hvtrace script --format json $T/two$n.data | grep '\"addr_sym\":\"counter' |
		sed 's/.*\"new\":\"\\(0x[0-9a-f]*\\).*/\\1/' | { last=; while read -r v; do
			[ -z \"\$last\" ] || [ \$((v)) = \$((last + 1)) ] || { echo \$last \$v; exit 1; }
			last=\$v; done; [ -n \"\$last\" ]; }"
done
ok 'two watches: nothing is armed' soon_idle
wait $victim

# --- a program of Debian's, dynamic, by a library's symbol, doing real work
cat >$T/work.sql <<'SQL'
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 300)
	insert into t select i, printf('row %d', i * 7919 % 1000), i / 7.0 from n;
create index x on t(b);
update t set c = c + 1 where a % 3 = 0;
select count(*), sum(a), round(sum(c), 6), max(b) from t where b like '%1%';
SQL
sqlite3 :memory: <$T/work.sql >$T/sqlite.bare 2>&1
ok 'sqlite3 alone works' test -s $T/sqlite.bare
# Newer Debians link the program without its own shared library.
own=
ldd "$(command -v sqlite3)" | grep -q libsqlite3 && own=libsqlite3.so.0:sqlite3_temp_directory
hvtrace watch $own libc.so.6:environ -a rw -q -o $T/sqlite.data -- \
	sqlite3 :memory: ".read $T/work.sql" >$T/sqlite.traced 2>$T/sqlite.err
ok 'sqlite3 watched: its status' equal $? 0
ok 'sqlite3 watched: its result is the same' cmp $T/sqlite.bare $T/sqlite.traced
ok 'sqlite3 watched: the log is complete' readable $T/sqlite.data 0 1
ok 'sqlite3 watched: accesses are named' eval "grep -q '\"addr_sym\":\"\\(environ\\|_environ\\|__environ\\|sqlite3_temp_directory\\)' $T/read"
ok 'sqlite3 watched: nothing is armed' soon_idle
