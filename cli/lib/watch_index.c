/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Finding watches among many: by id, and all that a range of linear addresses touches.
 *
 * The index is the watches by start address, with the highest end so far beside each:
 * going back from the last one that starts inside the range, the search is over where
 * no end reaches it any more. It is made anew when watches were added.
 *
 * Most watches have their bytes to themselves: what is inside of such a one touches no
 * other.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

struct hvt_watch_index {
	size_t n;	/* watches when it was made */
	uint8_t *alone; /* of each in hvt_watches.v, behind e[] */
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
	struct hvt_watch_index *x = malloc(sizeof(*x) + w->n * (sizeof(x->e[0]) + 1));
	uint64_t max = 0;
	size_t i;

	if (!x)
		return NULL;
	x->n = w->n;
	x->alone = (uint8_t *)&x->e[w->n];
	for (i = 0; i < w->n; i++) {
		x->e[i].addr = w->v[i].addr;
		x->e[i].i = i;
	}
	qsort(x->e, w->n, sizeof(x->e[0]), by_addr);
	for (i = 0; i < w->n; i++) {
		const struct hvt_watch_fact *f = &w->v[x->e[i].i];
		uint64_t last = f->addr + (f->len - 1);

		x->alone[x->e[i].i] = (!i || max < f->addr) &&
				      (i + 1 == w->n || x->e[i + 1].addr > last);
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

static bool make_current(struct hvt_watches *w)
{
	if (w->index && w->index->n == w->n)
		return true;
	free(w->index);
	w->index = make(w);
	return w->index;
}

bool hvt_watch_alone(struct hvt_watches *w, const struct hvt_watch_fact *f)
{
	return make_current(w) && w->index->alone[f - w->v];
}

int hvt_watches_between(struct hvt_watches *w, uint64_t first, uint64_t last, size_t *found,
			size_t max)
{
	size_t i, n = 0;

	if (!make_current(w))
		return -ENOMEM;
	for (i = starting_before(w->index, last); i && w->index->e[i - 1].max_last >= first; i--) {
		const struct hvt_watch_fact *f = &w->v[w->index->e[i - 1].i];

		if (f->addr + (f->len - 1) < first)
			continue;
		if (n == max)
			return -E2BIG;
		found[n++] = w->index->e[i - 1].i;
	}
	if (n > 1)
		qsort(found, n, sizeof(*found), by_position);
	return (int)n;
}

/* The module's ids grow; a log that says otherwise is searched from the start. */
struct hvt_watch_fact *hvt_watches_search(const struct hvt_watches *w, uint32_t id)
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
