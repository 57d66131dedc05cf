/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts by key: a hash table of the rows' numbers over an array of rows. */
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/uapi.h>

/* Fowler, Noll, Vo's 1a: short keys, no hostile load that a slow table would matter to. */
static uint64_t hash_of(const uint8_t *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; len; len--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

static int grow_index(struct hvt_tally *t)
{
	size_t slots = t->slots ? t->slots * 2 : 1024, i, at;
	uint32_t *index;

	if (t->n >= UINT32_MAX - 1)
		return -ENOMEM;
	index = calloc(slots, sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (i = 0; i < t->n; i++) {
		for (at = t->rows[i].hash & (slots - 1); index[at]; at = (at + 1) & (slots - 1))
			;
		index[at] = (uint32_t)i + 1;
	}
	free(t->index);
	t->index = index;
	t->slots = slots;
	return 0;
}

static struct hvt_tally_row *new_row(struct hvt_tally *t, const void *key, size_t len)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	struct hvt_tally_row *row = t->rows;

	if (t->n == t->cap) {
		row = realloc(t->rows, cap * sizeof(*row));
		if (!row)
			return NULL;
		t->rows = row;
		t->cap = cap;
	}
	row += t->n;
	memset(row, 0, sizeof(*row));
	row->key = malloc(len + 1);
	if (!row->key)
		return NULL;
	memcpy(row->key, key, len);
	row->key[len] = '\0';
	row->len = len;
	t->n++;
	return row;
}

long hvt_tally_add(struct hvt_tally *t, const void *key, size_t len, uint8_t access, uint64_t ns)
{
	uint64_t hash = hash_of(key, len);
	struct hvt_tally_row *row = NULL;
	size_t at;

	if (t->n * 2 >= t->slots && grow_index(t))
		return -ENOMEM;
	for (at = hash & (t->slots - 1); t->index[at]; at = (at + 1) & (t->slots - 1)) {
		row = &t->rows[t->index[at] - 1];
		if (row->hash == hash && row->len == len && !memcmp(row->key, key, len))
			break;
		row = NULL;
	}
	if (!row) {
		row = new_row(t, key, len);
		if (!row)
			return -ENOMEM;
		row->hash = hash;
		row->first_ns = ns;
		t->index[at] = (uint32_t)t->n;
	}
	row->count++;
	row->reads += !!(access & HVT_ACC_R);
	row->writes += !!(access & HVT_ACC_W);
	row->execs += !!(access & HVT_ACC_X);
	row->last_ns = ns;
	return row - t->rows;
}

static int by_count(const void *a, const void *b)
{
	const struct hvt_tally_row *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->key, y->key);
}

void hvt_tally_sort(struct hvt_tally *t)
{
	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), by_count);
}

void hvt_tally_free(struct hvt_tally *t)
{
	while (t->n)
		free(t->rows[--t->n].key);
	free(t->rows);
	free(t->index);
	memset(t, 0, sizeof(*t));
}
