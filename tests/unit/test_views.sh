#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Views over traces: call trees, coverage, Tenet's text, each of a real program that was
# stepped with ptrace on this machine. Prints TAP.
build=$1
tests=$2
hvt=$build/cli/hvtrace
steplog=$build/tests/unit/steplog
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

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

# compare SCRIPT ARGUMENT...: its test points become ours.
compare()
{
	/usr/bin/python3 "$@" >"$tmp/tap" 2>"$tmp/err"
	status=$?
	sed '/^1\.\./d; s/^\(not ok\|ok\) [0-9]* - /\1 - /' "$tmp/tap" >"$tmp/points"
	while IFS= read -r line; do
		case $line in
		'ok - '*) n=$((n + 1)); echo "ok $n - $what: ${line#ok - }" ;;
		'not ok - '*) n=$((n + 1)); failed=$((failed + 1)); echo "not ok $n - $what: ${line#not ok - }" ;;
		*) echo "$line" ;;
		esac
	done <"$tmp/points"
	grep -q '^1\.\.' "$tmp/tap" && ! { [ $status -ne 0 ] && ! grep -q '^not ok' "$tmp/tap"; }
	ok $? "$what: $(basename "$1") came to its end"
}

# the same program by itself and with libraries
for what in static dynamic; do
	link=
	[ $what = static ] && link=-static
	gcc -O1 -fno-inline $link -finstrument-functions -o "$tmp/$what" "$tests/stepped_calls.c" 2>"$tmp/err"
	ok $? "$what: compiled"
	with=--regs
	[ $what = static ] && with='--regs --mem'
	# shellcheck disable=SC2086 # they are words
	"$steplog" $with "$tmp/$what.data" "$tmp/$what" "$tmp/truth" 2>"$tmp/err"
	ok $? "$what: stepped"
	"$hvt" verify "$tmp/$what.data" >"$tmp/err" 2>&1
	ok $? "$what: verified"
	"$hvt" script --format json "$tmp/$what.data" >"$tmp/$what.json" 2>"$tmp/err"
	ok $? "$what: as JSON lines"
	compare "$tests/views_calls.py" "$hvt" "$tmp/$what.data" "$tmp/$what" "$tmp/truth" "$tmp/$what.json"
	compare "$tests/views_drcov.py" "$hvt" "$tmp/$what.data" "$tmp/$what.json"
done
"$hvt" export --format tenet -o "$tmp/tenet" "$tmp/static.data" 2>"$tmp/err"
[ $? -eq 0 ] && [ "$(ls "$tmp/tenet" | wc -l)" -eq 1 ]
ok $? "tenet: one thread, one file"
what=static
compare "$tests/views_tenet.py" "$tmp"/tenet/*.log "$tmp/static.json"

# lines of source: the same program counts for itself, too
what=gcov
(
	cd "$tmp" && gcc -O0 -g --coverage -o gcov "$tests/stepped_calls.c" &&
		"$steplog" gcov.data ./gcov truth && gcov --json-format --stdout gcov-stepped_calls.gcda >gcov.json
) 2>"$tmp/err"
ok $? "lcov: compiled, stepped, counted"
formats='folded drcov tenet'
"$hvt" export --format lcov -o "$tmp/info" "$tmp/gcov.data" 2>"$tmp/err"
case $? in
3)
	grep -q 'lcov: .*libdw; try: ' "$tmp/err"
	ok $? "lcov: a build without libdw says so"
	;;
*)
	formats="$formats lcov"
	compare "$tests/views_lcov.py" "$tmp/info" "$tmp/gcov.json" "$tests/stepped_calls.c"
	lcov --extract "$tmp/info" '*/stepped_calls.c' -o "$tmp/extract" >"$tmp/err" 2>&1 &&
		genhtml -o "$tmp/html" "$tmp/extract" >>"$tmp/err" 2>&1 &&
		[ -f "$tmp/html/index.html" ]
	ok $? "lcov: lcov and genhtml read it"
	strip --strip-all "$tmp/gcov"
	"$hvt" export --format lcov -o "$tmp/info" "$tmp/gcov.data" 2>"$tmp/err"
	[ $? -eq 0 ] || grep -q 'debug information here; try: ' "$tmp/err" && ! grep -q stepped_calls "$tmp/info"
	ok $? "lcov: nothing of a file without debug information"
	;;
esac

# cut short: what is there, one line, exit 1
head -c $(($(wc -c <"$tmp/static.data") - 100)) "$tmp/static.data" >"$tmp/cut"
for format in folded drcov tenet; do
	"$hvt" export --format $format -o "$tmp/cut.$format" "$tmp/cut" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && [ -s "$tmp/cut.$format" ]
	ok $? "$format: a cut log is exported as far as it goes, one line, exit 1"
done
"$hvt" report --calls "$tmp/cut" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q 'static:main' "$tmp/out"
ok $? "report --calls: as well"

# what a log does not have
"$build/tests/unit/mklog" >"$tmp/accesses"
for format in $formats; do
	"$hvt" export --format $format -o "$tmp/none" "$tmp/accesses" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q 'no instructions; try: hvtrace trace' "$tmp/err"
	ok $? "$format: a log of accesses alone: one line, exit 1"
	rm -rf "$tmp/none"
done
"$hvt" export --format tenet -o "$tmp/none" "$tmp/dynamic.data" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q 'no memory operands; try: hvtrace trace --regs --mem' "$tmp/err" &&
	[ ! -e "$tmp/none" ]
ok $? "tenet: a trace without memory: one line, exit 1, nothing left"

echo "1..$n"
exit $((failed != 0))
