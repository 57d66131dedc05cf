/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is armed, in the words of both status (the agent) and info (the reader). Header only,
 * since the two share no object; not installed.
 */
#ifndef HVTRACE_WORDS_H
#define HVTRACE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/uapi.h>

static const struct {
	uint32_t flag;
	const char *name;
} hvt_trace_flags[] = {
	{ HVT_TRACE_THREAD, "thread" }, { HVT_TRACE_FOLLOW, "follow" },
	{ HVT_TRACE_KERNEL, "kernel" }, { HVT_TRACE_REGS, "regs" },
	{ HVT_TRACE_MEM, "mem" },	{ HVT_TRACE_REPEAT, "repeat" },
	{ HVT_TRACE_BODY, "body" },
};

#define HVT_NR_TRACE_FLAGS (sizeof(hvt_trace_flags) / sizeof(hvt_trace_flags[0]))

/* HVT_ACC_* as "rwx", without those that are not there */
static inline void hvt_access_letters(uint32_t access, char text[4])
{
	size_t n = 0;

	if (access & HVT_ACC_R)
		text[n++] = 'r';
	if (access & HVT_ACC_W)
		text[n++] = 'w';
	if (access & HVT_ACC_X)
		text[n++] = 'x';
	text[n] = '\0';
}

#endif
