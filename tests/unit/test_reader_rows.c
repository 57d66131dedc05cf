// SPDX-License-Identifier: GPL-2.0-only
/* Columns put into somebody's arrays are what the records have. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "lograndom.h"
#include "logtrace.h"
#include "readlog.h"

struct row {
	uint8_t access;
	char comm[16];
	uint64_t tsc, gpa, ip, new_;
	uint32_t pid;
	uint16_t flags;
} __attribute__((packed));

#define COLUMN(name, member) \
	{ \
		HVT_FIELD_##name, 0, &(out)->member, sizeof(struct row) \
	}

#define VALUE(name, type, i) (((const type *)hvt_column(&c, HVT_COLUMN_##name, NULL))[i])

/* The accesses of a section, one after the other. How many. */
static uint32_t decode(const uint8_t *section, const struct hvt_section *s, struct row *rows)
{
	struct hvt_columns c = { 0 };
	uint32_t i, n = 0, task;

	assert_int_equal(hvt_columns_open(&c, s, section + sizeof(*s)), 0);
	for (i = 0; i < s->count; i++) {
		if (VALUE(TYPE, uint8_t, i) != HVT_REC_ACCESS)
			continue;
		task = VALUE(TASK, uint16_t, n);
		rows[n] = (struct row){
			.access = VALUE(ACCESS, uint8_t, n),
			.tsc = VALUE(TSC, uint64_t, i),
			.gpa = VALUE(GLA, uint64_t, n) + VALUE(GPA_GLA, uint64_t, n),
			.ip = VALUE(IP, uint64_t, VALUE(CODE, uint16_t, n)),
			.new_ = VALUE(NEW, uint64_t, n),
			.pid = VALUE(PID, uint32_t, task),
			.flags = VALUE(FLAGS, uint16_t, i),
		};
		memcpy(rows[n++].comm, &VALUE(COMM, char, 16 * task), 16);
	}
	hvt_columns_close(&c);
	return n;
}

static int put_all(struct hvt_rows *rows, struct row *out)
{
	const struct hvt_rows_column columns[] = {
		COLUMN(ACCESS, access), COLUMN(COMM, comm), COLUMN(TSC, tsc), COLUMN(GPA_GLA, gpa),
		COLUMN(IP, ip),		COLUMN(NEW, new_),  COLUMN(PID, pid), COLUMN(FLAGS, flags),
	};

	rows->type = HVT_REC_ACCESS;
	rows->columns = columns;
	rows->nr_columns = sizeof(columns) / sizeof(columns[0]);
	return hvt_rows_load(rows);
}

/* Of one section, on its own. */
static int put(const uint8_t *section, size_t len, struct row *out, int count, uint64_t row)
{
	struct hvt_rows_section one = { section, len, row, (uint32_t)count, 0 };
	struct hvt_rows rows = { .sections = &one, .nr_sections = 1 };
	int rc = put_all(&rows, out);

	assert_ptr_equal(rows.bad, rc == -EBADMSG ? section : NULL);
	return rc;
}

static void check(const uint8_t *section, const struct hvt_section *s)
{
	size_t len = sizeof(*s) + s->len;
	struct row *want = calloc(s->count, sizeof(*want));
	struct row *got = calloc(s->count + 1u, sizeof(*got));
	int n = hvt_rows_count(HVT_REC_ACCESS, section, len);

	assert_true(want && got);
	assert_int_equal(decode(section, s, want), n);
	/* from row 1 on */
	assert_int_equal(put(section, len, got, n, 1), 0);
	assert_memory_equal(got + 1, want, (size_t)n * sizeof(*want));
	assert_int_equal(put(section, len, got, n + 1, 0), -EBADMSG);
	assert_int_equal(put(section, len - 1, got, n, 0), -EBADMSG);
	assert_int_equal(hvt_rows_count(HVT_REC_ACCESS, section, sizeof(*s) - 1), -EBADMSG);
	free(got);
	free(want);
}

