# SPDX-License-Identifier: GPL-2.0-only
# bash completion of hvtrace: the program itself knows its commands, options and choices.
_hvtrace()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} dump choices
	dump=$(hvtrace --dump-options 2>/dev/null)
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "help $(cut -d' ' -f1 <<<"$dump" | sort -u)" -- "$cur"))
		return
	fi
	choices=$(awk -v c="${COMP_WORDS[1]}" -v o="$prev" '$1 == c && $2 == o && $3 ~ /[|]/ {
		gsub(/[|]/, " ", $3); print $3 }' <<<"$dump")
	if [ -n "$choices" ]; then
		COMPREPLY=($(compgen -W "$choices" -- "$cur"))
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(awk -v c="${COMP_WORDS[1]}" '$1 == c { print $2 }' <<<"$dump")" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -F _hvtrace hvtrace
