// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader gives out exactly the accesses that touch a watch, and names exactly the
 * watches touched. The truth is a bit for each watch in each byte of memory; the records
 * are those that root mode makes of an access, which over-approximates what it did not
 * decode: BLIND, from the first byte touched to the end of the page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "logbuild.h"
#include "readlog.h"

#define BASE  0x10000ull
#define BYTES 0x5000u
#define PAGE  4096u
#define MAX   20 /* watches */

struct access {
	uint64_t at;
	uint32_t size;
	uint8_t access;
	const char *insn; /* of that size at [rdi]: BLIND. NULL: an exact record */
	uint8_t insn_len;
	bool run;
};

/* Memory and what watches it. */
struct world {
	uint32_t bits[BYTES]; /* by watch */
	uint32_t ids[MAX], access[MAX], n;
	struct logbuild lb, rec;
	struct access *expect; /* that touch a watch, in order */
	uint32_t *expect_bits, *expect_own;
	size_t expected, cap;
	uint64_t seq, tsc;
};

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	lb_header(&w->lb, 1);
}

static void watch(struct world *w, uint32_t id, uint32_t access, uint64_t addr, uint64_t len)
{
	uint64_t i;

	for (i = 0; i < len; i++)
		w->bits[addr + i - BASE] |= 1u << w->n;
	w->ids[w->n] = id;
	w->access[w->n++] = access;
	lb_watch(&w->lb, id, access, 100, addr, len, "x");
}

/* The watches with a bit in [lo, hi) that want the access. */
static uint32_t touched(const struct world *w, uint64_t lo, uint64_t hi, uint8_t access)
{
	uint32_t bits = 0, i;

	for (; lo < hi; lo++)
		bits |= w->bits[lo - BASE];
	for (i = 0; i < w->n; i++)
		if (!(w->access[i] & access))
			bits &= ~(1u << i);
	return bits;
}

/* Root names the one with the lowest id. */
static uint32_t first_id(const struct world *w, uint32_t bits)
{
	uint32_t i, id = UINT32_MAX;

	for (i = 0; i < w->n; i++)
		if ((bits >> i & 1) && w->ids[i] < id)
			id = w->ids[i];
	return id;
}

static void emit(struct world *w, const struct access *x, uint64_t gla, uint32_t bits)
{
	struct hvt_rec_access a = lb_access(w->seq++, w->tsc, gla);
	const struct hvt_rec_run run = { .count = x->size, .elem = 1 };
	uint8_t values[64] = { 0 };
	uint64_t gpr[16] = { 0 };

	a.h.watch = first_id(w, bits);
	a.access = x->access;
	a.size = x->insn ? 0 : x->size;
	if (x->insn) {
		gpr[7] = x->at;
		a.h.flags |= HVT_RF_BLIND;
		memcpy(a.insn, x->insn, x->insn_len);
		a.insn_len = x->insn_len;
		lb_record(&w->rec, &a, gpr, 0, values, values, 64);
	} else if (x->run) {
		a.h.flags |= HVT_RF_RUN | HVT_RF_NOVALUE;
		a.h.nslots = 3;
		lb_bytes(&w->rec, &a, sizeof(a));
		lb_bytes(&w->rec, &run, sizeof(run));
		lb_bytes(&w->rec, values, HVT_SLOT - sizeof(run));
	} else {
		a.h.flags |= HVT_RF_NOVALUE;
		lb_record(&w->rec, &a, NULL, 0, NULL, NULL, 0);
	}
}

/* What root mode writes for one access, and what has to come of it. */
static void act(struct world *w, const struct access *x)
{
	uint64_t end = x->at + x->size, lo, page_end;
	uint32_t bits = touched(w, x->at, end, x->access), near, own = 0;

	w->tsc++;
	if (!x->insn && bits) {
		own = first_id(w, bits);
		emit(w, x, x->at, bits);
	}
	for (lo = x->at; x->insn && lo < end; lo = page_end) {
		page_end = (lo | (PAGE - 1)) + 1;
		near = touched(w, lo, page_end, x->access);
		if (!near)
			continue;
		/* the event is made of the first record whose page it really touches */
		if (!own && touched(w, lo, end < page_end ? end : page_end, x->access))
			own = first_id(w, near);
		emit(w, x, lo, near);
	}
	if (!bits)
		return;
	if (w->expected == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 1024;
		w->expect = realloc(w->expect, w->cap * sizeof(*w->expect));
		w->expect_bits = realloc(w->expect_bits, w->cap * sizeof(uint32_t));
		w->expect_own = realloc(w->expect_own, w->cap * sizeof(uint32_t));
		assert_true(w->expect && w->expect_bits && w->expect_own);
	}
	w->expect[w->expected] = *x;
	w->expect_own[w->expected] = own;
	w->expect_bits[w->expected++] = bits;
}

