// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters as root mode applies them: each test alone and all of them together, against
 * a second reading of what uapi.h says, over random accesses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "filter.h"
#include "xorshift.h"

static u64 seed = 88172645463325252ull;

static u64 rnd(u64 n)
{
	seed = xorshift(seed);
	return (seed >> 11) % n;
}

/* Bytes as a number, by long comparison: the sign of @b - @value. */
static int compare(const u8 *b, u32 n, u64 value)
{
	u32 i;

	for (i = n; i-- > 8;)
		if (b[i])
			return 1;
	for (i = 8; i--;) {
		int a = i < n ? b[i] : 0, v = value >> (8 * i) & 255;

		if (a != v)
			return a < v ? -1 : 1;
	}
	return 0;
}

static bool model_value(const struct hvt_filter *f, const u8 *old, const u8 *new, u32 n)
{
	int c = compare(new, n, f->value);
	u64 low = 0;

	memcpy(&low, new, n < 8 ? n : 8);
	if ((f->flags & HVT_FF_CHANGED) && !memcmp(old, new, n))
		return false;
	return f->op == HVT_OP_NONE || (f->op == HVT_OP_EQ && c == 0) ||
	       (f->op == HVT_OP_NE && c != 0) || (f->op == HVT_OP_LT && c < 0) ||
	       (f->op == HVT_OP_LE && c <= 0) || (f->op == HVT_OP_GT && c > 0) ||
	       (f->op == HVT_OP_GE && c >= 0) || (f->op == HVT_OP_AND && (low & f->value));
}

static void test_values(void **state)
{
	u32 passed[8] = { 0 }, failed[8] = { 0 };
	u32 round;

	(void)state;
	for (round = 0; round < 400000; round++) {
		u32 n = 1 + rnd(rnd(2) ? 8 : 64), i;
		struct hvt_filter f = { .op = round % 8, .value = rnd(4) };
		u8 old[64], new[64];
		bool got;

		for (i = 0; i < n; i++) {
			new[i] = i < 2 || rnd(8) == 0 ? rnd(3) : 0;
			old[i] = rnd(4) ? new[i] : rnd(3);
		}
		if (rnd(4) == 0)
			memcpy(&f.value, new, n < 8 ? n : 8);
		if (rnd(8) == 0)
			f.value = ~0ull;
		f.flags = rnd(2) ? HVT_FF_CHANGED : 0;
		got = hvt_filter_value(&f, old, new, n, true);
		assert_int_equal(got, model_value(&f, old, new, n));
		got ? passed[f.op]++ : failed[f.op]++;
		/* What is not known does not fail. */
		f.flags = HVT_FF_CHANGED;
		f.op = HVT_OP_NONE;
		assert_true(hvt_filter_value(&f, old, new, n, false));
	}
	for (round = 0; round < 8; round++) {
		assert_true(passed[round] > 1000);
		assert_true(failed[round] > 1000);
	}
}

static void test_who(void **state)
{
	struct hvt_accessor a = { .cpu = 3,
				  .pid = 40,
				  .tid = 41,
				  .user = true,
				  .ip = 0x1000,
				  .comm = "worker\0\0\0\0\0\0\0\0\0" };
	struct hvt_filter f = { 0 };

	(void)state;
	assert_true(hvt_filter_who(&f, &a));
	f.flags = HVT_FF_KERNEL;
	assert_false(hvt_filter_who(&f, &a));
	f.flags = HVT_FF_USER;
	assert_true(hvt_filter_who(&f, &a));
	f.nr_pids = 2;
	f.pid[0] = 41;
	f.pid[1] = 39;
	assert_false(hvt_filter_who(&f, &a));
	f.pid[1] = 40;
	assert_true(hvt_filter_who(&f, &a));
	f.nr_tids = 1;
	f.tid[0] = 40;
	assert_false(hvt_filter_who(&f, &a));
	f.tid[0] = 41;
	assert_true(hvt_filter_who(&f, &a));
	f.flags |= HVT_FF_CPUS;
	f.cpus[0] = ~(1ull << 3);
	assert_false(hvt_filter_who(&f, &a));
	f.cpus[0] = 1ull << 3;
	assert_true(hvt_filter_who(&f, &a));
	a.cpu = 67;
	assert_false(hvt_filter_who(&f, &a));
	f.cpus[1] = 1ull << 3;
	assert_true(hvt_filter_who(&f, &a));
	a.cpu = 600; /* beyond what a filter can name */
	assert_false(hvt_filter_who(&f, &a));
	a.cpu = 3;
	f.nr_comms = 1;
	strcpy(f.comm[0], "work");
	assert_false(hvt_filter_who(&f, &a));
	strcpy(f.comm[0], "workers");
	assert_false(hvt_filter_who(&f, &a));
	strcpy(f.comm[0], "worker");
	assert_true(hvt_filter_who(&f, &a));
	a.comm = "fifteen-letters";
	memcpy(f.comm[0], "fifteen-lettersX", 16);
	assert_true(hvt_filter_who(&f, &a));
	memcpy(f.comm[0], "fifteen-letterX", 16);
	assert_false(hvt_filter_who(&f, &a));
	memcpy(f.comm[0], "fifteen-letters", 16);
	f.nr_ips = 2;
	f.ip[0] = (struct hvt_filter_ip){ 0x1001, 0x2000, 0, 0 };
	f.ip[1] = (struct hvt_filter_ip){ 0xf00, 0x1000, 0, 0 };
	assert_false(hvt_filter_who(&f, &a));
	f.ip[0].lo = 0x1000;
	assert_true(hvt_filter_who(&f, &a));
	f.ip[0].pid = 41;
	assert_false(hvt_filter_who(&f, &a));
	f.ip[0].pid = 40;
	assert_true(hvt_filter_who(&f, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_who),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
