// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the agent writes, read back: whole rounds of a session over rings in memory, up to
 * its end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"
#include "test_agent_log.h"

#define CPUS  2
#define SLOTS 1024

struct machine {
	struct session s;
	struct hvt_ring_head head[CPUS];
	struct hvt_ring_tail tail[CPUS];
	uint8_t *data[CPUS];
};

static void machine_make(struct machine *m)
{
	int cpu;

	memset(m, 0, sizeof(*m));
	session_init(&m->s, "watch");
	m->s.log.fd = temp_file();
	m->s.ksyms.lookup = fake_lookup;
	m->s.dev.hello.nr_cpus = CPUS;
	m->s.dev.rings = xrealloc(NULL, CPUS * sizeof(struct ring));
	memset(m->s.dev.rings, 0, CPUS * sizeof(struct ring));
	for (cpu = 0; cpu < CPUS; cpu++) {
		m->data[cpu] = xrealloc(NULL, SLOTS * HVT_SLOT);
		m->s.dev.rings[cpu] = (struct ring){
			.head = &m->head[cpu],
			.tail = &m->tail[cpu],
			.data = m->data[cpu],
			.slots = SLOTS,
			.present = true,
		};
	}
}

static void machine_free(struct machine *m)
{
	int cpu;

	for (cpu = 0; cpu < CPUS; cpu++)
		free(m->data[cpu]);
	close(m->s.log.fd);
	/* The rings are not mappings. */
	free(m->s.dev.rings);
	m->s.dev.rings = NULL;
	session_free(&m->s);
}

static void put_slots(struct machine *m, int cpu, const void *rec, size_t slots)
{
	size_t i;

	for (i = 0; i < slots; i++)
		memcpy(m->data[cpu] + ((m->head[cpu].head + i) % SLOTS) * HVT_SLOT,
		       (const uint8_t *)rec + i * HVT_SLOT, HVT_SLOT);
	m->head[cpu].head += slots;
}

static void access_record(struct machine *m, int cpu, uint32_t pid, uint64_t ip, uint64_t tsc)
{
	struct hvt_rec_access rec = {
		.h = { .type = HVT_REC_ACCESS,
		       .nslots = 2,
		       .seq = m->head[cpu].produced++,
		       .tsc = tsc },
		.ip = ip,
		.gla = 0x1000,
		.pid = pid,
		.tid = pid,
		.access = HVT_ACC_W,
	};

	memcpy(rec.comm, "sixteen-bytes-xx", 16);
	put_slots(m, cpu, &rec, 2);
}

static void insn_record(struct machine *m, int cpu, uint32_t pid, uint64_t ip, uint64_t tsc)
{
	struct hvt_rec_insn rec = {
		.h = { .type = HVT_REC_INSN,
		       .nslots = 1,
		       .seq = m->head[cpu].produced++,
		       .tsc = tsc },
		.ip = ip,
		.pid = pid,
		.tid = pid,
		.insn = { 0x90 },
		.insn_len = 1,
	};

	put_slots(m, cpu, &rec, 1);
}

static void flow_record(struct machine *m, int cpu, uint32_t pid, uint64_t ip, uint64_t to,
			uint64_t tsc)
{
	struct hvt_rec_flow rec = {
		.h = { .type = HVT_REC_FLOW,
		       .nslots = 2,
		       .seq = m->head[cpu].produced++,
		       .tsc = tsc },
		.ip = ip,
		.to = to,
		.pid = pid,
		.tid = pid,
		.what = HVT_FLOW_BEGIN,
	};

	put_slots(m, cpu, &rec, 2);
}

/* Records have waited for others long enough. */
static void time_passes(struct machine *m)
{
	assert_true(m->s.held_since);
	m->s.held_since = 1;
}

