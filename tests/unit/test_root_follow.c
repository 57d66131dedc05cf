// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following memory through page tables that change at random, against a plain page
 * walk: after each store to an entry, with no more help than the guards ask for,
 * every page of every watch is linked to what its address translates to.
 *
 * The tables are as wild as a guest can make them: large leaves, entries that point
 * to any other table (itself included) or out of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"

#define ADDR	 0x000ffffffffff000ull
#define NTABLES	 40
#define NWATCHES 3
#define MAXPAGES 700

static u64 *tables[NTABLES];
static struct hvt_watch watches[NWATCHES];
static struct hvt_vcpu *vcpu;

static u64 translate(u64 root, u32 level, u64 va)
{
	u64 t = root, e, span;

	for (;; level--) {
		span = 1ull << (12 + 9 * (level - 1));
		if (!hvt_read_phys(&e, t + ((va / span) & 511) * 8, 8) || !(e & 1))
			return HVT_GPA_NONE;
		if (level == 1 || (level <= 3 && (e & 0x80)))
			return ((e & ADDR) & ~(span - 1)) | (va & (span - 1) & PAGE_MASK);
		t = e & ADDR;
	}
}

/* Starts that cross borders of tables at each level, in both halves. */
static u64 random_start(u32 npages, u32 levels)
{
	static const u64 borders[] = {
		0x200000,	    0x40000000,		0x8000000000,	    0x7f8000000000,
		0xffff888000000000, 0xffffffff80000000, 0xffffffffc0000000, 0xffff800000200000,
	};
	u64 b = borders[fake_rnd() % 8], back = fake_rnd() % (npages + 1) << 12;

	switch (fake_rnd() % 8) {
	case 0: /* as far up as it goes: hv/watch.c refuses the last page */
		return -(u64)(npages + 1) << 12;
	case 1:
		return 0;
	case 2:
		return levels == 5 ? 0xff80000000000000ull : 0x1000;
	default:
		return b > back ? b - back : b;
	}
}

/* As hv/arm.c does. */
static struct hvt_ref **make_refs(u32 n)
{
	u32 chunks = (n + HVT_REF_CHUNK - 1) / HVT_REF_CHUNK, i;
	struct hvt_ref **chunk = calloc(chunks + 1, sizeof(*chunk));

	for (i = 0; i < chunks; i++)
		chunk[i] = calloc(HVT_REF_CHUNK, sizeof(**chunk));
	return chunk;
}

static void free_refs(struct hvt_ref **chunk)
{
	u32 i;

	for (i = 0; chunk && chunk[i]; i++)
		free(chunk[i]);
	free(chunk);
}

static void init_watch(struct hvt_watch *w, u32 id, u64 root, u32 levels, u64 va, u64 len)
{
	u32 n = 0, i, level;
	u64 first, last;

	memset(w, 0, sizeof(*w));
	w->id = id;
	w->access = (u8[]){ HVT_ACC_W, HVT_ACC_R | HVT_ACC_W, HVT_ACC_X }[fake_rnd() % 3];
	w->levels = levels;
	w->root_gpa = root;
	w->va = va;
	w->len = len;
	w->first_page = va >> 12;
	w->npages = ((va + len - 1) >> 12) - w->first_page + 1;
	first = w->first_page << 12;
	last = first + ((u64)w->npages << 12) - 1;
	for (level = 1; level <= levels; level++) {
		w->guard_base[level] = n;
		n += (last >> (12 + 9 * level)) - (first >> (12 + 9 * level)) + 1;
	}
	w->nguards = n;
	w->data = make_refs(w->npages);
	w->guard = make_refs(n);
	for (i = 0; i < w->npages; i++) {
		struct hvt_ref *r = hvt_data_ref(w, i);
		u64 end = va + len - (first + ((u64)i << 12));

		r->watch = w;
		r->kind = HVT_REF_DATA;
		r->va = first + ((u64)i << 12);
		r->va_end = r->va + PAGE_SIZE;
		r->lo = i ? 0 : va & 4095;
		r->hi = end < 4096 ? end : 4096;
	}
	for (i = 0; i < n; i++)
		hvt_guard_ref(w, i)->watch = w;
}

static void make_watch(struct hvt_watch *w, u32 id, u64 root, u32 levels)
{
	u32 npages = 1 + fake_rnd() % (fake_rnd() & 1 ? MAXPAGES : 8);

	init_watch(w, id, root, levels, random_start(npages, levels) + 8,
		   ((u64)npages << 12) - 16);
}

static void free_watch(struct hvt_watch *w)
{
	free_refs(w->data);
	free_refs(w->guard);
}

