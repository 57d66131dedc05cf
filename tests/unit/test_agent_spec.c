// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users may type for "this memory", the hostile part included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvtrace/uapi.h>

#include "agent.h"
#include "resolve.h"
#include "spec.h"

struct good {
	const char *text, *object, *sym;
	uint64_t addr, off, len;
	bool kernel;
};

static void accepts(void **state)
{
	static const struct good good[] = {
		{ "0x1000", "", "", 0x1000, 0, 0, false },
		{ "4096", "", "", 4096, 0, 0, false },
		{ "0", "", "", 0, 0, 0, false },
		{ "0x1000+8,16", "", "", 0x1008, 0, 16, false },
		{ "0XfFfF888000000000", "", "", 0xffff888000000000, 0, 0, true },
		{ "kernel:0xffffffff81000000,4", "", "", 0xffffffff81000000, 0, 4, true },
		{ "0xfffffffffffffff8", "", "", 0xfffffffffffffff8, 0, 0, true },
		{ "0x7ffffffffff8,8", "", "", 0x7ffffffffff8, 0, 8, false },
		{ "jiffies_64", "", "jiffies_64", 0, 0, 0, false },
		{ "kernel:jiffies_64", "", "jiffies_64", 0, 0, 0, true },
		{ "environ+8,0x10", "", "environ", 0, 8, 16, false },
		{ "libc.so.6:environ", "libc.so.6", "environ", 0, 0, 0, false },
		{ "libstdc++.so.6:_ZSt4cout+1,2", "libstdc++.so.6", "_ZSt4cout", 0, 1, 2, false },
		{ "/a:b,c+d/lib.so:x", "/a:b,c+d/lib.so", "x", 0, 0, 0, false },
		{ "counter.0", "", "counter.0", 0, 0, 0, false },
		{ "x,65536", "", "x", 0, 0, 65536, false },
	};
	struct spec spec;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(spec_parse(good[i].text, &spec), AGENT_OK);
		assert_string_equal(spec.object, good[i].object);
		assert_string_equal(spec.sym, good[i].sym);
		assert_true(spec.addr == good[i].addr);
		assert_true(spec.off == good[i].off);
		assert_true(spec.len == good[i].len);
		assert_int_equal(spec.kernel, good[i].kernel);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"+",
		",",
		":",
		"x,",
		"x,0",
		"x,-1",
		"x,0xffffffffffffffff",
		"x,0x",
		"x,1,2",
		"x+",
		"x+-1",
		"x+1+2",
		"+8",
		",8",
		":x",
		"0x",
		"0xg",
		"12z",
		"0x10000000000000000",
		"18446744073709551616",
		"-1",
		"x y",
		"x\ty",
		"x\x1b[2J",
		"0x800000000000",
		"0xffff7fffffffffff",
		"0x7fffffffffff,2",
		"0xfffffffffffffff9",
		"0xffffffffffffffff,2",
		"0xffffffffffffffff+1",
		"kernel:0x1000",
		"libc:0x1000",
		"kernel:",
		"libc:",
		"kernel:,8",
		"0x1000,0",
	};
	struct spec spec;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(spec_parse(bad[i], &spec), AGENT_USAGE);

	/* Far too long, as symbol, as object and as number. */
	text = malloc(20001);
	assert_non_null(text);
	memset(text, 'a', 20000);
	text[20000] = '\0';
	assert_int_equal(spec_parse(text, &spec), AGENT_USAGE);
	text[19990] = ':';
	assert_int_equal(spec_parse(text, &spec), AGENT_USAGE);
	memset(text, '1', 20000);
	assert_int_equal(spec_parse(text, &spec), AGENT_USAGE);
	free(text);
}

static void longest_range(void **state)
{
	struct spec spec;
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "x,%llu", HVT_WATCH_MAX);
	assert_int_equal(spec_parse(text, &spec), AGENT_OK);
	assert_true(spec.len == HVT_WATCH_MAX);
	snprintf(text, sizeof(text), "x,%llu", HVT_WATCH_MAX + 1);
	assert_int_equal(spec_parse(text, &spec), AGENT_USAGE);
}

