// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stopping the other CPUs, with threads for CPUs and a model TLB that keeps every
 * translation it has seen until told otherwise: once hvt_start_others() has returned,
 * no CPU may get at a page that was restricted before it.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "fake.h"

#define CPUS   3
#define NPAGES 48
#define ARM    6000 /* rounds; a third or so of them stop the others */

static struct {
	u32 armed[NPAGES]; /* the stop that restricted it is over */
	u64 escapes, accesses, retries;
	u32 running;
} shared;

static pthread_barrier_t start;
static __thread u64 tlb[NPAGES];

static void flush_tlb(void)
{
	memset(tlb, 0, sizeof(tlb));
}

static u64 gpa_of(u32 page)
{
	return (page % 3 << 30) + (page << 12) + (page % 5 << 21);
}

/* A load, a store: through the TLB, filled from ARMED. */
static void access_page(u32 page)
{
	u32 armed = __atomic_load_n(&shared.armed[page], __ATOMIC_ACQUIRE);

	if (!tlb[page])
		tlb[page] = fake_ept_walk(hvt_m.ept.armed, gpa_of(page)) | 1ull << 63;
	if (armed && (tlb[page] & HVT_ACC_W))
		__atomic_add_fetch(&shared.escapes, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared.accesses, 1, __ATOMIC_RELAXED);
}

/* Each CPU arms and disarms pages of its own: page % CPUS. */
static void change(struct hvt_vcpu *v, u64 *rnd)
{
	u32 page;
	u8 deny;

	*rnd = *rnd * 6364136223846793005ull + 1442695040888963407ull;
	page = (*rnd >> 33) % (NPAGES / CPUS) * CPUS + v->cpu;
	deny = *rnd >> 60 & 1 ? HVT_ACC_W : 0;
	if (!deny)
		__atomic_store_n(&shared.armed[page], 0, __ATOMIC_RELEASE);
	while (!hvt_stop_others(v))
		__atomic_add_fetch(&shared.retries, 1, __ATOMIC_RELAXED);
	if (!hvt_ept_restrict(gpa_of(page), deny))
		hvt_m.broken = true;
	hvt_start_others(v);
	if (deny)
		__atomic_store_n(&shared.armed[page], 1, __ATOMIC_RELEASE);
}

static void *cpu_main(void *arg)
{
	struct hvt_vcpu *v = arg;
	u64 rnd = v->cpu * 77 + 1;
	u32 i, k;

	fake_on_invept = flush_tlb;
	pthread_barrier_wait(&start);
	for (i = 0; i < ARM; i++) {
		for (k = 0; k < 40 + i % 7 * 100; k++) {
			rnd = rnd * 6364136223846793005ull + 1442695040888963407ull;
			access_page((rnd >> 33) % NPAGES);
			if (k % 8 == 7)
				hvt_park(v); /* an exit */
		}
		if (i % CPUS == v->cpu || i % 5 == 0)
			change(v, &rnd);
		else
			sched_yield();
	}
	__atomic_sub_fetch(&shared.running, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared.running, __ATOMIC_SEQ_CST)) {
		hvt_park(v);
		sched_yield();
	}
	return NULL;
}

static void test_no_stale_access(void **state)
{
	pthread_t thread[CPUS];
	struct hvt_vcpu *v[CPUS];
	u32 i;

	(void)state;
	fake_reset(1);
	memset(&shared, 0, sizeof(shared));
	shared.running = CPUS;
	hvt_m.ncpu = CPUS;
	pthread_barrier_init(&start, NULL, CPUS);
	for (i = 0; i < CPUS; i++)
		hvt_m.vcpu[i] = v[i] = fake_vcpu(i);
	for (i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, cpu_main, v[i]), 0);
	for (i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(shared.escapes, 0);
	assert_false(hvt_m.broken);
	assert_int_equal(hvt_m.stop_lock, 0);
	assert_true(shared.accesses > 0);
	for (i = 0; i < NPAGES; i++)
		assert_true(hvt_ept_restrict(gpa_of(i), 0));
	fake_assert_clean();
	for (i = 0; i < CPUS; i++) {
		assert_int_equal(v[i]->park, 0);
		assert_int_equal(v[i]->parked, 0);
		assert_true(v[i]->rendezvous >= ARM / CPUS);
		free(v[i]);
	}
	memset(hvt_m.vcpu, 0, sizeof(hvt_m.vcpu));
}

/* A CPU that has left VMX is not waited for; alone, one still flushes itself. */
static void test_inactive(void **state)
{
	struct hvt_vcpu *v, *gone;

	(void)state;
	fake_reset(2);
	hvt_m.ncpu = 2;
	hvt_m.vcpu[0] = v = fake_vcpu(0);
	hvt_m.vcpu[1] = gone = fake_vcpu(1);
	gone->active = 0;
	fake_invepts = 0;
	assert_true(hvt_stop_others(v));
	assert_int_equal(gone->park, 0);
	assert_int_equal(gone->nmi_expected, 0);
	hvt_start_others(v);
	assert_true(fake_invepts > 0);
	assert_int_equal(hvt_m.stop_lock, 0);
	free(v);
	free(gone);
	memset(hvt_m.vcpu, 0, sizeof(hvt_m.vcpu));
}

/* Of two NMIs while one of ours is on its way, one is the guest's. */
static void test_nmi(void **state)
{
	struct hvt_vcpu *v;

	(void)state;
	fake_reset(3);
	v = fake_vcpu(0);
	v->nmi_expected = 1;
	hvt_nmi_arrived(v);
	assert_false(v->nmi_pending);
	hvt_nmi_arrived(v);
	assert_true(v->nmi_pending);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_stale_access),
		cmocka_unit_test(test_inactive),
		cmocka_unit_test(test_nmi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