/* Any bytes: with the old checksum nothing is put, with a new one nothing else is touched. */
static void spoil(struct logbuild *lb, size_t at, const struct hvt_section *s)
{
	size_t len = sizeof(*s) + s->len, i;
	struct row *got = calloc(s->count, sizeof(*got));
	uint8_t *byte, was;
	int n, done = 0;

	assert_non_null(got);
	n = hvt_rows_count(HVT_REC_ACCESS, lb->bytes + at, len);
	for (i = 0; i < s->len; i += 1 + (size_t)rand() % 7) {
		byte = lb->bytes + at + sizeof(*s) + i;
		was = *byte;
		*byte ^= (uint8_t)(1 + rand() % 255);
		if (hvt_rows_count(HVT_REC_ACCESS, lb->bytes + at, len) == n)
			assert_int_equal(put(lb->bytes + at, len, got, n, 0), -EBADMSG);
		lb_reseal(lb, at);
		if (hvt_rows_count(HVT_REC_ACCESS, lb->bytes + at, len) == n)
			done += !put(lb->bytes + at, len, got, n, 0);
		*byte = was;
		lb_reseal(lb, at);
	}
	assert_true(done > 0);
	free(got);
}

/* The sections of a log that hold records of a type. How many; to be freed. */
static size_t find_sections(const struct logbuild *lb, uint32_t type, struct hvt_rows_section **out)
{
	struct hvt_section s;
	uint64_t row = 0;
	size_t at, n = 0;
	int count;

	*out = calloc(lb->len / sizeof(s), sizeof(**out));
	assert_non_null(*out);
	for (at = sizeof(struct hvt_log_header); at < lb->len;
	     at += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, lb->bytes + at, sizeof(s));
		count = hvt_rows_count(type, lb->bytes + at, sizeof(s) + s.len);
		assert_int_equal(count < 0, s.type != HVT_SEC_EVENTS);
		if (count <= 0)
			continue;
		(*out)[n++] = (struct hvt_rows_section){ lb->bytes + at, sizeof(s) + s.len, row,
							 (uint32_t)count, 0 };
		row += (uint32_t)count;
	}
	return n;
}

static void test_rows(void **state)
{
	struct hvt_rows_section *some;
	struct logbuild lb = { 0 };
	struct hvt_section s;
	size_t i, n, all = 0;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed < 6; seed++) {
		lb_random(&lb, seed, NULL);
		n = find_sections(&lb, HVT_REC_ACCESS, &some);
		for (i = 0; i < n; i++) {
			memcpy(&s, some[i].bytes, sizeof(s));
			check(some[i].bytes, &s);
			if (!(all++ % 16))
				spoil(&lb, (size_t)((const uint8_t *)some[i].bytes - lb.bytes), &s);
		}
		free(some);
		lb_free(&lb);
		lb = (struct logbuild){ 0 };
	}
	assert_true(all > 10);
}

struct moment {
	uint64_t tsc, row;
};

static int by_moment(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return x->tsc != y->tsc ? (x->tsc < y->tsc ? -1 : 1) : (x->row < y->row ? -1 : 1);
}

/* As rows of four CPUs, one of which has none; many at the same time, some at the last one. */
static void put_by_time(struct hvt_rows *rows, const struct row *want, struct row *got,
			uint64_t all)
{
	const uint64_t starts[] = { 0, 2000, 2000, 3500, all };
	struct moment *moments = calloc(all, sizeof(*moments));
	uint64_t *tsc = calloc(all, sizeof(*tsc)), i, t = 0;
	uint32_t cpu;

	assert_true(moments && tsc);
	for (cpu = 0; cpu < 4; cpu++)
		for (i = starts[cpu], t = 100; i < starts[cpu + 1]; i++) {
			t += (uint64_t)(rand() % 3) * (i % 100 < 70);
			tsc[i] = starts[cpu + 1] - i < 5 ? UINT64_MAX : t;
			moments[i] = (struct moment){ tsc[i], i };
		}
	qsort(moments, all, sizeof(*moments), by_moment);
	rows->tsc = tsc;
	rows->starts = starts;
	rows->nr_cpus = 4;
	assert_int_equal(put_all(rows, got), 0);
	for (i = 0; i < all; i++) {
		struct row one = want[moments[i].row];

		one.tsc = moments[i].tsc;
		assert_memory_equal(&got[i], &one, sizeof(one));
	}
	rows->tsc = rows->starts = NULL;
	rows->nr_cpus = 0;
	free(tsc);
	free(moments);
}

