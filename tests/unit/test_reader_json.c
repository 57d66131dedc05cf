// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON writer and the terminal escapes on hostile bytes: whatever goes in, what comes
 * out is printable ASCII of the right structure (test_usage.sh parses it with a parser).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "json.h"

static char *quoted(const char *s, size_t len)
{
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	hvt_json_quote(f, s, len);
	fclose(f);
	return out;
}

static void is(const char *in, const char *want)
{
	char *got = quoted(in, strlen(in));

	assert_string_equal(got, want);
	free(got);
}

static void test_quote(void **state)
{
	(void)state;
	is("", "\"\"");
	is("plain", "\"plain\"");
	is("\"\\/", "\"\\\"\\\\/\"");
	is("\n\t\x1b\x7f", "\"\\u000a\\u0009\\u001b\\u007f\"");
	is("\xc3\xa4", "\"\\u00e4\"");		      /* U+E4 */
	is("\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""); /* U+1F600: a surrogate pair */
	is("\xff", "\"\\ufffd\"");
	is("\xc0\xaf", "\"\\ufffd\\ufffd\"");			    /* overlong */
	is("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");	    /* a surrogate */
	is("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* above U+10FFFF */
	is("\xe2\x82", "\"\\ufffd\"");				    /* cut short */
	is("\xe2\x82z", "\"\\ufffdz\"");
}

/* Every pair of bytes, and random strings: ASCII only, quotes only at the ends. */
static void test_any_bytes(void **state)
{
	unsigned int i, k, len;
	char in[40], *out, *p;

	(void)state;
	srand(3);
	for (i = 0; i < 65536 + 20000; i++) {
		len = 2;
		in[0] = (char)(i >> 8);
		in[1] = (char)i;
		if (i >= 65536)
			for (len = (unsigned int)rand() % 40, k = 0; k < len; k++)
				in[k] = (char)rand();
		out = quoted(in, len);
		assert_true(out[0] == '"' && out[strlen(out) - 1] == '"');
		for (p = out + 1; p[1]; p++) {
			assert_true(*p >= 0x20 && *p < 0x7f && *p != '"');
			if (*p != '\\')
				continue;
			p++;
			if (*p == 'u') {
				assert_int_equal(strspn(p + 1, "0123456789abcdef") >= 4, 1);
				p += 4;
			} else {
				assert_true(*p == '"' || *p == '\\');
			}
		}
		free(out);
	}
}

static void test_object(void **state)
{
	struct hvt_json j;
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	assert_non_null(f);
	hvt_json_begin(&j, f);
	hvt_json_str(&j, "a", "x");
	hvt_json_str(&j, "b", NULL);
	hvt_json_u64(&j, "c", UINT64_MAX);
	hvt_json_hex(&j, "d", UINT64_MAX);
	hvt_json_open(&j, "e");
	hvt_json_bool(&j, "f", true);
	hvt_json_close(&j);
	hvt_json_bytes(&j, "g", (const uint8_t *)"\x00\xff", 2);
	hvt_json_end(&j);
	fclose(f);
	assert_string_equal(out,
			    "{\"a\":\"x\",\"b\":null,\"c\":18446744073709551615,"
			    "\"d\":\"0xffffffffffffffff\",\"e\":{\"f\":true},\"g\":\"00ff\"}\n");
	free(out);
}

static void test_terminal(void **state)
{
	char in[256], *out = NULL, *p;
	size_t size = 0, i;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	assert_non_null(f);
	for (i = 0; i < 255; i++)
		in[i] = (char)(i + 1);
	in[255] = '\0';
	hvt_print_escaped(f, in, SIZE_MAX);
	hvt_print_escaped(f, "abc", 2);
	fclose(f);
	for (p = out; *p; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	assert_non_null(strstr(out, "\\x1b"));
	assert_non_null(strstr(out, "\\\\"));
	assert_string_equal(p - 8, "fe\\xffab");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
