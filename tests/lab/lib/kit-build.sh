#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kit-build.sh: runs inside a build kit (chroot): builds /build/src into the tree /build/stage that the
# guest sees over its root. Arguments: kernel release, `userland` or `no-userland`.
set -eu
release=$1 userland=$2
headers=/lib/modules/$release/build
stage=/build/stage.part
jobs=-j$(nproc)
shift 2
# W=1 also checks comments with a Perl script that needs, in 6.12, more of Perl than a kit has.
perl -MPod::Usage -e 1 2>/dev/null || case $release in 6.12.*) set -- cmd_checkdoc=true ;; esac
rm -rf "$stage"
mkdir -p "$stage/lab/bin" "$stage/lab/modules" "$stage/lab/programs"

cp /bin/busybox "$stage/lab/bin/busybox"
cp /build/src/tests/lab/guest/init "$stage/lab/init"
cp /build/src/tests/lab/guest/lib.sh "$stage/lab/lib.sh"
gcc -O2 -static -Wall -o "$stage/lab/bin/output" /build/src/tests/lab/guest/output.c

if [ -e /build/src/hv/Kbuild ]; then
	make "$jobs" -C "$headers" M=/build/src/hv W=1 "$@" modules
	# depmod wants the whole tree: links to the stock one, and then only what changed is kept.
	tree=/build/depmod/lib/modules/$release
	rm -rf /build/depmod
	mkdir -p "$tree/updates" "$stage/usr/lib/modules/$release/updates"
	cp "/lib/modules/$release"/modules.builtin* "/lib/modules/$release/modules.order" "$tree"
	ln -s "/lib/modules/$release/kernel" "$tree/kernel"
	cp /build/src/hv/hvtrace.ko "$tree/updates"
	depmod -b /build/depmod "$release"
	cp "$tree/updates/hvtrace.ko" "$stage/usr/lib/modules/$release/updates"
	for file in "$tree"/modules.*; do
		cmp -s "$file" "/lib/modules/$release/${file##*/}" ||
			cp "$file" "$stage/usr/lib/modules/$release"
	done
else
	echo 'lab: note: no hv/Kbuild yet: the guest has no hvtrace module' >&2
fi

if [ -e /build/src/tests/lab/module/Kbuild ]; then
	make "$jobs" -C "$headers" M=/build/src/tests/lab/module W=1 "$@" modules
	cp /build/src/tests/lab/module/*.ko "$stage/lab/modules"
fi

for source in /build/src/tests/lab/programs/*.c; do
	[ -e "$source" ] || continue
	first=$(head -n 1 "$source")
	flags=$(printf '%s\n' "$first" | sed -n 's|^.*/\* cflags: ||; T; s| \*/.*||p')
	case $first in
	*'/* dynamic */'*) static= ;;
	*) static=-static ;;
	esac
	program=$(basename "$source" .c)
	set -f
	# shellcheck disable=SC2086 # flags are a list
	gcc -O2 -g $static -pthread -o "$stage/lab/programs/$program" "$source" $flags
	set +f
done

if [ "$userland" = userland ] && [ -e /build/src/CMakeLists.txt ]; then
	[ -e /build/cmake/CMakeCache.txt ] || rm -rf /build/cmake
	cmake -S /build/src -B /build/cmake -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHVTRACE_TESTS=OFF \
		-DCMAKE_INSTALL_PREFIX=/usr
	cmake --build /build/cmake "$jobs"
	DESTDIR=$stage cmake --install /build/cmake --prefix /usr
elif [ "$userland" = userland ]; then
	echo 'lab: note: no CMakeLists.txt yet: the guest has no hvtrace command' >&2
fi

# Top-level directories that are links in the guest's root would hide them.
for dir in bin sbin lib lib64; do
	if [ -d "$stage/$dir" ]; then
		mkdir -p "$stage/usr/$dir"
		cp -a "$stage/$dir/." "$stage/usr/$dir"
		rm -rf "${stage:?}/$dir"
	fi
done
rm -rf /build/stage
mv "$stage" /build/stage
