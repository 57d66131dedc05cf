#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Views over traces: call trees, coverage, Tenet's text, each of a real program that was
# stepped with ptrace on this machine. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"
steplog=$build/tests/unit/steplog

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
	points "$what: calls" /usr/bin/python3 "$tests/views_calls.py" "$hvt" "$tmp/$what.data" "$tmp/$what" "$tmp/truth" "$tmp/$what.json"
	points "$what: drcov" /usr/bin/python3 "$tests/views_drcov.py" "$hvt" "$tmp/$what.data" "$tmp/$what.json"
done
"$hvt" export --format tenet -o "$tmp/tenet" "$tmp/static.data" 2>"$tmp/err"
[ $? -eq 0 ] && [ "$(ls "$tmp/tenet" | wc -l)" -eq 1 ]
ok $? "tenet: one thread, one file"
points tenet /usr/bin/python3 "$tests/views_tenet.py" "$tmp"/tenet/*.log "$tmp/static.json"

# lines of source: the same program counts for itself, too
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
	"$hvt" script --lines "$tmp/gcov.data" >"$tmp/lines"
	points lcov /usr/bin/python3 "$tests/views_lcov.py" "$tmp/info" "$tmp/gcov.json" "$tests/stepped_calls.c" "$tmp/lines"
	lcov --extract "$tmp/info" '*/stepped_calls.c' -o "$tmp/extract" >"$tmp/err" 2>&1 &&
		genhtml -o "$tmp/html" "$tmp/extract" >>"$tmp/err" 2>&1 &&
		[ -f "$tmp/html/index.html" ]
	ok $? "lcov: lcov and genhtml read it"
	# code in two pieces, and inlined in two places, one of them a loop
	cat >"$tmp/pieces.c" <<-'END'
		#include <stdio.h>
		static inline __attribute__((always_inline)) int more(int n) { volatile int v = n; return v + 1; }
		__attribute__((cold, noinline)) void wrong(const char *s) { puts(s); }
		__attribute__((noinline)) int run(int argc, char **argv)
		{
			int n = more(0);
			for (int i = 0; i < argc + 2; i++)
				n = more(n);
			if (argc > 1) {
				wrong(argv[0]);
				wrong(argv[1]);
			}
			return n != 4;
		}
		int main(int argc, char **argv) { return run(argc, argv); }
	END
	gcc -O2 -g -o "$tmp/pieces" "$tmp/pieces.c" && nm "$tmp/pieces" | grep -q ' run\.cold$' &&
		"$steplog" "$tmp/pieces.data" "$tmp/pieces" 2>"$tmp/err" &&
		"$hvt" export --format lcov -o "$tmp/pieces.info" "$tmp/pieces.data" 2>>"$tmp/err" &&
		sed -n '/pieces.c$/,/end_of_record/p' "$tmp/pieces.info" >"$tmp/err" &&
		[ "$(grep -cx -e FN:2,more -e FN:4,run -e FNDA:1,more -e FNDA:1,run -e FNDA:0,wrong -e DA:2,3 "$tmp/err")" = 6 ]
	ok $? "lcov: a function in pieces, and one that is inlined"
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

finish
