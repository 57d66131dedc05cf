/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An access without what differs from run to run: addresses become names with offsets,
 * process numbers become the order of appearance, time is left out.
 */
#ifndef HVT_CLI_PORTABLE_H
#define HVT_CLI_PORTABLE_H

#include <hvtrace/hvtrace.h>

#include "tally.h"

struct hvt_line;

/* The threads of one log by their names: "prog", the second one "prog#2". */
struct hvt_threads {
	struct hvt_tally ids, names;
	uint32_t *nth; /* by the row in ids */
	size_t cap;
};

/* 0 or -ENOMEM. */
int hvt_threads_find(struct hvt_threads *t, const struct hvt_event *ev, uint32_t *nth);
void hvt_threads_free(struct hvt_threads *t);

/* "write counter+0x4 4 0x1 -> 0x2 prog:main+0x12"; values are left out if not wanted. */
void hvt_put_portable(struct hvt_line *l, struct hvt_reader *r, const struct hvt_event *ev,
		      bool values);

#endif
