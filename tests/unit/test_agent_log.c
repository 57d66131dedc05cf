// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the agent writes, read back: the writer alone, kernel names, and whole rounds of
 * a session over rings in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema.h"
#include "session.h"
#include "test_agent_log.h"

static void reread(int fd, struct buf *b)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(b, fd, 1u << 30), 0);
}

static int temp_file(void)
{
	char path[] = "/tmp/hvtrace-log-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void writer(void **state)
{
	struct log_writer log = { .fd = temp_file() };
	struct hvt_section head = {
		.type = HVT_SEC_MAP, .cpu = 3, .count = 9, .tsc_first = 1, .tsc_last = 2
	};
	struct log_part parts[] = { { "abc", 3 }, { NULL, 0 }, { "defgh", 5 }, { "i", 1 } };
	struct buf b = { 0 };
	struct walk w;

	(void)state;
	log_header(&log, 2);
	log_section(&log, &head, parts, 4);
	log_plain(&log, HVT_SEC_ARMED, NULL, 0);
	log_section(&log, &head, parts + 1, 2);
	assert_int_equal(log_flush(&log), 0);

	reread(log.fd, &b);
	walk_start(&w, &b, true);
	expect_section(&w, HVT_SEC_MAP);
	assert_int_equal(w.s.len, 9);
	assert_memory_equal(w.payload, "abcdefghi", 9);
	assert_true(w.s.cpu == 3 && w.s.count == 9 && w.s.tsc_first == 1 && w.s.tsc_last == 2);
	expect_section(&w, HVT_SEC_ARMED);
	assert_int_equal(w.s.len, 0);
	expect_section(&w, HVT_SEC_MAP);
	assert_memory_equal(w.payload, "defgh", 5);
	expect_section(&w, 0);
	close(log.fd);
	buf_free(&log.out);
	buf_free(&b);
}

static void write_errors(void **state)
{
	struct log_writer log = { .fd = open("/dev/full", O_WRONLY) };
	int fd[2];

	(void)state;
	assert_true(log.fd >= 0);
	log_header(&log, 1);
	assert_int_equal(log_flush(&log), -ENOSPC);
	log_plain(&log, HVT_SEC_ARMED, NULL, 0);
	assert_int_equal(log.out.len, 0);
	assert_int_equal(log_flush(&log), -ENOSPC);
	close(log.fd);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	log.fd = fd[1];
	log.err = 0;
	log_header(&log, 1);
	assert_int_equal(log_flush(&log), -EPIPE);
	close(fd[1]);
	buf_free(&log.out);
}

static int drain_pipe(void *ctx)
{
	char bytes[4096];

	return read(*(int *)ctx, bytes, sizeof(bytes)) > 0 ? 0 : -EIO;
}

static int give_up(void *ctx)
{
	(void)ctx;
	return -ECANCELED;
}

/* A full non-blocking pipe: short writes and waiting, and giving up. */
static void full_pipe(void **state)
{
	struct log_writer log = { 0 };
	static uint8_t big[300000];
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	log.fd = fd[1];
	log.wait = drain_pipe;
	log.wait_ctx = &fd[0];
	log_plain(&log, HVT_SEC_HOST, big, sizeof(big));
	assert_int_equal(log_flush(&log), 0);
	log.wait = give_up;
	log_plain(&log, HVT_SEC_HOST, big, sizeof(big));
	assert_int_equal(log_flush(&log), -ECANCELED);
	close(fd[0]);
	close(fd[1]);
	buf_free(&log.out);
}

static int lookups;

/* Symbols of 0x100 bytes at each 0x1000 of the image; nothing else has a name. */
static int fake_lookup(void *ctx, struct hvt_ksym *sym)
{
	(void)ctx;
	lookups++;
	if (sym->addr % 0x1000 >= 0x100)
		return -ENOENT;
	sym->start = sym->addr & ~0xfffull;
	sym->len = 0x100;
	snprintf(sym->name, sizeof(sym->name), "sym_%llx", (unsigned long long)sym->start);
	strcpy(sym->module, "mod");
	return 0;
}

static void kernel_names(void **state)
{
	struct log_writer log = { .fd = temp_file() };
	struct ksyms k = { .log = &log, .lookup = fake_lookup };
	struct hvt_log_ksym sym;
	struct buf b = { 0 };
	struct walk w;
	int i;

	(void)state;
	lookups = 0;
	for (i = 0; i < 1000; i++) {
		ksyms_see(&k, 0xffffffff81000010ull + (uint64_t)i % 0x80);
		ksyms_see(&k, 0xffffffff81005000ull);
		ksyms_see(&k, 0xffffffff81005200ull + (uint64_t)i % 16);
		ksyms_see(&k, 0x400000);
		ksyms_see(&k, 0xffff888000001000ull + (uint64_t)i);
	}
	ksyms_see(&k, ~0ull);
	ksyms_see(&k, ~0ull - 20);
	assert_int_equal(lookups, 5);
	log_flush(&log);
	reread(log.fd, &b);
	walk_start(&w, &b, false);
	expect_section(&w, HVT_SEC_KSYM);
	memcpy(&sym, w.payload, sizeof(sym));
	assert_true(sym.start == 0xffffffff81000000 && sym.len == 0x100);
	assert_int_equal(w.s.len, sizeof(sym) + sym.name_len + sym.module_len);
	assert_memory_equal(w.payload + sizeof(sym), "sym_ffffffff81000000mod", 23);
	expect_section(&w, HVT_SEC_KSYM);
	expect_section(&w, 0);

	/* In any order, each once. */
	lookups = 0;
	for (i = 0; i < 5000; i++)
		ksyms_see(&k, 0xffffffff82000000ull + (uint64_t)(i * 7919 % 5000) * 0x1000);
	assert_int_equal(lookups, 5000);
	for (i = 0; i < 5000; i++)
		ksyms_see(&k, 0xffffffff82000000ull + (uint64_t)i * 0x1000 + 0xff);
	assert_int_equal(lookups, 5000);
	ksyms_free(&k);
	close(log.fd);
	buf_free(&log.out);
	buf_free(&b);
}

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
	session_init(&m->s);
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
	size_t i;

	memcpy(rec.comm, "sixteen-bytes-xx", 16);
	for (i = 0; i < 2; i++)
		memcpy(m->data[cpu] + ((m->head[cpu].head + i) % SLOTS) * HVT_SLOT,
		       (uint8_t *)&rec + i * HVT_SLOT, HVT_SLOT);
	m->head[cpu].head += 2;
}

