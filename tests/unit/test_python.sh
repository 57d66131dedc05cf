#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The Python module against the program, with numpy and capstone and with nothing but Python;
# and the examples. Prints TAP.
build=$1
tests=$2
hvt=$build/cli/hvtrace
python=$tests/../../cli/python
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0
# as it is installed: with what was made when it was built
mkdir "$tmp/python"
cp -r "$python/hvtrace" "$tmp/python/"
cp "$build/cli/python/hvtrace/_syscalls.py" "$tmp/python/hvtrace/"
PYTHONPATH=$tmp/python
PYTHONDONTWRITEBYTECODE=1
HVTRACE_LIBRARY= # whatever is installed
export PYTHONPATH PYTHONDONTWRITEBYTECODE HVTRACE_LIBRARY

ok() # STATUS DESCRIPTION
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$tmp/err"
		failed=$((failed + 1))
	fi
}

# compare PREFIX COMMAND...: its test points become ours
compare()
{
	prefix=$1
	shift
	"$@" >"$tmp/tap" 2>"$tmp/err"
	status=$?
	grep -v '^1\.\.' "$tmp/tap" >"$tmp/points"
	while IFS= read -r line; do
		case $line in
		'ok '*) n=$((n + 1)); echo "ok $n - $prefix: ${line#ok * - }" ;;
		'not ok '*) n=$((n + 1)); failed=$((failed + 1)); echo "not ok $n - $prefix: ${line#not ok * - }" ;;
		*) echo "$line" ;;
		esac
	done <"$tmp/points"
	grep -q '^1\.\.' "$tmp/tap" && { [ $status -eq 0 ] || grep -q '^not ok' "$tmp/tap"; }
	ok $? "$prefix: it came to its end"
}

"$build/tests/unit/mklog" >"$tmp/sample"
"$build/tests/unit/mklog" filtered >"$tmp/filtered"
"$build/tests/unit/mklog" marks >"$tmp/marks"
"$build/tests/unit/mklog" traced >"$tmp/traced"
compare facts /usr/bin/python3 -S "$tests/python_facts.py"
compare 'with numpy' /usr/bin/python3 "$tests/python_log.py" "$hvt" "$tmp" "$tmp/sample" "$tmp/filtered" "$tmp/marks" "$tmp/traced"
for seed in 1 2; do
	"$build/tests/unit/mklog" random $seed >"$tmp/random$seed"
done
"$build/tests/unit/mkevents" 4500 >"$tmp/events"
"$build/tests/unit/mkevents" 4500 counter >"$tmp/counter"
set -- "$tmp/sample" "$tmp/marks" "$tmp/random1" "$tmp/random2" "$tmp/events" "$tmp/counter"
compare 'columns' /usr/bin/python3 "$tests/python_columns.py" "$@"
# a sanitized library needs its runtime loaded first
cache() # VARIABLE
{
	sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
preload=
[ "$(cache HVTRACE_SANITIZE)" != ON ] || preload=$("$(cache CMAKE_C_COMPILER)" -print-file-name=libasan.so)
case $preload in
'' | /*)
	compare 'columns by libhvtrace' env LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 \
		HVTRACE_LIBRARY="$build/cli/libhvtrace.so.0" /usr/bin/python3 "$tests/python_columns.py" library "$@"
	;;
*) ok 0 "columns by libhvtrace # SKIP no runtime of this compiler's sanitizer" ;;
esac
# -S: without the packages of the system
compare 'alone' /usr/bin/python3 -S "$tests/python_log.py" "$hvt" "$tmp" "$tmp/sample" "$tmp/traced"

# --- the examples, on questions whose answers are known
example()
{
	name=$1
	shift
	/usr/bin/python3 "$python/examples/$name.py" "$@" >"$tmp/out" 2>"$tmp/err"
}

example who_wrote "$tmp/sample" 0x404010,8
grep -qE 'prog  +prog  +0x2  mov dword ptr \[rdi\], eax$' "$tmp/out" && ! grep -q swapper "$tmp/out"
ok $? "who_wrote: by whom, from where, what"
example page "$tmp/sample" 0x404abc
grep -qE '^ +[0-9]+  rw +0x0*401000  ' "$tmp/out" && [ "$(wc -l <"$tmp/out")" -eq 1 ]
ok $? "page: the one instruction that touches it"
example history "$tmp/sample" 0x404010,16
grep -q '  3031323334353637 3839616263646566 -> 4142434445464748 494a4b4c4d4e4f50$' "$tmp/out"
ok $? "history: what it held before and after"
example diff "$tmp/sample" "$tmp/sample" && grep -qx 'the same accesses' "$tmp/out"
ok $? "diff: a run and itself"
example diff "$tmp/sample" "$tmp/filtered"
[ $? -eq 1 ] && grep -q '^they differ from access 0 on:$' "$tmp/out"
ok $? "diff: the first access that differs"

echo "1..$n"
exit $((failed != 0))
