// SPDX-License-Identifier: GPL-2.0-only
/* See dict.h: an open hash of rows. */
#include <string.h>

#include "dict.h"

#define SLOTS (2 * DICT_ROWS)

static uint32_t hash(const uint64_t row[DICT_ROW / 8])
{
	uint64_t h = 0;
	unsigned int i;

	for (i = 0; i < DICT_ROW / 8; i++)
		h = (h ^ row[i]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 40);
}

uint16_t dict_row(struct dict *d, const void *row)
{
	uint64_t words[DICT_ROW / 8];
	uint32_t at;

	if (d->last < d->rows && !memcmp(d->row[d->last], row, DICT_ROW))
		return (uint16_t)d->last;
	memcpy(words, row, DICT_ROW);
	for (at = hash(words) % SLOTS; d->slot[at]; at = (at + 1) % SLOTS) {
		d->last = d->slot[at] - 1u;
		if (!memcmp(d->row[d->last], row, DICT_ROW))
			return (uint16_t)d->last;
	}
	d->last = d->rows++;
	d->slot[at] = (uint16_t)d->rows;
	memcpy(d->row[d->last], row, DICT_ROW);
	return (uint16_t)d->last;
}

void dict_clear(struct dict *d)
{
	memset(d->slot, 0, sizeof(d->slot));
	d->rows = 0;
}
