# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# machine.sh: one simulated machine: its run directory, boot disc, simulator process and end. Sourced.

# make_run_directory: a private place for this instance; RUN is its path.
make_run_directory() {
	mkdir -p "$CACHE/runs"
	# What failures kept is of use for a day.
	find "$CACHE/runs" -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} + 2>/dev/null
	RUN=$(mktemp -d "$CACHE/runs/XXXXXX")
	SIMULATOR='' STREAM='' TALKER=''
	trap 'end_machine; rm -rf "$RUN"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

# end_machine: no simulator, no reader and no talker to the debugger stay behind.
end_machine() {
	local pid
	for pid in $SIMULATOR $STREAM $TALKER; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	SIMULATOR='' STREAM='' TALKER=''
}

# make_iso: the boot disc with the stock kernel.
make_iso() {
	local iso=$RUN/iso arguments='console=ttyS0,115200 loglevel=5 quiet panic=0'
	arguments+=" lpj=1000000 tsc=reliable $KASLR"
	# A processor idle in MWAIT costs the simulator ten times one in HLT when there are several.
	[[ " $CMDLINE" == *' idle='* ]] || arguments+=' idle=halt'
	mkdir "$iso"
	cp "$CACHE/$KIT/boot/vmlinuz-$(kit_kernel "$CACHE/$KIT")" "$iso/vmlinuz"
	cp "$CACHE/$INITRAMFS/initrd" "$iso/initrd"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$iso"
	cat >"$iso/isolinux.cfg" <<-END
		default linux
		prompt 0
		timeout 1
		label linux
		kernel vmlinuz
		append initrd=initrd $arguments $CMDLINE
	END
	xorriso -as mkisofs -quiet -o "$RUN/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot \
		-boot-load-size 4 -boot-info-table "$iso" >"$RUN/iso.log" 2>&1 ||
		die "$LAB_UNPREPARED" "cannot make the boot disc: $(tail -n 1 "$RUN/iso.log")"
	rm -rf "$iso"
}

# make_machine SIMULATOR_KIND: boot disc, disks and the simulator's configuration.
make_machine() {
	local display=nogui tree=$CACHE/$BOCHS_TREE terminal='com2: enabled=0'
	make_iso
	ln -s "$CACHE/$ROOT/root.img" "$RUN/root.img"
	truncate -s $((MEMORY + 64))M "$RUN/result.img"
	mkfifo "$RUN/output"
	: >"$RUN/console.log"
	[ "$1" = fast ] || display=term
	[ ! -e "$RUN/terminal" ] || terminal="com2: enabled=1, mode=term, dev=$RUN/terminal"
	cat >"$RUN/bochsrc" <<-END
		config_interface: textconfig
		display_library: $display
		cpu: model=$MODEL, count=$CPUS, ips=50000000, quantum=32, reset_on_triple_fault=1
		memory: guest=$MEMORY, host=$MEMORY
		romimage: file=$tree/usr/share/bochs/BIOS-bochs-latest, options=fastboot
		vgaromimage: file=$tree/usr/share/vgabios/vgabios.bin
		pci: enabled=1, chipset=i440fx, slot1=pcivga
		vga: extension=vbe, update_freq=1, realtime=0
		boot: cdrom
		clock: sync=none, time0=1767225600
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, mode=flat, path="$RUN/root.img", cylinders=0
		ata0-slave: type=disk, mode=flat, path="$RUN/payload.img", cylinders=0
		ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
		ata1-master: type=disk, mode=flat, path="$RUN/result.img", cylinders=0
		ata1-slave: type=cdrom, path="$RUN/boot.iso", status=inserted
		com1: enabled=1, mode=file, dev="$RUN/console.log"
		$terminal
		parport1: enabled=1, file="$RUN/output"
		log: $RUN/simulator.log
		panic: action=fatal
		error: action=$([ -n "$SIMULATOR_LOG" ] && echo report || echo ignore)
		info: action=$([ -n "$SIMULATOR_LOG" ] && echo report || echo ignore)
		debug: action=ignore
	END
}

# start_machine KIND: the simulator runs; what the guest's parallel port says goes to stdout.
start_machine() {
	local hold said=$RUN/simulator.out rc=()
	bochs_command "$1"
	# Held open for writing until the end, so that neither side waits for the other.
	exec {hold}<>"$RUN/output"
	HOLD=$hold
	cat "$RUN/output" {hold}>&- &
	STREAM=$!
	if [ -n "$DEBUGGER" ]; then
		said=$RUN/said rc=(-debugger -rc "$RUN/commands")
		mkfifo "$said" "$RUN/commands"
		bash -c "exec $DEBUGGER" <"$said" 1<>"$RUN/commands" \
			2>"$RUN/simulator.out" {hold}>&- &
		TALKER=$!
	fi
	(cd "$RUN" && export TERM=vt100 &&
		exec setpriv --pdeathsig KILL -- "${BOCHS[@]}" -q -f "$RUN/bochsrc" "${rc[@]}") \
		>"$said" 2>&1 </dev/null {hold}>&- &
	SIMULATOR=$!
}

# wait_machine: waits for the end, sets END to done, reset, timeout, panic or abort.
wait_machine() {
	local start=$SECONDS tick panic_at=''
	exec {tick}<><(:)
	END=''
	while kill -0 "$SIMULATOR" 2>/dev/null; do
		read -r -t 0.2 -u "$tick" _
		if [ -z "$panic_at" ] && grep -qa 'Kernel panic - not syncing' "$RUN/console.log"; then
			panic_at=$SECONDS
		fi
		# A panicked kernel stays up: give its last words time, then stop the machine.
		if [ -n "$panic_at" ] && { [ $((SECONDS - panic_at)) -ge 10 ] ||
			grep -qa 'end Kernel panic' "$RUN/console.log"; }; then
			END=panic
			break
		fi
		if [ "$TIMEOUT" -gt 0 ] && [ $((SECONDS - start)) -ge "$TIMEOUT" ]; then
			END=timeout
			break
		fi
	done
	exec {tick}>&- {HOLD}>&-
	kill -KILL "$SIMULATOR" 2>/dev/null
	wait "$SIMULATOR" 2>/dev/null
	wait "$STREAM" 2>/dev/null
	[ -z "$TALKER" ] || wait "$TALKER" 2>/dev/null
	SIMULATOR='' STREAM='' TALKER=''
	[ -n "$END" ] || case $(head -c 5 "$RUN/result.img" | tr -d '\0') in
	DONE*) END='done' ;;
	RESET) END=reset ;;
	*) END=abort ;;
	esac
}
