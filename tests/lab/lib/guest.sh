# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# guest.sh: what the suites' `run` share: a directory for what the guest leaves, and the guest. Sourced,
# with `here`, the suite's directory. KEEP in the environment: a directory for a copy of all that it left.
# shellcheck disable=SC2034,SC2154 # most are for the suites
cpus=1 options=() # options of the lab that the user gave
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
in=$here out=$work/out
mkdir "$out"

# fail WHY: what went wrong before there was anything to judge.
fail() {
	sed 's/^/# /' "$out/output"
	printf 'not ok 1 - %s\n1..1\n' "$1"
	exit 1
}

# build_hvtrace: sets `hvtrace` to this checkout's, made for this machine. The logs are read here: as JSON
# they would be ten times as long, and the guest is slow.
build_hvtrace() {
	cmake -S "$here/../../.." -B "$work/build" -DHVTRACE_TESTS=OFF >"$out/output" 2>&1 &&
		cmake --build "$work/build" --target hvtrace-cli >>"$out/output" 2>&1 || fail 'hvtrace builds'
	hvtrace=$work/build/cli/hvtrace
}

# guest [LAB OPTION]... -- COMMAND...: boots it with the suite's options, then the user's. What it says is
# shown when it fails.
guest() {
	local suite=() status=0 since=$SECONDS
	while [ "$1" != -- ]; do
		suite+=("$1")
		shift
	done
	"$here/../run" --cpus "$cpus" "${suite[@]}" "${options[@]}" --in "$in" --out "$out" "$@" \
		>"$out/output" 2>&1 || status=$?
	[ -z "${KEEP:-}" ] || cp -a "$out/." "$KEEP"
	[ $status = 0 ] || fail 'the guest ran the suite'
	echo "# the guest ran for $((SECONDS - since)) s"
}