/* However many threads there are, the rows are the same, and so is the first bad section. */
static void test_threads(void **state)
{
	struct hvt_rows_section *some;
	struct logbuild lb = { 0 }, records = { 0 };
	struct hvt_rows rows = { 0 };
	struct row *want, *got;
	uint64_t all, i;
	uint8_t *first, *last;
	uint32_t threads;

	(void)state;
	lb_header(&lb, 1);
	for (i = 0; i < 100 * 50; i++) {
		struct hvt_rec_access a = lb_access(i, 100 + i, 0x404000 + i % 4096);

		a.new_ = i * i;
		a.ip = 0x401000 + i % 7;
		lb_record(&records, &a, NULL, 0, NULL, NULL, 0);
		if (i % 50 != 49)
			continue;
		lb_section(&lb, HVT_SEC_EVENTS, 0, records.bytes, records.len);
		records.len = 0;
	}
	lb_free(&records);
	rows.nr_sections = find_sections(&lb, HVT_REC_ACCESS, &some);
	rows.sections = some;
	assert_int_equal(rows.nr_sections, 100);
	all = some[rows.nr_sections - 1].row + some[rows.nr_sections - 1].count;
	want = calloc(all, sizeof(*want));
	got = calloc(all, sizeof(*got));
	assert_true(want && got);
	assert_int_equal(put_all(&rows, want), 0);
	for (threads = 1; threads < 40; threads += 1 + threads / 2) {
		rows.threads = threads;
		memset(got, 0, all * sizeof(*got));
		assert_int_equal(put_all(&rows, got), 0);
		assert_memory_equal(got, want, all * sizeof(*got));
	}
	put_by_time(&rows, want, got, all);
	first = lb.bytes + ((const uint8_t *)some[1].bytes - lb.bytes) + some[1].len - 1;
	last = lb.bytes + ((const uint8_t *)some[rows.nr_sections - 1].bytes - lb.bytes) + 70;
	*last ^= 1;
	for (threads = 1; threads < 5; threads++) {
		rows.threads = threads;
		assert_int_equal(put_all(&rows, got), -EBADMSG);
		assert_ptr_equal(rows.bad, some[rows.nr_sections - 1].bytes);
		*first ^= 1;
		assert_int_equal(put_all(&rows, got), -EBADMSG);
		assert_ptr_equal(rows.bad, some[1].bytes);
		*first ^= 1;
	}
	/* all others were put */
	for (i = 0; i < some[rows.nr_sections - 1].row; i++)
		if (i < some[1].row || i >= some[2].row)
			assert_memory_equal(&got[i], &want[i], sizeof(*got));
	free(got);
	free(want);
	free(some);
	lb_free(&lb);
}

/* What an event of a trace has. */
struct traced {
	uint64_t ns, tsc, ip, to, arg[6];
	uint32_t cpu, tid, body;
	uint8_t nest, what;
} __attribute__((packed));

static size_t read_events(const struct logbuild *lb, uint32_t type, struct traced *out)
{
	struct hvt_reader *r = read_whole(lb);
	struct hvt_event ev;
	size_t n = 0;

	while (hvt_reader_next(r, &ev)) {
		if (ev.type != (enum hvt_event_type)type)
			continue;
		out[n] = (struct traced){ .ns = ev.ns,
					  .tsc = ev.tsc,
					  .ip = ev.ip,
					  .cpu = ev.cpu,
					  .tid = ev.tid,
					  .body = ev.body,
					  .nest = ev.nest };
		if (type == HVT_REC_FLOW) {
			out[n].to = ev.to;
			out[n].what = ev.what;
			memcpy(out[n].arg, ev.arg, sizeof(out[n].arg));
		}
		n++;
	}
	hvt_reader_free(r);
	return n;
}

static int by_time(const void *a, const void *b)
{
	const struct traced *x = a, *y = b;

	return x->tsc < y->tsc ? -1 : x->tsc > y->tsc;
}

#define TRACED(name, member) \
	{ \
		name, 0, &got->member, sizeof(*got) \
	}
#define ARG(i) \
	{ \
		HVT_FIELD_FLOW_ARG, i, &got->arg[i], sizeof(*got) \
	}

