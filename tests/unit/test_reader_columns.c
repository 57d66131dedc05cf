// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records through the agent's columns and back: what went in comes out, byte by byte, for
 * any mix of records. And the columns alone, as those see them who need only some.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chunk.h"
#include "internal.h"
#include "logbuild.h"
#include "logtrace.h"

static unsigned int seed;

static uint64_t any(uint64_t below)
{
	return ((uint64_t)rand_r(&seed) << 31 ^ (uint64_t)rand_r(&seed)) % below;
}

static void fill(void *p, size_t len)
{
	uint8_t *b = p;

	while (len--)
		*b++ = (uint8_t)any(256);
}

static void put_random_insn(struct logbuild *out, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_insn in = lb_insn(seq, tsc, 0x400000 + any(50));
	struct lb_mem mem[5];
	uint64_t values[17];
	uint8_t bytes[600];
	size_t i;

	in.h.flags = (uint16_t)any(UINT16_MAX);
	in.h.watch = (uint32_t)any(5);
	in.tid = (uint32_t)any(3);
	in.body = any(3) ? 0 : (uint32_t)any(UINT32_MAX);
	in.nest = any(3) ? 0 : (uint8_t)any(256);
	in.insn_len = (uint8_t)any(16);
	memset(in.insn, 0, sizeof(in.insn));
	fill(in.insn, in.insn_len);
	fill(values, sizeof(values));
	fill(bytes, sizeof(bytes));
	for (i = 0; i < 5; i++)
		mem[i] = (struct lb_mem){ { .addr = any(UINT64_MAX),
					    .size = (uint32_t)any(UINT32_MAX),
					    .len = (uint16_t)any(any(8) ? 17 : sizeof(bytes)),
					    .access = (uint8_t)(1 + any(3)) },
					  bytes,
					  bytes };
	lb_insn_record(out, &in, (uint32_t)any(0x20000), values, mem, (uint32_t)any(6),
		       (uint32_t)any(2));
}

static void put_random_flow(struct logbuild *out, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_flow f = lb_flow(seq, tsc, (uint8_t)any(256));

	f.h.flags = (uint16_t)any(UINT16_MAX);
	f.ip = any(3) ? 0 : any(UINT64_MAX);
	f.to = any(3) ? 0 : any(UINT64_MAX);
	f.vector = (uint8_t)any(256);
	f.nest = (uint8_t)any(256);
	f.code = (uint32_t)any(UINT32_MAX);
	f.body = (uint32_t)any(UINT32_MAX);
	f.insn_len = (uint8_t)any(16);
	fill(f.insn, f.insn_len);
	fill(f.arg, sizeof(f.arg));
	lb_bytes(out, &f, sizeof(f));
}

/* A record with random contents where a record may have any. */
static void put_random(struct logbuild *out, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_run run = { any(1000), (uint32_t)any(9), (uint32_t)any(2) };
	uint8_t old[300], new_[300];
	struct hvt_rec_access a;
	uint64_t gpr[16];
	uint32_t len = any(4) ? 0 : (uint32_t)any(sizeof(old));

	switch (any(12)) {
	case 0:
		lb_lost(out, seq, tsc, any(UINT64_MAX));
		return;
	case 1:
		lb_remap(out, seq, tsc, any(1ull << 47) & ~0xfffull, HVT_GPA_NONE, any(1ull << 40));
		return;
	case 2:
	case 3:
	case 4:
		put_random_insn(out, seq, tsc);
		return;
	case 5:
		put_random_flow(out, seq, tsc);
		return;
	}
	a = lb_access(seq, tsc, any(2) ? 0x7fffffffe000 + any(4096) : any(UINT64_MAX));
	a.h.flags = (uint16_t)(any(UINT16_MAX) & ~(HVT_RF_REGS | HVT_RF_RUN | HVT_RF_WIDE));
	a.h.watch = (uint32_t)any(5);
	a.ip = 0x400000 + any(50);
	a.gpa = any(3) ? 0x1000000 + (a.gla & 0xfff) : any(UINT64_MAX);
	a.cr3 = any(3) << 12;
	a.pid = (uint32_t)any(3);
	a.order = any(3) ? tsc : any(UINT64_MAX);
	a.old = any(UINT64_MAX);
	a.new_ = any(2) ? a.old : any(UINT64_MAX);
	a.size = (uint32_t)any(70000);
	a.vector = (uint8_t)any(256);
	a.insn_len = (uint8_t)any(16);
	memset(a.insn, 0, sizeof(a.insn));
	fill(a.insn, a.insn_len);
	fill(a.comm, any(17));
	fill(gpr, sizeof(gpr));
	fill(old, len);
	fill(new_, len);
	lb_record_run(out, &a, any(8) ? NULL : gpr, any(8) ? NULL : &run, (uint32_t)any(100), old,
		      new_, len);
}

