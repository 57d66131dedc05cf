// SPDX-License-Identifier: GPL-2.0-only
/*
 * LAZY against a model: of every page, after any mix of openings, changes of its purpose and
 * changes of ARMED; and with a model TLB that keeps what it has seen until it is told
 * otherwise, as the CPU may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"

#define PAGES (FAKE_TOP >> 12)
#define USER  (1ull << 10)
#define PERMS (7ull | USER)
#define NEAR  64 /* pages that meet each other often */

static struct hvt_vcpu *v;
static u8 deny[PAGES];
static bool opened[PAGES];
static u64 trap;

/* Translations of LAZY that this CPU may hold: of pages 0 .. n of used[]. */
static u64 used[NEAR], tlb[NEAR];
static u32 flushes;

static void flush(void)
{
	memset(tlb, 0, sizeof(tlb));
	flushes++;
}

static u64 random_gpa(void)
{
	u64 r = fake_rnd();

	if (r & 1)
		return used[(r >> 2) % NEAR];
	if ((r >> 2) % 17 == 0) /* not a physical address */
		return (1ull << 48) + ((r >> 8) % 40 << 12);
	return (r >> 8) % PAGES << 12;
}

static void start(u64 seed)
{
	u32 i;

	fake_reset(seed);
	memset(deny, 0, sizeof(deny));
	memset(opened, 0, sizeof(opened));
	trap = HVT_GPA_NONE;
	v = fake_vcpu(0);
	hvt_m.ncpu = 1;
	hvt_m.vcpu[0] = v;
	for (i = 0; i < NEAR; i++)
		used[i] = i < NEAR / 2 ? (1ull << 30) + (fake_rnd() % 4000 << 12)
				       : fake_rnd() % PAGES << 12;
	/* Over the end of a large page; holes may be among them. */
	hvt_m.entry_lo = (1ull << 30) + ((u64)(1 + fake_rnd() % 500) << 21) -
			 (fake_rnd() % HVT_ENTRY_PAGES << 12);
	hvt_m.entry_hi = hvt_m.entry_lo + (HVT_ENTRY_PAGES << 12);
	used[1] = hvt_m.entry_lo;
	used[2] = hvt_m.entry_hi - PAGE_SIZE;
	used[3] = hvt_m.entry_hi;
	fake_on_invept = flush;
	flush();
}

static void end(void)
{
	fake_on_invept = NULL;
	hvt_m.vcpu[0] = NULL;
	free(v);
}

/* lazy.c's first comment. */
static u64 model(u64 gpa)
{
	u64 e = fake_denied(fake_ept_walk(hvt_m.ept.open, gpa), deny[gpa >> 12]);

	if (trap == HVT_GPA_NONE) {
		if (!opened[gpa >> 12])
			e &= ~USER;
	} else if (trap == HVT_TRAP_ENTRY ? gpa >= hvt_m.entry_lo && gpa < hvt_m.entry_hi
					  : gpa == trap) {
		e &= ~(HVT_ACC_X | USER);
	}
	return e & PERMS ? e : 0;
}

static u64 lazy(u64 gpa)
{
	return fake_ept_walk(v->lazy_table[0], gpa);
}

static void assert_all(void)
{
	u64 gpa;

	for (gpa = 0; gpa < FAKE_TOP; gpa += PAGE_SIZE)
		if (lazy(gpa) != model(gpa))
			fail_msg("gpa %#llx: %#llx, should be %#llx", (unsigned long long)gpa,
				 (unsigned long long)lazy(gpa), (unsigned long long)model(gpa));
}

/* Nothing that the TLB holds allows more than LAZY does now; then it fills again. */
static void assert_tlb(void)
{
	u32 i;

	for (i = 0; i < NEAR; i++) {
		u64 now = lazy(used[i]);

		if (tlb[i] & ~now & PERMS)
			fail_msg("gpa %#llx: the TLB has %#llx of what was, now %#llx",
				 (unsigned long long)used[i], (unsigned long long)tlb[i],
				 (unsigned long long)now);
		if (!tlb[i] && now && (fake_rnd() & 1))
			tlb[i] = now;
	}
}

