/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts by key: bytes in, rows out. Knows nothing of events; whoever feeds it makes the
 * keys.
 */
#ifndef HVT_CLI_TALLY_H
#define HVT_CLI_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hvt_tally_row {
	char *key; /* owned by the tally */
	size_t len;
	uint64_t hash, count;
	uint64_t reads, writes, execs; /* a read-modify-write is one of the first two each */
	uint64_t first_ns, last_ns;
};

struct hvt_tally {
	struct hvt_tally_row *rows;
	size_t n, cap;
	uint32_t *index; /* of rows, + 1; open addressing */
	size_t slots;	 /* a power of two, or 0 */
};

/* One more with this key. access: HVT_ACC_*. The row's number, or -ENOMEM. */
long hvt_tally_add(struct hvt_tally *t, const void *key, size_t len, uint8_t access, uint64_t ns);
/* The most frequent first; equal ones by key. Nothing may be added afterwards. */
void hvt_tally_sort(struct hvt_tally *t);
void hvt_tally_free(struct hvt_tally *t);

#endif