/* Taken some at a time they are the same as all together. */
static void piecewise(struct hvt_columns *c, const struct hvt_chunk *all)
{
	struct hvt_cursor *cur;
	struct hvt_chunk *some;
	uint32_t records = 0;
	size_t at = 0;

	assert_int_equal(hvt_cursor_open(c, &cur), 0);
	assert_int_equal(hvt_cursor_bytes(cur), all->len);
	while (hvt_cursor_left(cur)) {
		assert_int_equal(hvt_cursor_tsc(cur),
				 ((const struct hvt_rec *)(all->bytes + at))->tsc);
		some = hvt_cursor_next(c, cur, all->cpu);
		assert_non_null(some);
		assert_true(some->records && some->len <= all->len - at);
		assert_int_equal(some->cpu, all->cpu);
		assert_memory_equal(some->bytes, all->bytes + at, some->len);
		at += some->len;
		records += some->records;
		hvt_chunk_put(c, some);
	}
	assert_int_equal(at, all->len);
	assert_int_equal(records, all->records);
	hvt_cursor_close(c, cur);
}

/* Seals what is in chunk, opens it and decodes it. */
static struct hvt_chunk *there_and_back(struct chunk *chunk, struct hvt_columns *c)
{
	static struct buf payload;
	struct hvt_chunk *out;
	struct hvt_section s;
	uint8_t *copy;

	chunk_seal(chunk, &s, &payload);
	s.len = payload.len;
	copy = malloc(s.len); /* ASan sees every byte beyond */
	assert_non_null(copy);
	memcpy(copy, payload.p, s.len);
	buf_free(&payload);
	assert_int_equal(hvt_columns_open(c, &s, copy), 0);
	assert_int_equal(hvt_chunk_decode(c, s.cpu, &out), 0);
	assert_int_equal(out->records, s.count);
	assert_int_equal(out->cpu, s.cpu);
	piecewise(c, out);
	free(copy);
	return out;
}

static void test_any_records(void **state)
{
	struct hvt_columns c = { 0 };
	struct chunk *chunk = chunk_new(3);
	struct logbuild rec = { 0 };
	struct hvt_chunk *out;
	uint64_t i, n, tsc = 0;
	size_t at;
	bool room;

	(void)state;
	for (seed = 1; seed <= 300; seed++) {
		n = seed % 10 ? 1 + any(60) : CHUNK_RECORDS;
		for (i = 0, room = true; i < n && room; i++) {
			at = rec.len;
			tsc += any(1000);
			put_random(&rec, i, tsc);
			assert_true(chunk_takes(rec.bytes + at));
			room = chunk_add(chunk, rec.bytes + at);
		}
		out = there_and_back(chunk, &c);
		assert_int_equal(out->len, rec.len);
		assert_memory_equal(out->bytes, rec.bytes, rec.len);
		hvt_chunk_put(&c, out);
		rec.len = 0;
	}
	hvt_columns_close(&c);
	chunk_free(chunk);
	lb_free(&rec);
}

/* A chunk is full in time: as many of the largest records as there can be fit. */
static void test_largest(void **state)
{
	struct chunk *chunk = chunk_new(0);
	struct hvt_columns c = { 0 };
	struct hvt_rec_access a = lb_access(0, 1, 0x1000);
	struct logbuild rec = { 0 };
	static uint8_t bytes[8000];
	struct hvt_chunk *out;
	uint32_t n = 1;

	(void)state;
	lb_record(&rec, &a, NULL, 0, bytes, bytes, sizeof(bytes));
	assert_int_equal(rec.len, (size_t)a.h.nslots * HVT_SLOT);
	while (chunk_add(chunk, rec.bytes))
		n++;
	assert_true(n * rec.len >= CHUNK_BYTES && (n - 1) * rec.len < CHUNK_BYTES);
	out = there_and_back(chunk, &c);
	assert_int_equal(out->records, n);
	hvt_chunk_put(&c, out);
	hvt_columns_close(&c);
	chunk_free(chunk);
	lb_free(&rec);
}

