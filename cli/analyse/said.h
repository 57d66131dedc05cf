/* SPDX-License-Identifier: GPL-2.0-only */
/* Events kept as what is printed of them: an event itself is gone when the next one comes. */
#ifndef HVT_CLI_SAID_H
#define HVT_CLI_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/hvtrace.h>

struct hvt_said {
	struct hvt_said_event {
		uint64_t number;
		char *line; /* text or JSON, without the newline */
		bool used;
	} * v; /* by ascending number */
	size_t n, cap;
};

/* Keep it. 0 or -ENOMEM. */
int hvt_said_add(struct hvt_said *s, const struct hvt_event *ev, uint64_t number, bool json);
/* The one with this number, or NULL. */
struct hvt_said_event *hvt_said_find(const struct hvt_said *s, uint64_t number);
/* Forget those whose `used` is not set, and clear it. */
void hvt_said_sweep(struct hvt_said *s);
void hvt_said_free(struct hvt_said *s);

#endif
