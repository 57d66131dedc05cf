/* SPDX-License-Identifier: GPL-2.0-only */
/* How often the code of one module was executed, by address. */
#ifndef HVT_CLI_HITS_H
#define HVT_CLI_HITS_H

#include "cover.h"

/* From addr up to the next one's it was executed count times. */
struct hvt_hit {
	uint64_t addr; /* at link time */
	uint64_t count;
};

struct hvt_hits {
	struct hvt_hit *v; /* by addr */
	size_t n;
};

/* From n finished blocks of the module that overlap at will. 0 or -ENOMEM. */
int hvt_hits_make(struct hvt_hits *h, const struct hvt_cover_module *m,
		  const struct hvt_cover_block *blocks, size_t n);
/* The most that any byte of [first, end) was executed. */
uint64_t hvt_hits_max(const struct hvt_hits *h, uint64_t first, uint64_t end);
void hvt_hits_free(struct hvt_hits *h);

#endif
