/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * C++ and Rust names (legacy and v0) as their authors wrote them, with libiberty. A name of
 * some hundred bytes may stand for gigabytes of text (substitutions of substitutions):
 * what is longer than anybody reads stays as it is.
 */
#include "internal.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 4096u

struct text {
	jmp_buf full;
	size_t len;
	char bytes[SHOWN_MAX + 1];
};

/* The callers hold no memory but their stack while they print: a jump leaves none behind. */
static void add(const char *s, size_t len, void *arg)
{
	struct text *t = arg;

	if (len > SHOWN_MAX - t->len)
		longjmp(t->full, 1);
	if (len)
		memcpy(t->bytes + t->len, s, len);
	t->len += len;
}

static bool demangle(const char *raw, struct text *t)
{
	if (setjmp(t->full))
		return false;
	if (rust_demangle_callback(raw, 0, add, t))
		return true;
	t->len = 0;
	return cplus_demangle_v3_callback(raw, DMGL_PARAMS | DMGL_ANSI, add, t);
}

char *hvt_demangle(const char *raw)
{
	struct text t;

	if (raw[0] != '_' || (raw[1] != 'Z' && raw[1] != 'R'))
		return NULL;
	t.len = 0;
	return demangle(raw, &t) && t.len ? hvt_copy_string(t.bytes, t.len) : NULL;
}
