/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Pieces of a line, put where room for them is known to be: each function writes at `at`
 * and returns its end. Up to HVT_PUT_BEYOND bytes behind the end may be overwritten, which
 * lets all of them write words of a fixed size. A place in a register is what a line of
 * many pieces is made with; one in memory would be waited for at each.
 */
#ifndef HVT_LIB_PUT_H
#define HVT_LIB_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "digits.h"

#define HVT_PUT_BEYOND 32u
#define HVT_PUT_NUMBER 24u /* bytes of any number but a padded one */

/* A string literal. */
#define hvt_put_lit(at, text) ((char *)memcpy(at, "" text, sizeof(text) - 1) + sizeof(text) - 1)

/* The n last of eight characters. */
static inline char *hvt_put_last(char *at, uint64_t text, unsigned int n)
{
	text >>= 8 * (8 - n);
	memcpy(at, &text, 8);
	return at + n;
}

#define HVT_TEN8 100000000u

/* v from HVT_TEN8 on. */
char *hvt_put_long(char *at, uint64_t v);

static inline char *hvt_put_dec(char *at, uint64_t v)
{
	uint64_t digits;

	if (v >= HVT_TEN8)
		return hvt_put_long(at, v);
	digits = hvt_dec8((uint32_t)v);
	return hvt_put_last(at, hvt_dec8_text(digits), 8 - hvt_zeros8(digits));
}

/* v below HVT_TEN8, right-aligned in `width` columns, which are 8 at most. */
static inline char *hvt_put_right(char *at, uint32_t v, unsigned int width)
{
	uint64_t digits = hvt_dec8(v), blank;
	unsigned int n = 8 - hvt_zeros8(digits);

	/* the zeros before it become blanks */
	blank = HVT_EACH('0' - ' ') & ((1ull << 8 * (8 - n)) - 1);
	return hvt_put_last(at, hvt_dec8_text(digits) - blank, n > width ? n : width);
}

/* v below 10^digits, with zeros before it; 1 to 8 digits. */
static inline char *hvt_put_fixed(char *at, uint32_t v, unsigned int digits)
{
	return hvt_put_last(at, hvt_dec8_text(hvt_dec8(v)), digits);
}

/* The last digits of v in hexadecimal, 16 at most. */
static inline char *hvt_put_hexn(char *at, uint64_t v, unsigned int digits)
{
	char all[32];

	_mm_storeu_si128((__m128i *)all, hvt_hex16(v));
	_mm_storeu_si128((__m128i *)(all + 16), _mm_setzero_si128());
	memcpy(at, all + 16 - digits, 16);
	return at + digits;
}

/* 0x1f */
static inline char *hvt_put_hex(char *at, uint64_t v)
{
	return hvt_put_hexn(hvt_put_lit(at, "0x"), v,
			    (67 - (unsigned int)__builtin_clzll(v | 1)) / 4);
}

/* n bytes; HVT_PUT_BEYOND bytes behind them can be read, too. */
static inline char *hvt_put_copy(char *at, const char *bytes, size_t n)
{
	char *end = at + n;

	do {
		memcpy(at, bytes, HVT_PUT_BEYOND);
		at += HVT_PUT_BEYOND;
		bytes += HVT_PUT_BEYOND;
	} while (at < end);
	return end;
}

/* Blanks up to `width` columns, HVT_PUT_BEYOND at most, for what begins at `from`. */
static inline char *hvt_put_pad(char *at, char *from, size_t width)
{
	if ((size_t)(at - from) >= width)
		return at;
	memset(at, ' ', HVT_PUT_BEYOND);
	return from + width;
}

/* len bytes as a number, 8 at most: nearly always as many as an integer has. */
static inline uint64_t hvt_load(const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;
	uint32_t half;

	switch (len) {
	case 1:
		return bytes[0];
	case 4:
		memcpy(&half, bytes, 4);
		return half;
	case 8:
		memcpy(&v, bytes, 8);
		return v;
	default:
		memcpy(&v, bytes, len);
		return v;
	}
}

#endif