/* Facts come before the events that need them; the round's watermark after. */
static void one_round(void **state)
{
	bool ksym = false, task = false, map = false;
	struct hvt_log_round round;
	struct hvt_log_task t;
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
	assert_false(session_round(&m.s));
	log_flush(&m.s.log);

	reread(m.s.log.fd, &b);
	walk_start(&w, &b, false);
	while ((type = walk_next(&w)) == HVT_SEC_KSYM || type == HVT_SEC_TASK ||
	       type == HVT_SEC_MAP) {
		ksym |= type == HVT_SEC_KSYM;
		task |= type == HVT_SEC_TASK;
		map |= type == HVT_SEC_MAP;
	}
	assert_true(ksym && task && map);
	for (; type == HVT_SEC_EVENTS || type == HVT_SEC_TASK; type = walk_next(&w)) {
		if (type == HVT_SEC_TASK) {
			/* The dead one has the name that its record brought. */
			memcpy(&t, w.payload, sizeof(t));
			assert_int_equal(t.pid, 0x3ffff0);
			assert_int_equal(t.comm_len, 16);
			assert_memory_equal(w.payload + sizeof(t), "sixteen-bytes-xx", 16);
			continue;
		}
		assert_int_equal(w.s.cpu, events);
		assert_int_equal(w.s.count, events ? 2 : 1);
		assert_int_equal(w.s.len, w.s.count * sizeof(struct hvt_rec_access));
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

/* A whole end: what is left, the gap after the last record, the sums, END. */
static void end_of_session(void **state)
{
	struct hvt_log_stat st[CPUS];
	struct hvt_rec_lost lost;
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
	assert_int_equal(w.s.len, sizeof(lost));
	memcpy(&lost, w.payload, sizeof(lost));
	assert_true(lost.h.type == HVT_REC_LOST && lost.h.nslots == 1);
	assert_true(lost.h.seq == 2 && lost.count == 5);
	expect_section(&w, HVT_SEC_ROUND);
	memcpy(&last, w.payload, 8);
	assert_true(last == ~0ull);
	expect_section(&w, HVT_SEC_STAT);
	assert_int_equal(w.s.len, sizeof(st));
	memcpy(st, w.payload, sizeof(st));
	assert_true(st[0].produced == 7 && st[0].consumed == 2 && st[0].lost == 5);
	assert_true(!st[1].produced && !st[1].consumed && !st[1].lost);
	expect_section(&w, HVT_SEC_END);
	memcpy(&end, w.payload, sizeof(end));
	assert_int_equal(end.reason, HVT_END_STOP);
	expect_section(&w, 0);
	close(control[0]);
	buf_free(&b);
	machine_free(&m);
}

/* The schema says where things are; spot checks, and that it is one balanced object. */
static void schema(void **state)
{
	char *argv[] = { (char *)"watch", (char *)"a\"\\\n\x01\xff\xc3\xa9", NULL };
	struct hvt_hello hello = { .abi = 1, .caps = HVT_CAP_MBEC | HVT_CAP_EPT_2M };
	struct buf b = { 0 };
	size_t i;
	int depth = 0;

	(void)state;
	schema_json(&b);
	buf_put(&b, "", 1);
	assert_non_null(strstr((char *)b.p, "{\"name\":\"gla\",\"offset\":32,\"type\":\"u64\"}"));
	assert_non_null(strstr((char *)b.p, "{\"name\":\"comm\",\"offset\":96,\"type\":\"char\","
					    "\"count\":16}"));
	for (i = 0; i + 1 < b.len; i++) {
		depth += b.p[i] == '{' || b.p[i] == '[';
		depth -= b.p[i] == '}' || b.p[i] == ']';
		assert_true(depth > 0 || b.p[i] == '\n' || b.p[i] == '}');
	}
	assert_int_equal(depth, 0);
	b.len = 0;
	host_json(&b, &hello, 2, argv);
	buf_put(&b, "", 1);
	assert_non_null(strstr((char *)b.p, "\"caps\":[\"mbec\",\"ept-2m\"]"));
	assert_non_null(strstr((char *)b.p, "\"a\\\"\\\\\\u000a\\u0001\\ufffd\xc3\xa9\""));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer),	  cmocka_unit_test(write_errors),
		cmocka_unit_test(full_pipe),	  cmocka_unit_test(kernel_names),
		cmocka_unit_test(one_round),	  cmocka_unit_test(watermark),
		cmocka_unit_test(end_of_session), cmocka_unit_test(schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
