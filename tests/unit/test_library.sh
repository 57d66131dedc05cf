#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# libhvtrace as others get it: installed, found by pkg-config, linked, run; and what it
# exports. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

compiler=$(cache CMAKE_C_COMPILER)
flags='-std=c99 -pedantic -Wall -Wextra -Werror'
[ "$(cache HVTRACE_SANITIZE)" != ON ] || flags="$flags -fsanitize=address,undefined"
DESTDIR=$tmp/root cmake --install "$build" >"$tmp/out" 2>"$tmp/err"
ok $? "it installs"
library=$(find "$tmp/root" -name libhvtrace.so)
PKG_CONFIG_SYSROOT_DIR=$tmp/root
PKG_CONFIG_LIBDIR=$(dirname "$library")/pkgconfig:$(pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR

cflags=$(pkg-config --cflags hvtrace)
shared=$(pkg-config --libs hvtrace)
static=$(pkg-config --static --libs hvtrace | sed 's/-lhvtrace/-l:libhvtrace.a/')

# --- what is exported is what the header declares
# shellcheck disable=SC2086 # flags
"$compiler" -E -P $cflags -x c - <<'C' >"$tmp/header" 2>"$tmp/err"
#include <hvtrace/hvtrace.h>
C
grep -oE '\bhvt_[a-z0-9_]+ ?\(' "$tmp/header" | tr -d ' (' | sort -u >"$tmp/declared"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/exported"
[ -s "$tmp/declared" ] && diff "$tmp/declared" "$tmp/exported" >"$tmp/err"
ok $? "it exports the $(wc -l <"$tmp/declared") functions of hvtrace.h, and nothing else (< add to cli/lib/libhvtrace.map)"
nm -D --defined-only "$library" | grep ' T ' | grep -v '@@HVTRACE_[0-9.]*$' >"$tmp/err"
[ ! -s "$tmp/err" ]
ok $? "each has a version"
readelf -d "$library" | grep -q 'SONAME.*\[libhvtrace\.so\.[0-9]*\]'
ok $? "its soname has a number"

# --- a program of somebody else's
"$build/tests/unit/mklog" >"$tmp/log"
"$build/cli/hvtrace" script --format json "$tmp/log" >"$tmp/json"
# shellcheck disable=SC2086
"$compiler" $flags $cflags -o "$tmp/shared" "$tests/consumer.c" $shared 2>"$tmp/err"
ok $? "a program is built with pkg-config --cflags --libs hvtrace"
LD_LIBRARY_PATH=$(dirname "$library") "$tmp/shared" "$tmp/log" 2>"$tmp/err" | cmp - "$tmp/json" 2>>"$tmp/err"
ok $? "with the shared library it prints what hvtrace script prints"
# shellcheck disable=SC2086
"$compiler" $flags $cflags -o "$tmp/static" "$tests/consumer.c" $static 2>"$tmp/err" &&
	"$tmp/static" "$tmp/log" 2>"$tmp/err" | cmp - "$tmp/json" 2>>"$tmp/err"
ok $? "with the archive, too"
! readelf -d "$tmp/static" | grep -q 'NEEDED.*libhvtrace'
ok $? "which needs no shared libhvtrace"

finish