/* Facts come before the events that need them; the round's watermark after. */
static void one_round(void **state)
{
	bool ksym = false, task = false, map = false;
	struct hvt_log_round round;
	struct hvt_log_task t = { 0 };
	char comm[64] = "";
	struct machine m;
	struct buf b = { 0 };
	struct walk w;
	int type, events = 0;

	(void)state;
	machine_make(&m);
	access_record(&m, 0, (uint32_t)getpid(), 0xffffffff81000004ull, 100);
	access_record(&m, 1, 0, 0xffffffff81000008ull, 90);
	access_record(&m, 1, 0x3ffff0, 0x401000, 95);
	assert_true(session_round(&m.s));
	time_passes(&m);
	assert_false(session_round(&m.s));
	assert_false(m.s.held_since);
	log_flush(&m.s.log);

	reread(m.s.log.fd, &b);
	walk_start(&w, &b, false);
	while ((type = walk_next(&w)) == HVT_SEC_KSYM || type == HVT_SEC_TASK ||
	       type == HVT_SEC_MAP) {
		ksym |= type == HVT_SEC_KSYM;
		task |= type == HVT_SEC_TASK;
		map |= type == HVT_SEC_MAP;
		if (type != HVT_SEC_TASK)
			continue;
		/* The last one is dead: it has the name that its record brought. */
		memcpy(&t, w.payload, sizeof(t));
		snprintf(comm, sizeof(comm), "%.*s", (int)t.comm_len, w.payload + sizeof(t));
	}
	assert_true(ksym && task && map);
	assert_int_equal(t.pid, 0x3ffff0);
	assert_int_equal(t.comm_len, 16);
	assert_string_equal(comm, "sixteen-bytes-xx");
	/* Nobody may merge yet what is still held back. */
	assert_int_equal(type, HVT_SEC_ROUND);
	memcpy(&round, w.payload, sizeof(round));
	assert_int_equal(round.tsc, 90);
	while ((type = walk_next(&w)) == HVT_SEC_EVENTS) {
		assert_int_equal(w.s.cpu, events);
		assert_int_equal(w.s.count, events ? 2 : 1);
		assert_int_equal(w.s.seq_first, 0);
		assert_true(w.s.tsc_first == (events ? 90 : 100));
		assert_true(w.s.tsc_last == (events ? 95 : 100));
		events++;
	}
	assert_int_equal(events, 2);
	assert_int_equal(type, HVT_SEC_ROUND);
	memcpy(&round, w.payload, sizeof(round));
	assert_true(round.tsc > 100);
	expect_section(&w, 0);
	buf_free(&b);
	machine_free(&m);
}

/* A record in the making holds the watermark back, and lets it go when it is done. */
static void watermark(void **state)
{
	uint64_t marks[2] = { 0, 0 };
	struct machine m;
	struct buf b = { 0 };
	struct walk w;
	int type, rounds = 0;

	(void)state;
	machine_make(&m);
	m.head[1].inflight_tsc = 50;
	access_record(&m, 0, 0, 0x401000, 60);
	assert_true(session_round(&m.s));
	assert_true(m.s.in_flight);
	access_record(&m, 1, 0, 0x401000, 55);
	m.head[1].inflight_tsc = 0;
	time_passes(&m);
	assert_true(session_round(&m.s));
	assert_false(m.s.in_flight);
	log_flush(&m.s.log);

	reread(m.s.log.fd, &b);
	walk_start(&w, &b, false);
	while ((type = walk_next(&w)) != 0) {
		if (type != HVT_SEC_ROUND)
			continue;
		assert_true(rounds < 2);
		memcpy(&marks[rounds++], w.payload, 8);
	}
	assert_int_equal(rounds, 2);
	assert_true(marks[0] == 50 && marks[1] > 60);
	buf_free(&b);
	machine_free(&m);
}

/* What the log of m holds of one type; with cpu below CPUS, of that CPU. */
static size_t sections(struct machine *m, int type, uint32_t cpu, struct walk *last)
{
	struct buf b = { 0 };
	struct walk w;
	size_t n = 0;
	int t;

	log_flush(&m->s.log);
	reread(m->s.log.fd, &b);
	walk_start(&w, &b, false);
	while ((t = walk_next(&w)) != 0) {
		if (t == type && (cpu >= CPUS || w.s.cpu == cpu)) {
			*last = w;
			memcpy(last->plain, w.payload, w.s.len < 64 ? w.s.len : 64);
			n++;
		}
	}
	buf_free(&b);
	return n;
}

/*
 * Sections are filled: one CPU's go out when they are, another one's few records wait, and
 * hold the ROUNDs back; until a reader would have to keep too much.
 */
static void gathered(void **state)
{
	uint64_t tsc = 100, records = 0;
	struct hvt_log_round round;
	static struct walk w;
	struct machine m;
	int i;

	(void)state;
	machine_make(&m);
	access_record(&m, 1, 0, 0x401000, 99);
	while (records < (8u << 20) / sizeof(struct hvt_rec_access) - SLOTS / 2) {
		for (i = 0; i < SLOTS / 2; i++, records++)
			access_record(&m, 0, 0, 0x401000, tsc++);
		/* as if they had come now: reading the log below may take long */
		if (m.s.held_since)
			m.s.held_since = mono_ns();
		assert_true(session_round(&m.s));
		assert_true(m.s.held_since);
		assert_int_equal(sections(&m, HVT_SEC_EVENTS, 1, &w), 0);
		assert_int_equal(sections(&m, HVT_SEC_EVENTS, 0, &w), records / CHUNK_ACCESSES);
		if (records >= CHUNK_ACCESSES)
			assert_int_equal(w.s.count, CHUNK_ACCESSES);
		assert_int_equal(sections(&m, HVT_SEC_ROUND, CPUS, &w), 1);
		memcpy(&round, w.plain, sizeof(round));
		assert_int_equal(round.tsc, 99);
	}
	for (i = 0; i < SLOTS / 2; i++)
		access_record(&m, 0, 0, 0x401000, tsc++);
	assert_true(session_round(&m.s));
	assert_int_equal(sections(&m, HVT_SEC_ROUND, CPUS, &w), 2);
	memcpy(&round, w.plain, sizeof(round));
	assert_true(round.tsc >= tsc - 1);
	assert_int_equal(sections(&m, HVT_SEC_EVENTS, 1, &w), 1);
	assert_int_equal(w.s.count, 1);
	machine_free(&m);
}

