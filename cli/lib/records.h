/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The records that EVENTS sections hold: of one section, all or some at a time, and those of
 * all CPUs in one order.
 */
#ifndef HVT_LIB_RECORDS_H
#define HVT_LIB_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "columns.h"

/* ---- chunk.c: columns back into records ---- */

struct hvt_cursor;

struct hvt_chunk { /* records of one CPU, as in the ring */
	size_t refs, len, room;
	uint32_t cpu, records;
	_Alignas(8) uint8_t bytes[];
};

/* All records of what is open in c. 0, -EBADMSG or -ENOMEM. */
int hvt_chunk_decode(struct hvt_columns *c, uint32_t cpu, struct hvt_chunk **out);
/* Give up a reference. The room of the last one is kept in c, for the next chunk. */
void hvt_chunk_put(struct hvt_columns *c, struct hvt_chunk *chunk);

/*
 * The records of what is open in c, some at a time: it has a record at least. Its columns are
 * the cursor's until that is closed. 0, -EBADMSG or -ENOMEM.
 */
int hvt_cursor_open(struct hvt_columns *c, struct hvt_cursor **out);
void hvt_cursor_close(struct hvt_columns *c, struct hvt_cursor *cur);
bool hvt_cursor_left(const struct hvt_cursor *cur);
/* Of the next record, if one is left. */
uint64_t hvt_cursor_tsc(const struct hvt_cursor *cur);
/* Of all its records. */
size_t hvt_cursor_bytes(const struct hvt_cursor *cur);
/* The next records, of `cpu`. NULL: no memory, and it stays where it is. */
struct hvt_chunk *hvt_cursor_next(struct hvt_columns *c, struct hvt_cursor *cur, uint32_t cpu);

/* ---- merge.c: records of all CPUs in one order ---- */

struct hvt_pending {
	uint64_t tsc, seq;
	uint32_t cpu;
	uint32_t offset; /* in chunk->bytes */
	struct hvt_chunk *chunk;
};

struct hvt_merge_cpu {
	struct hvt_stored *stored, *last; /* sections, in the order of the stream */
	struct hvt_cursor *cursor;	  /* the one before them; NULL: none is begun */
	struct hvt_chunk *chunk;	  /* what was taken of it; NULL: to be taken */
	size_t at;			  /* in chunk->bytes */
	uint64_t tsc;			  /* of the next record, as far as it is known */
};

struct hvt_merge {
	struct hvt_merge_cpu *cpus;
	uint32_t nr_cpus;
	uint32_t *heap; /* CPUs that have something, the next one at 0 */
	size_t nr_heap;
	uint64_t limit; /* what has a smaller tsc may go out */
	bool all;
	struct hvt_columns columns;
	size_t decoded; /* bytes of the records of all cursors */
	struct hvt_pending *given;
	size_t nr_given, cap_given;
	uint64_t bad; /* offset of the section that was -EBADMSG */
};

int hvt_merge_init(struct hvt_merge *m, uint32_t nr_cpus);
/* An EVENTS section at off in the stream, of a good CPU. 0, -EBADMSG or -ENOMEM. */
int hvt_merge_add(struct hvt_merge *m, const struct hvt_section *s, uint64_t off,
		  const uint8_t *payload);
/* Let out all that has a tsc below `tsc`. */
void hvt_merge_release(struct hvt_merge *m, uint64_t tsc, bool all);
/*
 * The next record, and with max above 1 those behind it that the same CPU made at the same
 * tsc. How many, 0 when none may go out, -EBADMSG (m->bad says where) or -ENOMEM. They are
 * m's, with their chunks, until the next call.
 */
int hvt_merge_next(struct hvt_merge *m, const struct hvt_pending **given, int max);
/* Forget the sections that are not decoded and are at off or behind it. */
void hvt_merge_drop(struct hvt_merge *m, uint64_t off);
void hvt_merge_free(struct hvt_merge *m);

#endif
