/* SPDX-License-Identifier: GPL-2.0-only */
/* Which code an option's argument means: of --ip, --only, --skip. */
#ifndef AGENT_CODE_H
#define AGENT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

struct code_look {
	const char *option; /* for complaints */
	const struct device *dev;
	const int32_t *pid; /* in whose memory user code is looked for ... */
	size_t nr_pids;
	bool all; /* ... which is that of all processes */
	/* Takes [lo, hi) of pid, 0: of any. AGENT_OK, or a code after complaining. */
	int (*add)(void *ctx, const char *text, uint64_t lo, uint64_t hi, int32_t pid);
	void *ctx;
};

/*
 * Is text code that the option can mean? With a range of numbers *lo and *hi are it, else
 * *hi is 0. AGENT_OK, or AGENT_USAGE after complaining.
 */
int code_parse(const char *option, const char *text, uint64_t *lo, uint64_t *hi);

/* Adds all that text means now. AGENT_OK, or a code after complaining. */
int code_resolve(const struct code_look *in, const char *text);

#endif