/* The watches in the order of the log, the record's own before them if it is touched. */
static void check_list(const struct world *w, const struct hvt_event *ev, uint32_t bits,
		       uint32_t own)
{
	uint32_t want[MAX], n = 0, i;

	for (i = 0; i < w->n; i++)
		if ((bits >> i & 1) && w->ids[i] == own)
			want[n++] = own;
	for (i = 0; i < w->n; i++)
		if ((bits >> i & 1) && w->ids[i] != own)
			want[n++] = w->ids[i];
	if (n > HVT_EVENT_WATCHES)
		n = HVT_EVENT_WATCHES;
	if (ev->nr_watches != n || memcmp(ev->watches, want, n * sizeof(*want)))
		fail_msg("0x%llx,%u access %u flags 0x%x: %u watches, first %u, not %u, first %u",
			 (unsigned long long)ev->addr, ev->size, ev->access, ev->flags,
			 ev->nr_watches, ev->watches[0], n, want[0]);
}

static void end(struct world *w)
{
	const struct access *x;
	struct hvt_reader *r;
	struct hvt_event ev;
	size_t i;

	lb_section(&w->lb, HVT_SEC_EVENTS, 0, w->rec.bytes, w->rec.len);
	lb_end(&w->lb, HVT_END_STOP);
	r = read_log(&w->lb, HVT_READER_NO_SYMBOLS);
	for (i = 0; hvt_reader_next(r, &ev); i++) {
		if (i == w->expected)
			fail_msg("0x%llx,%u is one too many", (unsigned long long)ev.addr, ev.size);
		x = &w->expect[i];
		if (ev.addr != x->at || ev.size != x->size || ev.access != x->access || !ev.exact)
			fail_msg("0x%llx,%u access %u, not 0x%llx,%u access %u",
				 (unsigned long long)ev.addr, ev.size, ev.access,
				 (unsigned long long)x->at, x->size, x->access);
		check_list(w, &ev, w->expect_bits[i], w->expect_own[i]);
	}
	assert_int_equal(i, w->expected);
	assert_int_equal(hvt_reader_stats(r)->accesses, w->expected);
	hvt_reader_free(r);
	lb_free(&w->lb);
	lb_free(&w->rec);
	free(w->expect);
	free(w->expect_bits);
	free(w->expect_own);
}

static const struct access stores[] = {
	{ 0, 1, HVT_ACC_W, "\x88\x07", 2, false },
	{ 0, 2, HVT_ACC_W, "\x66\x89\x07", 3, false },
	{ 0, 4, HVT_ACC_W, "\x89\x07", 2, false },
	{ 0, 8, HVT_ACC_W, "\x48\x89\x07", 3, false },
	{ 0, 16, HVT_ACC_W, "\x0f\x11\x07", 3, false },	       /* movups [rdi], xmm0 */
	{ 0, 8, HVT_ACC_R, "\x48\x8b\x07", 3, false },	       /* mov rax, [rdi] */
	{ 0, 4, HVT_ACC_R | HVT_ACC_W, "\x01\x07", 2, false }, /* add [rdi], eax */
};
#define NR_STORES (sizeof(stores) / sizeof(*stores))

/* Every access of every size that begins at `at`. */
static void all_at(struct world *w, uint64_t at)
{
	static const uint32_t runs[] = { 65, 512, 4096, 5000 };
	struct access x = { .at = at };
	size_t i;

	for (i = 1; i <= 65; i++) {
		x.size = i <= 64 ? (uint32_t)i : 512;
		x.access = (uint8_t)(1 + i % 3); /* R, W, RW */
		act(w, &x);
	}
	x.run = true;
	x.access = HVT_ACC_W;
	for (i = 0; i < 4; i++) {
		x.size = runs[i];
		act(w, &x);
	}
	for (i = 0; i < NR_STORES; i++) {
		x = stores[i];
		x.at = at;
		act(w, &x);
	}
}

/* One watch: each offset around it, at each place in and over a page. */
static void test_one_watch(void **state)
{
	static const uint32_t lens[] = { 1, 2, 3, 4, 7, 8, 16, 63, 64, 65, 4096 };
	uint64_t border = BASE + 2 * PAGE, addr;
	int off, place;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		for (place = 0; place < 4; place++) {
			addr = place == 0 ? border + 0x700 :
			       place == 1 ? border :
			       place == 2 ? border - lens[i] :
					    border - lens[i] / 2;
			begin(&w);
			watch(&w, 1, HVT_ACC_R | HVT_ACC_W, addr, lens[i]);
			for (off = -80; off <= 80; off++)
				all_at(&w, addr + (uint64_t)(int64_t)off);
			end(&w);
		}
}

/* Many watches over each other and over page borders, of all kinds and in any order. */
static void test_many_watches(void **state)
{
	uint64_t border = BASE + 2 * PAGE, at;
	uint32_t ids[MAX], n, i, k, t;
	unsigned int seed;
	struct world w;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		srand(seed);
		begin(&w);
		n = 2 + (uint32_t)rand() % (MAX - 1);
		for (i = 0; i < n; i++)
			ids[i] = i + 1;
		for (i = n - 1; i; i--) {
			k = (uint32_t)rand() % (i + 1);
			t = ids[i];
			ids[i] = ids[k];
			ids[k] = t;
		}
		for (i = 0; i < n; i++)
			watch(&w, ids[i], 1 + (uint32_t)rand() % 3,
			      border - 100 + (uint64_t)rand() % 200,
			      1 + (uint64_t)rand() % (rand() % 8 ? 20 : 4200));
		for (i = 0; i < 40; i++) {
			at = border - 180 + (uint64_t)rand() % 360;
			all_at(&w, at);
		}
		end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_watch),
		cmocka_unit_test(test_many_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
