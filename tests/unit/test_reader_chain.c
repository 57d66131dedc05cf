// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvt_verify() and the values: which bytes may be compared with the record before, and
 * that those are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify_log.h"

#define RW (HVT_ACC_R | HVT_ACC_W)

/* An access by CPU 0 with its values. */
static void put(struct vlog *l, uint64_t gla, uint32_t size, uint8_t access, uint64_t old,
		uint64_t new_)
{
	struct hvt_rec_access a = vl_access(l, 0, gla, size, access);

	a.old = old;
	a.new_ = new_;
	vl_put(l, 0, &a);
}

static void watch(struct vlog *l, uint32_t access, uint64_t addr, uint64_t len)
{
	lb_watch(&l->lb, 1, access, 100, addr, len, "x");
}

/*
 * Random accesses of two CPUs to two pages that are watched in part: what a watch of
 * writes covers is proved; one wrong byte there is found and one outside is not.
 */
static void random_log(struct vlog *l, unsigned int seed, bool inside, bool outside)
{
	uint8_t memory[0x2000] = { 0 }, bytes[64];
	uint64_t lo = 0x10f00, hi = 0x11200, at, spoiled = 0;
	struct hvt_rec_access a;
	uint32_t size, cpu, k;
	int i;

	srand(seed);
	vl_begin(l, 2);
	watch(l, RW, lo, hi - lo);
	for (i = 0; i < 3000; i++) {
		cpu = (uint32_t)rand() % 2;
		size = (uint32_t)rand() % 2 ? 1u << rand() % 4 : 1 + (uint32_t)rand() % 64;
		at = lo - 40 + (uint64_t)rand() % (hi - lo + 80);
		if (at + size <= lo || at >= hi)
			continue;
		a = vl_access(l, cpu, at, size, rand() % 3 ? HVT_ACC_W : HVT_ACC_R);
		/* what is outside of the watch changes unseen */
		for (k = 0; k < size; k++)
			if (outside && (at + k < lo || at + k >= hi))
				memory[at + k - 0x10000] ^= (uint8_t)rand();
		for (k = 0; k < size && inside && i > 2900 && !spoiled; k++)
			if (at + k >= lo && at + k < hi) {
				memory[at + k - 0x10000] ^= 0x40;
				spoiled = at + k;
			}
		for (k = 0; k < size; k++)
			bytes[k] = a.access & HVT_ACC_W ? (uint8_t)rand() :
							  memory[at + k - 0x10000];
		if (size <= 8) {
			memcpy(&a.old, memory + at - 0x10000, size);
			memcpy(&a.new_, bytes, size);
			vl_put(l, cpu, &a);
		} else {
			vl_put_wide(l, cpu, &a, NULL, memory + at - 0x10000, bytes, size);
		}
		if (a.access & HVT_ACC_W)
			memcpy(memory + at - 0x10000, bytes, size);
		if (i % 100 == 0)
			vl_round(l);
	}
}

static void test_random(void **state)
{
	struct hvt_verdict v;
	unsigned int seed;
	struct vlog l;

	(void)state;
	for (seed = 1; seed <= 10; seed++) {
		random_log(&l, seed, false, false);
		vl_end(&l, &v);
		vl_expect_good(&v);
		assert_true(v.links > 10000);
		random_log(&l, seed, false, true);
		vl_end(&l, &v);
		vl_expect_good(&v);
		random_log(&l, seed, true, false);
		vl_end(&l, &v);
		assert_int_equal(v.count[HVT_FLAW_VALUE], 1);
		assert_int_equal(v.differ, 1);
	}
}

