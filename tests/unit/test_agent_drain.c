// SPDX-License-Identifier: GPL-2.0-only
/*
 * The consumer's side of a ring made in memory: wrap-around, chunks, losses, and
 * producers that write nonsense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chunk.h"
#include "drain.h"

struct fixture {
	struct hvt_ring_head head;
	struct hvt_ring_tail tail;
	struct ring ring;
	uint8_t *data, *out; /* on the heap: ASan sees every byte beyond */
	uint64_t seq;
};

static void make(struct fixture *f, uint32_t slots, uint64_t start)
{
	memset(f, 0, sizeof(*f));
	f->data = calloc(slots, HVT_SLOT);
	f->out = malloc((size_t)RING_BATCH_SLOTS * HVT_SLOT);
	assert_non_null(f->data);
	assert_non_null(f->out);
	f->head.head = start;
	f->tail.tail = start;
	f->ring = (struct ring){
		.head = &f->head,
		.tail = &f->tail,
		.data = f->data,
		.slots = slots,
		.at = start,
		.limit = start,
		.present = true,
	};
}

static void done(struct fixture *f)
{
	free(f->data);
	free(f->out);
}

/* As root mode would: slots filled, then head published. Slots are tagged at the end. */
static void produce(struct fixture *f, uint8_t type, uint8_t nslots, uint8_t said, uint64_t tsc)
{
	struct hvt_rec rec = { .type = type, .nslots = said, .seq = f->seq++, .tsc = tsc };
	unsigned int i;

	for (i = 0; i < nslots; i++) {
		uint8_t *slot = f->data + ((f->head.head + i) & (f->ring.slots - 1)) * HVT_SLOT;

		memset(slot, (int)rec.seq, HVT_SLOT);
		if (!i)
			memcpy(slot, &rec, sizeof(rec));
		slot[HVT_SLOT - 1] = (uint8_t)i;
	}
	f->head.head += nslots;
	f->head.produced++;
}

/* What one ring_copy() brought. */
struct batch {
	uint32_t bytes, records;
	uint64_t tsc_first, tsc_last;
};

static int copy(struct fixture *f, struct batch *b)
{
	struct hvt_rec rec;
	uint32_t at;
	int rc;

	memset(b, 0, sizeof(*b));
	b->tsc_first = ~0ull;
	rc = ring_copy(&f->ring, f->out, &b->bytes);
	for (at = 0; at < b->bytes; at += (uint32_t)rec.nslots * HVT_SLOT, b->records++) {
		memcpy(&rec, f->out + at, sizeof(rec));
		if (rec.tsc < b->tsc_first)
			b->tsc_first = rec.tsc;
		if (rec.tsc > b->tsc_last)
			b->tsc_last = rec.tsc;
	}
	assert_int_equal(at, b->bytes);
	return rc;
}

static void empty(void **state)
{
	struct batch batch;
	struct fixture f;

	(void)state;
	make(&f, 64, 0);
	assert_true(ring_look(&f.ring) == ~0ull);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.bytes, 0);

	/* A CPU without a ring is empty for ever. */
	f.ring.present = false;
	f.ring.head = NULL;
	assert_true(ring_look(&f.ring) == ~0ull);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.bytes, 0);
	done(&f);
}

/* Records of 2 to 5 slots through a small ring, and across the end of the counter. */
static void wraps(void **state)
{
	static const uint64_t starts[] = { 0, 61, ~0ull - 40 };
	size_t s, round;

	(void)state;
	for (s = 0; s < 3; s++) {
		uint64_t expect = 0;
		struct fixture f;

		make(&f, 64, starts[s]);
		for (round = 0; round < 50; round++) {
			struct batch batch;
			uint32_t at;
			unsigned int i;

			for (i = 2; i <= 5; i++)
				produce(&f, HVT_REC_ACCESS, (uint8_t)i, (uint8_t)i, 1000 - i);
			ring_look(&f.ring);
			assert_int_equal(copy(&f, &batch), 0);
			assert_int_equal(batch.records, 4);
			assert_int_equal(batch.bytes, 14 * HVT_SLOT);
			assert_true(batch.tsc_first == 995 && batch.tsc_last == 998);
			for (at = 0; at < batch.bytes;) {
				struct hvt_rec rec;

				memcpy(&rec, f.out + at, sizeof(rec));
				assert_true(rec.seq == expect++);
				for (i = 0; i < rec.nslots; i++, at += HVT_SLOT)
					assert_int_equal(f.out[at + HVT_SLOT - 1], i);
			}
			assert_true(f.tail.tail == f.head.head);
		}
		assert_true(f.ring.consumed == 200 && f.ring.next_seq == 200);
		done(&f);
	}
}

static void full_ring(void **state)
{
	struct batch batch;
	struct fixture f;
	int i;

	(void)state;
	make(&f, 64, 10);
	for (i = 0; i < 32; i++)
		produce(&f, HVT_REC_ACCESS, 2, 2, 7);
	ring_look(&f.ring);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.records, 32);
	done(&f);
}

