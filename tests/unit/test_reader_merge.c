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

#include "logbuild.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_merge) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
