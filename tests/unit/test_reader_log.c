// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log reader on streams made here: whole ones, ones cut at every byte, ones with
 * every bit flipped. It never crashes (ASan and UBSan watch) and never makes up an event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include <hvtrace/hvtrace.h>

#include "logbuild.h"
#include "readlog.h"

#define EVENTS_MAX 64

/* What an event is, for comparing: enough to notice an invented one. */
struct digest {
	uint32_t type, cpu, size, pid;
	uint64_t seq, tsc, addr, ip;
	uint8_t access;
};

struct run {
	struct digest ev[EVENTS_MAX];
	size_t n;
	enum hvt_log_state state;
	struct hvt_reader_stats stats;
};

static void drain(struct hvt_reader *r, struct run *out)
{
	struct hvt_event ev;
	struct digest *d;
	char *text;
	size_t len;
	FILE *f;

	while (hvt_reader_next(r, &ev)) {
		/* the outputs must survive whatever the reader lets through */
		f = open_memstream(&text, &len);
		assert_non_null(f);
		hvt_event_text(f, &ev);
		hvt_event_json(f, &ev);
		fclose(f);
		assert_non_null(strchr(text, '\n'));
		free(text);
		assert_true(out->n < EVENTS_MAX);
		d = &out->ev[out->n++];
		memset(d, 0, sizeof(*d));
		d->type = ev.type;
		d->cpu = ev.cpu;
		d->size = ev.size;
		d->pid = ev.pid;
		d->seq = ev.seq;
		d->tsc = ev.tsc;
		d->addr = ev.addr;
		d->ip = ev.ip;
		d->access = ev.access;
	}
}

/* Feed len bytes in pieces of `piece`. */
static void read_all(const uint8_t *bytes, size_t len, size_t piece, struct run *out)
{
	struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	uint8_t *copy = malloc(len ? len : 1);
	size_t at, n;

	assert_non_null(r);
	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	memset(out, 0, sizeof(*out));
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		assert_int_equal(hvt_reader_feed(r, copy + at, n), 0);
		drain(r, out);
	}
	assert_int_equal(hvt_reader_finish(r), 0);
	drain(r, out);
	out->state = hvt_reader_state(r);
	out->stats = *hvt_reader_stats(r);
	assert_non_null(hvt_reader_why(r));
	hvt_reader_free(r);
	free(copy);
}

/* Is each event of part an event of whole, in the same order? */
static void assert_subset(const struct run *part, const struct run *whole)
{
	size_t i, k = 0;

	for (i = 0; i < part->n; i++, k++) {
		while (k < whole->n && memcmp(&part->ev[i], &whole->ev[k], sizeof(whole->ev[k])))
			k++;
		assert_true(k < whole->n);
	}
}

static void test_whole(void **state)
{
	struct logbuild lb = { 0 };
	struct run a, b;

	(void)state;
	lb_sample(&lb);
	read_all(lb.bytes, lb.len, lb.len, &a);
	assert_int_equal(a.state, HVT_LOG_COMPLETE);
	assert_int_equal(a.n, 13);
	assert_int_equal(a.stats.accesses, 11);
	assert_int_equal(a.stats.lost, 3);
	assert_int_equal(a.stats.gaps, 0);
	assert_int_equal(a.stats.agent_lost, 3);
	assert_int_equal(a.stats.end_reason, HVT_END_STOP);
	read_all(lb.bytes, lb.len, 1, &b);
	assert_int_equal(b.state, HVT_LOG_COMPLETE);
	assert_int_equal(b.n, a.n);
	assert_memory_equal(a.ev, b.ev, sizeof(a.ev));
	lb_free(&lb);
}

static void test_cut_everywhere(void **state)
{
	struct logbuild lb = { 0 };
	struct run whole, part;
	size_t len;

	(void)state;
	lb_sample(&lb);
	read_all(lb.bytes, lb.len, lb.len, &whole);
	for (len = 0; len < lb.len; len++) {
		read_all(lb.bytes, len, 4096, &part);
		assert_int_equal(part.state, len < sizeof(struct hvt_log_header) ? HVT_LOG_FOREIGN :
										   HVT_LOG_CUT);
		assert_subset(&part, &whole);
	}
	/* all but END: nothing that was recorded is lost */
	read_all(lb.bytes, lb.len - 1, 4096, &part);
	assert_int_equal(part.n, whole.n);
	lb_free(&lb);
}

static void test_bit_flips(void **state)
{
	struct logbuild lb = { 0 };
	struct run whole, bad;
	size_t bit;

	(void)state;
	lb_sample(&lb);
	read_all(lb.bytes, lb.len, lb.len, &whole);
	for (bit = 0; bit < lb.len * 8; bit++) {
		lb.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		read_all(lb.bytes, lb.len, 4096, &bad);
		assert_subset(&bad, &whole);
		lb.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	lb_free(&lb);
}

/* Hostile payloads with right CRCs: each byte of each payload set to values that hurt. */
static void test_resealed(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct logbuild lb = { 0 };
	struct hvt_section s;
	struct run run;
	size_t off, at, v;
	uint8_t keep;

	(void)state;
	lb_sample(&lb);
	for (off = sizeof(struct hvt_log_header); off < lb.len;
	     off += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, lb.bytes + off, sizeof(s));
		for (at = 0; at < s.len; at++) {
			keep = lb.bytes[off + sizeof(s) + at];
			for (v = 0; v < sizeof(values); v++) {
				lb.bytes[off + sizeof(s) + at] = values[v];
				lb_reseal(&lb, off);
				read_all(lb.bytes, lb.len, 4096, &run);
			}
			lb.bytes[off + sizeof(s) + at] = keep;
			lb_reseal(&lb, off);
		}
	}
	lb_free(&lb);
}

