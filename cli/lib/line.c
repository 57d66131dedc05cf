/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Lines in memory: see line.h. Out of memory cuts the line short, never the program. */
#include "line.h"

#include <stdlib.h>

#include "digits.h"

#define PAD 32

static const char spaces[PAD + 1] = "                                ";

/* All pairs of digits, in order. */
static const char hexadecimal[] =
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

struct hvt_line *hvt_line_start(void)
{
	static _Thread_local struct hvt_line line;

	line.len = 0;
	line.short_of = false;
	return &line;
}

void hvt_line_write(const struct hvt_line *l, FILE *out)
{
	fwrite(l->p, 1, l->len, out);
}

bool hvt_line_grow(struct hvt_line *l, size_t n)
{
	size_t cap = l->cap ? l->cap : 1024;
	char *p;

	l->short_of |= n > SIZE_MAX / 4 - l->len;
	if (l->short_of)
		return false;
	while (cap - l->len < n)
		cap *= 2;
	p = realloc(l->p, cap);
	l->short_of = !p;
	if (!p)
		return false;
	l->p = p;
	l->cap = cap;
	return true;
}

/* The n last of eight characters; 8 bytes of room are there. */
static inline void put8(struct hvt_line *l, uint64_t text, unsigned int n)
{
	text >>= 8 * (8 - n);
	memcpy(l->p + l->len, &text, 8);
	l->len += n;
}

#define TEN8 100000000u

static void dec_long(struct hvt_line *l, uint64_t v)
{
	uint64_t high = v / TEN8;

	if (high)
		dec_long(l, high);
	v = hvt_dec8((uint32_t)(v % TEN8));
	put8(l, hvt_dec8_text(v), high ? 8 : 8 - hvt_zeros8(v));
}

void hvt_line_dec(struct hvt_line *l, uint64_t v)
{
	if (hvt_line_room(l, 24 + 8))
		dec_long(l, v);
}

void hvt_line_dec_right(struct hvt_line *l, uint64_t v, size_t width)
{
	size_t from = l->len;
	uint64_t digits, blank;
	unsigned int n;

	if (v >= TEN8 || width > 8) {
		hvt_line_dec(l, v);
		hvt_line_right(l, from, width);
		return;
	}
	if (!hvt_line_room(l, 8))
		return;
	digits = hvt_dec8((uint32_t)v);
	n = 8 - hvt_zeros8(digits);
	/* the zeros before it become blanks */
	blank = HVT_EACH('0' - ' ') & ((1ull << 8 * (8 - n)) - 1);
	put8(l, hvt_dec8_text(digits) - blank, n > width ? n : (unsigned int)width);
}

void hvt_line_fixed(struct hvt_line *l, uint32_t v, unsigned int digits)
{
	if (digits && hvt_line_room(l, 8))
		put8(l, hvt_dec8_text(hvt_dec8(v)), digits);
}

void hvt_line_hexn(struct hvt_line *l, uint64_t v, unsigned int digits)
{
	if (!digits || !hvt_line_room(l, 16))
		return;
	if (digits > 8) {
		put8(l, hvt_hex8_text(hvt_hex8((uint32_t)(v >> 32))), digits - 8);
		digits = 8;
	}
	put8(l, hvt_hex8_text(hvt_hex8((uint32_t)v)), digits);
}

void hvt_line_hex(struct hvt_line *l, uint64_t v)
{
	uint64_t digits = hvt_hex8((uint32_t)v), high;

	if (!hvt_line_room(l, 2 + 16 + 8))
		return;
	memcpy(l->p + l->len, "0x", 2);
	l->len += 2;
	if (!(v >> 32)) {
		put8(l, hvt_hex8_text(digits), 8 - hvt_zeros8(digits));
		return;
	}
	high = hvt_hex8((uint32_t)(v >> 32));
	put8(l, hvt_hex8_text(high), 8 - hvt_zeros8(high));
	put8(l, hvt_hex8_text(digits), 8);
}

void hvt_line_bytes(struct hvt_line *l, const uint8_t *bytes, size_t n)
{
	char *p;
	size_t i;

	if (n > SIZE_MAX / 8 || !hvt_line_room(l, 2 * n))
		return;
	p = l->p + l->len;
	for (i = 0; i < n; i++)
		memcpy(p + 2 * i, hexadecimal + bytes[i] * 2, 2);
	l->len += 2 * n;
}

/* Has one of 8 bytes its top bit set here: it is zero, or one below it was. */
static inline uint64_t zero_byte(uint64_t v)
{
	return (v - HVT_EACH(1)) & ~v & HVT_EACH(0x80);
}

size_t hvt_line_plain(const char *s, size_t len, char and)
{
	uint64_t v, less;
	size_t n = 0;

	for (; len - n >= 8; n += 8) {
		memcpy(&v, s + n, 8);
		less = (v - HVT_EACH(0x20)) & ~v;
		if (((less | v) & HVT_EACH(0x80)) | zero_byte(v ^ HVT_EACH(0x7f)) |
		    zero_byte(v ^ HVT_EACH('\\')) | zero_byte(v ^ HVT_EACH(and)))
			break;
	}
	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '\\' && s[n] != and)
		n++;
	return n;
}

void hvt_line_pad(struct hvt_line *l, size_t from, size_t width)
{
	size_t used = l->len - from;

	if (used >= width || !hvt_line_room(l, width - used + PAD))
		return;
	/* columns are narrow: one copy of a fixed size, what is too much is overwritten */
	if (width - used <= PAD)
		memcpy(l->p + l->len, spaces, PAD);
	else
		memset(l->p + l->len, ' ', width - used);
	l->len += width - used;
}

void hvt_line_right(struct hvt_line *l, size_t from, size_t width)
{
	size_t used = l->len - from;

	if (used >= width || !hvt_line_room(l, width - used))
		return;
	memmove(l->p + from + width - used, l->p + from, used);
	memset(l->p + from, ' ', width - used);
	l->len += width - used;
}
