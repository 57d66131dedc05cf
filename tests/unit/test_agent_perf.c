// SPDX-License-Identifier: GPL-2.0-only
/*
 * perf side-band records from byte buffers, and once from the kernel itself when it lets
 * us.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include <cmocka.h>

#include "facts.h"
#include "perf_facts.h"
#include "perf_parse.h"
#include "test_agent_log.h"

#define MISC_BUILD_ID (1u << 14) /* PERF_RECORD_MISC_MMAP_BUILD_ID, Linux 5.12 */

struct fixture {
	struct log_writer log;
	struct facts facts;
	struct buf bytes;
	struct walk w;
};

static void make(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->log.fd = -1; /* all stays in the writer's buffer */
	f->facts.log = &f->log;
}

static void done(struct fixture *f)
{
	facts_free(&f->facts);
	log_free(&f->log);
	buf_free(&f->bytes);
}

static void put32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, 4);
}

static void put64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, 8);
}

/* Header, body, text padded to 8, trailer: as perf_event_open(2) lays them out. */
static void record(struct fixture *f, uint32_t type, uint16_t misc, const struct buf *body,
		   const char *text, uint64_t ns)
{
	static const uint8_t zeros[8];
	size_t text_len = text ? strlen(text) + 1 : 0, pad = -text_len & 7;
	struct perf_event_header h = {
		.type = type,
		.misc = misc,
		.size = (uint16_t)(sizeof(h) + body->len + text_len + pad + PERF_TRAILER),
	};

	buf_put(&f->bytes, &h, sizeof(h));
	buf_put(&f->bytes, body->p, body->len);
	buf_put(&f->bytes, text, text_len);
	buf_put(&f->bytes, zeros, pad);
	put32(&f->bytes, 1);
	put32(&f->bytes, 1);
	put64(&f->bytes, ns);
	put64(&f->bytes, 0);
}

static void task(struct fixture *f, uint32_t type, uint32_t pid, uint32_t ppid, uint32_t tid,
		 uint32_t ptid, uint64_t ns)
{
	struct buf body = { 0 };

	put32(&body, pid);
	put32(&body, ppid);
	put32(&body, tid);
	put32(&body, ptid);
	put64(&body, ns);
	record(f, type, 0, &body, NULL, ns);
	buf_free(&body);
}

static void comm(struct fixture *f, uint16_t misc, uint32_t pid, uint32_t tid, const char *name,
		 uint64_t ns)
{
	struct buf body = { 0 };

	put32(&body, pid);
	put32(&body, tid);
	record(f, PERF_RECORD_COMM, misc, &body, name, ns);
	buf_free(&body);
}

static void map2(struct fixture *f, uint16_t misc, uint32_t pid, uint64_t addr, uint64_t len,
		 const char *path, uint64_t ns)
{
	uint8_t id[24] = { 20, 0, 0, 0, 0xaa, 0xbb };
	struct buf body = { 0 };

	put32(&body, pid);
	put32(&body, pid);
	put64(&body, addr);
	put64(&body, len);
	put64(&body, 0x2000);
	if (!(misc & MISC_BUILD_ID))
		memset(id, 0, sizeof(id));
	buf_put(&body, id, sizeof(id));
	put32(&body, PROT_READ | PROT_EXEC);
	put32(&body, 2);
	record(f, PERF_RECORD_MMAP2, misc, &body, path, ns);
	buf_free(&body);
}

static struct hvt_log_task next_task(struct fixture *f, const char *name)
{
	struct hvt_log_task t;

	expect_section(&f->w, HVT_SEC_TASK);
	memcpy(&t, f->w.payload, sizeof(t));
	assert_int_equal(f->w.s.len, sizeof(t) + t.comm_len);
	assert_int_equal(t.comm_len, strlen(name));
	assert_memory_equal(f->w.payload + sizeof(t), name, t.comm_len);
	return t;
}

