#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Lines of source of real programs, compiled here: what addr2line says of them. Prints TAP.
build=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
hvt=$build/cli/hvtrace

"$build/tests/unit/mklog" >"$tmp/log"
"$hvt" script --lines "$tmp/log" >"$tmp/out" 2>"$tmp/err"
if [ $? -eq 3 ]; then
	grep -q -- '--lines: .*libdw; try: ' "$tmp/err"
	no_lines=$?
	"$hvt" report --sort line "$tmp/log" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 3 ] && [ $no_lines -eq 0 ] && echo 'ok 1 - a build without libdw says so' ||
		echo 'not ok 1 - a build without libdw says so'
	echo '1..1'
	exit
fi
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
export compiler
python3 "$2/lines.py" "$hvt" "$build/tests/unit/linelog" "$tmp"
