// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces, on all of root mode and a fake CPU: each thread's records are exactly what it has
 * executed and what came in between, whatever comes when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "trace_oracle.h"

static u32 next_id;

/* Which traces this test makes. */
static struct {
	u32 flags;	 /* of each */
	bool mixed;	 /* KERNEL by chance */
	bool windows, ranges, changes;
	bool entry;   /* without mode-based execute control: the entry code is known */
	bool watches; /* of memory and code that the tasks use */
} kind;

/* ------------------------------------------------------------------ */
/* Watches of whole pages */

#define WATCHES 6
static struct hvt_watch watch[WATCHES];
static struct hvt_ref ref[WATCHES];

static void arm(u32 i, u64 va, u8 access)
{
	watch[i] = (struct hvt_watch){ .id = 900 + i, .access = access, .phys = true };
	ref[i] = (struct hvt_ref){
		.watch = &watch[i], .kind = HVT_REF_DATA, .va = va & PAGE_MASK,
		.va_end = (va & PAGE_MASK) + PAGE_SIZE, .lo = va & ~PAGE_MASK,
		.hi = (va & ~PAGE_MASK) + 1 + fake_rnd() % (PAGE_SIZE - (va & ~PAGE_MASK)),
	};
	assert_true(hvt_stop_others(fake_v));
	hvt_ref_link(&ref[i], fake_gpa(va) >> 12);
	hvt_start_others(fake_v);
}

static void disarm(u32 i)
{
	assert_true(hvt_stop_others(fake_v));
	hvt_ref_unlink(&ref[i]);
	hvt_start_others(fake_v);
}

/* Each comes and goes. */
static void toggle_watches(void)
{
	u32 i = fake_rnd() % (WATCHES - 1) + 1;
	u64 stack = fake_task[fake_rnd() % FAKE_TASKS].kstack - PAGE_SIZE;
	u64 code = fake_rnd() % 2 ? FAKE_KERNEL + fake_rnd() % 3 * PAGE_SIZE
				  : FAKE_USER + fake_rnd() % FAKE_PAGES * PAGE_SIZE;

	if (ref[i].page)
		disarm(i);
	else if (i % 2)
		arm(i, code + fake_rnd() % PAGE_SIZE, HVT_ACC_X);
	else
		arm(i, stack + fake_rnd() % PAGE_SIZE, fake_rnd() % 2 ? HVT_ACC_W
								     : HVT_ACC_R | HVT_ACC_W);
}

/* ------------------------------------------------------------------ */

static void random_range(struct hvt_trace_range *r)
{
	r->lo = FAKE_USER + fake_rnd() % FAKE_PAGES * PAGE_SIZE;
	if (fake_rnd() % 2)
		r->lo += fake_rnd() % PAGE_SIZE;
	r->hi = r->lo + (fake_rnd() % 2 ? PAGE_SIZE * (1 + fake_rnd() % 2) : 1 + fake_rnd() % 3000);
}

static struct hvt_trace random_trace(void)
{
	struct hvt_trace t = { .id = ++next_id, .flags = kind.flags };
	u32 i;

	if (kind.mixed && fake_rnd() % 2)
		t.flags |= HVT_TRACE_KERNEL;
	if (kind.ranges && fake_rnd() % 4) {
		t.nr_only = fake_rnd() % 3;
		t.nr_skip = fake_rnd() % 3;
		for (i = 0; i < t.nr_only + t.nr_skip; i++)
			random_range(&t.range[i]);
	}
	if (!kind.windows)
		return t;
	if (fake_rnd() % 2)
		t.from = fake_rnd() % 8 ? fake_hot_start() : fake_start();
	if (fake_rnd() % 2)
		t.to = fake_rnd() % 2 ? fake_hot_start() : fake_start();
	if (fake_rnd() % 2)
		t.count = 1 + fake_rnd() % 300;
	if (fake_rnd() % 3 == 0)
		t.after = fake_rnd() % 40;
	if (fake_rnd() % 4)
		t.flags |= HVT_TRACE_REPEAT;
	return t;
}

static void toggle(struct oracle *o)
{
	struct hvt_trace t = random_trace();

	if (o->traced)
		oracle_end(o);
	else
		oracle_begin(o, &t);
}

static struct hvt_trace body;

static void new_body(void)
{
	body = (struct hvt_trace){
		.id = ++next_id, .flags = HVT_TRACE_BODY, .addr = kernel.function, .len = 1,
		.after = kind.windows ? fake_rnd() % 3 : 0,
		.count = kind.windows ? fake_rnd() % 20 : 0,
	};
	oracle_body = &body;
}

u64 saw_kick(void **arg)
{
	bool was = oracle_body;

	if (!(kind.flags & HVT_TRACE_BODY)) {
		toggle(&oracle[fake_rnd() % FAKE_TASKS]);
		return 0;
	}
	if (was)
		oracle_end_bodies();
	else
		new_body();
	*arg = &body;
	return was ? HVT_CALL_NOBODY : HVT_CALL_BODY;
}

