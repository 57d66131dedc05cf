// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters in a log: what the reader says of them, and the tests of values that it makes
 * again where only the refinement has found the bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "logbuild.h"
#include "readlog.h"

static void test_facts(void **state)
{
	const struct hvt_watch_fact *w;
	struct logbuild lb = { 0 };
	struct hvt_reader *r;

	(void)state;
	lb_filtered(&lb);
	r = read_whole(&lb);
	assert_int_equal(hvt_reader_state(r), HVT_LOG_COMPLETE);
	assert_int_equal(hvt_reader_stats(r)->end_reason, HVT_END_LIMIT);
	w = hvt_reader_watch(r, 0);
	assert_non_null(w);
	assert_non_null(w->filter);
	assert_int_equal(w->filter->id, 7);
	assert_true(w->filter->op == HVT_OP_GE && w->filter->value == 16);
	assert_int_equal(w->filter->ip[0].hi, 0x2000);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_sample(&lb);
	r = read_whole(&lb);
	assert_null(hvt_reader_watch(r, 0)->filter);
	assert_int_equal(hvt_reader_watch(r, 2)->flags, HVT_WATCH_PHYS | HVT_WATCH_COALESCE);
	hvt_reader_free(r);
	lb_free(&lb);
}

static void test_refined(void **state)
{
	struct logbuild lb = { 0 };
	struct hvt_reader *r;
	struct hvt_event ev;
	uint64_t seqs = 0;
	int n = 0;

	(void)state;
	lb_filtered(&lb);
	r = read_whole(&lb);
	for (; hvt_reader_next(r, &ev); n++) {
		seqs = seqs * 10 + ev.seq;
		if (ev.seq < 6)
			assert_true(ev.addr == 0x6006 && ev.size == 4 && ev.exact);
	}
	assert_int_equal(n, 3);
	assert_int_equal(seqs, 36); /* 0, 3 and 6 */
	assert_int_equal(hvt_reader_stats(r)->filtered, 4);
	assert_int_equal(hvt_reader_stats(r)->accesses, 3);
	assert_int_equal(hvt_reader_watch(r, 0)->hits, 3);
	hvt_reader_free(r);
	lb_free(&lb);
}

/* Any byte of a filter's section, or of a watch's that names it, with right checksums. */
static void test_hostile(void **state)
{
	static const uint8_t values[] = { 0x01, 0xff };
	struct logbuild lb = { 0 };
	struct hvt_event ev;
	struct hvt_section s;
	size_t off = sizeof(struct hvt_log_header), at, v;
	uint8_t keep;

	(void)state;
	lb_filtered(&lb);
	memcpy(&s, lb.bytes + off, sizeof(s));
	assert_int_equal(s.type, HVT_SEC_FILTER);
	for (at = 0; at < s.len + 2 * sizeof(s) + sizeof(struct hvt_log_watch); at++) {
		uint8_t *byte = lb.bytes + off + sizeof(s) + at;

		if (at >= s.len && at < s.len + sizeof(s))
			continue; /* a section's header has a checksum of its own */
		keep = *byte;
		for (v = 0; v < sizeof(values); v++) {
			struct hvt_reader *r;

			*byte = values[v];
			lb_reseal(&lb, off);
			lb_reseal(&lb, off + sizeof(s) + s.len);
			r = read_whole(&lb);
			while (hvt_reader_next(r, &ev))
				;
			hvt_reader_free(r);
		}
		*byte = keep;
	}
	lb_free(&lb);
}

/* Numbers of 1 to 32 bytes against a comparison of 128 bits at a time. */
static void test_values(void **state)
{
	uint8_t old[32], new_[32];
	struct hvt_filter f = { 0 };
	struct hvt_event ev = { .addr = 0x1000, .old = old, .new_ = new_ };
	unsigned int i, k;

	(void)state;
	srand(5);
	for (i = 0; i < 40000; i++) {
		unsigned __int128 n = 0;
		bool want, changed;
		uint32_t from;

		ev.size = ev.val_len = 1u + (uint32_t)rand() % 16;
		ev.val_off = 0;
		memset(old, 0, sizeof(old));
		memset(new_, 0, sizeof(new_));
		for (k = 0; k < 3; k++) {
			new_[(uint32_t)rand() % ev.size] = (uint8_t)(rand() % 3);
			old[(uint32_t)rand() % ev.size] = (uint8_t)(rand() % 3);
		}
		from = (uint32_t)rand() % ev.size;
		for (k = ev.size; k > from; k--)
			n = n << 8 | new_[k - 1];
		changed = memcmp(old + from, new_ + from, ev.size - from) != 0;
		f.value = rand() % 2 ? (uint64_t)n : (uint64_t)rand() % 4 << rand() % 40;
		f.op = (uint32_t)rand() % (HVT_OP_AND + 1);
		f.flags = rand() % 2 ? HVT_FF_CHANGED : 0;
		want = f.op == HVT_OP_NONE || (f.op == HVT_OP_EQ && n == f.value) ||
		       (f.op == HVT_OP_NE && n != f.value) || (f.op == HVT_OP_LT && n < f.value) ||
		       (f.op == HVT_OP_LE && n <= f.value) || (f.op == HVT_OP_GT && n > f.value) ||
		       (f.op == HVT_OP_GE && n >= f.value) || (f.op == HVT_OP_AND && n & f.value);
		want = want && (!f.flags || changed);
		assert_int_equal(hvt_filter_values(&f, &ev, ev.addr + from, ev.addr + ev.size - 1),
				 want);
	}
	/* bytes that were not recorded might pass */
	f.op = HVT_OP_EQ;
	f.flags = 0;
	f.value = 77;
	ev.size = 16;
	ev.val_off = 4;
	ev.val_len = 8;
	assert_false(hvt_filter_values(&f, &ev, 0x1004, 0x100b));
	assert_true(hvt_filter_values(&f, &ev, 0x1003, 0x100b));
	assert_true(hvt_filter_values(&f, &ev, 0x1004, 0x100c));
	assert_true(hvt_filter_values(&f, &ev, 0x100c, 0x100c));
	/* of a device nobody knows what was there */
	f.op = HVT_OP_NONE;
	f.flags = HVT_FF_CHANGED;
	ev.new_ = old;
	assert_false(hvt_filter_values(&f, &ev, 0x1004, 0x1005));
	ev.old = NULL;
	assert_true(hvt_filter_values(&f, &ev, 0x1004, 0x1005));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_refined),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
