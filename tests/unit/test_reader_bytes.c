// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a verification knows of bytes, with all of it in memory, with nearly none, and with
 * some: it must be what a plain table of all bytes knows, and take the memory it may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify_bytes.h"

#define PAGES 40u
#define PAGE  4096u

struct plain {
	uint8_t value[PAGE];
	bool known[PAGE], stale[PAGE], covered[PAGE];
};

struct page {
	struct hvt_vbytes bytes;
	uint64_t map[PAGE / 64];
	struct plain plain;
};

static unsigned int seed;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static uint32_t plain_check(struct plain *p, uint32_t off, const uint8_t *bytes, uint32_t n,
			    uint8_t *known, struct hvt_verdict *v)
{
	uint32_t i, first = n;

	for (i = 0; i < n; i++, off++) {
		if (!p->covered[off])
			continue;
		v->links += p->known[off] && p->value[off] == bytes[i];
		v->differ += p->known[off] && p->value[off] != bytes[i];
		v->voided += !p->known[off] && p->stale[off];
		if (!p->known[off])
			p->stale[off] = false;
		if (p->known[off] && p->value[off] != bytes[i] && first == n) {
			first = i;
			*known = p->value[off];
		}
	}
	return first;
}

static void plain_forget(struct plain *p, uint32_t off, uint32_t n)
{
	for (; n; n--, off++) {
		p->stale[off] |= p->known[off];
		p->known[off] = false;
	}
}

static void plain_set(struct plain *p, uint32_t off, const uint8_t *bytes, uint32_t n)
{
	for (; n; n--, off++, bytes++) {
		if (!p->covered[off])
			continue;
		p->value[off] = *bytes;
		p->known[off] = true;
		p->stale[off] = false;
	}
}

static void cover(struct page *page)
{
	uint32_t i, from = below(PAGE), to = from + below(PAGE - from);

	for (i = from; i <= to; i++) {
		page->map[i / 64] |= 1ull << i % 64;
		page->plain.covered[i] = true;
	}
}

/* Something that verification does. */
static void step(struct hvt_vstore *s, struct page *page, struct hvt_verdict v[2])
{
	uint32_t off = below(PAGE), n = 1 + below(below(8) ? 16 : 300), first[2], i;
	uint8_t bytes[300], known[2] = { 0 };

	n = n < PAGE - off ? n : PAGE - off;
	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)below(2);
	assert_int_equal(hvt_vbytes_use(s, &page->bytes), 0);
	switch (below(8)) {
	case 0:
		hvt_vbytes_forget(&page->bytes, off, n);
		plain_forget(&page->plain, off, n);
		break;
	case 1:
		if (below(20))
			break;
		hvt_vbytes_make_stale(&page->bytes);
		plain_forget(&page->plain, 0, PAGE);
		break;
	case 2:
	case 3:
	case 4:
		assert_int_equal(hvt_vbytes_set(s, &page->bytes, page->map, off, bytes, n), 0);
		plain_set(&page->plain, off, bytes, n);
		break;
	default:
		first[0] =
			hvt_vbytes_check(&page->bytes, page->map, off, bytes, n, &known[0], &v[0]);
		first[1] = plain_check(&page->plain, off, bytes, n, &known[1], &v[1]);
		assert_int_equal(first[0], first[1]);
		assert_int_equal(known[0], known[1]);
	}
	assert_memory_equal(&v[0], &v[1], sizeof(v[0]));
}

static void with_limit(size_t limit, bool aside)
{
	struct page *pages = calloc(PAGES, sizeof(*pages));
	struct hvt_verdict v[2] = { 0 };
	struct hvt_vstore s;
	unsigned int i;

	assert_non_null(pages);
	seed = (unsigned int)limit;
	hvt_vstore_limit = limit;
	hvt_vstore_init(&s);
	for (i = 0; i < PAGES; i++)
		cover(&pages[i]);
	for (i = 0; i < 60000; i++) {
		step(&s, &pages[below(PAGES)], v);
		/* beside what is in use there is no more than it may be */
		assert_true(s.bytes <= limit + 2 * 64 * sizeof(struct hvt_vline) || !aside);
	}
	assert_true(v[0].links > 1000 && v[0].differ > 1000 && v[0].voided > 1000);
	assert_true((s.places > PAGES / 2) == aside);
	for (i = 0; i < PAGES; i++)
		hvt_vbytes_drop(&s, &pages[i].bytes);
	assert_int_equal(s.bytes, 0);
	hvt_vstore_close(&s);
	free(pages);
}

static void test_limits(void **state)
{
	(void)state;
	with_limit(SIZE_MAX, false);
	with_limit(0, true);
	with_limit(20000, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
