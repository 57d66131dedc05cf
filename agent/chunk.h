/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of one CPU on their way into the log: taken apart into the columns of
 * <hvtrace/log.h> as they come, written as one section when they are enough. Knows
 * nothing of rings and files.
 */
#ifndef AGENT_CHUNK_H
#define AGENT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

#include "buf.h"

/*
 * What is enough: more would gain little, and a chunk is decoded as a whole. Of accesses
 * that is so early; instructions share a dictionary, which serves the better the more there
 * are.
 */
#define CHUNK_RECORDS  32768u
#define CHUNK_ACCESSES 4096u
#define CHUNK_BYTES    (2u << 20) /* as in the ring */

struct chunk;

struct chunk *chunk_new(uint32_t cpu);
void chunk_free(struct chunk *c);

/* Has the record at rec the parts that it announces, within its nslots? */
bool chunk_takes(const uint8_t *rec);

/* Takes a record for which chunk_takes() holds. False: it is enough now, seal it. */
bool chunk_add(struct chunk *c, const uint8_t *rec);

/* The smallest tsc in it; ~0 when it is empty. */
uint64_t chunk_tsc_first(const struct chunk *c);

/* Sets the header and the payload of the EVENTS section. The chunk is empty then. */
void chunk_seal(struct chunk *c, struct hvt_section *head, struct buf *payload);

#endif