static void open_page(u64 gpa)
{
	u32 before = flushes;
	bool was = gpa < FAKE_TOP && opened[gpa >> 12], can, did;

	can = trap == HVT_GPA_NONE && gpa < FAKE_TOP && (model(gpa) & HVT_ACC_X);
	did = hvt_lazy_open(v, gpa);
	if (flushes != before) { /* its tables were used up: forgotten */
		assert_true(trap == HVT_GPA_NONE);
		memset(opened, 0, sizeof(opened));
		was = false;
	}
	assert_int_equal(did, can && !was);
	if (can)
		opened[gpa >> 12] = true;
}

static void set_trap(u64 gpa)
{
	hvt_lazy_set(v, gpa + (gpa < HVT_TRAP_ENTRY ? fake_rnd() % PAGE_SIZE : 0));
	if (trap != gpa || gpa == HVT_GPA_NONE)
		memset(opened, 0, sizeof(opened));
	trap = gpa;
	assert_int_equal(v->lazy_trap, gpa);
}

/* As root does it: others are stopped, and each CPU resets its LAZY. */
static void change_armed(u64 gpa)
{
	static const u8 denies[] = { 0, 0, HVT_ACC_W, HVT_ACC_X, HVT_ACC_R | HVT_ACC_W,
				     HVT_ACC_R | HVT_ACC_W | HVT_ACC_X };
	u8 d = denies[fake_rnd() % sizeof(denies)];

	if (hvt_m.ept.nfree < 3)
		d = 0;
	assert_true(hvt_stop_others(v));
	assert_true(hvt_ept_restrict(gpa, d));
	hvt_start_others(v);
	if (gpa < FAKE_TOP)
		deny[gpa >> 12] = d;
	memset(opened, 0, sizeof(opened));
}

static void any_mix(void **state)
{
	u32 round, i, resets = 0;

	(void)state;
	for (round = 0; round < 6; round++) {
		start(round);
		for (i = 0; i < 3000; i++) {
			u32 before = flushes;
			u64 r = fake_rnd() % (round & 1 ? 2000 : 100);

			if (r < 70 || r >= 100) {
				open_page(random_gpa());
				resets += flushes != before;
			} else if (r < 80) {
				set_trap(HVT_GPA_NONE);
			} else if (r < 84) {
				set_trap(r == 80 ? HVT_TRAP_ENTRY : random_gpa());
			} else {
				change_armed(random_gpa());
			}
			assert_true(v->lazy_tables_used >= 1 &&
				    v->lazy_tables_used <= HVT_LAZY_TABLES);
			assert_tlb();
			if (i % 500 == 499)
				assert_all();
		}
		end();
	}
	assert_true(resets > 0);
}

/* Pages far from each other until the tables are used up, and again. */
static void used_up(void **state)
{
	u32 i, before;
	u64 gpa;

	(void)state;
	start(9);
	before = flushes;
	for (i = 0; i < 400; i++) {
		gpa = (i & 1 ? 3ull << 30 : 0) + (u64)(i / 2) * (2ull << 20) + (i % 5 << 12);
		open_page(gpa);
		assert_int_equal(lazy(gpa), model(gpa));
		assert_true(lazy(gpa) & USER);
		assert_true(v->lazy_tables_used <= HVT_LAZY_TABLES);
		if (i % 40 == 39)
			assert_all();
	}
	assert_true(flushes - before >= 400 / HVT_LAZY_TABLES);
	end();
}

/* To notice one page tightens it: the CPU must not run on what it had. */
static void trap_is_flushed(void **state)
{
	(void)state;
	start(10);
	trap = HVT_GPA_NONE;
	open_page(0x5000);
	used[0] = 0x5000;
	tlb[0] = lazy(0x5000);
	assert_true(tlb[0] & USER);
	set_trap(0x5000);
	assert_int_equal(tlb[0], 0);
	assert_int_equal(lazy(0x5000) & (HVT_ACC_X | USER), 0);
	assert_false(hvt_lazy_open(v, 0x5000));
	tlb[0] = lazy(0x5000);
	set_trap(0x6000);
	assert_true(lazy(0x5000) & USER);
	tlb[0] = lazy(0x5000);
	set_trap(HVT_GPA_NONE);
	assert_int_equal(tlb[0], 0);
	assert_all();
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_mix),
		cmocka_unit_test(used_up),
		cmocka_unit_test(trap_is_flushed),
	};

	return cmocka_run_group_tests_name("root: LAZY", tests, NULL, NULL);
}
