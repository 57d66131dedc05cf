// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which watches does an access touch, and with which of its bytes? Checked against models
 * that ask about each byte by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "logbuild.h"

#define BASE 0x7000000ull
#define MASK (HVT_PAGE - 1)

/* Is byte a of an access, in gla's page or not, in the watch, as far as one can know? */
static bool linear_model(const struct hvt_watch_fact *w, uint64_t gla, uint64_t a)
{
	uint64_t w_end = w->addr + w->len, p;

	if ((gla & ~MASK) >= (w->addr & ~MASK) && (gla & ~MASK) <= ((w_end - 1) & ~MASK))
		return a >= w->addr && a < w_end;
	/* through an alias only gla's page is known: any page of the watch may be it */
	if ((a & ~MASK) != (gla & ~MASK))
		return false;
	for (p = w->addr & ~MASK; p < w_end; p += HVT_PAGE)
		if (p + (a & MASK) >= w->addr && p + (a & MASK) < w_end)
			return true;
	return false;
}

/* The same by physical address: only gpa's page is known. */
static bool physical_model(const struct hvt_watch_fact *w, const struct hvt_place *p, uint64_t a)
{
	uint64_t gpa = p->gpa + (a - p->gla);

	return (gpa & ~MASK) == (p->gpa & ~MASK) && gpa >= w->addr && gpa < w->addr + w->len;
}

static void check(const struct hvt_watch_fact *w, const struct hvt_place *p)
{
	uint64_t a, first = 0, last = 0, model_first = 0, model_last = 0;
	enum hvt_meet meet = hvt_watch_meets(w, p, &first, &last);
	bool any = false;

	for (a = p->addr; a < p->addr + p->size; a++) {
		if (!(w->flags & HVT_WATCH_PHYS ? physical_model(w, p, a) :
						  linear_model(w, p->gla, a)))
			continue;
		if (!any)
			model_first = a;
		model_last = a;
		any = true;
	}
	if (any != (meet != HVT_APART))
		fail_msg("watch %#llx,%llu flags %u: %#llx,%llu gla %#llx gpa %#llx: %d",
			 (unsigned long long)w->addr, (unsigned long long)w->len, w->flags,
			 (unsigned long long)p->addr, (unsigned long long)p->size,
			 (unsigned long long)p->gla, (unsigned long long)p->gpa, meet);
	if (meet == HVT_MEET) {
		assert_int_equal(first, model_first);
		assert_int_equal(last, model_last);
	}
}

static const uint64_t lens[] = { 1, 2, 4, 8, 16, 40, 4096, 5000, 9000 };

static void test_linear(void **state)
{
	struct hvt_watch_fact w = { .id = 1, .access = HVT_ACC_W };
	struct hvt_place p = { .gpa = 0x5000 };
	unsigned int i;

	(void)state;
	srand(7);
	for (i = 0; i < 60000; i++) {
		w.len = lens[rand() % 9];
		w.addr = BASE + (uint64_t)(rand() % 2 ? rand() % 64 + 4060 : rand() % 8192);
		p.size = lens[rand() % 6];
		/* near an edge half of the time, an alias of the page every third time */
		p.gla = rand() % 2 ? w.addr + w.len - 8 + (uint64_t)rand() % 16 :
				     w.addr - 8 + (uint64_t)rand() % 16;
		if (i % 3 == 0)
			p.gla += 0x100000;
		p.addr = p.gla;
		check(&w, &p);
	}
}

static void test_physical(void **state)
{
	struct hvt_watch_fact w = { .id = 1, .flags = HVT_WATCH_PHYS };
	uint64_t first, last;
	struct hvt_place p;
	unsigned int i;

	(void)state;
	srand(8);
	for (i = 0; i < 60000; i++) {
		w.len = lens[rand() % 9];
		w.addr = 0xfed00000 + (uint64_t)(rand() % 8192);
		p.size = lens[rand() % 9];
		p.gpa = w.addr + (uint64_t)(rand() % 2 ? w.len : 0) - 24 + (uint64_t)rand() % 48;
		/* of a walker it is another address, of all others the same offset in a page */
		p.gla = i % 5 ? 0xffffc90000400000ull + (p.gpa & MASK) : (uint64_t)rand() % 4096;
		/* the operand may have begun before the byte that the record is about */
		p.addr = p.gla - (i % 3 && p.gla > 64 ? (uint64_t)rand() % 64 : 0);
		check(&w, &p);
	}
	p.gpa = HVT_GPA_NONE;
	assert_int_equal(hvt_watch_meets(&w, &p, &first, &last), HVT_MAY_MEET);
}

static void test_at_the_top(void **state)
{
	struct hvt_watch_fact w = { .id = 1, .addr = UINT64_MAX - 7, .len = 8 };
	struct hvt_place p = { .addr = UINT64_MAX, .size = 8, .gla = UINT64_MAX };
	uint64_t first, last;

	(void)state;
	assert_int_equal(hvt_watch_meets(&w, &p, &first, &last), HVT_MEET);
	p.addr = p.gla = UINT64_MAX - 8;
	p.size = 1;
	assert_int_equal(hvt_watch_meets(&w, &p, &first, &last), HVT_APART);
	p.size = 2;
	assert_int_equal(hvt_watch_meets(&w, &p, &first, &last), HVT_MEET);
	assert_int_equal(first, UINT64_MAX - 7);
}

