#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The Python module against the program, with numpy and capstone and with nothing but Python;
# and the examples. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"
python=$tests/../../cli/python
# as it is installed: with what was made when it was built
mkdir "$tmp/python"
cp -r "$python/hvtrace" "$tmp/python/"
cp "$build/cli/python/hvtrace/_syscalls.py" "$tmp/python/hvtrace/"
export PYTHONPATH="$tmp/python" HVTRACE_LIBRARY= # whatever is installed

"$build/tests/unit/mklog" >"$tmp/sample"
"$build/tests/unit/mklog" filtered >"$tmp/filtered"
"$build/tests/unit/mklog" marks >"$tmp/marks"
"$build/tests/unit/mklog" traced >"$tmp/traced"
points facts /usr/bin/python3 -S "$tests/python_facts.py"
points 'with numpy' /usr/bin/python3 "$tests/python_log.py" "$hvt" "$tmp" "$tmp/sample" "$tmp/filtered" "$tmp/marks" "$tmp/traced"
for seed in 1 2; do
	"$build/tests/unit/mklog" random $seed >"$tmp/random$seed"
done
"$build/tests/unit/mkevents" 4500 >"$tmp/events"
"$build/tests/unit/mkevents" 4500 counter >"$tmp/counter"
# a real program's instructions
gcc -O1 -static -o "$tmp/program" "$tests/stepped_calls.c" 2>"$tmp/err"
ok $? "a program is compiled"
"$build/tests/unit/steplog" --regs --mem "$tmp/stepped" "$tmp/program" "$tmp/truth" 2>"$tmp/err"
ok $? "it is stepped"
set -- "$tmp/sample" "$tmp/marks" "$tmp/random1" "$tmp/random2" "$tmp/events" "$tmp/counter" "$tmp/traced" "$tmp/stepped"
points 'columns' /usr/bin/python3 "$tests/python_columns.py" "$@"
# a sanitized library needs its runtime loaded first
preload=
[ "$(cache HVTRACE_SANITIZE)" != ON ] || preload=$("$(cache CMAKE_C_COMPILER)" -print-file-name=libasan.so)
case $preload in
'' | /*)
	points 'columns by libhvtrace' env LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 \
		HVTRACE_LIBRARY="$build/cli/libhvtrace.so.0" /usr/bin/python3 "$tests/python_columns.py" library "$@"
	;;
*) ok 0 "columns by libhvtrace # SKIP no runtime of this compiler's sanitizer" ;;
esac
# -S: without the packages of the system
points 'alone' /usr/bin/python3 -S "$tests/python_log.py" "$hvt" "$tmp" "$tmp/sample" "$tmp/traced"

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
example hot "$tmp/traced" 5
"$hvt" script --format json "$tmp/traced" >"$tmp/json" 2>"$tmp/err"
most=$(sed -n '/"type":"insn"/s/.*"ip":"\(0x[0-9a-f]*\)".*/\1/p' "$tmp/json" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
[ -n "$most" ] && grep -qE "^ +$most  .* [0-9]+ threads\$" "$tmp/out" && [ "$(wc -l <"$tmp/out")" -eq 5 ]
ok $? "hot: the instruction that ran most often"
example diff "$tmp/sample" "$tmp/sample" && grep -qx 'the same accesses' "$tmp/out"
ok $? "diff: a run and itself"
example diff "$tmp/sample" "$tmp/filtered"
[ $? -eq 1 ] && grep -q '^they differ from access 0 on:$' "$tmp/out"
ok $? "diff: the first access that differs"

finish