static void run(u64 seed, bool mbec, u64 insns)
{
	char about[80];
	u32 i;

	oracle_reset();
	fake_boot(seed);
	hvt_m.ept.mbec = mbec;
	if (kind.entry) {
		hvt_m.entry_lo = FAKE_KERNEL;
		hvt_m.entry_hi = FAKE_KERNEL + 2 * PAGE_SIZE;
	}
	if (kind.flags & HVT_TRACE_BODY) {
		arm(0, kernel.function, HVT_ACC_X);
		if (kind.changes && fake_rnd() % 2)
			hvt_m.session[0].ignored = fake_task[FAKE_TASKS - 1].task.tgid;
		new_body();
		assert_int_equal(hvt_body_add(fake_v, &body), 0);
	} else {
		for (i = 0; i < FAKE_TASKS - 1; i++)
			toggle(&oracle[i]);
	}
	fake_odds.interrupt = 10 + fake_rnd() % 200;
	fake_odds.nmi = fake_rnd() % 3 ? 0 : 30 + fake_rnd() % 100;
	fake_odds.withdrawn = 1 + fake_rnd() % 4;
	fake_odds.fault = 1 + fake_rnd() % 4;
	fake_odds.branch = 2;
	fake_left = insns;
	while (fake_left) {
		u64 left = fake_left, part = left < 200 ? left : 200;

		fake_left = part;
		fake_v->leave = false;
		if (kind.changes && fake_rnd() % 3 == 0)
			fake_kick = true;
		if (kind.watches)
			toggle_watches();
		if (fake_rnd() % 4)
			fake_tell = (struct hvt_rec_flow){ .what = HVT_FLOW_SIGNAL, .to = fake_rnd() };
		assert_int_equal(hvt_root_main(fake_v, fake_vmcs[GUEST_RSP]), 0);
		fake_left = left - part;
	}
	assert_int_equal(fake_v->crash.kind, HVT_CRASH_NONE);
	snprintf(about, sizeof(about), "seed %llu, mbec %u", (unsigned long long)seed, mbec);
	oracle_compare(about);
	for (i = 0; i < FAKE_TASKS; i++) {
		struct oracle *o = &oracle[i];

		if (!o->traced || o->body)
			continue;
		assert_int_equal(o->trace.windows, o->windows);
		assert_int_equal(o->trace.running, !o->over);
		assert_int_equal(o->thread.window == HVT_WINDOW_OVER, o->over);
	}
	if (kind.watches)
		assert_true(fake_v->steps_retired > 0);
	for (i = 0; i < WATCHES; i++)
		if (ref[i].page)
			disarm(i);
	fake_assert_clean();
	fake_halt();
}

/* What was compared is of all kinds that there can be. */
static void assert_seen(void)
{
	u32 i;

	for (i = 0; i < 12; i++) {
		bool is_body = kind.flags & HVT_TRACE_BODY;
		bool can = !is_body || (i != HVT_FLOW_SYSCALL && i != HVT_FLOW_RESUME &&
				     i != HVT_FLOW_SIGNAL);

		if (i == HVT_FLOW_EXEC || i == HVT_FLOW_EXIT)
			continue;
		if (i == HVT_FLOW_END)
			can = is_body || kind.windows || kind.ranges;
		if (i == HVT_FLOW_RETURN || i == HVT_FLOW_SWITCH)
			can = is_body || kind.mixed || (kind.flags & HVT_TRACE_KERNEL);
		if (can ? oracle_seen[i] < 50 : oracle_seen[i] != 0)
			fail_msg("%llu records of kind %u", (unsigned long long)oracle_seen[i], i);
	}
}

static void many(bool mbec)
{
	u64 seed;

	memset(oracle_seen, 0, sizeof(oracle_seen));
	for (seed = 0; seed < 60; seed++)
		run(seed, mbec, 8000);
	assert_seen();
}

#define TEST(name, mbec, ...)                              \
	static void name(void **state)                     \
	{                                                  \
		(void)state;                               \
		kind = (__typeof__(kind)){ __VA_ARGS__ };  \
		many(mbec);                                \
	}

TEST(user, true, 0)
TEST(user_ranges, true, .ranges = true)
TEST(user_windows, true, .windows = true)
TEST(user_all, true, .ranges = true, .windows = true, .changes = true)
TEST(with_kernel, true, .flags = HVT_TRACE_KERNEL)
TEST(kernel_and_user, true, .mixed = true)
TEST(kernel_windows, true, .mixed = true, .windows = true)
TEST(kernel_ranges, true, .mixed = true, .ranges = true)
TEST(kernel_all, true, .mixed = true, .windows = true, .ranges = true, .changes = true)
TEST(with_watches, true, .mixed = true, .windows = true, .ranges = true, .changes = true,
     .watches = true)
TEST(bodies, true, .flags = HVT_TRACE_BODY)
TEST(bodies_all, true, .flags = HVT_TRACE_BODY, .windows = true, .changes = true, .watches = true)
TEST(plain_cpu, false, 0)
TEST(plain_cpu_all, false, .windows = true, .ranges = true, .changes = true, .watches = true)
TEST(plain_cpu_kernel, false, .mixed = true, .windows = true, .ranges = true, .changes = true)
TEST(plain_cpu_entry, false, .entry = true)
TEST(plain_cpu_entry_all, false, .mixed = true, .windows = true, .ranges = true, .changes = true,
     .watches = true, .entry = true)
TEST(plain_cpu_bodies, false, .flags = HVT_TRACE_BODY, .windows = true, .changes = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user),
		cmocka_unit_test(user_ranges),
		cmocka_unit_test(user_windows),
		cmocka_unit_test(user_all),
		cmocka_unit_test(with_kernel),
		cmocka_unit_test(kernel_and_user),
		cmocka_unit_test(kernel_windows),
		cmocka_unit_test(kernel_ranges),
		cmocka_unit_test(kernel_all),
		cmocka_unit_test(with_watches),
		cmocka_unit_test(bodies),
		cmocka_unit_test(bodies_all),
		cmocka_unit_test(plain_cpu),
		cmocka_unit_test(plain_cpu_all),
		cmocka_unit_test(plain_cpu_kernel),
		cmocka_unit_test(plain_cpu_entry),
		cmocka_unit_test(plain_cpu_entry_all),
		cmocka_unit_test(plain_cpu_bodies),
	};

	return cmocka_run_group_tests_name("root: traces", tests, NULL, NULL);
}
