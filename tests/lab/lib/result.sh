# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# result.sh: what a finished machine left: /lab/out, the kernel's messages, the status. Sourced.

# collect_result: unpacks the result disk, fills --out, sets STATUS to COMMAND's when there is one.
collect_result() {
	STATUS=''
	mkdir -p "$RUN/result"
	if [ "$END" = 'done' ]; then
		tail -c +1048577 "$RUN/result.img" 2>/dev/null | tar -xf - -C "$RUN/result" 2>"$RUN/tar.log"
		STATUS=$(cat "$RUN/result/status" 2>/dev/null)
		[ ! -s "$RUN/result/dmesg" ] || mv "$RUN/result/dmesg" "$RUN/console.log"
	fi
	[ -z "$OUT" ] && return
	[ ! -d "$RUN/result/out" ] || cp -a --no-preserve=ownership "$RUN/result/out/." "$OUT"
	cp "$RUN/console.log" "$OUT/console.log"
}

# keep_simulator_log: its log and what it printed, in one file.
keep_simulator_log() {
	[ -n "$SIMULATOR_LOG" ] || return 0
	cat "$RUN/simulator.log" "$RUN/simulator.out" 2>/dev/null >"$SIMULATOR_LOG"
}

last_words() { tail -n 40 "$RUN/console.log" | tr -d '\r' >&2; }

# panic_words: from the panic on; how long a call trace is depends on what the stack holds.
panic_words() { sed -n '/Kernel panic/,$p' "$RUN/console.log" | head -n 200 | tr -d '\r' >&2; }

# report_end: one line about anything but a normal end, and the lab's exit status.
report_end() {
	if [ "$END" != panic ] && grep -qaE 'Oops:|BUG:|WARNING: CPU' "$RUN/console.log"; then
		say "warning: the guest's kernel complained:" \
			"$(grep -aE -m 1 'Oops:|BUG:|WARNING: CPU' "$RUN/console.log" | tr -d '\r')"
	fi
	case $END in
	'done')
		[ -n "$STATUS" ] && return "$STATUS"
		say 'the guest ended without a status: its result disk cannot be read'
		return "$LAB_ABORT"
		;;
	timeout)
		last_words
		say "timeout: no end after $TIMEOUT s"
		return "$LAB_TIMEOUT"
		;;
	panic)
		panic_words
		say "panic: $(grep -a -m 1 'Kernel panic' "$RUN/console.log" | tr -d '\r')"
		return "$LAB_PANIC"
		;;
	reset)
		last_words
		say 'reset: the guest machine was reset (a reboot or a triple fault)'
		return "$LAB_RESET"
		;;
	esac
	last_words
	tail -q -n 8 "$RUN/simulator.out" "$RUN/simulator.log" 2>/dev/null | tr -d '\r' >&2
	say 'abort: the simulator ended before the guest powered off'
	return "$LAB_ABORT"
}
