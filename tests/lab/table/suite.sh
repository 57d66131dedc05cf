#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each part of the table bare and traced; leaves what check.py judges.
# usage: suite.sh NAME...

out=/lab/out
mkdir -p $out
cd $out || exit 1
programs=/lab/programs
table=/proc/hvt_table
modprobe hvtrace && insmod /lab/modules/hvt_table.ko || exit 1

# where NAME: an address that the module tells
where() { sed -n "1s/.*\"$1\":\([0-9]*\).*/\1/p" $table; }

# traced NAME WATCH... -- COMMAND: traced, with all that it leaves
traced() {
	name=$1
	shift
	hvtrace watch --format json "$@" >"$name.events" 2>"$name.err"
	echo $? >"$name.status"
}

for name; do
	case $name in
	module)
		echo run >$table && cat $table >module.bare && echo reset >$table
		traced module "$(where page),4096" -a rw -- sh -c "echo run >$table"
		cat $table >module.expected
		;;
	descriptors)
		$programs/descriptors descriptors.bare || exit 1
		traced descriptors "$(where gdt),128" "$(where idt),4096" "$(where tss),104" -a rw \
			-- $programs/descriptors descriptors.expected
		;;
	walks)
		mkfifo go said && exec 3<>go 4<>said
		$programs/walks <go >said &
		read -r address memory pages <said
		echo "$address $memory $pages" >walks.expected
		traced walks "$address,4096" -a rw -- sh -c 'echo >go; read -r line <said; test "$line" = done'
		wait
		;;
	coalesced)
		$programs/table_string coalesced.bare || exit 1
		# shellcheck disable=SC2046 # the watches are words
		traced coalesced $($programs/table_string watch) --coalesce -- $programs/table_string coalesced.expected
		;;
	*)
		$programs/$name $name.bare || { echo "$name: status $?"; exit 1; }
		# shellcheck disable=SC2046 # the watches are words
		traced $name $($programs/$name watch) -- $programs/$name $name.expected
		;;
	esac
done
