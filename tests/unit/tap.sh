# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# What the shell tests share: where things are, a directory for what they write, TAP. Sourced
# with the test's own arguments, which are the build directory and this one.
# shellcheck disable=SC2034 # most are for the tests
build=$(cd "$1" && pwd) tests=$(cd "$2" && pwd)
hvt=$build/cli/hvtrace
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# tap.py is found, and nothing is left beside it
PYTHONPATH=$tests PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
n=0 failed=0

# ok STATUS DESCRIPTION: when it failed, with the ends of $tmp/err and $tmp/out
ok()
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	failed=$((failed + 1))
	for file in "$tmp/err" "$tmp/out"; do
		[ ! -e "$file" ] || tail -n 20 "$file" | sed 's/^/# /'
	done
}

# points PREFIX COMMAND...: its test points become ours
points()
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

# cache VARIABLE: what the build was configured with
cache()
{
	sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

finish()
{
	echo "1..$n"
	exit $((failed != 0))
}
