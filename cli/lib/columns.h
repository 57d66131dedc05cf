/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The columns of one EVENTS section, each decoded when it is first asked for: for those
 * who need some fields of many records. Everything is checked; nothing is believed.
 *
 *	struct hvt_columns c = { 0 };
 *
 *	for (each EVENTS section)
 *		if (!hvt_columns_open(&c, section, payload)) {
 *			gla = hvt_column(&c, HVT_COLUMN_GLA, &n);
 *			for (i = 0; gla && i < n; i++)
 *				...
 *		}
 *	hvt_columns_close(&c);
 */
#ifndef HVT_LIB_COLUMNS_H
#define HVT_LIB_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

enum hvt_column_index {
#define HVT_COLUMN_INDEX(name, table, number, width, type, label) HVT_COLUMN_##name,
	HVT_FIELDS(HVT_COLUMN_INDEX)
#undef HVT_COLUMN_INDEX
		HVT_COLUMNS
};

struct hvt_chunk;

struct hvt_column {
	struct hvt_log_column head; /* count 0: not there */
	const uint8_t *stored;
	uint8_t *decoded; /* kept from chunk to chunk */
	size_t room;
	bool done; /* decoded holds this chunk's */
};

struct hvt_columns {
	struct hvt_column column[HVT_COLUMNS];
	uint32_t rows[HVT_TABLES];
	uint8_t *scratch;
	size_t scratch_room;
	void *zstd;
	struct hvt_chunk *spare; /* chunk.c: room for the next one */
	int err; /* what the last hvt_column() that gave NULL met: -EBADMSG or -ENOMEM */
};

/*
 * Looks at what the payload of an EVENTS section says of itself. It must stay until the
 * next call. 0, or -EBADMSG. c is zeroed before the first call; one after the other may be
 * opened.
 */
int hvt_columns_open(struct hvt_columns *c, const struct hvt_section *s, const uint8_t *payload);
void hvt_columns_close(struct hvt_columns *c);

/*
 * All elements of a column, of its width, little-endian, aligned for any type: *count of
 * them (may be NULL). c's until the next hvt_columns_open(). NULL: c->err says why. A
 * table without rows has columns of 0 elements.
 */
const void *hvt_column(struct hvt_columns *c, enum hvt_column_index column, uint32_t *count);

/* The one element that all rows share, NULL when the column does not say that. */
const void *hvt_column_const(const struct hvt_columns *c, enum hvt_column_index column);

/* Rows of a table. */
static inline uint32_t hvt_columns_rows(const struct hvt_columns *c, enum hvt_table table)
{
	return c->rows[table];
}

#endif
