# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# common.sh: what every part of the lab needs: messages, the cache, the machine's Debian mirror.
# Sourced, never run. LAB is the tests/lab directory; the sourcing script sets it.

# Statuses of the lab itself; everything else is COMMAND's own (README.md lists them).
LAB_USAGE=2 LAB_UNPREPARED=122 LAB_RESET=123 LAB_TIMEOUT=124 LAB_PANIC=125 LAB_ABORT=126
export LAB_USAGE LAB_UNPREPARED LAB_RESET LAB_TIMEOUT LAB_PANIC LAB_ABORT

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hvtrace-lab
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'lab: %s\n' "$*" >&2; }

# die STATUS MESSAGE...: one line, then leave.
die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

need_root() {
	[ "$(id -u)" = 0 ] || die "$LAB_UNPREPARED" \
		"not root: Debian trees are made with chroot and mount; try: run it as root"
}

# cached NAME FUNCTION [ARG...]: make the cache entry NAME once, by calling FUNCTION DIR ARG... in a
# subshell. It is built aside and renamed, under a lock, so that an interrupted build leaves nothing
# and two instances share the work. Prints nothing; the entry is $CACHE/NAME. The builder's output
# goes to $CACHE/logs/NAME.log and is shown when it fails.
cached() {
	local name=$1 function=$2 lock status=0 flags=$-
	shift 2
	[ -e "$CACHE/$name" ] && return 0
	mkdir -p "$CACHE/locks" "$CACHE/logs"
	exec {lock}>"$CACHE/locks/$name"
	flock "$lock"
	if [ ! -e "$CACHE/$name" ]; then
		say "preparing $name (once)"
		# Under the lock whatever an earlier attempt left here is nobody's.
		rm -rf --one-file-system "$CACHE/$name.part"
		mkdir -p "$CACHE/$name.part"
		# As a command of its own: where a status is tested, in a list or by `if`, bash
		# goes on behind what fails, whatever -e says.
		set +e
		(set -e; "$function" "$CACHE/$name.part" "$@") {lock}>&- \
			>"$CACHE/logs/$name.log" 2>&1 </dev/null
		status=$?
		[[ $flags != *e* ]] || set -e
		if [ "$status" = 0 ]; then
			mv -T "$CACHE/$name.part" "$CACHE/$name"
		else
			tail -n 15 "$CACHE/logs/$name.log" >&2
			rm -rf --one-file-system "$CACHE/$name.part"
		fi
	fi
	exec {lock}>&-
	[ "$status" = 0 ] || die "$LAB_UNPREPARED" \
		"cannot prepare $name: see the lines above; try: read $CACHE/logs/$name.log"
}

# digest: a short name for what comes in on stdin.
digest() { sha256sum | cut -c1-12; }

# Debian's mirror as this machine's own apt uses it; nothing is named here.
# shellcheck disable=SC2016 # $(REPO_URI) is for apt-get
debian_mirror() {
	local uri
	uri=${HVTRACE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
	[ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Component: main' | head -n 1)
	[ -n "$uri" ] || die "$LAB_UNPREPARED" \
		"no Debian mirror in apt's configuration; try: apt-get update, or set HVTRACE_MIRROR"
	printf '%s\n' "$uri"
}

# make_tree DIR SUITE VARIANT PACKAGES [MMDEBSTRAP OPTION...]: a Debian tree without documentation.
make_tree() {
	local dir=$1 suite=$2 variant=$3 packages=$4 line options=()
	shift 4
	while IFS= read -r line; do
		options+=("--aptopt=$line")
	done < <(apt-config dump | grep -E '^Acquire::(https?|ftp)::' || true)
	# A mirror of a moving suite can hold a Release file past its date.
	case $suite in testing | unstable | sid)
		options+=('--aptopt=Acquire::Check-Valid-Until "false"') ;;
	esac
	TMPDIR=$CACHE mmdebstrap --mode=root --variant="$variant" --include="$packages" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		--dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
		--dpkgopt=path-exclude='/usr/share/locale/*' --dpkgopt=path-exclude='/usr/share/info/*' \
		--dpkgopt=path-exclude='/etc/kernel/postinst.d/*' \
		"${options[@]}" "$@" "$suite" "$dir" "$(debian_mirror)"
}
