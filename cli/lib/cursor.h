/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the files share that turn the columns of an EVENTS section back into records: a place
 * in each table while its rows are matched to records. Each kind of record is gone through
 * twice: its rows are looked at, which says how many slots it takes, and later it is put.
 */
#ifndef HVT_LIB_CURSOR_H
#define HVT_LIB_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hvtrace/uapi.h>

#include "columns.h"
#include "records.h"

/* A row of CODE as a record has it. */
struct hvt_code {
	uint64_t ip;
	uint8_t insn[15], insn_len;
};

/* A place in a column of bytes. */
struct hvt_cursor_bytes {
	uint32_t at, len;
};

struct hvt_cursor {
	const void *p[HVT_COLUMNS];
	uint32_t rows[HVT_TABLES];
	uint32_t at[HVT_TABLES];
	struct hvt_cursor_bytes wide, delta, mem;
	struct hvt_code *code; /* the rows of CODE */
	uint32_t next;	       /* record */
	size_t slots;	       /* of all records */

	/* the columns that it took over: p[] points into them */
	struct {
		uint8_t *decoded;
		size_t room;
	} taken[HVT_COLUMNS];
};

#define HVT_VALUE(cur, type, name, row) (((const type *)(cur)->p[HVT_COLUMN_##name])[row])

/* The next row of a table, false when there is none. */
static inline bool hvt_cursor_step(struct hvt_cursor *cur, enum hvt_table table, uint32_t *row)
{
	*row = cur->at[table];
	return cur->at[table]++ < cur->rows[table];
}

/* Are these rows of CODE and TASK? */
static inline bool hvt_cursor_known(const struct hvt_cursor *cur, uint16_t code, uint16_t task)
{
	return code < cur->rows[HVT_TABLE_CODE] && task < cur->rows[HVT_TABLE_TASK];
}

/* Zeros up to the next slot. How many slots there are from out on. */
static inline uint8_t hvt_cursor_fill(uint8_t *out, uint8_t *at)
{
	size_t slots = ((size_t)(at - out) + HVT_SLOT - 1) / HVT_SLOT;

	memset(at, 0, slots * HVT_SLOT - (size_t)(at - out));
	return (uint8_t)slots;
}

/* ---- chunk_trace.c ---- */

/* Slots of a record, after a look at all rows that make it; 0: they are not there. */
uint32_t hvt_insn_slots(struct hvt_cursor *cur, uint16_t flags);
uint32_t hvt_flow_slots(struct hvt_cursor *cur);

/* Put the next record of the kind, with this head, where there is room. How many slots. */
size_t hvt_insn_put(struct hvt_cursor *cur, const struct hvt_rec *h, uint8_t *out);
size_t hvt_flow_put(struct hvt_cursor *cur, const struct hvt_rec *h, uint8_t *out);

#endif
