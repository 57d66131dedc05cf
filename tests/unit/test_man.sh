#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The manual says what the program does: each command has its page and its place in
# hvtrace(1) and README, each option is in its page, and each option in a page exists.
# Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"
man=$tests/../../cli/man

"$hvt" --dump-options >"$tmp/all"
for c in $(cut -d' ' -f1 "$tmp/all" | sort -u); do
	awk -v c="$c" '$1 == c { print $2 }' "$tmp/all" | sort >"$tmp/program"
	# .It Fl a , Fl -access Ar letters: the word behind each Fl, with a dash before it
	sed -n 's/^\.It \(Fl .*\)/\1/p' "$man/hvtrace-$c.1" |
		awk '{ for (i = 1; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' |
		sort >"$tmp/manual"
	diff --label program --label manual -u "$tmp/program" "$tmp/manual" >"$tmp/out"
	ok $? "hvtrace-$c(1) has the options of hvtrace $c"
done
for c in $(cut -d' ' -f1 "$tmp/all" | sort -u); do
	grep -q "^\.It Cm $c\$" "$man/hvtrace.1" && grep -q "^\.Xr hvtrace-$c 1" "$man/hvtrace.1" &&
		grep -q "(cli/man/hvtrace-$c\.1)" "$tests/../../README.md"
	ok $? "$c is in hvtrace(1) and in README"
done
for page in "$man"/*.[15]; do
	command -v mandoc >/dev/null || break
	mandoc -Tlint -Wwarning "$page" >"$tmp/out" 2>&1
	ok $? "$(basename "$page") is good mdoc"
done
finish
