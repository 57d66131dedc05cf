# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# build.sh: the current source built in the kit, and the payload disk that carries it to the guest.
# Sourced.

BUILD_INPUTS=(CMakeLists.txt README.md LICENSE hv agent cli include tests/lab/module
	tests/lab/programs tests/lab/guest tests/lab/lib/kit-build.sh)
BUILD_EXCLUDES=(--exclude=*.o --exclude=*.ko --exclude=.*.cmd --exclude=*.mod --exclude=*.mod.c
	--exclude=.*.d --exclude=Module.symvers --exclude=modules.order --exclude=__pycache__)

# build_inputs REPOSITORY: the inputs that are there, relative to it.
build_inputs() {
	local name
	for name in "${BUILD_INPUTS[@]}"; do
		[ ! -e "$1/$name" ] || printf '%s\n' "$name"
	done
}

# build_directory REPOSITORY KERNEL: where that build is; `stage` in it is what the guest gets.
build_directory() { printf '%s\n' "$CACHE/build-$2-$(digest <<<"$1 $KIT")"; }

# build_payload REPOSITORY KERNEL IMAGE EXTRA MODE: bring the build of REPOSITORY for KERNEL up to
# date (unless MODE is no-build; no-userland leaves cmake out) and write IMAGE: it and the tree EXTRA.
build_payload() {
	local repository=$1 kernel=$2 image=$3 extra=$4 mode=$5 build lock inputs key size
	build=$(build_directory "$repository" "$kernel")
	mkdir -p "$CACHE/locks" "$build/src"
	exec {lock}>"$CACHE/locks/${build##*/}"
	flock "$lock"
	mapfile -t inputs < <(build_inputs "$repository")
	key=$( (cd "$repository" && echo "$mode" &&
		tar -c --sort=name --mtime=@0 "${BUILD_EXCLUDES[@]}" "${inputs[@]}") | digest)
	if [ "$mode" = no-build ] && [ -d "$build/stage" ]; then
		key=$(cat "$build/key" 2>/dev/null)
	fi
	if [ ! -d "$build/stage" ] || [ "$(cat "$build/key" 2>/dev/null)" != "$key" ]; then
		rm -f "$build/key"
		(cd "$repository" && rsync -a --delete --relative "${BUILD_EXCLUDES[@]}" \
			"${inputs[@]}" "$build/src/") {lock}>&-
		if ! in_kit "$CACHE/$KIT" "$build" sh /build/src/tests/lab/lib/kit-build.sh \
			"$(kit_kernel "$CACHE/$KIT")" "${mode/#build/userland}" \
			>"$build/log" 2>&1 </dev/null {lock}>&-; then
			tail -n 40 "$build/log" >&2
			die "$LAB_UNPREPARED" "the build for Linux $kernel failed: see the lines above;" \
				"try: mend it (all of it is in $build/log)"
		fi
		printf '%s\n' "$key" >"$build/key"
	fi
	grep '^lab: note:' "$build/log" >&2
	cp -al "$build/stage" "$extra.stage" 2>/dev/null || cp -a "$build/stage" "$extra.stage"
	exec {lock}>&-
	cp -a --no-preserve=ownership "$extra/." "$extra.stage"
	size=$(($(du -sm "$extra.stage" | cut -f1) * 9 / 8 + 16))
	make_image "$extra.stage" "$image" "$size"
	rm -rf "$extra.stage" "$extra"
}
