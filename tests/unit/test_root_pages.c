// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sub-page index against a bit for each reference in each byte of a page, for every
 * offset and size; and its cost, counted in the index itself: pages.c is part of this
 * file, so that its bins can be looked into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"
#include "pages.c"

#define REFS  3000
#define WORDS ((REFS + 63) / 64)
#define GFN   0x123ull

static struct hvt_watch watches[4];
static struct hvt_ref refs[REFS];
static u64 bits[PAGE_BYTES][WORDS];	/* by reference */

static void set_bits(const struct hvt_ref *r, bool on)
{
	u32 n = r - refs, at;

	for (at = r->lo; at < r->hi; at++) {
		if (on)
			bits[at][n / 64] |= 1ull << n % 64;
		else
			bits[at][n / 64] &= ~(1ull << n % 64);
	}
}

static void place(struct hvt_ref *r, u32 lo, u32 len)
{
	r->watch = &watches[fake_rnd() % 4];
	r->kind = fake_rnd() % 8 ? HVT_REF_DATA : HVT_REF_GUARD;
	r->lo = lo;
	r->hi = lo + len < PAGE_BYTES ? lo + len : PAGE_BYTES;
	hvt_ref_link(r, GFN);
	set_bits(r, true);
}

/* Mostly a few bytes, some larger, a few of nearly all of the page; some where one was. */
static void place_any(struct hvt_ref *r)
{
	u32 kind = fake_rnd() % 100;
	u32 len = 1 + fake_rnd() % (kind < 90 ? 16 : kind < 99 ? 300 : PAGE_BYTES);
	const struct hvt_ref *like = &refs[fake_rnd() % REFS];

	if (like->hi && fake_rnd() % 3 == 0)
		place(r, like->lo, like->hi - like->lo);
	else
		place(r, fake_rnd() % PAGE_BYTES, len);
}

static void remove_ref(struct hvt_ref *r)
{
	hvt_ref_unlink(r);
	set_bits(r, false);
}

/* What the index finds is what the bits say, each once. */
static void check(const struct hvt_page *p, u32 lo, u32 hi, const u64 *want)
{
	u64 found[WORDS] = { 0 };
	struct hvt_ref *set, *r;
	struct hvt_set_iter it;

	hvt_for_each_set(set, &it, p, lo, hi) {
		for (r = set; r; r = hvt_set_next(r)) {
			u32 n = r - refs;

			if (r < refs || n >= REFS)
				fail_msg("[%u, %u): a reference of another page", lo, hi);
			if (found[n / 64] >> n % 64 & 1)
				fail_msg("[%u, %u): [%u, %u) twice", lo, hi, r->lo, r->hi);
			if (!same_set(set, r))
				fail_msg("[%u, %u): [%u, %u) is in a wrong set", lo, hi, r->lo, r->hi);
			found[n / 64] |= 1ull << n % 64;
		}
	}
	if (memcmp(found, want, sizeof(found)))
		fail_msg("[%u, %u) finds other references than the bits", lo, hi);
}

static void check_page(void)
{
	const struct hvt_page *p = hvt_page_find(GFN);
	u64 want[WORDS];
	u32 lo, hi, i;
	u8 sessions = 0;

	assert_non_null(p);
	for (i = 0; i < REFS; i++)
		if (refs[i].page && refs[i].kind == HVT_REF_DATA)
			sessions |= 1u << refs[i].watch->session;
	assert_int_equal(p->sessions, sessions);
	for (lo = 0; lo < PAGE_BYTES; lo++) {
		memset(want, 0, sizeof(want));
		for (hi = lo + 1; hi <= PAGE_BYTES; hi++) {
			for (i = 0; i < WORDS; i++)
				want[i] |= bits[hi - 1][i];
			if (hi - lo <= 64 || hi - lo == 512 || (hi == PAGE_BYTES && lo % 64 == 0))
				check(p, lo, hi, want);
			if (hi - lo == 512 && lo % 64)
				break;
		}
	}
}

/* References of other pages, whose bins share chains of the hash with these. */
static struct hvt_ref others[4000];

static void crowd(void)
{
	u32 i;

	for (i = 0; i < 4000; i++) {
		others[i].watch = &watches[0];
		others[i].kind = HVT_REF_DATA;
		others[i].lo = fake_rnd() % PAGE_BYTES;
		others[i].hi = others[i].lo + 1;
		hvt_ref_link(&others[i], GFN + 1 + i % 40);
	}
}

