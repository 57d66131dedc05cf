#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# end.sh: attached, with programs running, the machine ends. usage: end.sh reboot|panic
# shellcheck source=/dev/null
. /lab/in/tap.sh
modprobe hvtrace
ok 'attach' hvtrace attach
ok 'every CPU is under VMX' attached "$CPUS"
plan
programs_start
# Long enough for the lines above to get out, and for the programs to run.
"$IN/probe" ioport >/dev/null
case $1 in
reboot) reboot -f || echo b >/proc/sysrq-trigger ;;
panic) echo c >/proc/sysrq-trigger ;;
esac