static void test_unknown_sections_are_skipped(void **state)
{
	struct logbuild lb = { 0 };
	struct run run;

	(void)state;
	lb_header(&lb, 1);
	lb_section(&lb, 4711, 0, "whatever", 8);
	lb_section(&lb, HVT_SEC_SCHEMA, 0, "{}", 2);
	lb_end(&lb, HVT_END_TARGET);
	lb_bytes(&lb, "behind the end", 14);
	read_all(lb.bytes, lb.len, 7, &run);
	assert_int_equal(run.state, HVT_LOG_COMPLETE);
	assert_int_equal(run.stats.end_reason, HVT_END_TARGET);
	lb_free(&lb);
}

static void test_refused(void **state)
{
	struct logbuild lb = { 0 };
	static const uint64_t lengths[] = { UINT64_MAX - 3, HVT_SECTION_MAX + 1,
					    HVT_SECTION_MAX + 1 };
	static const uint32_t versions[] = { 0, 1, HVT_LOG_VERSION + 1, UINT32_MAX };
	struct hvt_log_header h;
	struct hvt_section huge;
	struct run run;
	int i;

	(void)state;
	read_all((const uint8_t *)"", 0, 1, &run);
	assert_int_equal(run.state, HVT_LOG_FOREIGN);
	/* lengths that no stream can have, with a header CRC that is right */
	for (i = 0; i < 4; i++) {
		lb_header(&lb, 1);
		lb_section(&lb, HVT_SEC_HOST, 0, "{}", 2);
		memcpy(&huge, lb.bytes + sizeof(struct hvt_log_header), sizeof(huge));
		huge.len = i < 2 ? lengths[i] : 2;
		huge.raw_len = i != 3 ? lengths[i % 3] : 3; /* 3: not as long as it is */
		huge.codec = i == 2 ? HVT_CODEC_ZSTD : HVT_CODEC_PLAIN;
		huge.hcrc =
			(uint32_t)crc32(0, (uint8_t *)&huge, offsetof(struct hvt_section, hcrc));
		memcpy(lb.bytes + sizeof(struct hvt_log_header), &huge, sizeof(huge));
		read_all(lb.bytes, lb.len, 4096, &run);
		assert_int_equal(run.state, HVT_LOG_DAMAGED);
		lb_free(&lb);
	}
	for (i = 0; i < 4; i++) {
		lb_header(&lb, 1);
		memcpy(&h, lb.bytes, sizeof(h));
		h.version = versions[i];
		h.crc = (uint32_t)crc32(0, (uint8_t *)&h, offsetof(struct hvt_log_header, crc));
		memcpy(lb.bytes, &h, sizeof(h));
		read_all(lb.bytes, lb.len, 4096, &run);
		assert_int_equal(run.state,
				 versions[i] < HVT_LOG_VERSION ? HVT_LOG_OLDER : HVT_LOG_NEWER);
		lb_free(&lb);
	}
}

static void test_gaps_are_counted(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	struct hvt_rec_access a;
	struct run run;

	(void)state;
	a = lb_access(0, 10, 0x404010);
	lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
	lb_lost(&rec, 1, 11, 5);
	a = lb_access(6, 12, 0x404010);
	lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(9, 13, 0x404010); /* 7 and 8 are nowhere */
	lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
	lb_header(&lb, 1);
	lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404010, 4, "x");
	lb_section(&lb, HVT_SEC_EVENTS, 0, rec.bytes, rec.len);
	lb_end(&lb, HVT_END_STOP);
	read_all(lb.bytes, lb.len, 4096, &run);
	assert_int_equal(run.stats.lost, 5);
	assert_int_equal(run.stats.gaps, 2);
	lb_free(&lb);
	lb_free(&rec);
}

/* Of a clipped access without WIDE nobody knows how many value bytes there are. */
static void test_clipped(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;

	(void)state;
	a = lb_access(0, 10, 0x404010);
	a.h.flags |= HVT_RF_CLIPPED;
	a.size = 16;
	lb_record(&rec, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(1, 11, 0x404010);
	a.h.flags |= HVT_RF_CLIPPED;
	a.size = 32;
	lb_record(&rec, &a, NULL, 0, "0123456789abcdef", "ABCDEFGHIJKLMNOP", 16);
	lb_header(&lb, 1);
	lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404010, 4, "x");
	lb_section(&lb, HVT_SEC_EVENTS, 0, rec.bytes, rec.len);
	lb_end(&lb, HVT_END_STOP);
	r = read_log(&lb, HVT_READER_NO_SYMBOLS);
	assert_int_equal(hvt_reader_next(r, &ev), 1);
	assert_int_equal(ev.size, 16);
	assert_int_equal(ev.val_len, 0);
	assert_int_equal(hvt_reader_next(r, &ev), 1);
	assert_int_equal(ev.val_len, 16);
	assert_memory_equal(ev.new_, "ABCDEFGHIJKLMNOP", 16);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_resealed),
		cmocka_unit_test(test_unknown_sections_are_skipped),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gaps_are_counted),
		cmocka_unit_test(test_clipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
