# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh: one Debian suite per kernel: the build kit (stock kernel, headers, compiler) and the
# guest's root file system image. Sourced.

KIT_PACKAGES=linux-image-cloud-amd64,linux-headers-cloud-amd64,gcc,make,cmake,pkg-config,libc6-dev
KIT_PACKAGES+=,libelf-dev,libdw-dev,libcapstone-dev,libiberty-dev,libzstd-dev,binutils,kmod,busybox-static
ROOT_PACKAGES=kmod,procps,util-linux

# Known suites carry their kernel for life; a newer kernel is looked for where it moves.
suites_of_kernel() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	*) echo testing unstable ;;
	esac
}

# The library packages that hvtrace links to, by the name each suite gives them.
libraries_of_kernel() {
	case $1 in
	6.1) echo libelf1,libdw1,libzstd1,libcapstone4 ;;
	*) echo libelf1t64,libdw1t64,libzstd1,libcapstone5 ;;
	esac
}

# kit_kernel DIR: the kernel release in a kit.
kit_kernel() {
	local path
	for path in "$1"/boot/vmlinuz-*; do
		printf '%s\n' "${path##*/vmlinuz-}"
	done
}

build_kit() {
	local dir=$1 kernel=$2 suite release
	for suite in $(suites_of_kernel "$kernel"); do
		rm -rf --one-file-system "$dir"
		mkdir "$dir"
		make_tree "$dir" "$suite" apt "$KIT_PACKAGES" || continue
		release=$(kit_kernel "$dir")
		case $release in "$kernel".*)
			printf '%s\n' "$suite" >"$dir/lab-suite"
			rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/*
			return 0
			;;
		esac
		echo "$suite carries Linux $release, not $kernel"
	done
	echo "no Debian suite carries Linux $kernel"
	return 1
}

# in_kit KIT DIR COMMAND...: run COMMAND in the kit with DIR at /build. The mounts live in a
# namespace of their own and end with the command, whatever ends it.
in_kit() {
	local kit=$1 dir=$2
	shift 2
	mkdir -p "$kit/build"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private sh -c '
		kit=$1 dir=$2; shift 2
		mount --bind "$dir" "$kit/build" && mount -t proc proc "$kit/proc" &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			chroot "$kit" "$@"' in_kit "$kit" "$dir" "$@"
}

# build_root DIR KERNEL PACKAGES: DIR/root.img, an ext4 file system with Debian and the kernel's modules.
build_root() {
	local dir=$1 kernel=$2 packages=$3 kit=$CACHE/$KIT size
	make_tree "$dir/tree" "$(cat "$kit/lab-suite")" minbase "$packages"
	mkdir -p "$dir/tree/lib/modules" "$dir/tree/lab"
	cp -a "$kit/lib/modules/." "$dir/tree/lib/modules/"
	rm -rf "$dir"/tree/var/cache/apt/* "$dir"/tree/var/lib/apt/lists/*
	rm -f "$dir"/tree/lib/modules/*/build "$dir"/tree/lib/modules/*/source
	size=$(($(du -sm "$dir/tree" | cut -f1) * 5 / 4 + 64))
	make_image "$dir/tree" "$dir/root.img" "$size"
	rm -rf --one-file-system "$dir/tree"
}

# make_image TREE IMAGE MIB: an ext4 image of TREE, without a journal since it is mounted read-only.
make_image() {
	rm -f "$2"
	mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -E lazy_itable_init=1 \
		-m 0 -d "$1" "$2" "$3M" >/dev/null
}

# build_initramfs DIR: DIR/initrd with busybox and the few modules that reach the root file system.
build_initramfs() {
	local dir=$1 kit=$CACHE/$KIT release tree=$1/tree name path
	set -o pipefail # for the subshell that `cached` calls this in
	release=$(kit_kernel "$kit")
	mkdir -p "$tree"/{bin,dev,proc,sys,mnt,modules}
	cp "$kit/bin/busybox" "$tree/bin/busybox"
	cp "$LAB/guest/initramfs-init" "$tree/init"
	for name in ata_piix sd_mod overlay; do
		modprobe --dirname "$kit" --set-version "$release" --show-depends "$name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
		while IFS= read -r path; do
			name=$(basename "$path")
			case $name in
			*.xz) xz -dc "$path" >"$tree/modules/${name%.xz}" ;;
			*.zst) zstd -qdc "$path" >"$tree/modules/${name%.zst}" ;;
			*) cp "$path" "$tree/modules/$name" ;;
			esac
			name=${name%.xz}
			echo "${name%.zst}" >>"$tree/modules/order"
		done
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initrd"
	rm -rf "$tree"
}

# prepare_suite KERNEL PACKAGE...: kit, root image and initramfs; sets KIT, ROOT and INITRAMFS
# to their entry names in the cache.
prepare_suite() {
	local kernel=$1 packages
	shift
	KIT=kit-$kernel-$(digest <<<"$KIT_PACKAGES")
	cached "$KIT" build_kit "$kernel"
	packages=$(printf '%s\n' "$@" | sort -u | paste -sd, -)
	packages=$ROOT_PACKAGES,$(libraries_of_kernel "$kernel")${packages:+,$packages}
	ROOT=root-$kernel-$(digest <<<"$KIT $packages")
	cached "$ROOT" build_root "$kernel" "$packages"
	INITRAMFS=initramfs-$kernel-$( (echo "$KIT" && cat "$LAB/guest/initramfs-init") | digest)
	cached "$INITRAMFS" build_initramfs
}
