/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts by address: where blocks begin and end, and the sums between. See hits.h. */
#include "hits.h"

#include <errno.h>
#include <stdlib.h>

static int by_addr(const void *a, const void *b)
{
	const struct hvt_hit *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int hvt_hits_make(struct hvt_hits *h, const struct hvt_cover_module *m,
		  const struct hvt_cover_block *blocks, size_t n)
{
	uint64_t sum = 0;
	size_t i, out = 0;

	h->n = 0;
	h->v = calloc(2 * n + 1, sizeof(*h->v));
	if (!h->v)
		return -ENOMEM;
	/* a block adds its count where it begins, and takes it back behind its end */
	for (i = 0; i < n; i++) {
		h->v[2 * i].addr = m->first + blocks[i].off;
		h->v[2 * i].count = blocks[i].count;
		h->v[2 * i + 1].addr = m->first + blocks[i].off + blocks[i].size;
		h->v[2 * i + 1].count = -blocks[i].count;
	}
	qsort(h->v, 2 * n, sizeof(*h->v), by_addr);
	for (i = 0; i < 2 * n; i++) {
		sum += h->v[i].count;
		if (out && h->v[out - 1].addr == h->v[i].addr)
			out--;
		h->v[out].addr = h->v[i].addr;
		h->v[out++].count = sum;
	}
	h->n = out;
	return 0;
}

uint64_t hvt_hits_max(const struct hvt_hits *h, uint64_t first, uint64_t end)
{
	size_t low = 0, high = h->n, mid;
	uint64_t max = 0;

	/* the first one behind `first` */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (h->v[mid].addr <= first)
			low = mid + 1;
		else
			high = mid;
	}
	if (low)
		max = h->v[low - 1].count;
	for (; low < h->n && h->v[low].addr < end; low++)
		if (h->v[low].count > max)
			max = h->v[low].count;
	return max;
}

void hvt_hits_free(struct hvt_hits *h)
{
	free(h->v);
	h->v = NULL;
	h->n = 0;
}
