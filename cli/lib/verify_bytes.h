/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is known of the bytes of pages while a log is verified. Only lines that were touched
 * take memory; beyond a limit those of the pages that were not used for the longest time are
 * put aside, into a file without a name. Nothing is forgotten.
 */
#ifndef HVT_LIB_VERIFY_BYTES_H
#define HVT_LIB_VERIFY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <hvtrace/hvtrace.h>

#define HVT_VLINE 64u /* bytes; a page has as many lines */

/* Bit maps: one bit for each byte of the line. */
struct hvt_vline {
	uint64_t known; /* value[] is what is there */
	uint64_t stale; /* was known, until something unseen came between */
	uint8_t value[HVT_VLINE];
};

/* Those of one page; zeroed before the first use. */
struct hvt_vbytes {
	TAILQ_ENTRY(hvt_vbytes) order;
	uint64_t present;    /* a bit for each line that is in lines[], in this order */
	struct hvt_vline *v; /* NULL: none, or they are aside */
	uint32_t cap;	     /* of v */
	bool aside;
	uint64_t place; /* in the file, from 1; 0: none */
};

/* Those of all pages. */
struct hvt_vstore {
	TAILQ_HEAD(hvt_vused, hvt_vbytes) used; /* those with v, the last one used first */
	size_t bytes, limit;			/* of all v */
	uint64_t places;
	int fd; /* -1: not needed yet */
};

/* So much of it stays in memory; tests make it less. */
extern size_t hvt_vstore_limit;

void hvt_vstore_init(struct hvt_vstore *s);
/* After all of its hvt_vbytes were dropped. */
void hvt_vstore_close(struct hvt_vstore *s);

/*
 * The page's lines are needed now: they are in memory until another page's are. 0, or -1
 * when there is no memory for them or the file cannot be read.
 */
int hvt_vbytes_use(struct hvt_vstore *s, struct hvt_vbytes *b);
void hvt_vbytes_drop(struct hvt_vstore *s, struct hvt_vbytes *b);

/*
 * Of a page in use, n bytes from off on; map: a bit for each byte of the page that counts,
 * NULL: all do.
 *
 * Compare what is known with bytes[]: where in it the first one is that differs, with *known
 * what it was, n when none does. Counts in the verdict.
 */
uint32_t hvt_vbytes_check(struct hvt_vbytes *b, const uint64_t *map, uint32_t off,
			  const uint8_t *bytes, uint32_t n, uint8_t *known,
			  struct hvt_verdict *verdict);
/* They are bytes[]. 0, or -1 when there is no memory. */
int hvt_vbytes_set(struct hvt_vstore *s, struct hvt_vbytes *b, const uint64_t *map, uint32_t off,
		   const uint8_t *bytes, uint32_t n);
/* They may be something else by now. */
void hvt_vbytes_forget(struct hvt_vbytes *b, uint32_t off, uint32_t n);
/* All that was known is stale. */
void hvt_vbytes_make_stale(struct hvt_vbytes *b);

#endif
