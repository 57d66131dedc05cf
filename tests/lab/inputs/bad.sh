# shellcheck shell=bash disable=SC2154,SC2086
# SPDX-License-Identifier: GPL-2.0-only
# bad.sh: what is refused: the exit code of the table in hvtrace(1), one line that names the
# remedy, and nothing armed afterwards. Sourced by suite.sh.

nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'

# --- the module is not loaded
for command in 'watch jiffies_64' attach status check; do
	ok "module not loaded: $command says so" refused 3 hvtrace $command
done
ok 'module not loaded: the remedy is modprobe' grep -q 'try: modprobe hvtrace' $T/err
ok 'the module loads' modprobe hvtrace
ok 'loading it changes nothing' idle

# --- who asks
ok 'not root: watch' refused 3 $nobody hvtrace watch jiffies_64
ok 'not root: attach' refused 3 $nobody hvtrace attach
ok 'not root: idle afterwards' idle

# --- the words
bad 2 'no spec' hvtrace watch
bad 2 'no command behind --' hvtrace watch jiffies_64 --
bad 2 'unknown option' hvtrace watch jiffies_64 --no-such
bad 2 'unknown short option' hvtrace watch jiffies_64 -Z
bad 2 'unknown access' hvtrace watch jiffies_64 -a wq
bad 2 'no access' hvtrace watch jiffies_64 -a ''
bad 2 'empty spec' hvtrace watch ''
bad 2 'spec without a symbol' hvtrace watch ,8
bad 2 'spec with a trailing comma' hvtrace watch jiffies_64,
bad 2 'spec with two lengths' hvtrace watch jiffies_64,8,8
bad 2 'spec with a trailing plus' hvtrace watch jiffies_64+
bad 2 'spec with a bad offset' hvtrace watch jiffies_64+0xzz
bad 2 'spec with an object and no symbol' hvtrace watch kernel:
bad 2 'spec with a colon first' hvtrace watch :jiffies_64
bad 2 'a number that does not end' hvtrace watch 0xfffffffffffffffff
bad 2 'zero length' hvtrace watch jiffies_64,0
bad 2 'negative length' hvtrace watch jiffies_64,-8
bad 2 'length beyond a spec' hvtrace watch jiffies_64,268435457
bad 2 'length of 64 bits' hvtrace watch jiffies_64,18446744073709551615
bad 2 'length that wraps' hvtrace watch 0xffffffffffffff00,4096
bad 2 'non-canonical address' hvtrace watch 0x800000000000
bad 2 'non-canonical address, high' hvtrace watch 0xdead000000000000
bad 2 'range into the hole' hvtrace watch -p $$ 0x7ffffffff000,8192
bad 2 'user address without a process' hvtrace watch 0x400000
bad 2 'user symbol without a process' hvtrace watch victim:counter
bad 2 'ring slots that are no power of two' hvtrace watch jiffies_64 --ring-slots 1000
bad 2 'ring slots that are absurd' hvtrace watch jiffies_64 --ring-slots 1073741824

bad 2 'physical memory by a name' hvtrace watch --phys HPET
bad 2 'physical memory that no CPU has' hvtrace watch --phys 0x10000000000000
bad 2 'physical memory beyond this CPU' hvtrace watch --phys 0xff00000000000
bad 2 'two privilege levels' hvtrace watch jiffies_64 --user --kernel
bad 2 'a value without a comparison' hvtrace watch jiffies_64 --value 5
bad 2 'a limit of none' hvtrace watch jiffies_64 --limit 0
bad 2 'runs and a value' hvtrace watch jiffies_64 --coalesce --value '> 5'
bad 1 'a CPU that is not there' hvtrace watch jiffies_64 --cpu 0,99
bad 1 'accesses by a process id that nobody has' hvtrace watch jiffies_64 --pid 4194303
bad 1 'code that is nowhere' hvtrace watch jiffies_64 --ip no_such_code
bad 1 'code of a library that is nowhere' hvtrace watch jiffies_64 --ip libno.so.1
bad 1 'code of a library that is not in the process' hvtrace watch jiffies_64 -p $$ --ip libno.so.1:f

