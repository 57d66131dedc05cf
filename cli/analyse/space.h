/* SPDX-License-Identifier: GPL-2.0-only */
/* The watches of one memory that are near a range: what they make sure of. */
#ifndef HVT_CLI_SPACE_H
#define HVT_CLI_SPACE_H

#include <hvtrace/hvtrace.h>

#include "memory.h"

struct hvt_space_watch {
	uint32_t id;
	uint64_t first, last;
	bool complete; /* no write to it passes unseen ... */
	bool proved;   /* ... since an event showed it armed */
};

struct hvt_space_watches {
	struct hvt_space_watch *v;
	size_t n;
	size_t facts; /* of the reader's, that were looked at */
};

/* Those that the reader has learned of since. 0 or -ENOMEM. */
int hvt_space_watches_learn(struct hvt_space_watches *s, const struct hvt_reader *r,
			    struct hvt_space space, uint64_t addr, uint64_t len);
/* The one with this id; NULL: it is of other memory. */
struct hvt_space_watch *hvt_space_watch(const struct hvt_space_watches *s, uint32_t id);

#endif
