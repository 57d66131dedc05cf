// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log of 64 KiB as the agent writes it, with all that it does: several sections of two
 * CPUs, compressed facts, an index. Cut after every byte, and with every bit of its first
 * 4 KiB flipped, it is an error or a part of itself that says so: never a crash (ASan and
 * UBSan watch), never an event that was not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "chunk.h"
#include "index.h"
#include "log_writer.h"
#include "logbuild.h"

#define CPUS	4
#define LOG	(64u << 10)
#define FLIPPED (4u << 10)
#define EVENTS	1000

/* Where each section of the log ends, and how many events may be out there. */
static struct {
	struct buf bytes;
	size_t ends[1000], nr_ends;
	uint64_t hash[EVENTS]; /* of the events, in their order */
	size_t nr_events;
} whole;

static void write_events(struct log_writer *log, struct chunk *chunk)
{
	struct buf payload = { 0 };
	struct hvt_section head;
	struct log_part part;

	chunk_seal(chunk, &head, &payload);
	part = (struct log_part){ payload.p, payload.len };
	log_section(log, &head, &part, 1);
	buf_free(&payload);
}

static void write_ksym(struct log_writer *log, uint64_t start, const char *name)
{
	struct hvt_log_ksym k = { .start = start, .len = 64, .name_len = (uint32_t)strlen(name) };
	struct hvt_section head = { .type = HVT_SEC_KSYM, .count = 1 };
	struct log_part part[] = { { &k, sizeof(k) }, { name, strlen(name) } };

	log_section(log, &head, part, 2);
}

/*
 * Few records of many bytes, so that a log of this size is read in no time. wrong: bits to
 * flip in the index's second entry.
 */
static void make_log(struct buf *out, uint64_t wrong)
{
	struct chunk *chunk[CPUS];
	struct log_writer log = { .fd = -1, .backlog_max = SIZE_MAX };
	struct hvt_log_clock clock = { 1000, 5000000000ull, 0, 1000000 };
	struct hvt_log_end end = { .reason = HVT_END_STOP };
	struct hvt_log_watch watch = {
		.id = 1, .access = HVT_ACC_W, .pid = 100, .addr = 0x404000, .len = 4096
	};
	struct hvt_log_stat stat[CPUS] = { { 0 } };
	struct hvt_section head = { .type = HVT_SEC_STAT, .count = CPUS };
	struct log_part part = { stat, sizeof(stat) };
	struct logbuild rec = { 0 };
	uint8_t old[500], new_[500];
	char name[600], host[2000];
	struct hvt_log_round round;
	struct hvt_rec_access a;
	unsigned int seed = 7;
	uint64_t tsc = 2000;
	uint32_t cpu, n;
	size_t i;

	log_header(&log, CPUS);
	memset(host, 'h', sizeof(host));
	log_plain(&log, HVT_SEC_HOST, host, sizeof(host));
	log_plain(&log, HVT_SEC_CLOCK, &clock, sizeof(clock));
	log_plain(&log, HVT_SEC_WATCH, &watch, sizeof(watch));
	log_plain(&log, HVT_SEC_ARMED, NULL, 0);
	for (cpu = 0; cpu < CPUS; cpu++)
		chunk[cpu] = chunk_new(cpu);
	while (log.at < LOG - 4000) {
		for (n = 0; n < 6; n++) {
			cpu = (uint32_t)rand_r(&seed) % CPUS;
			tsc += 1 + (uint64_t)rand_r(&seed) % 100;
			a = lb_access(stat[cpu].produced++, tsc, 0x404000 + 8 * n);
			for (i = 0; i < sizeof(old); i++) {
				old[i] = (uint8_t)(rand_r(&seed) >> 8);
				new_[i] = (uint8_t)(rand_r(&seed) >> 8);
			}
			a.size = n % 2 ? sizeof(old) : 4;
			lb_record(&rec, &a, NULL, 0, old, new_, n % 2 ? sizeof(old) : 0);
			chunk_add(chunk[cpu], rec.bytes);
			rec.len = 0;
			stat[cpu].consumed++;
		}
		memset(name, 'a' + (int)(tsc % 26), sizeof(name));
		name[1 + tsc % (sizeof(name) - 1)] = '\0';
		write_ksym(&log, 0xffffffff81000000ull + tsc, name);
		for (cpu = 0; cpu < CPUS; cpu++)
			if (chunk_tsc_first(chunk[cpu]) != ~0ull)
				write_events(&log, chunk[cpu]);
		round.tsc = tsc + 1;
		log_plain(&log, HVT_SEC_ROUND, &round, sizeof(round));
	}
	log_section(&log, &head, &part, 1);
	((struct hvt_log_index_entry *)(void *)log.index.p)[1].off ^= wrong;
	log_end(&log, &end);
	for (cpu = 0; cpu < CPUS; cpu++)
		chunk_free(chunk[cpu]);
	lb_free(&rec);
	*out = log.out;
	buf_free(&log.index);
}

static uint64_t hash_of(const struct hvt_event *ev)
{
	uint64_t h = ev->cpu;
	uint32_t i;

	h = h * 31 + ev->seq;
	h = h * 31 + ev->tsc;
	h = h * 31 + ev->addr;
	h = h * 31 + ev->ip;
	h = h * 31 + ev->size;
	for (i = 0; ev->old && i < ev->val_len; i++)
		h = h * 31 + ev->old[i] + 7u * ev->new_[i];
	return h;
}

/*
 * The first len bytes of p read to the end: how many events, all of them those of the
 * whole log in its order; some may be missing in between.
 */
