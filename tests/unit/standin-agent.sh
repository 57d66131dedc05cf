#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Stands in for hvtrace-agent in test_watch.sh: replays a log as the stream and waits for
# what a real agent waits for. It shows how the CLI treats an agent, nothing more.
#   STANDIN_LOG   the log to send, but for its last 2 sections (STAT, END)
#   STANDIN_MODE  end | wait | die | fail
#   STANDIN_ARGS  where to write our arguments
[ -z "$STANDIN_ARGS" ] || echo "$*" >"$STANDIN_ARGS"
[ "$STANDIN_MODE" != fail ] || { echo "hvtrace: x: no such symbol; try: another" >&2; exit 1; }
pid='' fd=''
while [ $# -gt 0 ]; do
	case $1 in
	-p) pid=$2; shift ;;
	--control-fd) fd=$2; shift ;;
	esac
	shift
done
size=$(wc -c <"$STANDIN_LOG")
tail=$((48 + 48 + 48 + 16))
trap '' INT
head -c $((size - tail)) "$STANDIN_LOG"
case $STANDIN_MODE in
die) kill -KILL $$ ;;
wait)
	if [ -n "$pid" ]; then
		while kill -0 "$pid" 2>/dev/null &&
		      ! grep -q '^State:.*[ZX]' "/proc/$pid/status" 2>/dev/null; do
			sleep 0.05
		done
	else
		eval "cat <&$fd" >/dev/null
	fi ;;
esac
tail -c $tail "$STANDIN_LOG" 2>/dev/null
exit 0