static void check_watch(const struct hvt_watch *w)
{
	u64 mapped = 0;
	u32 i;

	for (i = 0; i < w->npages; i++) {
		u64 want = translate(w->root_gpa, w->levels, (w->first_page + i) << 12);
		const struct hvt_page *p = hvt_data_ref(w, i)->page;

		if ((p ? p->gfn << 12 : HVT_GPA_NONE) != want)
			fail_msg("watch %u page %u: %#llx, should be %#llx", w->id, i,
				 (unsigned long long)(p ? p->gfn << 12 : HVT_GPA_NONE),
				 (unsigned long long)want);
		mapped += want != HVT_GPA_NONE;
	}
	assert_int_equal(mapped, w->mapped);
}

static u32 linked(const struct hvt_watch *w)
{
	u32 n = 0, i;

	for (i = 0; i < w->npages; i++)
		n += hvt_data_ref(w, i)->page != NULL;
	for (i = 0; i < w->nguards; i++)
		n += hvt_guard_ref(w, i)->page != NULL;
	return n;
}

/* Lists, summaries and permissions of every page agree with what refers to it. */
static void check_pages(void)
{
	u32 refs = 0, i;

	for (i = 0; i < 1u << HVT_HASH_BITS; i++) {
		const struct hvt_page *p;

		for (p = hvt_m.hash[i]; p; p = p->next) {
			const struct hvt_ref *set, *r;
			struct hvt_set_iter it;
			u32 deny = 0, n = 0;

			assert_ptr_equal(hvt_page_find(p->gfn), p);
			assert_non_null(p->sets);
			for (set = p->sets; set; set = set->page_next, n++) {
				u32 access = set->watch->access;

				for (r = set; r; r = hvt_set_next(r), refs++)
					assert_ptr_equal(r->page, p);
				if (set->kind == HVT_REF_GUARD)
					access = HVT_ACC_W;
				/* no writing without reading, maybe no executing either */
				if (access & HVT_ACC_R)
					access |= HVT_ACC_W | (hvt_m.ept.exec_only ? 0 : HVT_ACC_X);
				deny |= access;
			}
			assert_int_equal(p->nsets, n);
			hvt_for_each_set(set, &it, p, 0, PAGE_SIZE) n--;
			assert_int_equal(n, 0);
			assert_int_equal(p->deny, deny);
		}
	}
	for (i = 0; i < NWATCHES; i++)
		refs -= linked(&watches[i]);
	assert_int_equal(refs, 0);
}

/* Not where the EPT tables are, should an upper level take it for a table. */
static u64 outside(u64 r)
{
	return FAKE_PHYS + ((r >> 4) % ((FAKE_TOP - FAKE_PHYS) >> 12) << 12);
}

static u64 random_entry(u32 tables_in_use)
{
	u64 r = fake_rnd();

	switch (r % 10) {
	case 0:
		return 0;
	case 1:
		return (r & ADDR) | 0x66; /* a swap entry, say */
	case 2:
	case 3: /* a leaf where a leaf can be */
		return outside(r) | 0xe7;
	case 4:
		return outside(r) | 0x67;
	case 5: /* beyond memory */
		return (r & ADDR) | 1ull << 40 | 0x67;
	default:
		return __pa(tables[(r >> 8) % tables_in_use]) | 0x67;
	}
}

/* The guest stores 8 bytes; what guards them is told, as step.c does. */
static void store(u64 *at, u64 value)
{
	struct hvt_dirty d = { .gfn = __pa(at) >> 12, .lo = __pa(at) & 4095, .was = *at };
	const struct hvt_page *p = hvt_page_find(d.gfn);
	struct hvt_set_iter it;
	const struct hvt_ref *r;
	bool guarded = false;

	d.hi = d.lo + 8;
	if (p)
		hvt_for_each_set(r, &it, p, d.lo, d.hi) guarded |= r->kind == HVT_REF_GUARD;
	assert_true(!guarded || (p->deny & HVT_ACC_W));
	*at = value;
	if (guarded)
		hvt_follow_dirty(vcpu, &d);
}

/* An entry on the way to a random page of a random watch, mostly. */
static u64 *random_slot(u32 levels)
{
	const struct hvt_watch *w = &watches[fake_rnd() % NWATCHES];
	u64 va = (w->first_page + fake_rnd() % w->npages) << 12, t = w->root_gpa, *e;
	u32 level, stop = 1 + fake_rnd() % levels;

	if (fake_rnd() % 16 == 0)
		return &tables[fake_rnd() % NTABLES][fake_rnd() & 511];
	for (level = levels;; level--) {
		e = (u64 *)__va(t) + ((va >> (12 + 9 * (level - 1))) & 511);
		if (level == stop || !(*e & 1) || (level <= 3 && (*e & 0x80)) ||
		    (*e & ADDR) >= FAKE_PHYS)
			return e;
		t = *e & ADDR;
	}
}

