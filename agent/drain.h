/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The consumer's side of one ring: how far it may read, whole records out of it, and
 * the count of what came. Works on any memory that looks like a ring; believes nothing
 * that is written there.
 */
#ifndef AGENT_DRAIN_H
#define AGENT_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <hvtrace/uapi.h>

struct ring {
	const struct hvt_ring_head *head;
	struct hvt_ring_tail *tail;
	const uint8_t *data;
	uint32_t slots;	   /* a power of two */
	uint64_t at;	   /* slots consumed */
	uint64_t limit;	   /* slots published when last looked */
	uint64_t consumed; /* records, LOST ones not counted */
	uint64_t lost;	   /* records that LOST ones in the ring reported */
	uint64_t next_seq; /* of the record after those that were read */
	bool present;	   /* this CPU has a ring */
	bool corrupt;	   /* never read again */
};

/* The most that ring_copy() writes: 256 KiB of whole records. */
#define RING_BATCH_SLOTS 4096u

/*
 * Looks how far the producer is. Returns the smallest tsc that a record of this CPU
 * which is not below ring->limit may have; ~0 when nothing is being made. The caller
 * reads the clock before the call (log.h, ROUND).
 */
uint64_t ring_look(struct ring *ring);

/*
 * Copies whole records below ring->limit to out (RING_BATCH_SLOTS slots of room) and
 * gives their slots back. Returns 0, with *bytes 0 when there is none, or -EPROTO when
 * the ring makes no sense; it is then marked corrupt.
 */
int ring_copy(struct ring *ring, uint8_t *out, uint32_t *bytes);

#endif
