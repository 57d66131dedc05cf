// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPT views against a model: ARMED is OPEN minus what is denied, of every page,
 * after any sequence of restrictions; the last one to go leaves no residue; NOUSER is
 * ARMED without execution in user mode; STEP is ARMED with exactly the pages asked for
 * opened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"

/* Pages close together and far apart; some in holes. */
static u64 random_gpa(void)
{
	u64 r = fake_rnd();

	switch (r & 3) {
	case 0:
		return (r >> 2) % 40 << 12;
	case 1:
		return (1ull << 30) + ((r >> 2) % 3000 << 12);
	case 2:
		if (r % 29 == 0) /* not a physical address: changes nothing */
			return (1ull << 48) + ((r >> 2) % 40 << 12);
		return (FAKE_TOP - (1 << 20)) + ((r >> 2) % 256 << 12);
	default:
		return (r >> 2) % (FAKE_TOP >> 12) << 12;
	}
}

static const u8 denies[] = { HVT_ACC_W, HVT_ACC_X, HVT_ACC_W | HVT_ACC_X, HVT_ACC_R | HVT_ACC_W,
			     HVT_ACC_R | HVT_ACC_W | HVT_ACC_X };

static u8 model[FAKE_TOP >> 12];

static u64 without_user(u64 leaf)
{
	leaf &= ~(1ull << 10);
	return leaf & 7 ? leaf : 0;
}

static void assert_model(void)
{
	u64 gpa;

	for (gpa = 0; gpa < FAKE_TOP; gpa += PAGE_SIZE) {
		u64 open = fake_ept_walk(hvt_m.ept.open, gpa);
		u64 want = fake_denied(open, model[gpa >> 12]);

		if (fake_ept_walk(hvt_m.ept.armed, gpa) != want ||
		    fake_ept_walk(hvt_m.ept.nouser, gpa) != without_user(want))
			fail_msg("gpa %#llx", (unsigned long long)gpa);
		assert_int_equal(hvt_ept_mapped(gpa), open != 0);
	}
}

static void test_restrict(void **state)
{
	u32 round, i;

	(void)state;
	for (round = 0; round < 6; round++) {
		static u64 used[4000];
		u32 n = 0;

		fake_reset(round);
		memset(model, 0, sizeof(model));
		for (i = 0; i < 4000; i++) {
			u64 gpa = n && (fake_rnd() & 1) ? used[fake_rnd() % n] : random_gpa();
			u8 deny = fake_rnd() % 5 < 2 ? 0 : denies[fake_rnd() % sizeof(denies)];

			if (hvt_m.ept.nfree < 3 && deny)
				continue;
			assert_true(hvt_ept_restrict(gpa, deny));
			if (gpa < FAKE_TOP)
				model[gpa >> 12] = deny;
			used[n++] = gpa;
		}
		assert_true(hvt_m.ept.tables > 0);
		assert_model();
		while (n) {
			assert_true(hvt_ept_restrict(used[--n], 0));
			if (used[n] < FAKE_TOP)
				model[used[n] >> 12] = 0;
			if (n == 2000)
				assert_model();
		}
		fake_assert_clean();
	}
}

/* Restricting everything under one 1 GiB leaf: counts of 512 in each table. */
static void test_full_tables(void **state)
{
	u64 gpa;

	(void)state;
	fake_reset(1);
	for (gpa = 0; gpa < 4ull << 20; gpa += PAGE_SIZE)
		assert_true(hvt_ept_restrict(gpa, HVT_ACC_W));
	for (gpa = 0; gpa < 1ull << 30; gpa += 2ull << 20)
		assert_true(hvt_ept_restrict(gpa, HVT_ACC_W));
	assert_int_equal(hvt_m.ept.split_1g, 1);
	assert_int_equal(hvt_m.ept.split_2m, 512);
	assert_int_equal(hvt_m.ept.pages_restricted, 1024 + 510);
	for (gpa = 0; gpa < 1ull << 30; gpa += PAGE_SIZE)
		assert_true(hvt_ept_restrict(gpa, 0));
	fake_assert_clean();
}

static void test_pool_empty(void **state)
{
	u64 gpa = 0;

	(void)state;
	fake_reset(2);
	while (hvt_ept_restrict(gpa, HVT_ACC_W))
		gpa += 2ull << 20;
	assert_int_equal(hvt_m.ept.nfree, 0);
}

static void test_step(void **state)
{
	struct hvt_vcpu *v;
	u32 round, i, n;
	u64 gpa;

	(void)state;
	for (round = 0; round < 4; round++) {
		u64 opened[HVT_STEP_PAGES];

		fake_reset(round + 100);
		memset(model, 0, sizeof(model));
		v = fake_vcpu(0);
		for (i = 0; i < 300; i++) {
			gpa = random_gpa() % FAKE_TOP;
			model[gpa >> 12] = denies[fake_rnd() % sizeof(denies)];
			assert_true(hvt_ept_restrict(gpa, model[gpa >> 12]));
		}
		for (n = 1; n <= HVT_STEP_PAGES; n = n < 4 ? n + 1 : n * 3 + 1) {
			fake_invepts = 0;
			hvt_step_view_reset(v);
			assert_true(fake_invepts > 0);
			for (i = 0; i < n; i++) {
				do
					gpa = random_gpa() % FAKE_TOP;
				while (!(i & 1) && !model[gpa >> 12]);
				opened[i] = gpa;
				hvt_step_view_open(v, gpa);
				assert_true(v->step_tables_used <= HVT_STEP_TABLES);
			}
			for (gpa = 0; gpa < FAKE_TOP; gpa += PAGE_SIZE) {
				u64 want = fake_ept_walk(hvt_m.ept.armed, gpa);

				for (i = 0; i < n; i++)
					if (opened[i] == gpa)
						want = fake_ept_walk(hvt_m.ept.open, gpa);
				if (fake_ept_walk(v->step_table[0], gpa) != want)
					fail_msg("gpa %#llx", (unsigned long long)gpa);
			}
		}
		assert_model(); /* ARMED is as it was */
		free(v);
	}
}

static void test_view_set(void **state)
{
	struct hvt_vcpu *v;

	(void)state;
	fake_reset(7);
	v = fake_vcpu(0);
	hvt_view_set(v, HVT_VIEW_OPEN);
	assert_int_equal(fake_eptp, hvt_m.ept.eptp_open);
	hvt_view_set(v, HVT_VIEW_STEP);
	assert_int_equal(fake_eptp, v->eptp_step);
	hvt_view_set(v, HVT_VIEW_NOUSER);
	assert_int_equal(fake_eptp, hvt_m.ept.eptp_nouser);
	hvt_view_set(v, HVT_VIEW_LAZY);
	assert_int_equal(fake_eptp, v->eptp_lazy);
	hvt_view_set(v, HVT_VIEW_ARMED);
	assert_int_equal(fake_eptp, hvt_m.ept.eptp_armed);
	fake_eptp = 0; /* no write for what is already so */
	hvt_view_set(v, HVT_VIEW_ARMED);
	assert_int_equal(fake_eptp, 0);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restrict),   cmocka_unit_test(test_full_tables),
		cmocka_unit_test(test_pool_empty), cmocka_unit_test(test_step),
		cmocka_unit_test(test_view_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