/* More than a batch: records stay whole, nothing is left behind. */
static void batches(void **state)
{
	uint64_t records = 0;
	struct fixture f;
	int i;

	(void)state;
	make(&f, 16384, 16000);
	for (i = 0; i < 5000; i++)
		produce(&f, HVT_REC_ACCESS, 3, 3, (uint64_t)i);
	ring_look(&f.ring);
	for (;;) {
		struct batch batch;

		assert_int_equal(copy(&f, &batch), 0);
		if (!batch.bytes)
			break;
		assert_int_equal(batch.bytes % (3 * HVT_SLOT), 0);
		assert_true(batch.bytes <= RING_BATCH_SLOTS * HVT_SLOT);
		assert_true(batch.tsc_first == records);
		records += batch.records;
		assert_true(batch.tsc_last == records - 1);
	}
	assert_int_equal(records, 5000);
	done(&f);
}

static void only_up_to_the_look(void **state)
{
	struct batch batch;
	struct fixture f;

	(void)state;
	make(&f, 64, 0);
	produce(&f, HVT_REC_REMAP, 1, 1, 5);
	f.head.inflight_tsc = 77;
	assert_true(ring_look(&f.ring) == 77);
	produce(&f, HVT_REC_REMAP, 1, 1, 6);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.records, 1);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.records, 0);
	f.head.inflight_tsc = 0;
	assert_true(ring_look(&f.ring) == ~0ull);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.records, 1);
	done(&f);
}

static void lost_records(void **state)
{
	struct hvt_rec_lost lost = {
		.h = { .type = HVT_REC_LOST, .nslots = 1, .seq = 1, .tsc = 3 },
		.count = 41,
	};
	struct batch batch;
	struct fixture f;

	(void)state;
	make(&f, 64, 0);
	produce(&f, HVT_REC_ACCESS, 2, 2, 2);
	memcpy(f.data + f.head.head * HVT_SLOT, &lost, sizeof(lost));
	f.head.head++;
	f.seq = 42;
	ring_look(&f.ring);
	assert_int_equal(copy(&f, &batch), 0);
	assert_int_equal(batch.records, 2);
	assert_true(f.ring.consumed == 1 && f.ring.lost == 41 && f.ring.next_seq == 42);
	produce(&f, HVT_REC_ACCESS, 2, 2, 4);
	ring_look(&f.ring);
	assert_int_equal(copy(&f, &batch), 0);
	assert_true(f.ring.consumed == 2 && f.ring.next_seq == 43);
	done(&f);
}

/* A wrong length: what was good goes out, then an error, then nothing ever again. */
static void hostile_nslots(void **state)
{
	static const struct {
		uint8_t type, said;
	} bad[] = {
		{ HVT_REC_ACCESS, 0 },
		{ HVT_REC_ACCESS, 1 },
		{ HVT_REC_ACCESS, 3 },
		{ HVT_REC_ACCESS, 255 },
		{ HVT_REC_LOST, 0 },
		{ HVT_REC_REMAP, 0 },
		{ 0, 0 },
		{ 200, 0 },
		{ 200, 200 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct batch batch;
		struct fixture f;

		make(&f, 64, 63);
		produce(&f, HVT_REC_ACCESS, 2, 2, 1);
		produce(&f, bad[i].type, 2, bad[i].said, 2);
		ring_look(&f.ring);
		assert_int_equal(copy(&f, &batch), 0);
		assert_int_equal(batch.records, 1);
		assert_int_equal(batch.bytes, 2 * HVT_SLOT);
		assert_int_equal(copy(&f, &batch), -EPROTO);
		assert_int_equal(batch.bytes, 0);
		produce(&f, HVT_REC_ACCESS, 2, 2, 3);
		assert_true(ring_look(&f.ring) == ~0ull);
		assert_int_equal(copy(&f, &batch), -EPROTO);
		done(&f);
	}
}

static void hostile_head(void **state)
{
	static const uint64_t heads[] = { 65 + 100, 99, ~0ull, 1ull << 63 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct batch batch;
		struct fixture f;

		make(&f, 64, 100);
		f.head.head = heads[i];
		ring_look(&f.ring);
		assert_true(f.ring.corrupt);
		assert_int_equal(copy(&f, &batch), -EPROTO);
		assert_int_equal(batch.bytes, 0);
		done(&f);
	}
}

/* Any bytes at all: whole records or an error, and never a byte outside. */
static void random_rings(void **state)
{
	unsigned int seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct batch batch;
		struct fixture f;
		size_t i;
		int rc;

		make(&f, 64, (uint64_t)rand_r(&seed));
		for (i = 0; i < 64 * HVT_SLOT; i++)
			f.data[i] = (uint8_t)(rand_r(&seed) % 7);
		f.head.head += (uint64_t)(rand_r(&seed) % 80);
		ring_look(&f.ring);
		do {
			uint32_t at = 0;

			rc = copy(&f, &batch);
			for (; at < batch.bytes; at += f.out[at + 1] * HVT_SLOT)
				assert_true(chunk_takes(f.out + at));
		} while (!rc && batch.bytes);
		done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(wraps),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(batches),
		cmocka_unit_test(only_up_to_the_look),
		cmocka_unit_test(lost_records),
		cmocka_unit_test(hostile_nslots),
		cmocka_unit_test(hostile_head),
		cmocka_unit_test(random_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
