// SPDX-License-Identifier: GPL-2.0-only
/*
 * The consumer's side of one ring. Believes nothing that is written there: a wrong
 * head or record length ends the reading of that ring, never a read out of bounds.
 */
#include <errno.h>
#include <string.h>

#include "chunk.h"
#include "drain.h"

uint64_t ring_look(struct ring *ring)
{
	uint64_t inflight, head;

	if (!ring->present || ring->corrupt)
		return ~0ull;
	/*
	 * In this order: the producer publishes head before it clears inflight_tsc, so
	 * whoever sees it clear sees that head as well.
	 */
	inflight = __atomic_load_n(&ring->head->inflight_tsc, __ATOMIC_ACQUIRE);
	/* Pairs with the producer's store-release of head: the records are there. */
	head = __atomic_load_n(&ring->head->head, __ATOMIC_ACQUIRE);
	if (head - ring->at > ring->slots)
		ring->corrupt = true;
	else
		ring->limit = head;
	return inflight ? inflight : ~0ull;
}

static void copy_slots(const struct ring *ring, uint8_t *out, uint64_t from, uint32_t n)
{
	uint32_t start = (uint32_t)(from & (ring->slots - 1));
	uint32_t before_wrap = ring->slots - start;

	if (before_wrap > n)
		before_wrap = n;
	memcpy(out, ring->data + (size_t)start * HVT_SLOT, (size_t)before_wrap * HVT_SLOT);
	memcpy(out + (size_t)before_wrap * HVT_SLOT, ring->data,
	       (size_t)(n - before_wrap) * HVT_SLOT);
}

int ring_copy(struct ring *ring, uint8_t *out, uint32_t *bytes)
{
	uint64_t ready = ring->limit - ring->at;
	uint32_t used = 0, slots;

	*bytes = 0;
	if (ring->corrupt)
		return -EPROTO;
	if (!ring->present || !ready)
		return 0;

	/* Copy first, judge the copy: the ring may change under us, the copy cannot. */
	slots = ready < RING_BATCH_SLOTS ? (uint32_t)ready : RING_BATCH_SLOTS;
	copy_slots(ring, out, ring->at, slots);
	while (used < slots) {
		struct hvt_rec rec;

		memcpy(&rec, out + (size_t)used * HVT_SLOT, sizeof(rec));
		if (!rec.nslots || rec.nslots > ready - used) {
			ring->corrupt = true;
			break;
		}
		if (rec.nslots > slots - used)
			break; /* begins in this batch, goes with the next one */
		if (!chunk_takes(out + (size_t)used * HVT_SLOT)) {
			ring->corrupt = true;
			break;
		}
		if (rec.type == HVT_REC_LOST) {
			struct hvt_rec_lost lost;

			memcpy(&lost, out + (size_t)used * HVT_SLOT, sizeof(lost));
			ring->lost += lost.count;
			ring->next_seq = rec.seq + lost.count;
		} else {
			ring->consumed++;
			ring->next_seq = rec.seq + 1;
		}
		used += rec.nslots;
	}
	*bytes = used * HVT_SLOT;
	ring->at += used;
	/* The copy is done before the producer may reuse the slots. */
	__atomic_store_n(&ring->tail->tail, ring->at, __ATOMIC_RELEASE);
	/* What was whole before the bad record goes out; the error comes next time. */
	return ring->corrupt && !used ? -EPROTO : 0;
}