/* Records of traces bring into the log what names them. */
static void traced(void **state)
{
	const uint64_t here = (uint64_t)(uintptr_t)traced;
	uint32_t pid = (uint32_t)getpid();
	static struct walk w;
	struct machine m;

	(void)state;
	machine_make(&m);
	flow_record(&m, 0, pid, 0xffffffff81003004ull, here, 100);
	insn_record(&m, 0, pid, here, 101);
	insn_record(&m, 0, pid, 0xffffffff81002004ull, 102);
	insn_record(&m, 0, pid, here + 1, 103);
	assert_true(session_round(&m.s));
	time_passes(&m);
	assert_false(session_round(&m.s));
	log_flush(&m.s.log);
	assert_int_equal(sections(&m, HVT_SEC_EVENTS, 0, &w), 1);
	assert_int_equal(w.s.count, 4);
	assert_int_equal(sections(&m, HVT_SEC_KSYM, CPUS, &w), 2);
	assert_int_equal(sections(&m, HVT_SEC_TASK, CPUS, &w), 1);
	assert_true(sections(&m, HVT_SEC_MAP, CPUS, &w) > 1);
	assert_int_equal(sections(&m, HVT_SEC_OBJECT, CPUS, &w), 1);
	assert_int_equal(sections(&m, HVT_SEC_SYMTAB, CPUS, &w), 1);
	machine_free(&m);
}

/* The value of a column of one row, whose descriptions begin at p. */
static uint64_t const_value(const uint8_t *p, unsigned int field)
{
	struct hvt_log_column c;
	struct hvt_log_chunk chunk;
	const uint8_t *data;
	uint64_t value = 0;
	uint32_t i;

	memcpy(&chunk, p - sizeof(chunk), sizeof(chunk));
	data = p + chunk.columns * sizeof(c);
	for (i = 0; i < chunk.columns; i++, p += sizeof(c), data += c.len) {
		memcpy(&c, p, sizeof(c));
		assert_true(c.encoding == HVT_ENC_CONST && c.codec == HVT_CODEC_PLAIN);
		if (c.field == field) {
			memcpy(&value, data, c.width);
			return value;
		}
	}
	fail();
	return 0;
}

/* A whole end: what is left, the gap after the last record, the sums, END. */
static void end_of_session(void **state)
{
	struct hvt_log_stat st[CPUS];
	const uint8_t *lost;
	struct hvt_log_end end;
	struct machine m;
	struct buf b = { 0 };
	uint64_t last = 0;
	struct walk w;
	int control[2];

	(void)state;
	machine_make(&m);
	assert_int_equal(pipe(control), 0);
	close(control[1]);
	m.s.control_fd = control[0];
	access_record(&m, 0, 0, 0x401000, 10);
	access_record(&m, 0, 0, 0x401000, 20);
	m.head[0].produced += 5;
	m.head[0].lost = 5;
	assert_int_equal(session_run(&m.s), 0);

	reread(m.s.log.fd, &b);
	walk_start(&w, &b, false);
	expect_section(&w, HVT_SEC_EVENTS);
	assert_int_equal(w.s.count, 2);
	expect_section(&w, HVT_SEC_ROUND);
	expect_section(&w, HVT_SEC_EVENTS);
	assert_int_equal(w.s.count, 1);
	assert_int_equal(w.s.seq_first, 2);
	lost = w.payload + sizeof(struct hvt_log_chunk);
	assert_int_equal(const_value(lost, HVT_FIELD_TYPE), HVT_REC_LOST);
	assert_int_equal(const_value(lost, HVT_FIELD_LOST_COUNT), 5);
	expect_section(&w, HVT_SEC_ROUND);
	memcpy(&last, w.payload, 8);
	assert_true(last == ~0ull);
	expect_section(&w, HVT_SEC_STAT);
	assert_int_equal(w.s.len, sizeof(st));
	memcpy(st, w.payload, sizeof(st));
	assert_true(st[0].produced == 7 && st[0].consumed == 2 && st[0].lost == 5);
	assert_true(!st[1].produced && !st[1].consumed && !st[1].lost);
	expect_section(&w, HVT_SEC_INDEX);
	last = (uint64_t)(w.head - b.p);
	assert_int_equal(w.s.count, 3);
	expect_section(&w, HVT_SEC_END);
	memcpy(&end, w.payload, sizeof(end));
	assert_int_equal(end.reason, HVT_END_STOP);
	assert_int_equal(end.index, last);
	expect_section(&w, 0);
	close(control[0]);
	buf_free(&b);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_round),	  cmocka_unit_test(watermark),
		cmocka_unit_test(gathered),	  cmocka_unit_test(traced),
		cmocka_unit_test(end_of_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
