#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Lines of source of real programs, compiled here: what addr2line says of them. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script --lines "$tmp/log" >"$tmp/out" 2>"$tmp/err"
if [ $? -eq 3 ]; then
	grep -q -- '--lines: .*libdw; try: ' "$tmp/err"
	no_lines=$?
	"$hvt" report --sort line "$tmp/log" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 3 ] && [ $no_lines -eq 0 ]
	ok $? "a build without libdw says so"
	finish
fi
compiler=$(cache CMAKE_C_COMPILER)
export compiler
python3 "$tests/lines.py" "$hvt" "$build/tests/unit/linelog" "$tmp"
