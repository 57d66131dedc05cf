// SPDX-License-Identifier: GPL-2.0-only
/* Numbers in lines are what printf makes of them, whatever stood there before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "line.h"
#include "put.h"
#include "xorshift.h"

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull; /* Marsaglia, Xorshift RNGs */

	return x = xorshift(x);
}

/* What was put since `from` must be as printf has it. */
static void __attribute__((format(printf, 3, 4)))
is(const struct hvt_line *l, size_t from, const char *fmt, ...)
{
	char want[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(want, sizeof(want), fmt, ap);
	va_end(ap);
	assert_int_equal(l->len - from, n);
	assert_memory_equal(l->p + from, want, (size_t)n);
}

static void put_all(struct hvt_line *l, uint64_t v)
{
	static const uint64_t power[] = { 1,	  10,	   100,	     1000,     10000,
					  100000, 1000000, 10000000, 100000000 };
	size_t from = l->len;
	unsigned int n;
	char *at;

	hvt_line_dec(l, v);
	is(l, from, "%llu", (unsigned long long)v);
	from = l->len;
	hvt_line_hex(l, v);
	is(l, from, "0x%llx", (unsigned long long)v);
	for (n = 0; n <= 24; n++) {
		from = l->len;
		hvt_line_dec_right(l, v, n);
		is(l, from, "%*llu", (int)n, (unsigned long long)v);
	}
	for (n = 1; n <= 8; n++) {
		from = l->len;
		assert_true(hvt_line_room(l, n + HVT_PUT_BEYOND));
		at = hvt_put_fixed(l->p + from, (uint32_t)(v % power[n]), n);
		l->len = (size_t)(at - l->p);
		is(l, from, "%0*llu", (int)n, (unsigned long long)(v % power[n]));
		from = l->len;
		assert_true(hvt_line_room(l, 8 + 20 + HVT_PUT_BEYOND));
		at = hvt_put_right(l->p + from, (uint32_t)(v % HVT_TEN8), n);
		at = hvt_put_pad(at, l->p + from, 20);
		l->len = (size_t)(at - l->p);
		is(l, from, "%*llu%*s", (int)n, (unsigned long long)(v % HVT_TEN8),
		   20 - snprintf(NULL, 0, "%*llu", (int)n, (unsigned long long)(v % HVT_TEN8)), "");
	}
	for (n = 1; n <= 16; n++) {
		from = l->len;
		hvt_line_hexn(l, v, n);
		is(l, from, "%0*llx", (int)n,
		   (unsigned long long)(n < 16 ? v & ((1ull << 4 * n) - 1) : v));
	}
}

static void numbers(void **state)
{
	static const uint64_t edges[] = {
		0,	    9,		 10,	     99,
		100,	    9999,	 10000,	     99999999,
		100000000,  9999999999,	 9,	     UINT32_MAX,
		1ull << 32, 0xfffffffff, UINT64_MAX, 99999999 * 100000000ull
	};
	struct hvt_line *l = hvt_line_start();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		put_all(l, edges[i]);
	/* of any length, in lines of any length: the room is made again and again */
	for (i = 0; i < 20000; i++) {
		put_all(l, next_random() >> (next_random() & 63));
		if (!(next_random() & 15))
			l = hvt_line_start();
		if (i % 100 == 0) {
			free(l->p);
			memset(l, 0, sizeof(*l));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