static void test_lookup(void **state)
{
	static const u32 counts[] = { 1, 6, 40, 400, REFS };
	u32 round, i;

	(void)state;
	for (round = 0; round < sizeof(counts) / sizeof(*counts); round++) {
		u32 n = counts[round];

		fake_reset(round + 1);
		memset(bits, 0, sizeof(bits));
		memset(refs, 0, sizeof(refs));
		crowd();
		for (i = 0; i < n; i++)
			place_any(&refs[i]);
		check_page();
		/* a third go and come back elsewhere */
		for (i = 0; i < n; i += 3)
			remove_ref(&refs[i]);
		for (i = 0; n > 1 && i < n; i += 3)
			place_any(&refs[i]);
		if (n > 1)
			check_page();
		for (i = 0; i < n; i++)
			if (refs[i].page)
				remove_ref(&refs[i]);
		assert_null(hvt_page_find(GFN));
		for (i = 0; i < 4000; i++)
			hvt_ref_unlink(&others[i]);
		fake_assert_clean();
	}
}

/* Bins and sets that a lookup looks at, besides those that it has to find. */
static u32 cost(const struct hvt_page *p, u32 lo, u32 hi)
{
	u32 order, bin, n = 0, found = 0;
	struct hvt_set_iter it;
	const struct hvt_ref *r;

	hvt_for_each_set(r, &it, p, lo, hi)
		found++;
	if (it.few)
		return p->nsets - found;
	for (order = 0; order < HVT_BIN_ORDERS; order++) {
		if (!p->norder[order])
			continue;
		for (bin = (PAGE_BYTES + lo) >> order; bin <= (PAGE_BYTES + hi - 1) >> order; bin++)
			for (n++, r = *bin_head(p, bin); r; r = r->next)
				n++;
	}
	return n - found;
}

static struct hvt_ref many[10000];

/* The cost of an access is that of its size. */
static void assert_cheap(u32 n, u32 pages)
{
	static const u32 sizes[] = { 1, 4, 8, 16, 64 };
	u32 i, k;

	for (k = 0; k < 5; k++) {
		u64 sum = 0;

		for (i = 0; i < PAGE_BYTES - 64; i++)
			sum += cost(hvt_page_find(GFN), i, i + sizes[k]);
		/* a probe for each byte, and the odd chain shared with others */
		if (sum > (sizes[k] * 5 / 4 + FEW_SETS + 2ull) * (PAGE_BYTES - 64))
			fail_msg("%u watches on %u pages, %u bytes: %llu.%02llu", n, pages, sizes[k],
				 (unsigned long long)sum / (PAGE_BYTES - 64),
				 (unsigned long long)sum * 100 / (PAGE_BYTES - 64) % 100);
	}
}

static void link_many(u32 i, struct hvt_watch *w, u8 kind, u32 lo, u32 len, u64 gfn)
{
	many[i] = (struct hvt_ref){ .watch = w, .kind = kind, .lo = lo, .hi = lo + len };
	hvt_ref_link(&many[i], gfn);
}

/* 10, 100, 1000, 10000 watches of one byte, anywhere. */
static void test_cost(void **state)
{
	struct hvt_watch w = { .id = 1, .access = HVT_ACC_W };
	u32 n, i, pages;

	(void)state;
	for (pages = 1; pages <= 50; pages += 49) {
		for (n = 10; n <= 10000; n *= 10) {
			fake_reset(n);
			for (i = 0; i < n; i++)
				link_many(i, &w, HVT_REF_DATA, fake_rnd() % PAGE_BYTES, 1,
					  GFN + i % pages);
			assert_cheap(n, pages);
			for (i = 0; i < n; i++)
				hvt_ref_unlink(&many[i]);
			fake_assert_clean();
		}
	}
}

/*
 * Thousands on the same bytes: as many sets as there are ranges and kinds, which are gone
 * when their last reference is, whatever the order.
 */
static void test_same_bytes(void **state)
{
	struct hvt_page *p;
	u32 i, left;

	(void)state;
	fake_reset(1);
	for (i = 0; i < 10000; i++)
		link_many(i, &watches[i % 2], i % 5 ? HVT_REF_GUARD : HVT_REF_DATA, i / 2 % 3 * 8, 8,
			  GFN);
	p = hvt_page_find(GFN);
	assert_int_equal(p->nsets, 3 * (1 + 2));
	assert_cheap(10000, 1);
	for (left = 10000; left; left--) {
		assert_ptr_equal(hvt_page_find(GFN), p);
		hvt_ref_unlink(&many[left * 3 % 10000]);
	}
	assert_null(hvt_page_find(GFN));
	fake_assert_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_same_bytes),
	};
	u32 i;

	for (i = 0; i < 4; i++)
		watches[i] = (struct hvt_watch){ .id = i + 1, .access = 1 + i, .session = 2 * i };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
