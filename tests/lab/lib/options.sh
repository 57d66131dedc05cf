# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# options.sh: the options that run and shell share. Sourced; what it sets is used by the sourcing script.
# shellcheck disable=SC2034

# usage: OPERANDS is what follows the options.
usage() {
	cat >&2 <<END
usage: tests/lab/${0##*/} [option]...${OPERANDS:+ $OPERANDS}
  --kernel 6.1|6.12|7.2     which Debian's kernel (6.1)
  --cpus N                  1 to 4 (1)
  --memory MIB              guest memory (512)
  --package NAME            a Debian package in the guest; may be repeated
  --in DIR, --out DIR       copied to /lab/in; filled from /lab/out, and console.log
  --timeout SECONDS         wall time of the boot and the command (300; shell: none)
  --cpu-model MODEL         of the simulator (corei7_skylake_x)
  --cmdline 'ARGS'          more kernel arguments
  --kaslr                   leave KASLR on, as users have it
  --no-build                use the last build as it is
  --no-userland             build the module only
  --debugger COMMAND        a program that talks to the simulator's debugger (slower simulator)
  --simulator-log FILE      keep what the simulator says
END
	exit "$LAB_USAGE"
}

bad_option() { die "$LAB_USAGE" "$1; try: tests/lab/${0##*/} --help"; }

# parse_options ARG...: sets the variables below and COMMAND, the words after `--`.
parse_options() {
	KERNEL=6.1 CPUS=1 MEMORY=512 PACKAGES=() IN='' OUT='' TIMEOUT=${DEFAULT_TIMEOUT:-300} MODEL=corei7_skylake_x
	CMDLINE='' KASLR=nokaslr MODE=build DEBUGGER='' SIMULATOR_LOG='' COMMAND=()
	while [ $# -gt 0 ]; do
		case $1 in
		--kaslr) KASLR='' ;;
		--no-build | --no-userland) MODE=${1#--} ;;
		--help | -h) usage ;;
		--)
			shift
			COMMAND=("$@")
			break
			;;
		--*=*)
			set -- "${1%%=*}" "${1#*=}" "${@:2}"
			continue
			;;
		--kernel | --cpus | --memory | --package | --in | --out | --timeout | --cpu-model | \
			--cmdline | --debugger | --simulator-log)
			[ $# -ge 2 ] || bad_option "$1 needs a value"
			set_option "$1" "$2"
			shift
			;;
		*) bad_option "unknown option $1" ;;
		esac
		shift
	done
	check_options
}

set_option() {
	case $1 in
	--kernel) KERNEL=$2 ;;
	--cpus) CPUS=$2 ;;
	--memory) MEMORY=$2 ;;
	--package) PACKAGES+=("$2") ;;
	--in) IN=$2 ;;
	--out) OUT=$2 ;;
	--timeout) TIMEOUT=$2 ;;
	--cpu-model) MODEL=$2 ;;
	--cmdline) CMDLINE=$2 ;;
	--debugger) DEBUGGER=$2 ;;
	--simulator-log) SIMULATOR_LOG=$2 ;;
	esac
}

check_options() {
	[[ $KERNEL =~ ^[0-9]+\.[0-9]+$ ]] || bad_option "--kernel $KERNEL: not a version like 6.1"
	[[ $CPUS =~ ^[1-4]$ ]] || bad_option "--cpus $CPUS: not 1 to 4"
	[[ $MEMORY =~ ^[0-9]+$ && $MEMORY -ge 128 && $MEMORY -le 3072 ]] ||
		bad_option "--memory $MEMORY: not 128 to 3072 (MiB)"
	[[ $TIMEOUT =~ ^[0-9]+$ ]] || bad_option "--timeout $TIMEOUT: not seconds"
	[ -z "$IN" ] || [ -d "$IN" ] || bad_option "--in $IN: no such directory"
	[ -z "$OUT" ] || mkdir -p "$OUT" || exit "$LAB_USAGE"
}
