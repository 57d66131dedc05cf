// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the agent writes, read back: the writer and its index, kernel names, the schema.
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
	log_free(&log);
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
	log_free(&log);
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
	unsigned int seed = 1;
	int fd[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(rand_r(&seed) >> 8); /* nothing to compress */
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
	log_free(&log);
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
	log_free(&log);
	buf_free(&b);
}

/* A chain of INDEX sections that has every section but ROUND, INDEX and END. */
static void index_chain(void **state)
{
	struct log_writer log = { .fd = temp_file() };
	struct hvt_section head = { .type = HVT_SEC_MAP, .cpu = 1, .count = 2, .tsc_first = 3 };
	struct hvt_log_end end = { .reason = HVT_END_STOP };
	struct hvt_log_index_entry e;
	struct hvt_log_index prev;
	uint64_t last = 0, off, expect[8] = { 0 };
	static struct walk w;
	struct buf b = { 0 };
	uint32_t i, n = 0, k = 0;
	int type;

	(void)state;
	log_header(&log, 2);
	for (i = 0; i < HVT_INDEX_ENTRIES + 3; i++) {
		head.seq_first = i;
		log_section(&log, &head, NULL, 0);
		if (i % 1000 == 0)
			log_plain(&log, HVT_SEC_ROUND, &off, 8);
	}
	log_end(&log, &end);
	assert_int_equal(log_finish(&log), 0);
	reread(log.fd, &b);
	walk_start(&w, &b, true);
	for (i = 0; (type = walk_next(&w)) != 0;) {
		off = (uint64_t)(w.head - b.p);
		if (type == HVT_SEC_MAP && i < 4)
			expect[i++] = off;
		if (type == HVT_SEC_END) {
			memcpy(&end, w.payload, sizeof(end));
			assert_int_equal(end.index, last);
			assert_int_equal(off + HVT_END_BYTES, b.len);
		}
		if (type != HVT_SEC_INDEX)
			continue;
		memcpy(&prev, w.payload, sizeof(prev));
		assert_int_equal(prev.prev, last);
		last = off;
		assert_int_equal(w.s.count, k++ ? 3 : HVT_INDEX_ENTRIES);
		assert_int_equal(w.s.len, sizeof(prev) + w.s.count * sizeof(e));
		for (i = 0; i < w.s.count; i++, n++) {
			memcpy(&e, w.payload + sizeof(prev) + i * sizeof(e), sizeof(e));
			assert_true(e.type == HVT_SEC_MAP && e.cpu == 1 && e.count == 2);
			assert_true(e.tsc_first == 3 && e.seq_first == n);
			if (n < 4)
				assert_int_equal(e.off, expect[n]);
		}
	}
	assert_int_equal(k, 2);
	close(log.fd);
	log_free(&log);
	buf_free(&b);
}

/* The schema says where things are; spot checks, and that it is one balanced object. */
static void schema(void **state)
{
	char *argv[] = { (char *)"watch", (char *)"a\"\\\n\x01\xff\xc3\xa9", NULL };
	struct hvt_hello hello = { .abi = 1, .caps = HVT_CAP_MBEC | HVT_CAP_EPT_2M };
	struct buf b = { 0 };
	const char *id;
	size_t i;
	int depth = 0;

	(void)state;
	schema_json(&b);
	buf_put(&b, "", 1);
	assert_non_null(strstr((char *)b.p, "{\"name\":\"gla\",\"field\":258,\"type\":\"u64\","
					    "\"width\":8}"));
	assert_non_null(strstr((char *)b.p, "{\"name\":\"comm\",\"offset\":184,"
					    "\"type\":\"char[16]\",\"count\":16}"));
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
	/* what started this test, and the kernel, as /proc and /sys say */
	assert_non_null(strstr((char *)b.p, "\"command\":[\""));
	id = strstr((char *)b.p, "\"kernel_build_id\":\"");
	assert_non_null(id);
	if (access("/sys/kernel/notes", R_OK) == 0)
		assert_true(strspn(id + 19, "0123456789abcdef") >= 32);
	assert_non_null(strstr((char *)b.p, "\"a\\\"\\\\\\u000a\\u0001\\ufffd\xc3\xa9\""));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer),      cmocka_unit_test(write_errors),
		cmocka_unit_test(full_pipe),   cmocka_unit_test(kernel_names),
		cmocka_unit_test(index_chain), cmocka_unit_test(schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