/* Of several CPUs, so out of order: what comes out is in order of time. */
static void translates(void **state)
{
	struct hvt_log_task t;
	struct hvt_log_map m;
	struct fixture f;

	(void)state;
	make(&f);
	map2(&f, MISC_BUILD_ID, 20, 0x400000, 0x3000, "/bin/prog", 30);
	comm(&f, PERF_RECORD_MISC_COMM_EXEC, 20, 20, "prog", 20);
	task(&f, PERF_RECORD_FORK, 20, 10, 20, 11, 10);
	task(&f, PERF_RECORD_EXIT, 20, 10, 20, 10, 60);
	comm(&f, 0, 20, 21, "worker", 50);
	map2(&f, 0, 20, 0x700000, 0x1000, "//anon", 40);
	assert_int_equal(perf_translate(&f.facts, f.bytes.p, f.bytes.len), 0);

	walk_start(&f.w, &f.log.out, false);
	t = next_task(&f, "");
	assert_true(t.what == HVT_TASK_FORK && t.ns == 10 && t.pid == 20 && t.ppid == 10);
	assert_true(t.tid == 20 && t.ptid == 11);
	t = next_task(&f, "prog");
	assert_true(t.what == HVT_TASK_EXEC && t.ns == 20);
	expect_section(&f.w, HVT_SEC_MAP);
	memcpy(&m, f.w.payload, sizeof(m));
	assert_true(m.ns == 30 && m.start == 0x400000 && m.end == 0x403000 && m.offset == 0x2000);
	assert_true(m.pid == 20 && m.prot == (PROT_READ | PROT_EXEC));
	assert_true(m.build_id_len == 20 && m.path_len == 9);
	assert_memory_equal(f.w.payload + sizeof(m), "\xaa\xbb\0", 3);
	assert_memory_equal(f.w.payload + sizeof(m) + 20, "/bin/prog", 9);
	t = next_task(&f, "worker");
	assert_true(t.what == HVT_TASK_COMM && t.tid == 21);
	t = next_task(&f, "");
	assert_true(t.what == HVT_TASK_EXIT && t.ns == 60);
	expect_section(&f.w, 0);
	done(&f);
}

/* With a target only it, its children and whom a record named. */
static void filters(void **state)
{
	struct hvt_log_task t;
	struct fixture f;

	(void)state;
	make(&f);
	f.facts.only_known = true;
	facts_adopt(&f.facts, 10, 10);
	task(&f, PERF_RECORD_FORK, 90, 80, 90, 80, 1);
	comm(&f, PERF_RECORD_MISC_COMM_EXEC, 90, 90, "other", 2);
	map2(&f, MISC_BUILD_ID, 90, 0x1000, 0x1000, "/bin/other", 3);
	task(&f, PERF_RECORD_FORK, 20, 10, 20, 10, 4);
	comm(&f, 0, 20, 20, "child", 5);
	task(&f, PERF_RECORD_FORK, 20, 80, 20, 80, 6); /* the number again, by a stranger */
	comm(&f, 0, 20, 20, "stranger", 7);
	assert_int_equal(perf_translate(&f.facts, f.bytes.p, f.bytes.len), 0);

	walk_start(&f.w, &f.log.out, false);
	t = next_task(&f, "");
	assert_true(t.what == HVT_TASK_FORK && t.pid == 20 && t.ppid == 10);
	next_task(&f, "child");
	expect_section(&f.w, 0);
	done(&f);
}

static void lost(void **state)
{
	struct buf body = { 0 };
	struct fixture f;

	(void)state;
	make(&f);
	facts_adopt(&f.facts, 10, 10);
	assert_true(facts_know(&f.facts, 10));
	put64(&body, 1);
	put64(&body, 99);
	record(&f, PERF_RECORD_LOST, 0, &body, NULL, 5);
	assert_int_equal(perf_translate(&f.facts, f.bytes.p, f.bytes.len), 0);
	assert_false(facts_know(&f.facts, 10));
	buf_free(&body);
	done(&f);
}

