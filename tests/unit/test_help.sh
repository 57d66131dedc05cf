#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What people type: --help of each command fits a screen of 24 lines and 80 columns, and
# bash completes commands, options and choices as the option tables have them. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"
completion=$tests/../../cli/completion/hvtrace.bash

"$hvt" --dump-options >"$tmp/all"
commands=$(cut -d' ' -f1 "$tmp/all" | sort -u)
for c in '' $commands; do
	"$hvt" $c --help >"$tmp/help"
	[ "$(wc -l <"$tmp/help")" -le 24 ] && [ "$(wc -L <"$tmp/help")" -le 80 ]
	ok $? "hvtrace $c --help fits 24x80: $(wc -l <"$tmp/help")x$(wc -L <"$tmp/help")"
done
for c in $commands; do
	"$hvt" $c --help >"$tmp/help"
	missing=$(awk -v c="$c" '$1 == c && length($2) > 2 { print $2 }' "$tmp/all" | while read -r o; do
		grep -qe "$o\b" "$tmp/help" || echo "$o"
	done)
	[ -z "$missing" ]
	ok $? "and names all its options: $missing"
done

# complete WORD...: what bash offers for the last one
cat >"$tmp/complete" <<'SH'
PATH=$1:$PATH
. "$2"
shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hvtrace
printf '%s\n' "${COMPREPLY[@]}"
SH
offers() # EXPECTED WORD...
{
	want=$1
	shift
	got=$(bash "$tmp/complete" "$build/cli" "$completion" "$@" | sort | tr '\n' ' ')
	[ "$got" = "$want" ]
	ok $? "completes $*: $got"
}
offers "$(printf '%s\nhelp\n' "$commands" | sort | tr '\n' ' ')" hvtrace ''
for c in $commands; do
	offers "$(awk -v c="$c" '$1 == c { print $2 }' "$tmp/all" | sort | tr '\n' ' ')" hvtrace "$c" -
done
offers 'csv json mmiotrace perf-script text ' hvtrace script --format ''
offers 'json text ' hvtrace info --format ''

finish
