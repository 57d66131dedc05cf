/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the accesses to its watches a command wants to see: from option arguments to
 * a struct hvt_filter. What code --ip means is looked up in code.c.
 */
#ifndef AGENT_FILTER_H
#define AGENT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/uapi.h>

struct device;

struct filter_want {
	bool any; /* an option of it was given */
	struct hvt_filter f;
	const char **code; /* --ip as written */
	size_t nr_code;
};

enum filter_option {
	FILTER_PID,
	FILTER_TID,
	FILTER_COMM,
	FILTER_CPU,
	FILTER_USER,
	FILTER_KERNEL,
	FILTER_IP,
	FILTER_CHANGED,
	FILTER_VALUE,
	FILTER_EVERY,
	FILTER_LIMIT,
};

/*
 * Takes one option; arg is NULL for those without. Text and numbers only. AGENT_OK, or
 * AGENT_USAGE after complaining.
 */
int filter_take(struct filter_want *w, enum filter_option option, const char *arg);

/* Do the processes and threads exist? AGENT_OK, or a code after complaining. */
int filter_check(const struct filter_want *w);

/*
 * Fills w->f.ip with what each --ip means now: in the processes of --pid, else in target,
 * else (0) in all of them. The same returns as filter_check().
 */
int filter_resolve(struct filter_want *w, int32_t target, const struct device *dev);

void filter_free(struct filter_want *w);

#endif
