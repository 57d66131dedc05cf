/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two runs compared: each is taken apart into streams (of a watch and a thread), the
 * elements of one stream are matched one by one in their order. An element is a line that
 * says nothing of addresses, so that two runs of one program have the same.
 */
#ifndef HVT_CLI_STREAMS_H
#define HVT_CLI_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tally.h"

#define HVT_CONTEXT 3

enum { HVT_A, HVT_B, HVT_SIDES };

struct hvt_element {
	struct hvt_element *next;
	uint64_t number; /* of the event */
	char line[];
};

struct hvt_stream {
	struct hvt_element *first[HVT_SIDES], *last[HVT_SIDES]; /* not matched yet */
	struct hvt_element *context[HVT_CONTEXT]; /* that matched before, the newest first */
	uint64_t matched;
	bool diverged; /* its first elements differ, or one side has no more */
};

struct hvt_streams {
	struct hvt_tally names; /* a stream's name is the row of its number */
	struct hvt_stream *v;
	size_t cap;
	uint64_t matched;
};

/* The next element of a side's stream. 0 or -ENOMEM. */
int hvt_streams_take(struct hvt_streams *s, int side, const char *name, size_t name_len,
		     const char *line, size_t len, uint64_t number);

/*
 * All was taken; ended[side]: its streams end where they do, nothing is missing. How many
 * streams differ; *first is the one that does so at the earliest event, NULL when none.
 */
size_t hvt_streams_finish(struct hvt_streams *s, const bool ended[HVT_SIDES],
			  const struct hvt_stream **first);
const char *hvt_stream_name(const struct hvt_streams *s, const struct hvt_stream *stream);
void hvt_streams_free(struct hvt_streams *s);

#endif
