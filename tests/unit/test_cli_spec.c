// SPDX-License-Identifier: GPL-2.0-only
/* What a user may write for "this memory". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "watch.h"

static void good(const char *text, const char *object, const char *symbol, uint64_t addr,
		 uint64_t len, bool kernel)
{
	struct hvt_spec s;
	const char *why = hvt_spec_parse(text, &s);

	if (why)
		fail_msg("%s: %s", text, why);
	assert_string_equal(s.object, object);
	assert_string_equal(s.symbol, symbol);
	assert_int_equal(s.addr, addr);
	assert_int_equal(s.len, len);
	assert_int_equal(s.kernel, kernel);
}

static void test_good(void **state)
{
	(void)state;
	good("0x1000", "", "", 0x1000, 0, false);
	good("4096,16", "", "", 4096, 16, false);
	good("0xffff888000000000,0x10", "", "", 0xffff888000000000ull, 16, true);
	good("0xffffffffffffffff", "", "", UINT64_MAX, 0, true);
	good("0xFFFF888000000000+8", "", "", 0xffff888000000008ull, 0, true);
	good("jiffies_64", "", "jiffies_64", 0, 0, false);
	good("kernel:jiffies_64+4,4", "kernel", "jiffies_64", 4, 4, true);
	good("libc.so.6:environ", "libc.so.6", "environ", 0, 0, false);
	good("/opt/a,b+c:d/e:x+0x10,1", "/opt/a,b+c:d/e", "x", 16, 1, false);
	good("_ZN3foo3barE,268435456", "", "_ZN3foo3barE", 0, 1u << 28, false);
}

static void test_bad(void **state)
{
	static const char *const texts[] = {
		"",
		",",
		"+",
		":",
		":x",
		"x:",
		"kernel:",
		"kernel:0x1000",
		"x,0",
		"x,",
		"x,-1",
		"x,0x",
		"x,268435457",
		"x,99999999999999999999",
		"x+",
		"x+y",
		"x+-1",
		"0x",
		"0xg",
		"12abc",
		"0x10000000000000000",
		"0x800000000000",
		"0xffff7fffffffffff",
		"0x7fffffffffff,2",
		"0xffffffffffffffff,2",
		"0xffffffffffffffff+1",
		"a b",
		"-p",
		"x\n",
		"x,1,2",
	};
	struct hvt_spec s;
	const char *why;
	char big[6000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		why = hvt_spec_parse(texts[i], &s);
		if (!why)
			fail_msg("'%s' was taken", texts[i]);
		assert_non_null(strstr(why, "; try: "));
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_non_null(hvt_spec_parse(big, &s));
	big[5000] = ':';
	assert_non_null(hvt_spec_parse(big, &s));
}

static void test_access_and_numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_null(hvt_access_check("r"));
	assert_null(hvt_access_check("xwr"));
	assert_non_null(hvt_access_check(""));
	assert_non_null(hvt_access_check("rq"));
	assert_true(hvt_number("1", 10, &v));
	assert_false(hvt_number("0", 10, &v));
	assert_false(hvt_number("11", 10, &v));
	assert_false(hvt_number("-1", 10, &v));
	assert_false(hvt_number("1 ", 10, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_access_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