/* Cut at every byte, lengths that lie, and noise. */
static void hostile(void **state)
{
	unsigned int seed = 3;
	struct fixture f;
	size_t cut;
	int round;

	(void)state;
	make(&f);
	map2(&f, MISC_BUILD_ID, 20, 0x400000, 0x3000, "/bin/prog", 30);
	comm(&f, 0, 20, 20, "prog", 20);
	task(&f, PERF_RECORD_FORK, 20, 10, 20, 11, 10);
	for (cut = 0; cut < f.bytes.len; cut++) {
		uint8_t *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, f.bytes.p, cut);
		perf_translate(&f.facts, copy, cut);
		free(copy);
	}
	for (round = 0; round < 20000; round++) {
		size_t at = (size_t)rand_r(&seed) % f.bytes.len;
		uint8_t was = f.bytes.p[at];

		f.bytes.p[at] = (uint8_t)rand_r(&seed);
		perf_translate(&f.facts, f.bytes.p, f.bytes.len);
		f.bytes.p[at] = was;
		f.log.out.len = 0;
	}
	/* A header of a type with a body, without the body. */
	f.bytes.len = 0;
	for (round = 0; round < 16; round++) {
		struct perf_event_header h = { .type = (uint32_t)round,
					       .size = sizeof(h) + PERF_TRAILER };
		uint8_t trailer[PERF_TRAILER] = { 0 };

		buf_put(&f.bytes, &h, sizeof(h));
		buf_put(&f.bytes, trailer, sizeof(trailer));
	}
	f.log.out.len = 0;
	assert_int_equal(perf_translate(&f.facts, f.bytes.p, f.bytes.len), 0);
	assert_int_equal(f.log.out.len, 0);
	done(&f);
}

/* The kernel's own records of a child that runs a program. */
static void from_the_kernel(void **state)
{
	bool fork_seen = false, exec_seen = false, map_seen = false, exit_seen = false;
	struct perf_facts perf;
	struct fixture f;
	int type, status;
	pid_t child;

	(void)state;
	if (perf_open(&perf, (uint32_t)sysconf(_SC_NPROCESSORS_CONF)))
		skip();
	make(&f);
	f.facts.only_known = true;
	facts_adopt(&f.facts, (uint32_t)getpid(), (uint32_t)getpid());
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	perf_drain(&perf, &f.facts);
	perf_close(&perf);

	walk_start(&f.w, &f.log.out, false);
	while ((type = walk_next(&f.w)) != 0) {
		struct hvt_log_task t;
		struct hvt_log_map m;

		if (type == HVT_SEC_MAP) {
			memcpy(&m, f.w.payload, sizeof(m));
			map_seen |= m.pid == (uint32_t)child && m.build_id_len >= 8;
			continue;
		}
		memcpy(&t, f.w.payload, sizeof(t));
		if (t.pid != (uint32_t)child)
			continue;
		assert_true(t.ns && t.ns <= mono_ns());
		fork_seen |= t.what == HVT_TASK_FORK && t.ppid == (uint32_t)getpid();
		exec_seen |= t.what == HVT_TASK_EXEC && t.comm_len == 4;
		exit_seen |= t.what == HVT_TASK_EXIT;
	}
	assert_true(fork_seen && exec_seen && map_seen && exit_seen);
	done(&f);
}

/* /proc of this process: itself, its maps, once. */
static void snapshot(void **state)
{
	bool own_code = false;
	struct hvt_log_map m;
	struct fixture f;
	size_t len;
	int type;

	(void)state;
	make(&f);
	facts_snapshot(&f.facts, (uint32_t)getpid());
	len = f.log.out.len;
	facts_see(&f.facts, (uint32_t)getpid(), (uint32_t)getpid(), "x");
	facts_see(&f.facts, 0, 0, "idle");
	facts_see(&f.facts, 0xfffffff0u, 0xfffffff0u, "absurd");
	walk_start(&f.w, &f.log.out, false);
	expect_section(&f.w, HVT_SEC_TASK);
	while ((type = walk_next(&f.w)) == HVT_SEC_MAP) {
		memcpy(&m, f.w.payload, sizeof(m));
		if (m.start <= (uintptr_t)snapshot && m.end > (uintptr_t)snapshot)
			own_code = m.prot & PROT_EXEC && m.build_id_len;
	}
	assert_true(own_code);
	assert_true(f.w.s.type == HVT_SEC_TASK && f.log.out.len > len);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translates),
		cmocka_unit_test(filters),
		cmocka_unit_test(lost),
		cmocka_unit_test(hostile),
		cmocka_unit_test(from_the_kernel),
		cmocka_unit_test(snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
