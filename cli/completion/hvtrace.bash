# SPDX-License-Identifier: GPL-2.0-only
# bash completion of hvtrace: the program itself knows its commands and options.
_hvtrace()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local dump
	dump=$(hvtrace --dump-options 2>/dev/null)
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "help $(cut -d' ' -f1 <<<"$dump" | sort -u)" -- "$cur"))
	elif [ "$prev" = --format ]; then
		case ${COMP_WORDS[1]} in
		watch | script) COMPREPLY=($(compgen -W "text json mmiotrace" -- "$cur")) ;;
		*) COMPREPLY=($(compgen -W "text json" -- "$cur")) ;;
		esac
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(sed -n "s/^${COMP_WORDS[1]} //p" <<<"$dump")" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -F _hvtrace hvtrace