static void add_watch(struct hvt_watches *w, uint32_t id, uint32_t access, int32_t pid,
		      uint64_t addr, uint64_t len, uint32_t flags)
{
	const struct hvt_filters none = { 0 };
	struct hvt_log_watch h = {
		.id = id, .access = access, .pid = pid, .addr = addr, .len = len, .flags = flags
	};

	assert_int_equal(hvt_watches_add(w, &none, (const uint8_t *)&h, sizeof(h)), 0);
}

static uint32_t touched(struct hvt_watches *w, uint32_t own, uint32_t access, uint64_t gla,
			uint64_t gpa, uint32_t *ids)
{
	struct hvt_place p = { .addr = gla, .size = 4, .gla = gla, .gpa = gpa, .pid = 10 };

	return hvt_watches_touched(w, own, access, &p, ids, 4);
}

static void test_touched(void **state)
{
	struct hvt_watches w = { 0 };
	uint32_t ids[4];

	(void)state;
	add_watch(&w, 1, HVT_ACC_W, 10, 0x5000, 8, 0);
	add_watch(&w, 2, HVT_ACC_R, 10, 0x5004, 8, 0);
	add_watch(&w, 3, HVT_ACC_W, 11, 0x5000, 8, 0); /* another process, same address */
	/* a write by pid 10 touches 1 only; its own watch comes first */
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0x5004, 0x9004, ids), 1);
	assert_int_equal(ids[0], 1);
	/* an rmw touches both */
	assert_int_equal(touched(&w, 2, HVT_ACC_R | HVT_ACC_W, 0x5004, 0x9004, ids), 2);
	assert_int_equal(ids[0], 2);
	assert_int_equal(ids[1], 1);
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0x5008, 0x9008, ids), 0);
	/* through the kernel's alias of the page */
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0xffff888000007004, 0x9004, ids), 1);
	hvt_watches_free(&w);
}

/* Physical and linear watches of one page. */
static void test_both(void **state)
{
	struct hvt_watches w = { 0 };
	uint32_t ids[4];

	(void)state;
	add_watch(&w, 1, HVT_ACC_W, 0, 0x9000, 8, HVT_WATCH_PHYS);
	add_watch(&w, 2, HVT_ACC_W, 10, 0x5000, 8, 0);
	add_watch(&w, 3, HVT_ACC_W, 11, 0x5000, 8, 0);
	/* the process's own address: the physical watch first when it is the record's */
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0x5004, 0x9004, ids), 2);
	assert_true(ids[0] == 1 && ids[1] == 2);
	assert_int_equal(touched(&w, 2, HVT_ACC_W, 0x5004, 0x9004, ids), 2);
	assert_true(ids[0] == 2 && ids[1] == 1);
	/* the same linear page, other memory: the physical watch is not meant */
	assert_int_equal(touched(&w, 2, HVT_ACC_W, 0x5004, 0xa004, ids), 1);
	assert_int_equal(ids[0], 2);
	/* the same physical memory by another address: nobody knows of the linear one */
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0xffffc90000000004, 0x9004, ids), 1);
	assert_int_equal(ids[0], 1);
	assert_int_equal(touched(&w, 1, HVT_ACC_W, 0xffffc90000000008, 0x9008, ids), 0);
	hvt_watches_free(&w);
}

/* Thousands of watches: the index finds what going through all of them finds. */
static void test_many(void **state)
{
	uint64_t seed = 1;
	uint32_t round;

	(void)state;
	for (round = 0; round < 3; round++) {
		struct hvt_watches w = { 0 };
		uint32_t i, k, met = 0;

		for (i = 0; i < 3000; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			add_watch(&w, round == 2 ? 5000 - i : i + 1, HVT_ACC_W, 10 + (i & 1),
				  0x10000 + (seed >> 33) % 60000, round ? 1 + (seed >> 50) % 9 : 1,
				  0);
		}
		for (i = 0; i < 3000; i++) {
			const struct hvt_watch_fact *own = &w.v[i];
			uint64_t addr = own->addr - i % 4;
			uint32_t ids[16], want[16] = { 0 }, n = 0, got;
			struct hvt_place p = { .addr = addr, .size = 4, .gla = addr, .pid = 10 };

			want[n++] = own->id;
			for (k = 0; k < w.n && n < 16; k++)
				if (&w.v[k] != own && w.v[k].pid == own->pid &&
				    w.v[k].addr < addr + 4 && w.v[k].addr + w.v[k].len > addr)
					want[n++] = w.v[k].id;
			assert_ptr_equal(hvt_watches_find(&w, own->id), own);
			got = hvt_watches_touched(&w, own->id, HVT_ACC_W, &p, ids, 16);
			assert_int_equal(got, n);
			assert_memory_equal(ids, want, n * sizeof(*ids));
			met += n > 1;
		}
		assert_true(met > 100);
		assert_null(hvt_watches_find(&w, 9999));
		hvt_watches_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linear),	   cmocka_unit_test(test_physical),
		cmocka_unit_test(test_at_the_top), cmocka_unit_test(test_touched),
		cmocka_unit_test(test_both),	   cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
