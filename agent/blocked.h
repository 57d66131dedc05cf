/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the machine or the module said no, in words, with a remedy. One table of reasons
 * and one of errno values; no ioctl is made here.
 */
#ifndef AGENT_BLOCKED_H
#define AGENT_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/uapi.h>

#include "agent.h"

/* A short fixed name for scripts: "no-vmx". Never NULL. */
const char *blocked_name(uint32_t reason);
/* Agent exit code: AGENT_UNSUPPORTED for what the machine lacks, else AGENT_ERROR. */
int blocked_code(uint32_t reason);
/* One clause that says what is wrong; the module's own detail where it gave one. */
void blocked_why(const struct hvt_blocked *b, char *text, size_t size);
/* What to do about it; may look into /proc/modules. */
void blocked_remedy(uint32_t reason, char *text, size_t size);

/* Complains "what: CPU n: why (VM-instruction error n); try: remedy"; returns the code. */
int blocked_complain(const char *what, const struct hvt_blocked *b);

enum module_call {
	CALL_OPEN,
	CALL_HELLO,
	CALL_RINGS,
	CALL_MMAP,
	CALL_ATTACH,
	CALL_DETACH,
	CALL_STATUS,
	CALL_WATCH_ADD,
	CALL_PHYS_ADD, /* WATCH_ADD with HVT_WATCH_PHYS */
	CALL_FILTER_ADD,
	CALL_CLOCK,
	CALL_TRACE_ADD,
	CALL_FUNCTION_ADD, /* TRACE_ADD with HVT_TRACE_BODY */
};

/* Complains about an errno that the module gave for a call; returns the code. */
int module_complain(enum module_call call, const char *what, int err);

#endif