static void longest_symbol(void **state)
{
	char text[SPEC_NAME_MAX + 1];
	struct spec spec;

	(void)state;
	memset(text, 's', sizeof(text));
	text[SPEC_NAME_MAX - 1] = '\0';
	assert_int_equal(spec_parse(text, &spec), AGENT_OK);
	assert_int_equal(strlen(spec.sym), SPEC_NAME_MAX - 1);
	text[SPEC_NAME_MAX - 1] = 's';
	text[SPEC_NAME_MAX] = '\0';
	assert_int_equal(spec_parse(text, &spec), AGENT_USAGE);
}

static void access_letters(void **state)
{
	uint32_t access;

	(void)state;
	assert_int_equal(access_parse("r", &access), AGENT_OK);
	assert_int_equal(access, HVT_ACC_R);
	assert_int_equal(access_parse("xwr", &access), AGENT_OK);
	assert_int_equal(access, HVT_ACC_R | HVT_ACC_W | HVT_ACC_X);
	assert_int_equal(access_parse("", &access), AGENT_USAGE);
	assert_int_equal(access_parse("rq", &access), AGENT_USAGE);
	assert_int_equal(access_parse("R", &access), AGENT_USAGE);
}

static void ranges(void **state)
{
	(void)state;
	assert_int_equal(range_check("t", 0, 1), AGENT_OK);
	assert_int_equal(range_check("t", USER_END - 1, 1), AGENT_OK);
	assert_int_equal(range_check("t", USER_END - 1, 2), AGENT_USAGE);
	assert_int_equal(range_check("t", USER_END, 1), AGENT_USAGE);
	assert_int_equal(range_check("t", KERNEL_START - 1, 1), AGENT_USAGE);
	assert_int_equal(range_check("t", KERNEL_START, HVT_WATCH_MAX), AGENT_OK);
	assert_int_equal(range_check("t", KERNEL_START, HVT_WATCH_MAX + 1), AGENT_USAGE);
	assert_int_equal(range_check("t", ~0ull, 1), AGENT_OK);
	assert_int_equal(range_check("t", ~0ull, 2), AGENT_USAGE);
	assert_int_equal(range_check("t", 5, 0), AGENT_USAGE);
}

static void objects(void **state)
{
	(void)state;
	assert_true(object_matches("/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"));
	assert_true(object_matches("/lib/x86_64-linux-gnu/libc.so.6", "libc.so"));
	assert_true(object_matches("/lib/x86_64-linux-gnu/libc.so.6", "libc"));
	assert_true(object_matches("/lib/libc-2.31.so", "libc"));
	assert_true(object_matches("/lib/libfoo.so.0.8.6", "libfoo.so.0"));
	assert_false(object_matches("/lib/libfoo.so.0.8.6", "libfoo.so.0.8."));
	assert_false(object_matches("/lib/libfoo.so.08", "libfoo.so.0"));
	assert_true(object_matches("/lib/libc.so.6 (deleted)", "libc.so.6"));
	assert_true(object_matches("/lib/libfoo.so (deleted)", "libfoo"));
	assert_true(object_matches("/lib/libfoo.so (deleted)", "/lib/libfoo.so"));
	assert_true(object_matches("/bin/sleep", "sleep"));
	assert_true(object_matches("/bin/sleep", "/bin/sleep"));
	assert_false(object_matches("/bin/sleep", "slee"));
	assert_false(object_matches("/lib/libcrypt.so.1", "libc"));
	assert_false(object_matches("/lib/libc.source", "libc"));
	assert_false(object_matches("/lib/libc", "libc.so"));
	assert_false(object_matches("/lib/libc.so.6", "c"));
	assert_false(object_matches("[heap]", "[heap]"));
	assert_false(object_matches("", "x"));
	assert_false(object_matches("/bin/sleep", "/usr/bin/sleep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),	  cmocka_unit_test(refuses),
		cmocka_unit_test(longest_range),  cmocka_unit_test(longest_symbol),
		cmocka_unit_test(access_letters), cmocka_unit_test(ranges),
		cmocka_unit_test(objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
