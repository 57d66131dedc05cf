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

static int put(struct hvt_rows *r, const uint8_t *section, size_t len, struct row *out, int count,
	       uint64_t row, const uint64_t *place)
{
	const struct hvt_rows_column columns[] = {
		COLUMN(ACCESS, access), COLUMN(COMM, comm), COLUMN(TSC, tsc), COLUMN(GPA_GLA, gpa),
		COLUMN(IP, ip),		COLUMN(NEW, new_),  COLUMN(PID, pid), COLUMN(FLAGS, flags),
	};

	return hvt_rows_put(r, section, len, columns, sizeof(columns) / sizeof(columns[0]),
			    (uint32_t)count, row, place);
}

static void check(struct hvt_rows *r, const uint8_t *section, const struct hvt_section *s)
{
	size_t len = sizeof(*s) + s->len;
	struct row *want = calloc(s->count, sizeof(*want));
	struct row *got = calloc(s->count + 1u, sizeof(*got));
	uint64_t *place = calloc(s->count, sizeof(*place));
	int n = hvt_rows_count(r, section, len), i;

	assert_true(want && got && place);
	assert_int_equal(decode(section, s, want), n);
	/* from row 1 on; then backwards */
	assert_int_equal(put(r, section, len, got, n, 1, NULL), 0);
	assert_memory_equal(got + 1, want, (size_t)n * sizeof(*want));
	for (i = 0; i < n; i++)
		place[i] = (uint64_t)(n - 1 - i);
	assert_int_equal(put(r, section, len, got, n, 0, place), 0);
	for (i = 0; i < n; i++)
		assert_memory_equal(&got[n - 1 - i], &want[i], sizeof(*want));
	assert_int_equal(put(r, section, len, got, n + 1, 0, NULL), -EBADMSG);
	assert_int_equal(put(r, section, len - 1, got, n, 0, NULL), -EBADMSG);
	assert_int_equal(hvt_rows_count(r, section, sizeof(*s) - 1), -EBADMSG);
	free(place);
	free(got);
	free(want);
}

/* Any bytes: with the old checksum nothing is put, with a new one nothing else is touched. */
static void spoil(struct hvt_rows *r, struct logbuild *lb, size_t at, const struct hvt_section *s)
{
	size_t len = sizeof(*s) + s->len, i;
	struct row *got = calloc(s->count, sizeof(*got));
	uint8_t *byte, was;
	int n, done = 0;

	assert_non_null(got);
	n = hvt_rows_count(r, lb->bytes + at, len);
	for (i = 0; i < s->len; i += 1 + (size_t)rand() % 7) {
		byte = lb->bytes + at + sizeof(*s) + i;
		was = *byte;
		*byte ^= (uint8_t)(1 + rand() % 255);
		if (hvt_rows_count(r, lb->bytes + at, len) == n)
			assert_int_equal(put(r, lb->bytes + at, len, got, n, 0, NULL), -EBADMSG);
		lb_reseal(lb, at);
		if (hvt_rows_count(r, lb->bytes + at, len) == n)
			done += !put(r, lb->bytes + at, len, got, n, 0, NULL);
		*byte = was;
		lb_reseal(lb, at);
	}
	assert_true(done > 0);
	free(got);
}

static void test_rows(void **state)
{
	struct hvt_rows *r = hvt_rows_new();
	struct logbuild lb = { 0 };
	struct hvt_section s;
	uint32_t sections = 0;
	uint64_t seed;
	size_t at;

	(void)state;
	assert_non_null(r);
	for (seed = 1; seed < 6; seed++) {
		lb_random(&lb, seed, NULL);
		for (at = sizeof(struct hvt_log_header); at < lb.len;
		     at += sizeof(s) + ((s.len + 7) & ~7ull)) {
			memcpy(&s, lb.bytes + at, sizeof(s));
			if (s.type != HVT_SEC_EVENTS) {
				assert_int_equal(hvt_rows_count(r, lb.bytes + at,
								sizeof(s) + s.len),
						 -EBADMSG);
				continue;
			}
			check(r, lb.bytes + at, &s);
			if (!(sections++ % 16))
				spoil(r, &lb, at, &s);
		}
		lb_free(&lb);
		lb = (struct logbuild){ 0 };
	}
	assert_true(sections > 10);
	hvt_rows_free(r);
}

static void test_fields(void **state)
{
	struct hvt_rows_column c = { .field = HVT_FIELD_INSN };
	struct hvt_rows *r = hvt_rows_new();
	struct logbuild lb = { 0 };
	struct hvt_section s;
	uint8_t room[65536 * 8];
	size_t at;
	int n;

	(void)state;
	assert_non_null(r);
	lb_random(&lb, 1, NULL);
	for (at = sizeof(struct hvt_log_header), n = -1; n < 0;
	     at += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, lb.bytes + at, sizeof(s));
		n = hvt_rows_count(r, lb.bytes + at, sizeof(s) + s.len);
		if (n >= 0)
			break;
	}
	c.to = room;
	c.stride = 8;
	for (c.field = 0; c.field < 0xa00; c.field++) {
		int rc = hvt_rows_put(r, lb.bytes + at, sizeof(s) + s.len, &c, 1, (uint32_t)n, 0,
				      NULL);
		uint32_t table = HVT_FIELD_TABLE(c.field);

		if (c.field == HVT_FIELD_INSN ||
		    (table != HVT_TABLE_RECORD && table != HVT_TABLE_ACCESS &&
		     table != HVT_TABLE_CODE && table != HVT_TABLE_TASK))
			assert_int_equal(rc, -EINVAL);
		else
			assert_true(!rc || rc == -EINVAL);
	}
	assert_int_equal(hvt_rows_put(r, lb.bytes + at, sizeof(s) + s.len, &c, HVT_ROWS_COLUMNS + 1,
				      (uint32_t)n, 0, NULL),
			 -EINVAL);
	lb_free(&lb);
	hvt_rows_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
