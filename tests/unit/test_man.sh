#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The manual says what the program does: each command has its page and its place in
# hvtrace(1) and README, each option is in its page, and each option in a page exists.
# Prints TAP.
hvt=$1/cli/hvtrace
man=$2/../../cli/man
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

"$hvt" --dump-options >"$tmp/all"
for c in $(cut -d' ' -f1 "$tmp/all" | sort -u); do
	n=$((n + 1))
	awk -v c="$c" '$1 == c { print $2 }' "$tmp/all" | sort >"$tmp/program"
	# .It Fl a , Fl -access Ar letters: the word behind each Fl, with a dash before it
	sed -n 's/^\.It \(Fl .*\)/\1/p' "$man/hvtrace-$c.1" |
		awk '{ for (i = 1; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' |
		sort >"$tmp/manual"
	if diff "$tmp/program" "$tmp/manual" >"$tmp/diff"; then
		echo "ok $n - hvtrace-$c(1) has the options of hvtrace $c"
	else
		echo "not ok $n - hvtrace-$c(1): < only in the program, > only in the manual"
		sed 's/^/# /' "$tmp/diff"
		failed=1
	fi
done
for c in $(cut -d' ' -f1 "$tmp/all" | sort -u); do
	n=$((n + 1))
	if grep -q "^\.It Cm $c\$" "$man/hvtrace.1" && grep -q "^\.Xr hvtrace-$c 1" "$man/hvtrace.1" &&
		grep -q "(cli/man/hvtrace-$c\.1)" "$2/../../README.md"; then
		echo "ok $n - $c is in hvtrace(1) and in README"
	else
		echo "not ok $n - $c is in hvtrace(1) and in README"
		failed=1
	fi
done
for page in "$man"/*.[15]; do
	command -v mandoc >/dev/null || break
	n=$((n + 1))
	if mandoc -Tlint -Wwarning "$page" >"$tmp/lint" 2>&1; then
		echo "ok $n - $(basename "$page") is good mdoc"
	else
		echo "not ok $n - $(basename "$page") is good mdoc"
		sed 's/^/# /' "$tmp/lint"
		failed=1
	fi
done
echo "1..$n"
exit $failed
