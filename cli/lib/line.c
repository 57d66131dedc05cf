/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Lines in memory: see line.h. Out of memory cuts the line short, never the program. */
#include "line.h"

#include <stdlib.h>

#define DIGITS_MAX 20 /* of 64 bits */
#define PAD	   32

static const char spaces[PAD + 1] = "                                ";

/* All pairs of digits, in order. */
static const char decimal[] = "00010203040506070809101112131415161718192021222324"
			      "25262728293031323334353637383940414243444546474849"
			      "50515253545556575859606162636465666768697071727374"
			      "75767778798081828384858687888990919293949596979899";
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

	if (n > SIZE_MAX / 4 - l->len)
		return false;
	while (cap - l->len < n)
		cap *= 2;
	p = realloc(l->p, cap);
	if (!p)
		return false;
	l->p = p;
	l->cap = cap;
	return true;
}

void hvt_line_dec_right(struct hvt_line *l, uint64_t v, size_t width)
{
	/* from the end; what is copied behind it is overwritten */
	char digits[2 * DIGITS_MAX], *p = digits + DIGITS_MAX;
	size_t n, before;

	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, decimal + v % 100 * 2, 2);
	}
	if (v >= 10) {
		p -= 2;
		memcpy(p, decimal + v * 2, 2);
	} else {
		*--p = (char)('0' + v);
	}
	n = (size_t)(digits + DIGITS_MAX - p);
	before = n < width ? width - n : 0;
	if (!hvt_line_room(l, before + DIGITS_MAX))
		return;
	memset(l->p + l->len, ' ', before);
	memcpy(l->p + l->len + before, p, DIGITS_MAX);
	l->len += before + n;
}

void hvt_line_fixed(struct hvt_line *l, uint64_t v, unsigned int digits)
{
	char *p;

	if (!hvt_line_room(l, digits))
		return;
	p = l->p + l->len + digits;
	l->len += digits;
	for (; digits >= 2; digits -= 2, v /= 100) {
		p -= 2;
		memcpy(p, decimal + v % 100 * 2, 2);
	}
	if (digits)
		p[-1] = (char)('0' + v % 10);
}

void hvt_line_hexn(struct hvt_line *l, uint64_t v, unsigned int digits)
{
	char *p;

	if (!hvt_line_room(l, digits))
		return;
	p = l->p + l->len + digits;
	l->len += digits;
	for (; digits >= 2; digits -= 2, v >>= 8) {
		p -= 2;
		memcpy(p, hexadecimal + (v & 0xff) * 2, 2);
	}
	if (digits)
		p[-1] = hexadecimal[(v & 15) * 2 + 1];
}

void hvt_line_hex(struct hvt_line *l, uint64_t v)
{
	unsigned int bits = 64u - (unsigned int)__builtin_clzll(v | 1);
	unsigned int n = (bits + 3) / 4, i;
	char *p;

	if (!hvt_line_room(l, 2 + n))
		return;
	p = l->p + l->len;
	memcpy(p, "0x", 2);
	l->len += 2 + n;
	for (p += 2; n & 1; n--)
		*p++ = hexadecimal[(v >> 4 * (n - 1) & 15) * 2 + 1];
	for (i = n; i; i -= 2, p += 2)
		memcpy(p, hexadecimal + (v >> 4 * (i - 2) & 0xff) * 2, 2);
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

#define EACH(byte) (0x0101010101010101ull * (uint8_t)(byte))

/* Has one of 8 bytes its top bit set here: it is zero, or one below it was. */
static inline uint64_t zero_byte(uint64_t v)
{
	return (v - EACH(1)) & ~v & EACH(0x80);
}

size_t hvt_line_plain(const char *s, size_t len, char and)
{
	uint64_t v, less;
	size_t n = 0;

	for (; len - n >= 8; n += 8) {
		memcpy(&v, s + n, 8);
		less = (v - EACH(0x20)) & ~v;
		if (((less | v) & EACH(0x80)) | zero_byte(v ^ EACH(0x7f)) |
		    zero_byte(v ^ EACH('\\')) | zero_byte(v ^ EACH(and)))
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