/* Only a watch of writes without a filter lets a byte be followed. */
static void test_watches(void **state)
{
	struct hvt_log_watch w = { .id = 1, .pid = 100, .addr = 0x10010, .len = 8 };
	const struct hvt_filter filter = { .size = sizeof(filter), .id = 7 };
	const struct {
		uint32_t access, filter, links, flags;
	} cases[] = {
		{ HVT_ACC_W, 0, 1, 0 },	      { RW, 0, 1, 0 },
		{ HVT_ACC_R, 0, 0, 0 },	      { RW, 7, 0, 0 },
		{ HVT_ACC_X, 0, 0, 0 },	      { RW, 0, 1, HVT_WATCH_PHYS },
		{ RW, 7, 0, HVT_WATCH_PHYS },
	};
	struct hvt_verdict v;
	struct vlog l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		vl_begin(&l, 1);
		w.access = cases[i].access;
		w.filter = cases[i].filter;
		w.flags = cases[i].flags;
		w.addr = w.flags ? VL_GPA(0x10010) : 0x10010;
		lb_filter(&l.lb, &filter);
		lb_watch_with(&l.lb, &w, "x");
		put(&l, 0x10010, 8, RW, 1, 2);
		put(&l, 0x10010, 8, RW, 3, 4); /* not what was left */
		put(&l, 0x10010, 8, RW, 4, 5);
		vl_end(&l, &v);
		assert_int_equal(v.links, cases[i].links ? 15 : 0);
		assert_int_equal(v.count[HVT_FLAW_VALUE], cases[i].links);
		assert_int_equal(v.filtered, cases[i].filter != 0);
		assert_int_equal(v.read_only, cases[i].access == HVT_ACC_R);
	}
}

/* One instruction: its old values are from before all of its writes. */
static void test_one_instruction(void **state)
{
	struct hvt_rec_access a, b;
	struct hvt_verdict v;
	struct vlog l;
	int order;

	(void)state;
	for (order = 0; order < 2; order++) {
		vl_begin(&l, 1);
		watch(&l, RW, 0x10010, 16);
		put(&l, 0x10010, 8, HVT_ACC_W, 0, 0x1111);
		put(&l, 0x10018, 8, HVT_ACC_W, 0, 0x2222);
		/* movsq from 0x10010 to 0x10012: the read sees what was there before */
		a = vl_access(&l, 0, 0x10010, 8, HVT_ACC_R);
		a.old = a.new_ = 0x1111;
		b = a;
		b.gla += 2;
		b.gpa += 2;
		b.access = HVT_ACC_W;
		b.old = 0x2222ull << 48;
		b.new_ = 0x1111;
		if (order) {
			vl_put(&l, 0, &a);
			b.h.seq++;
			vl_put(&l, 0, &b);
		} else {
			vl_put(&l, 0, &b);
			a.h.seq++;
			vl_put(&l, 0, &a);
		}
		put(&l, 0x10010, 8, HVT_ACC_R, 0x11111111, 0x11111111);
		put(&l, 0x10018, 8, HVT_ACC_R, 0, 0);
		vl_end(&l, &v);
		vl_expect_good(&v);
		assert_int_equal(v.links, 8 + 8 + 16);
	}
}

static void test_remap(void **state)
{
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;

	(void)state;
	vl_begin(&l, 1);
	watch(&l, RW, 0x10010, 8);
	put(&l, 0x10010, 8, RW, 1, 2);
	vl_remap(&l, 0, 0x10000, VL_GPA(0x10000), 0x5000);
	/* elsewhere now; its ranks start anew, its bytes may be anything */
	a = vl_access(&l, 0, 0x10010, 8, RW);
	a.gpa = 0x5010;
	a.order = 1;
	a.old = 8;
	a.new_ = 9;
	vl_put(&l, 0, &a);
	/* and back: the page may have been used by anybody */
	vl_remap(&l, 0, 0x10000, 0x5000, VL_GPA(0x10000));
	l.order = 0;
	put(&l, 0x10010, 8, RW, 77, 78);
	put(&l, 0x10010, 8, RW, 78, 79);
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.links, 8);
	assert_int_equal(v.voided, 8);
	assert_int_equal(v.pages, 2);
}

/* Over a page's end: the second page is known when an access to it was. */
static void test_crossing(void **state)
{
	struct hvt_verdict v;
	struct vlog l;
	int known;

	(void)state;
	for (known = 0; known < 2; known++) {
		vl_begin(&l, 1);
		watch(&l, RW, 0x10ff0, 32);
		put(&l, 0x10ff8, 8, HVT_ACC_W, 0, 0);
		if (known)
			put(&l, 0x11000, 8, HVT_ACC_W, 0, 0x11);
		put(&l, 0x10ffc, 8, HVT_ACC_W, known ? 0x1100000000 : 0, 0x2200000033);
		put(&l, 0x10ff8, 8, HVT_ACC_R, 0x3300000000, 0x3300000000);
		put(&l, 0x11000, 8, HVT_ACC_R, 0x22, 0x22);
		vl_end(&l, &v);
		vl_expect_good(&v);
		if (known) {
			assert_int_equal(v.links, 8 + 8 + 8);
			assert_int_equal(v.voided, 0);
		} else { /* an unknown page was written: nothing is sure */
			assert_int_equal(v.links, 4);
			assert_int_equal(v.voided, 8);
		}
	}
	/* and a wrong byte in the second page is found */
	vl_begin(&l, 1);
	watch(&l, RW, 0x10ff0, 32);
	put(&l, 0x11000, 8, HVT_ACC_W, 0, 0x11);
	put(&l, 0x10ffc, 8, HVT_ACC_W, 0x1200000000, 0);
	vl_end(&l, &v);
	assert_int_equal(v.count[HVT_FLAW_VALUE], 1);
	assert_int_equal(v.first[HVT_FLAW_VALUE][0].gpa, VL_GPA(0x11000));
}