# --- what is not there
bad 1 'unknown kernel symbol' hvtrace watch no_such_symbol_
bad 1 'unknown kernel symbol by kernel:' hvtrace watch kernel:no_such_symbol_
bad 1 'unmapped kernel address' hvtrace watch 0xffff800000001000
bad 1 'unmapped kernel address, first page of all' hvtrace watch 0xffff800000000000,4096
bad 2 'the last page of all' hvtrace watch 0xfffffffffffff000,8
bad 1 'one mapped page and an unmapped one' hvtrace watch \
	"0x$(awk '$3 == "_end" { print $1 }' /proc/kallsyms)",4194304
bad 1 'symbol unknown in a program' hvtrace watch no_such_symbol_ -- $here/victim exit 0
ok 'the program was not let go' test ! -s $T/out
bad 1 'symbol unknown in a library' hvtrace watch libc.so.6:no_such_symbol_ -- sqlite3 :memory: 'select 1'
bad 1 'object that is not mapped' hvtrace watch libno.so.1:environ -- $here/victim exit 0
bad 1 'user range that goes on for too long' hvtrace watch counter,200000000 -- $here/victim exit 0

# --- processes
$here/victim thread &
victim=$!
until_true 5 test -e "/proc/$victim/task/$((victim + 1))"
tid=$(find "/proc/$victim/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx $victim)
bad 1 'a thread id' hvtrace watch counter -p "$tid"
bad 1 'symbol unknown in a running program' hvtrace watch no_such_symbol_ -p $victim
bad 1 'object not mapped in a running program' hvtrace watch libno.so:x -p $victim
ok 'the program was not harmed' kill -0 $victim
kill -9 $victim
wait $victim 2>/dev/null
bad 1 'a dead process' hvtrace watch counter -p $victim
bad 1 'a process id that nobody has' hvtrace watch counter -p 4194303
bad 1 'a kernel thread' hvtrace watch counter -p 2
bad 2 'process id 0' hvtrace watch counter -p 0
bad 2 'two targets' hvtrace watch counter -p $$ -- true
bad 127 'a command that is not there' hvtrace watch jiffies_64 -- /no/such/command
bad 127 'a command that is not in the path' hvtrace watch jiffies_64 -- no-such-command
bad 126 'a command that is not executable' hvtrace watch jiffies_64 -- /etc/passwd
bad 126 'a directory as a command' hvtrace watch jiffies_64 -- /tmp

# --- outputs
bad 1 'output in a directory that is not there' hvtrace watch kernel:jiffies_64 -o /no/such/file -- true
bad 1 'output that is a directory' hvtrace watch kernel:jiffies_64 -o /tmp -- true
mkdir -p $T/ro
mount -t tmpfs -o ro tmpfs $T/ro
bad 1 'output on a file system that is read-only' hvtrace watch kernel:jiffies_64 -o $T/ro/file -- true
umount $T/ro

# --- logs
hvtrace watch counter -a w -q -o $T/good.data -- $here/victim exit 0 2>/dev/null
ok 'a good log' readable $T/good.data 0 100
size=$(stat -c %s $T/good.data)
head -c $((size - 64)) $T/good.data >$T/cut.data
head -c 20 $T/good.data >$T/header.data
{ head -c $((size / 2)) $T/good.data; head -c 64 /dev/zero; tail -c +$((size / 2 + 65)) $T/good.data; } >$T/damaged.data
: >$T/empty.data
echo 'not a log' >$T/text.data
cp $T/good.data $T/secret.data
chmod 600 $T/secret.data
for command in script info; do
	bad 1 "$command: no such file" hvtrace $command $T/none.data
	bad 1 "$command: a directory" hvtrace $command $T
	bad 1 "$command: empty" hvtrace $command $T/empty.data
	bad 1 "$command: text" hvtrace $command $T/text.data
	bad 1 "$command: a program" hvtrace $command /bin/true
	bad 1 "$command: cut in its header" hvtrace $command $T/header.data
	bad 2 "$command: two files" hvtrace $command $T/good.data $T/good.data
	bad 1 "$command: not readable" $nobody hvtrace $command $T/secret.data
	for file in cut damaged; do
		hvtrace $command $T/$file.data >$T/out 2>$T/err
		ok "$command: $file: status 1, one line" eval "[ $? = 1 ] && one_line $T/err"
	done
done
ok 'script: what is before the cut is printed' test -n "$(hvtrace script $T/cut.data 2>/dev/null)"
chmod 644 $T/good.data
ok 'anybody may read a log' $nobody hvtrace script $T/good.data
