# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# bochs.sh: the two simulators. `debugger` is Debian 13's own build, unpacked beside the system;
# `fast` is the same Debian source without the debugger, twice as quick and the default. Sourced.

BOCHS_SUITE=trixie
BOCHS_TREE=bochs-$BOCHS_SUITE-1
BOCHS_FAST=bochs-fast-4

unpack_bochs() {
	make_tree "$1" $BOCHS_SUITE extract bochs,bochs-term,bochsbios,vgabios
}

# Only the upstream archive is fetched: a private apt directory keeps the machine's own lists as
# they are.
fetch_bochs_source() {
	local dir=$1 apt=() try
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	printf 'deb-src %s %s main\n' "$(debian_mirror)" $BOCHS_SUITE >"$dir/sources.list"
	apt=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root)
	# A mirror that is being updated may name a version that it does not have yet.
	for try in 1 2 3; do
		if apt-get "${apt[@]}" update &&
			(cd "$dir" && apt-get "${apt[@]}" source --download-only --tar-only bochs); then
			break
		fi
		[ "$try" -lt 3 ] || return
		sleep 20
	done
	mkdir "$dir/source"
	tar -xf "$dir"/bochs_*.orig.tar.* -C "$dir/source" --strip-components=1
}

build_bochs() {
	local dir=$1 work=$1/work
	mkdir "$work"
	fetch_bochs_source "$work"
	cd "$work/source" || return
	# No model has VMX and EPT without MTF; this one is made so, for the tests of that refusal.
	sed -i '/BX_VMX_MONITOR_TRAP_FLAG/d' cpu/cpudb/intel/corei5_lynnfield_750.cc
	# With several CPUs an exception's new RIP is not committed before other events are looked
	# at, as cpu_loop() does with one: a VM exit right then would save the old RIP.
	sed -i '/^void BX_CPU_C::cpu_run_trace/ {
		n
		s/$/\n  BX_CPU_THIS_PTR prev_rip = RIP;\n  BX_CPU_THIS_PTR speculative_rsp = false;/
	}' cpu/cpu.cc
	grep -A2 '^void BX_CPU_C::cpu_run_trace' cpu/cpu.cc | grep -q 'prev_rip = RIP' || return
	CXXFLAGS='-O3 -march=x86-64-v2 -fno-plt' CFLAGS='-O3 -march=x86-64-v2' ./configure \
		--disable-debugger --disable-plugins --disable-docbook --with-nogui --with-term \
		--enable-smp --enable-cpu-level=6 --enable-x86-64 --enable-vmx=2 --enable-svm \
		--enable-avx --enable-evex --enable-pci --enable-all-optimizations \
		--enable-long-phy-address --enable-alignment-check --enable-fpu
	make -j"$(nproc)" bochs
	strip -o "$dir/bochs" bochs
	cd /
	rm -rf "$work"
}

prepare_bochs_tree() { cached $BOCHS_TREE unpack_bochs; }
prepare_bochs_fast() { cached $BOCHS_FAST build_bochs; }

# bochs_command fast|debugger: sets BOCHS to the argv prefix of that simulator.
bochs_command() {
	local tree=$CACHE/$BOCHS_TREE lib=$CACHE/$BOCHS_TREE/usr/lib/x86_64-linux-gnu
	if [ "$1" = fast ]; then
		BOCHS=("$CACHE/$BOCHS_FAST/bochs")
	else
		BOCHS=(env "LTDL_LIBRARY_PATH=$lib/bochs/plugins" "$tree/lib64/ld-linux-x86-64.so.2"
			--library-path "$lib:$lib/pulseaudio" "$tree/usr/bin/bochs-bin")
	fi
	export BOCHS
}