static void run(u32 round, u32 levels, u32 tables_in_use)
{
	u64 r;
	u32 i;

	fake_reset(round);
	vcpu = fake_vcpu(0);
	for (i = 0; i < NTABLES; i++)
		tables[i] = fake_page();
	for (i = 0; i < NWATCHES; i++)
		make_watch(&watches[i], i, __pa(tables[i & (round & 1)]), levels);
	for (i = 0; i < 300; i++)
		*random_slot(levels) = random_entry(tables_in_use);
	for (i = 0; i < NWATCHES; i++) {
		struct hvt_watch *w = &watches[i];
		u64 va = w->first_page << 12, end = va + ((u64)w->npages << 12), next;

		for (; va < end; va = next) { /* in parts, as watch.c does */
			next = end - va > 512 << 12 ? va + (512 << 12) : end;
			hvt_follow(vcpu, w, va, next);
		}
		w->linked = true;
		check_watch(w);
	}
	fake_assert_armed();
	for (i = 0; i < 400; i++) {
		u64 *slot = random_slot(levels);
		u32 k;

		/* Mostly trees; sometimes an entry moves, or one of its flags changes. */
		r = fake_rnd();
		if (r % 8 == 1)
			store(slot, *slot ^ (1ull << (r >> 8) % 12));
		else
			store(slot, r % 8 ? random_entry(tables_in_use) : *random_slot(levels));
		for (k = 0; k < NWATCHES; k++)
			check_watch(&watches[k]);
		if (i % 32 == 0)
			check_pages();
	}
	fake_assert_armed();
	for (i = 0; i < NWATCHES; i++)
		hvt_unfollow(vcpu, &watches[i]);
	fake_assert_clean();
	for (i = 0; i < NWATCHES; i++)
		free_watch(&watches[i]);
	free(vcpu);
}

static void test_follow_4(void **state)
{
	u32 round;

	(void)state;
	for (round = 0; round < 24; round++)
		run(round, 4, round % 3 ? NTABLES : 6);
}

static void test_follow_5(void **state)
{
	u32 round;

	(void)state;
	for (round = 0; round < 8; round++)
		run(round + 1000, 5, NTABLES);
}

#define MANY 10000

/*
 * Very many watches of one page: each table on the way has one set of guards, and a store
 * that changes no translation costs the same as with one watch, in looks at memory.
 */
static void test_many(void **state)
{
	static struct hvt_watch many[MANY];
	const u64 va = 0x7f0012345000;
	u64 *slot, reads, one = 0;
	u32 i, n, level;

	(void)state;
	fake_reset(1);
	vcpu = fake_vcpu(0);
	for (i = 0; i < 4; i++)
		tables[i] = fake_page();
	for (level = 4; level > 1; level--)
		tables[4 - level][va >> (12 + 9 * (level - 1)) & 511] = __pa(tables[5 - level]) | 0x67;
	slot = &tables[3][va >> 12 & 511];
	for (n = 1; n <= MANY; n *= MANY) {
		for (i = 0; i < n; i++) {
			init_watch(&many[i], i + 1, __pa(tables[0]), 4, va + i % PAGE_SIZE, 1);
			hvt_follow(vcpu, &many[i], va, va + PAGE_SIZE);
			many[i].linked = true;
		}
		for (i = 0; i < 4; i++)
			assert_int_equal(hvt_page_find(__pa(tables[i]) >> 12)->nsets, 1);
		fake_remaps = 0;
		store(slot, FAKE_PHYS + 0x5000 + 0x67);
		assert_int_equal(fake_remaps, n);
		reads = fake_reads;
		store(slot, FAKE_PHYS + 0x5000 + 0x25); /* read-only now */
		reads = fake_reads - reads;
		if (n == 1)
			one = reads;
		assert_int_equal(reads, one);
		store(slot, 0);
		assert_int_equal(fake_remaps, 2 * n);
		for (i = 0; i < n; i++) {
			assert_int_equal(many[i].remaps, 2);
			hvt_unfollow(vcpu, &many[i]);
			free_watch(&many[i]);
		}
		fake_assert_clean();
	}
	free(vcpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow_4),
		cmocka_unit_test(test_follow_5),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
