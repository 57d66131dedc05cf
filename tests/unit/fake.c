// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake machine of fake.h.
 *
 * OPEN is of all kinds: 1 GiB leaves, 2 MiB leaves, tables of 4 KiB leaves, holes at
 * each level, several memory types.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"
#include "xorshift.h"

#define RWX    7ull
#define USER   (1ull << 10) /* execution in user mode */
#define ALL    (RWX | USER)
#define LARGE  0x80ull
#define ADDR   0x000ffffffffff000ull
#define WB     (6ull << 3)
#define NPAGES 6000

u8 *fake_phys;
unsigned char fake_apic[4096];
__thread u64 fake_invepts;
__thread void (*fake_on_invept)(void);

static u64 seed, next_page;
static u64 pool_size;
static struct hvt_page pages[NPAGES];

int vmx_invept(unsigned long type, u64 eptp)
{
	(void)type;
	(void)eptp;
	fake_invepts++;
	if (fake_on_invept)
		fake_on_invept();
	return 0;
}

u64 fake_rnd(void)
{
	seed = xorshift(seed);
	return seed >> 8;
}

u64 *fake_page(void)
{
	u64 *p = __va(next_page);

	assert_true(next_page < FAKE_PHYS);
	next_page += PAGE_SIZE;
	memset(p, 0, PAGE_SIZE);
	return p;
}

static u64 pointer(u64 *table)
{
	return __pa(table) | ALL;
}

static void build_open(void)
{
	u64 *top = fake_page(), *pdpt = fake_page(), *pd = fake_page(), *pt, i, k;

	hvt_m.ept.open = top;
	top[0] = pointer(pdpt);
	pdpt[0] = 0 | ALL | LARGE | WB;
	pdpt[1] = pointer(pd);
	pdpt[3] = (3ull << 30) | ALL | LARGE | WB;
	for (i = 0; i < 512; i++) {
		u64 pa = (1ull << 30) + (i << 21);

		if (i % 7 == 3)
			continue;
		pd[i] = pa | ALL | LARGE | (i & 1 ? WB : 0);
		if (i % 16 != 5)
			continue;
		pt = fake_page();
		pd[i] = pointer(pt);
		for (k = 0; k < 512; k++)
			if (k % 9)
				pt[k] = (pa + (k << 12)) | ALL | (k & 2 ? WB : 0);
	}
}

void fake_reset(u64 s)
{
	u32 i;

	seed = 0x9e3779b97f4a7c15ull ^ (s << 20);
	if (!fake_phys)
		fake_phys = aligned_alloc(PAGE_SIZE, FAKE_PHYS);
	next_page = PAGE_SIZE;
	free(hvt_m.hash);
	free(hvt_m.bins);
	memset(&hvt_m, 0, sizeof(hvt_m));
	hvt_m.hash = calloc(1u << HVT_HASH_BITS, sizeof(*hvt_m.hash));
	hvt_m.bins = calloc(1u << HVT_HASH_BITS, sizeof(*hvt_m.bins));
	hvt_m.ept.exec_only = s & 1;
	build_open();
	hvt_m.ept.armed = fake_page();
	memcpy(hvt_m.ept.armed, hvt_m.ept.open, PAGE_SIZE);
	hvt_m.ept.nouser = fake_page();
	for (i = 0; i < 512; i++)
		hvt_m.ept.nouser[i] = hvt_m.ept.armed[i] & ~USER;
	hvt_m.ept.mbec = true;
	hvt_m.ept.eptp_open = __pa(hvt_m.ept.open);
	hvt_m.ept.eptp_armed = __pa(hvt_m.ept.armed);
	hvt_m.ept.eptp_nouser = __pa(hvt_m.ept.nouser);
	for (i = 0; i < 1400; i++) {
		u64 *t = fake_page();

		*(void **)t = hvt_m.ept.free;
		hvt_m.ept.free = t;
		hvt_m.ept.nfree++;
	}
	pool_size = hvt_m.ept.nfree;
	for (i = 0; i < NPAGES; i++) {
		pages[i].next = hvt_m.free_pages;
		hvt_m.free_pages = &pages[i];
	}
}

struct hvt_vcpu *fake_vcpu(u32 cpu)
{
	struct hvt_vcpu *v = calloc(1, sizeof(*v));
	u32 i;

	v->cpu = v->apic_id = cpu;
	v->active = 1;
	for (i = 0; i < HVT_STEP_TABLES; i++)
		v->step_table[i] = fake_page();
	v->eptp_step = __pa(v->step_table[0]);
	for (i = 0; i < HVT_LAZY_TABLES; i++)
		v->lazy_table[i] = fake_page();
	v->eptp_lazy = __pa(v->lazy_table[0]);
	v->lazy_trap = HVT_GPA_NONE;
	hvt_lazy_reset(v);
	return v;
}

u64 fake_ept_walk(const u64 *t, u64 gpa)
{
	u64 e, allowed = ALL;
	u32 level, shift;

	for (level = 4;; level--) {
		shift = 12 + 9 * (level - 1);
		e = t[(gpa >> shift) & 511];
		allowed &= e;
		e = (e & ~ALL) | allowed;
		if (!allowed)
			return 0;
		if (level == 1)
			return e;
		if (e & LARGE)
			return (e & ~LARGE) + (gpa & ((1ull << shift) - 1) & PAGE_MASK);
		assert_true((e & ADDR) < FAKE_PHYS);
		t = __va(e & ADDR);
	}
}

u64 fake_denied(u64 leaf, u8 deny)
{
	leaf &= ~(deny | (deny & HVT_ACC_X ? USER : 0ull));
	return leaf & ALL ? leaf : 0;
}

static void assert_nouser(void)
{
	u32 i;

	for (i = 0; i < 512; i++)
		assert_int_equal(hvt_m.ept.nouser[i], hvt_m.ept.armed[i] & ~USER);
}

void fake_assert_clean(void)
{
	u64 n = 0;
	void *t;
	u32 i;

	assert_nouser();
	assert_memory_equal(hvt_m.ept.armed, hvt_m.ept.open, PAGE_SIZE);
	for (t = hvt_m.ept.free; t; t = *(void **)t)
		n++;
	assert_int_equal(n, pool_size);
	assert_int_equal(hvt_m.ept.nfree, pool_size);
	assert_int_equal(hvt_m.ept.tables, 0);
	assert_int_equal(hvt_m.ept.pages_restricted, 0);
	assert_int_equal(hvt_m.ept.split_2m, 0);
	assert_int_equal(hvt_m.ept.split_1g, 0);
	for (i = 0; i < 1u << HVT_HASH_BITS; i++) {
		assert_null(hvt_m.hash[i]);
		assert_null(hvt_m.bins[i]);
	}
	assert_false(hvt_m.broken);
}

void fake_assert_armed(void)
{
	u64 gpa, restricted = 0;

	assert_nouser();
	for (gpa = 0; gpa < FAKE_TOP; gpa += PAGE_SIZE) {
		const struct hvt_page *p = hvt_page_find(gpa >> 12);
		u64 open = fake_ept_walk(hvt_m.ept.open, gpa);
		u64 armed = fake_ept_walk(hvt_m.ept.armed, gpa);

		if (open && p && p->deny) {
			open = fake_denied(open, p->deny);
			restricted++;
		}
		if (open != armed)
			fail_msg("gpa %#llx: %#llx, should be %#llx", (unsigned long long)gpa,
				 (unsigned long long)armed, (unsigned long long)open);
	}
	assert_int_equal(restricted, hvt_m.ept.pages_restricted);
}
