// SPDX-License-Identifier: GPL-2.0-only
/* The one order of all CPUs' events, live (by ROUND) and at the end of a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "internal.h"
#include "logbuild.h"
#include "readlog.h"

#define CPUS	4
#define PER_CPU 200

struct key {
	uint64_t tsc, order, seq;
	uint32_t cpu;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->tsc != y->tsc)
		return x->tsc < y->tsc ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void check(struct hvt_reader *r, const struct key *model, size_t *at)
{
	struct hvt_event ev;

	for (; hvt_reader_next(r, &ev); (*at)++) {
		assert_int_equal(ev.tsc, model[*at].tsc);
		assert_int_equal(ev.order, model[*at].order);
		assert_int_equal(ev.cpu, model[*at].cpu);
		assert_int_equal(ev.seq, model[*at].seq);
	}
}

/*
 * Random streams of 4 CPUs, with equal TSCs and ranks of other pages on purpose, delivered in rounds: what comes
 * out is the sorted whole, and after each ROUND nothing below its TSC is held back.
 */
static void test_merge(void **state)
{
	static struct key model[CPUS * PER_CPU];
	struct logbuild lb = { 0 }, rec = { 0 };
	uint64_t next[CPUS], seq[CPUS], limit, order;
	struct hvt_rec_access a;
	struct hvt_reader *r;
	size_t n, at, i, fed;
	unsigned int seed;
	uint32_t cpu;

	(void)state;
	for (seed = 1; seed <= 20; seed++) {
		srand(seed);
		memset(seq, 0, sizeof(seq));
		for (cpu = 0; cpu < CPUS; cpu++)
			next[cpu] = (uint64_t)rand() % 50;
		r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
		assert_non_null(r);
		lb_header(&lb, CPUS);
		lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404010, 4, "x");
		for (n = 0, at = 0, fed = 0, limit = 0; limit < 2000;) {
			limit += 1 + (uint64_t)rand() % 200;
			for (cpu = 0; cpu < CPUS; cpu++) {
				/* a CPU may run ahead of the round's limit */
				while (next[cpu] < limit + (uint64_t)rand() % 60 &&
				       seq[cpu] < PER_CPU) {
					order = (uint64_t)rand() % 3;
					a = lb_access(seq[cpu], next[cpu], 0x404010);
					a.order = order;
					lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
					model[n++] =
						(struct key){ next[cpu], order, seq[cpu], cpu };
					seq[cpu]++;
					next[cpu] += (uint64_t)rand() % 30;
				}
				/* what is held behind must not be behind the limit */
				if (next[cpu] < limit)
					next[cpu] = limit;
				lb_section(&lb, HVT_SEC_EVENTS, cpu, rec.bytes, rec.len);
				lb_free(&rec);
			}
			lb_round(&lb, limit);
			assert_int_equal(hvt_reader_feed(r, lb.bytes + fed, lb.len - fed), 0);
			fed = lb.len;
			qsort(model, n, sizeof(*model), by_key);
			check(r, model, &at);
			for (i = at; i < n; i++)
				assert_true(model[i].tsc >= limit);
			assert_true(!at || model[at - 1].tsc < limit);
		}
		lb_end(&lb, HVT_END_STOP);
		assert_int_equal(hvt_reader_feed(r, lb.bytes + fed, lb.len - fed), 0);
		check(r, model, &at);
		assert_int_equal(at, n);
		hvt_reader_free(r);
		lb_free(&lb);
	}
}