/* Into a watched page from one that is not: the first page is not the watch's. */
static void test_crossing_in(void **state)
{
	struct hvt_verdict v;
	struct vlog l;

	(void)state;
	vl_begin(&l, 1);
	watch(&l, RW, 0x11000, 4096);
	put(&l, 0x10ffc, 8, HVT_ACC_W, 0, 0x0000000200000001);
	put(&l, 0x10ffc, 8, HVT_ACC_W, 0x0000000200000077, 0x0000000200000001);
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.links, 0);
}

/* The kernel's own address of a page of a process. */
static void test_alias(void **state)
{
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;
	int pages, i;

	(void)state;
	for (pages = 1; pages <= 2; pages++) {
		vl_begin(&l, 1);
		watch(&l, RW, 0x10010, pages == 1 ? 8 : 4096);
		for (i = 0; i < 2; i++) {
			a = vl_access(&l, 0, 0xffff888000000010, 8, HVT_ACC_W);
			a.gpa = VL_GPA(0x10010);
			a.old = 5;
			a.new_ = 5;
			vl_put(&l, 0, &a);
			put(&l, 0x10010, 8, RW, 5, 5);
		}
		/* another process has other memory at this address */
		a = vl_access(&l, 0, 0x10010, 8, HVT_ACC_W);
		a.pid = 4711;
		a.gpa = 0x77010;
		a.h.watch = 9;
		a.old = 1234;
		vl_put(&l, 0, &a);
		vl_end(&l, &v);
		vl_expect_good(&v);
		assert_int_equal(v.links, pages == 1 ? 24 : 16);
		assert_int_equal(v.unplaced, pages == 1 ? 1 : 2);
	}
}

/* A write whose values are not there makes what was known void. */
static void test_unvalued(void **state)
{
	const struct {
		uint16_t flags;
		uint32_t size, len; /* bytes written, bytes of values */
		uint32_t links, voided;
	} cases[] = {
		{ 0, 8, 8, 64, 0 },
		{ HVT_RF_NOVALUE, 8, 0, 48, 8 },
		{ HVT_RF_CLIPPED, 8, 0, 48, 8 },
		{ HVT_RF_CLIPPED, 32, 16, 56, 16 },
		{ HVT_RF_RUN, 32, 16, 56, 16 },
		{ HVT_RF_DEVICE, 8, 8, 56, 0 },
	};
	uint8_t zero[64] = { 0 };
	struct logbuild run = { 0 };
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		vl_begin(&l, 1);
		watch(&l, RW, 0x10000, 64);
		a = vl_access(&l, 0, 0x10000, 56, HVT_ACC_W);
		vl_put_wide(&l, 0, &a, NULL, zero, zero, 56);
		a = vl_access(&l, 0, 0x10008, cases[i].size, HVT_ACC_W);
		a.h.flags |= cases[i].flags;
		if (cases[i].flags & HVT_RF_RUN) {
			/* struct hvt_rec_run stands in front of the values */
			struct hvt_rec_run r = { .count = 4, .elem = 8 };
			struct hvt_rec_wide w = { .len = 16 };

			a.h.flags |= HVT_RF_WIDE;
			a.h.nslots = 4;
			lb_bytes(&run, &a, sizeof(a));
			lb_bytes(&run, &r, sizeof(r));
			lb_bytes(&run, &w, sizeof(w));
			lb_bytes(&run, zero, 32);
			lb_bytes(&run, zero, 64);
			lb_bytes(&l.rec[0], run.bytes, 4 * HVT_SLOT);
			lb_free(&run);
			l.seq[0]++;
			l.stat[0].produced++;
			l.stat[0].consumed++;
		} else if (cases[i].len > 8) {
			vl_put_wide(&l, 0, &a, NULL, zero, zero, cases[i].len);
		} else {
			vl_put(&l, 0, &a);
		}
		a = vl_access(&l, 0, 0x10000, 56, HVT_ACC_R);
		vl_put_wide(&l, 0, &a, NULL, zero, zero, 56);
		vl_end(&l, &v);
		vl_expect_good(&v);
		if (v.links != cases[i].links || v.voided != cases[i].voided)
			fail_msg("case %zu: %llu links, %llu voided", i,
				 (unsigned long long)v.links, (unsigned long long)v.voided);
	}
}

