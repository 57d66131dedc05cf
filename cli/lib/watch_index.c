/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Finding watches among many: by id, and all that a range of linear addresses touches.
 *
 * The index is the watches by start address, with the highest end so far beside each:
 * going back from the last one that starts inside the range, the search is over where
 * no end reaches it any more. It is made anew when watches were added.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

struct hvt_watch_index {
	size_t n; /* watches when it was made */
	struct {
		uint64_t addr, max_last;
		size_t i; /* in hvt_watches.v */
	} e[];
};

static int by_addr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_position(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static struct hvt_watch_index *make(const struct hvt_watches *w)
{
	struct hvt_watch_index *x = malloc(sizeof(*x) + w->n * sizeof(x->e[0]));
	uint64_t max = 0;
	size_t i;

	if (!x)
		return NULL;
	x->n = w->n;
	for (i = 0; i < w->n; i++) {
		x->e[i].addr = w->v[i].addr;
		x->e[i].i = i;
	}
	qsort(x->e, w->n, sizeof(x->e[0]), by_addr);
	for (i = 0; i < w->n; i++) {
		const struct hvt_watch_fact *f = &w->v[x->e[i].i];
		uint64_t last = f->addr + (f->len - 1);

		max = last > max ? last : max;
		x->e[i].max_last = max;
	}
	return x;
}

/* How many watches start at @addr or before. */
static size_t starting_before(const struct hvt_watch_index *x, uint64_t addr)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->e[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int hvt_watches_between(struct hvt_watches *w, uint64_t first, uint64_t last, size_t *found,
			size_t max)
{
	size_t i, n = 0;

	if (!w->index || w->index->n != w->n) {
		free(w->index);
		w->index = make(w);
		if (!w->index)
			return -ENOMEM;
	}
	for (i = starting_before(w->index, last); i && w->index->e[i - 1].max_last >= first; i--) {
		const struct hvt_watch_fact *f = &w->v[w->index->e[i - 1].i];

		if (f->addr + (f->len - 1) < first)
			continue;
		if (n == max)
			return -E2BIG;
		found[n++] = w->index->e[i - 1].i;
	}
	qsort(found, n, sizeof(*found), by_position);
	return (int)n;
}

/* The module's ids grow; a log that says otherwise is searched from the start. */
struct hvt_watch_fact *hvt_watches_find(const struct hvt_watches *w, uint32_t id)
{
	size_t lo = 0, hi = w->n, i;

	while (w->ids_grow && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i < w->n; i++) {
		if (w->v[i].id == id)
			return &w->v[i];
		if (w->ids_grow)
			break;
	}
	return NULL;
}