static size_t read_some(const uint8_t *p, size_t len, enum hvt_log_state *state)
{
	struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	size_t n = 0, k = 0;
	struct hvt_event ev;
	uint64_t h;

	assert_non_null(r);
	assert_int_equal(hvt_reader_feed(r, p, len), 0);
	assert_int_equal(hvt_reader_finish(r), 0);
	while (hvt_reader_next(r, &ev)) {
		h = hash_of(&ev);
		if (!whole.nr_events) { /* the log itself */
			assert_true(n < EVENTS);
			whole.hash[n++] = h;
			continue;
		}
		while (k < whole.nr_events && whole.hash[k] != h)
			k++;
		assert_true(k < whole.nr_events);
		k++;
		n++;
	}
	*state = hvt_reader_state(r);
	if (*state == HVT_LOG_CUT)
		assert_non_null(strstr(hvt_reader_why(r), "cut short after byte"));
	hvt_reader_free(r);
	return n;
}

static int setup(void **state)
{
	enum hvt_log_state s;
	struct hvt_section h;
	size_t at;

	(void)state;
	make_log(&whole.bytes, 0);
	assert_true(whole.bytes.len > LOG - 4000 && whole.bytes.len < LOG + 8000);
	for (at = sizeof(struct hvt_log_header); at < whole.bytes.len;) {
		memcpy(&h, whole.bytes.p + at, sizeof(h));
		at += sizeof(h) + ((h.len + 7) & ~7ull);
		whole.ends[whole.nr_ends++] = at;
	}
	whole.nr_events = read_some(whole.bytes.p, whole.bytes.len, &s);
	assert_int_equal(s, HVT_LOG_COMPLETE);
	assert_true(whole.nr_events > 50);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&whole.bytes);
	return 0;
}

/* What is whole comes out whole: between the ends of two sections nothing changes. */
static void test_cut(void **state)
{
	size_t len, n, before = 0, section = 0;
	enum hvt_log_state s;
	uint8_t *copy;

	(void)state;
	for (len = 0; len < whole.bytes.len; len++) {
		copy = malloc(len + 1); /* ASan sees every byte beyond */
		assert_non_null(copy);
		memcpy(copy, whole.bytes.p, len);
		n = read_some(copy, len, &s);
		free(copy);
		assert_int_equal(s, len < sizeof(struct hvt_log_header) ? HVT_LOG_FOREIGN :
									  HVT_LOG_CUT);
		assert_true(len == whole.ends[section] ? n >= before : n == before);
		section += len == whole.ends[section];
		before = n;
	}
	assert_int_equal(before, whole.nr_events);
}

static void test_flips(void **state)
{
	enum hvt_log_state s;
	size_t bit, n;

	(void)state;
	for (bit = 0; bit < FLIPPED * 8; bit++) {
		whole.bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		n = read_some(whole.bytes.p, whole.bytes.len, &s);
		/* only what pads a section is not summed */
		if (s == HVT_LOG_COMPLETE)
			assert_int_equal(n, whole.nr_events);
		else
			assert_true(s != HVT_LOG_OPEN && s != HVT_LOG_CUT);
		whole.bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* The index that END leads to is what the section headers say, and so it is without END. */
static void test_index(void **state)
{
	struct hvt_index told = { 0 }, walked = { 0 };
	int fd = memfd_create("log", MFD_CLOEXEC);
	size_t i, last = whole.nr_ends - 1;

	(void)state;
	assert_int_equal(write(fd, whole.bytes.p, whole.bytes.len), whole.bytes.len);
	assert_int_equal(hvt_index_load(&told, fd), 0);
	assert_int_equal(hvt_index_walk(&walked, fd), 0);
	assert_true(told.complete && walked.complete && told.n > 50);
	assert_int_equal(told.n, walked.n);
	assert_memory_equal(told.v, walked.v, told.n * sizeof(*told.v));

	/* a bit of the INDEX, of END, and no END */
	for (i = 0; i < 3; i++) {
		size_t at = whole.ends[last - 2 + i] - 8;

		whole.bytes.p[at] ^= 1;
		assert_int_equal(pwrite(fd, whole.bytes.p + at, 1, (off_t)at), 1);
		whole.bytes.p[at] ^= 1;
		if (i == 2)
			assert_int_equal(ftruncate(fd, (off_t)whole.ends[last] - 1), 0);
		assert_int_equal(hvt_index_load(&told, fd), 0);
		assert_int_equal(told.complete, i < 2);
		assert_int_equal(told.n, walked.n);
		assert_memory_equal(told.v, walked.v, told.n * sizeof(*told.v));
	}
	assert_int_equal(ftruncate(fd, (off_t)whole.ends[4] + 5), 0);
	assert_int_equal(hvt_index_load(&told, fd), 0);
	assert_int_equal(told.n, 5);
	assert_memory_equal(told.v, walked.v, told.n * sizeof(*told.v));
	hvt_index_free(&told);
	hvt_index_free(&walked);
	close(fd);
}

/* verify compares the index with the sections. */
static void test_verified(void **state)
{
	struct hvt_verdict v;
	struct buf b = { 0 };
	int i, fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		make_log(&b, i ? 8 : 0);
		fd = memfd_create("log", MFD_CLOEXEC);
		assert_int_equal(write(fd, b.p, b.len), b.len);
		assert_int_equal(hvt_verify(fd, &v), 0);
		assert_int_equal(v.state, HVT_LOG_COMPLETE);
		assert_int_equal(v.count[HVT_FLAW_SECTION], i);
		assert_int_equal(v.first[HVT_FLAW_SECTION][0].seq, i ? HVT_SEC_INDEX : 0);
		assert_int_equal(v.count[HVT_FLAW_GAP] + v.count[HVT_FLAW_STAT], 0);
		close(fd);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_verified),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flips),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
