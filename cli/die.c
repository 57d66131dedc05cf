/* SPDX-License-Identifier: GPL-2.0-only */
/* The one way to complain. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <hvtrace/hvtrace.h>

static void complain(const char *fmt, va_list ap)
{
	char *msg = NULL;

	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	flockfile(stderr);
	fputs("hvtrace: ", stderr);
	if (msg)
		hvt_print_escaped(stderr, msg, SIZE_MAX);
	fputc('\n', stderr);
	funlockfile(stderr);
	free(msg);
}

void hvt_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

void hvt_die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	exit(code);
}