/* Instructions, and what breaks their sequence: as of the reader. */
static void test_traces(void **state)
{
	static const uint32_t types[] = { HVT_REC_INSN, HVT_REC_FLOW };
	struct hvt_log_clock clock = { 0 };
	struct logbuild lb = { 0 };
	struct hvt_rows_section *some;
	struct hvt_section s;
	size_t i, at, n;

	(void)state;
	lb_traced(&lb);
	for (at = sizeof(struct hvt_log_header); !clock.tsc_khz;
	     at += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, lb.bytes + at, sizeof(s));
		if (s.type == HVT_SEC_CLOCK)
			memcpy(&clock, lb.bytes + at + sizeof(s), sizeof(clock));
	}
	for (i = 0; i < 2; i++) {
		struct traced *want = calloc(lb.len, sizeof(*want));
		struct traced *got = calloc(lb.len, sizeof(*got));
		const struct hvt_rows_column insn[] = {
			TRACED(HVT_ROWS_NS, ns),	  TRACED(HVT_FIELD_TSC, tsc),
			TRACED(HVT_FIELD_IP, ip),	  TRACED(HVT_ROWS_CPU, cpu),
			TRACED(HVT_FIELD_TID, tid),	  TRACED(HVT_FIELD_INSN_BODY, body),
			TRACED(HVT_FIELD_INSN_NEST, nest)
		};
		const struct hvt_rows_column flow[] = {
			TRACED(HVT_ROWS_NS, ns),
			TRACED(HVT_FIELD_TSC, tsc),
			TRACED(HVT_FIELD_IP, ip),
			TRACED(HVT_ROWS_CPU, cpu),
			TRACED(HVT_FIELD_TID, tid),
			TRACED(HVT_FIELD_FLOW_BODY, body),
			TRACED(HVT_FIELD_FLOW_NEST, nest),
			TRACED(HVT_FIELD_FLOW_TO, to),
			TRACED(HVT_FIELD_FLOW_WHAT, what),
			ARG(0),
			ARG(1),
			ARG(2),
			ARG(3),
			ARG(4),
			ARG(5),
		};
		struct hvt_rows rows = { .type = types[i],
					 .threads = 2,
					 .columns = i ? flow : insn,
					 .nr_columns = i ? sizeof(flow) / sizeof(flow[0]) :
							   sizeof(insn) / sizeof(insn[0]),
					 .clocks = &clock,
					 .nr_clocks = 1 };

		assert_true(want && got);
		n = read_events(&lb, types[i], want);
		rows.nr_sections = find_sections(&lb, types[i], &some);
		rows.sections = some;
		assert_true(n > 3 && rows.nr_sections > 1);
		assert_int_equal(some[rows.nr_sections - 1].row + some[rows.nr_sections - 1].count,
				 n);
		assert_int_equal(hvt_rows_load(&rows), 0);
		qsort(got, n, sizeof(*got), by_time);
		assert_memory_equal(got, want, n * sizeof(*got));
		free(some);
		free(got);
		free(want);
	}
	lb_free(&lb);
}

static void test_fields(void **state)
{
	uint8_t room[65536 * 8];
	struct hvt_rows_column c = { .to = room, .stride = 8 };
	struct hvt_rows_column many[HVT_ROWS_COLUMNS + 1] = { { 0 } };
	struct hvt_rows_section *some;
	struct logbuild lb = { 0 };
	struct hvt_rows rows = { .type = HVT_REC_ACCESS, .columns = &c, .nr_columns = 1 };
	uint32_t table;

	(void)state;
	lb_random(&lb, 1, NULL);
	assert_true(find_sections(&lb, HVT_REC_ACCESS, &some) > 1);
	rows.sections = some;
	rows.nr_sections = 1;
	for (c.field = 0; c.field < 0xf00; c.field++) {
		int rc = hvt_rows_load(&rows);

		table = HVT_FIELD_TABLE(c.field);
		if (c.field == HVT_FIELD_INSN ||
		    (table != HVT_TABLE_RECORD && table != HVT_TABLE_ACCESS &&
		     table != HVT_TABLE_CODE && table != HVT_TABLE_TASK))
			assert_int_equal(rc, -EINVAL);
		else
			assert_true(!rc || rc == -EINVAL);
	}
	c.field = HVT_FIELD_TSC;
	c.part = 1;
	assert_int_equal(hvt_rows_load(&rows), -EINVAL);
	c.part = 0;
	for (rows.type = 0; rows.type < 9; rows.type++)
		if (rows.type != HVT_REC_ACCESS && rows.type != HVT_REC_INSN &&
		    rows.type != HVT_REC_FLOW) {
			assert_int_equal(hvt_rows_load(&rows), -EINVAL);
			assert_int_equal(hvt_rows_count(rows.type, some[0].bytes, some[0].len),
					 -EINVAL);
		}
	rows.type = HVT_REC_ACCESS;
	rows.columns = many;
	rows.nr_columns = HVT_ROWS_COLUMNS + 1;
	assert_int_equal(hvt_rows_load(&rows), -EINVAL);
	rows.nr_sections = 0;
	assert_int_equal(hvt_rows_load(&rows), 0);
	free(some);
	lb_free(&lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