/*
 * A run is recorded when it is over: what another CPU did meanwhile comes before it in the
 * log, with what the run had written already. The run's rank is that of its last iteration.
 */
static void test_run_of_two(void **state)
{
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;

	(void)state;
	vl_begin(&l, 2);
	watch(&l, RW, 0x10000, 64);
	put(&l, 0x10000, 8, HVT_ACC_W, 0, 1);
	l.order += 8;
	a = vl_access(&l, 1, 0x10000, 8, RW);
	a.old = 2; /* by the run */
	a.new_ = 3;
	vl_put(&l, 1, &a);
	a = vl_access(&l, 0, 0x10000, 8, HVT_ACC_W);
	a.h.flags |= HVT_RF_RUN;
	a.h.nslots = 3;
	a.order -= 2;
	a.old = 1;
	a.new_ = 2;
	lb_bytes(&l.rec[0], &a, sizeof(a));
	lb_bytes(&l.rec[0], &(uint8_t[HVT_SLOT]){ 0 }, HVT_SLOT);
	l.seq[0]++;
	l.stat[0].produced++;
	l.stat[0].consumed++;
	put(&l, 0x10000, 8, RW, 3, 4);
	put(&l, 0x10000, 8, RW, 4, 5);
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.in_loss, 2);
	assert_int_equal(v.links, 8);
	assert_int_equal(v.voided, 8);
}

/*
 * BLIND: the window's bytes are facts whatever the instruction touched; what it may have
 * written beyond it is not known any more.
 */
static void test_blind(void **state)
{
	const struct {
		const char *insn;
		uint8_t len;
		uint64_t rdi;
		uint32_t voided; /* of the page's 4096 bytes, 64 of them in the window */
	} cases[] = {
		{ "\x0f\x11\x07", 3, 0x10100, 0 },	   /* movups [rdi], xmm0 */
		{ "\x0f\xae\x07", 3, 0x10100, 4096 - 64 }, /* fxsave [rdi]: not all of it */
		{ "\x0f\xae\x27", 3, 0x10100, 4096 - 64 }, /* xsave [rdi]: not computable */
		{ "\x0f\xff\xff", 3, 0x10100, 4096 - 64 }, /* no instruction */
	};
	uint8_t zero[4096] = { 0 };
	uint64_t gpr[16] = { 0 }, at;
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;
	size_t i;
	int round;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		vl_begin(&l, 1);
		watch(&l, RW, 0x10000, 4096);
		for (round = 0; round < 2; round++) {
			for (at = 0x10000; at < 0x11000; at += 1024) {
				a = vl_access(&l, 0, at, 1024, HVT_ACC_R);
				vl_put_wide(&l, 0, &a, NULL, zero, zero, 1024);
			}
			if (round)
				continue;
			a = vl_access(&l, 0, cases[i].rdi, 0, HVT_ACC_W);
			a.h.flags |= HVT_RF_BLIND;
			memcpy(a.insn, cases[i].insn, cases[i].len);
			a.insn_len = cases[i].len;
			gpr[7] = cases[i].rdi;
			vl_put_wide(&l, 0, &a, gpr, zero, zero, 64);
		}
		vl_end(&l, &v);
		vl_expect_good(&v);
		assert_int_equal(v.voided, cases[i].voided);
		assert_int_equal(v.links, 64 + 4096 - cases[i].voided);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),		cmocka_unit_test(test_watches),
		cmocka_unit_test(test_one_instruction), cmocka_unit_test(test_remap),
		cmocka_unit_test(test_crossing),	cmocka_unit_test(test_crossing_in),
		cmocka_unit_test(test_alias),		cmocka_unit_test(test_unvalued),
		cmocka_unit_test(test_run_of_two),	cmocka_unit_test(test_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