/* An event, and the second access of its record, outlive feeding: hvtrace.h says so. */
static void test_fed_between(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	uint64_t gpr[16] = { 0 };
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	size_t fed;
	int i;

	(void)state;
	gpr[6] = 0x404010; /* movsq: both operands in the watch */
	gpr[7] = 0x404020;
	a = lb_access(0, 10, 0x404010);
	a.h.flags |= HVT_RF_BLIND;
	a.size = 0;
	memcpy(a.insn, "\x48\xa5", 2);
	lb_record(&rec, &a, gpr, 0, "0123456789abcdef01234567", "0123456789abcdef89abcdef", 24);
	lb_header(&lb, 1);
	lb_watch(&lb, 1, HVT_ACC_R | HVT_ACC_W, 100, 0x404010, 32, "x");
	lb_section(&lb, HVT_SEC_EVENTS, 0, rec.bytes, rec.len);
	lb_round(&lb, 20);
	r = read_log(&lb, HVT_READER_NO_SYMBOLS);
	for (i = 0; i < 2; i++) {
		assert_int_equal(hvt_reader_next(r, &ev), 1);
		fed = lb.len;
		lb_round(&lb, 30 + (uint64_t)i);
		assert_int_equal(hvt_reader_feed(r, lb.bytes + fed, lb.len - fed), 0);
		assert_int_equal(ev.addr, i ? 0x404010 : 0x404020);
		assert_int_equal(ev.val_len, 8);
		assert_memory_equal(ev.new_, i ? "01234567" : "89abcdef", 8);
	}
	assert_int_equal(hvt_reader_next(r, &ev), 0);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

/* However long a log is: what is decoded is one section of each CPU, what waits a round. */
static void test_bounded(void **state)
{
	const size_t section = 512 * sizeof(struct hvt_rec_access);
	struct logbuild lb = { 0 }, rec[CPUS] = { { 0 } };
	uint64_t seq[CPUS] = { 0 }, tsc = 0, n = 0;
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	uint32_t cpu, i;
	int round;

	(void)state;
	r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	assert_non_null(r);
	lb_header(&lb, CPUS);
	lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404010, 4, "x");
	for (round = 0; round < 40; round++) {
		for (i = 0; i < CPUS * 512; i++) {
			cpu = i % CPUS;
			a = lb_access(seq[cpu]++, tsc++, 0x404010);
			lb_record(&rec[cpu], &a, NULL, 0, NULL, NULL, 0);
		}
		for (cpu = 0; cpu < CPUS; cpu++) {
			lb_section(&lb, HVT_SEC_EVENTS, cpu, rec[cpu].bytes, rec[cpu].len);
			rec[cpu].len = 0;
		}
		lb_round(&lb, tsc);
		assert_int_equal(hvt_reader_feed(r, lb.bytes, lb.len), 0);
		lb.len = 0;
		assert_int_equal(r->merge.decoded, 0);
		while (hvt_reader_next(r, &ev)) {
			n++;
			assert_true(r->merge.decoded <= CPUS * section);
		}
		assert_int_equal(n, tsc);
		assert_int_equal(r->merge.decoded, 0);
		for (cpu = 0; cpu < CPUS; cpu++)
			assert_null(r->merge.cpus[cpu].stored);
	}
	for (cpu = 0; cpu < CPUS; cpu++)
		lb_free(&rec[cpu]);
	hvt_reader_free(r);
	lb_free(&lb);
}

/* A section whose contents are wrong is the end: what was before it comes, nothing behind. */
static void test_bad_inside(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	struct hvt_log_chunk chunk;
	struct hvt_log_column col;
	struct hvt_rec_access a;
	struct hvt_section s;
	struct hvt_reader *r;
	struct hvt_event ev;
	size_t bad = 0, at, data;
	uint64_t i;

	(void)state;
	lb_header(&lb, 2);
	lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404010, 4, "x");
	for (i = 0; i < 4; i++) {
		/* CPU 0: 10, CPU 1: 20, CPU 0: 30, CPU 1: 40; the third one is wrong */
		a = lb_access(i / 2, 10 + 10 * i, 0x404010);
		lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
		if (i == 2)
			bad = lb.len;
		lb_section(&lb, HVT_SEC_EVENTS, i % 2, rec.bytes, rec.len);
		rec.len = 0;
	}
	lb_end(&lb, HVT_END_STOP);
	memcpy(&s, lb.bytes + bad, sizeof(s));
	at = bad + sizeof(s);
	memcpy(&chunk, lb.bytes + at, sizeof(chunk));
	at += sizeof(chunk);
	data = at + chunk.columns * sizeof(col);
	for (i = 0; i < chunk.columns; i++, at += sizeof(col), data += col.len) {
		memcpy(&col, lb.bytes + at, sizeof(col));
		if (col.field == HVT_FIELD_CODE)
			lb.bytes[data] = 7; /* there is row 0 only */
	}
	lb_reseal(&lb, bad);
	r = read_log(&lb, HVT_READER_NO_SYMBOLS);
	assert_int_equal(hvt_reader_next(r, &ev), 1);
	assert_int_equal(ev.tsc, 10);
	assert_int_equal(hvt_reader_next(r, &ev), 1);
	assert_int_equal(ev.tsc, 20);
	assert_int_equal(hvt_reader_next(r, &ev), 0);
	assert_int_equal(hvt_reader_state(r), HVT_LOG_DAMAGED);
	assert_non_null(strstr(hvt_reader_why(r), "malformed section of type 5"));
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_merge),
					    cmocka_unit_test(test_fed_between),
					    cmocka_unit_test(test_bounded),
					    cmocka_unit_test(test_bad_inside) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