/* Some columns alone: counting what one instruction wrote where. */
static void test_some_columns(void **state)
{
	const struct hvt_log_column *head;
	struct hvt_columns c = { 0 };
	struct chunk *chunk = chunk_new(0);
	struct buf payload = { 0 };
	struct logbuild rec = { 0 };
	struct hvt_rec_access a;
	struct hvt_section s;
	const uint64_t *gla, *ip;
	const uint16_t *code;
	uint32_t i, n, hits = 0;
	size_t at;

	(void)state;
	for (i = 0; i < 1000; i++) {
		at = rec.len;
		a = lb_access(i, 100 + i, 0x404000 + 8 * i);
		a.ip = i % 3 ? 0x401000 : 0x402000;
		lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
		chunk_add(chunk, rec.bytes + at);
	}
	lb_lost(&rec, i, 2000, 7);
	chunk_add(chunk, rec.bytes + rec.len - HVT_SLOT);
	chunk_seal(chunk, &s, &payload);
	s.len = payload.len;
	assert_int_equal(s.count, 1001);
	assert_int_equal(hvt_columns_open(&c, &s, payload.p), 0);
	assert_int_equal(hvt_columns_rows(&c, HVT_TABLE_ACCESS), 1000);
	assert_int_equal(hvt_columns_rows(&c, HVT_TABLE_CODE), 2);
	assert_int_equal(hvt_columns_rows(&c, HVT_TABLE_REMAP), 0);
	gla = hvt_column(&c, HVT_COLUMN_GLA, &n);
	assert_non_null(gla);
	assert_int_equal(n, 1000);
	code = hvt_column(&c, HVT_COLUMN_CODE, NULL);
	ip = hvt_column(&c, HVT_COLUMN_IP, &n);
	assert_true(code && ip && n == 2);
	for (i = 0; i < 1000; i++)
		hits += ip[code[i]] == 0x402000 && gla[i] < 0x404000 + 8 * 500;
	assert_int_equal(hits, 167);
	/* what was not asked for was not decoded */
	assert_null(c.column[HVT_COLUMN_TSC].decoded);
	/* one value of all rows is there without decoding */
	assert_memory_equal(hvt_column_const(&c, HVT_COLUMN_SIZE), "\4\0\0\0", 4);
	assert_null(hvt_column_const(&c, HVT_COLUMN_GLA));
	assert_non_null(hvt_column(&c, HVT_COLUMN_VA, &n));
	assert_int_equal(n, 0);
	head = &c.column[HVT_COLUMN_SEQ].head;
	assert_true(head->encoding == HVT_ENC_DELTA && head->codec == HVT_CODEC_ZSTD);
	assert_true(head->len < 100);
	buf_free(&payload);
	hvt_columns_close(&c);
	chunk_free(chunk);
	lb_free(&rec);
}

/*
 * Descriptions that contradict each other are refused when opened, contents that do when
 * decoded: no table is longer than its dictionary, no part is missing.
 */
static void test_contradictions(void **state)
{
	static const struct {
		size_t column, member; /* offset of it; SIZE_MAX: how many columns */
		uint32_t add;
	} bad[] = {
		{ HVT_COLUMN_TSC, offsetof(struct hvt_log_column, count), 1 },
		{ HVT_COLUMN_GLA, offsetof(struct hvt_log_column, count), 1u << 31 },
		{ HVT_COLUMN_GLA, offsetof(struct hvt_log_column, width), 8 },
		{ HVT_COLUMN_GLA, offsetof(struct hvt_log_column, field), 1 },
		{ HVT_COLUMN_GLA, offsetof(struct hvt_log_column, field), 0x7000 },
		{ HVT_COLUMN_NEW, offsetof(struct hvt_log_column, encoding), 4 },
		{ HVT_COLUMN_NEW, offsetof(struct hvt_log_column, encoding), 4u << 8 },
		{ HVT_COLUMN_COMM, offsetof(struct hvt_log_column, len), 1 },
		{ HVT_COLUMN_COMM, offsetof(struct hvt_log_column, len), 1u << 31 },
		{ 0, SIZE_MAX, 1 }, /* more columns */
		{ 0, SIZE_MAX, UINT32_MAX / 2 },
	};
	struct hvt_columns c = { 0 };
	struct chunk *chunk = chunk_new(0);
	struct buf payload = { 0 };
	struct logbuild rec = { 0 };
	struct hvt_rec_access a;
	struct hvt_log_chunk head;
	struct hvt_section s;
	uint32_t word;
	size_t i, at, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		at = rec.len;
		a = lb_access(i, 100 + i * i, 0x404000 + 8 * i);
		a.new_ = i;
		lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
		chunk_add(chunk, rec.bytes + at);
	}
	chunk_seal(chunk, &s, &payload);
	s.len = payload.len;
	assert_int_equal(hvt_columns_open(&c, &s, payload.p), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(&head, payload.p, sizeof(head));
		at = 0;
		if (bad[i].member != SIZE_MAX) {
			const struct hvt_log_column *h;

			assert_int_equal(hvt_columns_open(&c, &s, payload.p), 0);
			h = &c.column[bad[i].column].head;
			for (k = 0, at = sizeof(head); k < head.columns; k++, at += sizeof(*h))
				if (!memcmp(payload.p + at, &h->field, 2))
					break;
			at += bad[i].member;
		}
		memcpy(&word, payload.p + at, 4);
		word += bad[i].add;
		memcpy(payload.p + at, &word, 4);
		assert_int_equal(hvt_columns_open(&c, &s, payload.p), -EBADMSG);
		word -= bad[i].add;
		memcpy(payload.p + at, &word, 4);
	}
	for (i = 0; i < s.len; i++) {
		s.len = i;
		assert_int_equal(hvt_columns_open(&c, &s, payload.p), -EBADMSG);
		s.len = payload.len;
	}
	s.count = 2;
	assert_int_equal(hvt_columns_open(&c, &s, payload.p), -EBADMSG);
	buf_free(&payload);
	hvt_columns_close(&c);
	chunk_free(chunk);
	lb_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_records),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_some_columns),
		cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
