/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whole columns of the records of one type (struct hvt_rows), one section at a time: what
 * each thread that puts them does.
 */
#ifndef HVT_LIB_ROWS_H
#define HVT_LIB_ROWS_H

#include "internal.h"

#define HVT_ROWS_BLOCK 256u /* rows that are put at a time */

/* Of a column: where its values are, and which of them is that of row i. */
struct hvt_rows_source {
	const uint8_t *values; /* NULL: the section's CPU, the same for all */
	const uint16_t *meant; /* of a dictionary; NULL: it is none */
	const uint32_t *kept;  /* of the records; NULL: the i-th */
	const uint64_t *gla;   /* to be added; NULL: nothing */
	bool ns;	       /* the values are ticks, and times are wanted */
	uint32_t width, step;  /* bytes of a value, and from one to the next */
};

struct hvt_rows_worker {
	const struct hvt_rows *rows;
	struct hvt_columns columns;
	struct hvt_rows_source source[HVT_ROWS_COLUMNS];
	/* of the section: which records are of the type, if not all; and what they mean */
	uint32_t *kept;
	uint32_t kept_room;
	bool all;
	const uint16_t *code, *task;
	uint64_t block[2 * HVT_ROWS_BLOCK]; /* values of one block, 16 bytes at most ... */
	uint64_t place[HVT_ROWS_BLOCK];	    /* ... and where its rows go */
};

/* Puts the rows of one section. 0, -EBADMSG, -EINVAL or -ENOMEM. w->rows is set, all else 0. */
int hvt_rows_section_put(struct hvt_rows_worker *w, const struct hvt_rows_section *s);
void hvt_rows_worker_close(struct hvt_rows_worker *w);

/* Where n rows of one CPU from `first` on go in the order of rows->tsc. */
void hvt_rows_place(const struct hvt_rows *rows, uint64_t first, uint32_t n, uint64_t *place);

#endif
