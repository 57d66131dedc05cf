/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Lines in memory: see line.h. Out of memory cuts the line short, never the program. */
#include "line.h"

#include <stdlib.h>

#include "put.h"

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

char *hvt_put_long(char *at, uint64_t v)
{
	uint64_t high = v / HVT_TEN8;

	at = high < HVT_TEN8 ? hvt_put_dec(at, high) : hvt_put_long(at, high);
	return hvt_put_fixed(at, (uint32_t)(v % HVT_TEN8), 8);
}

/* Where the next piece of up to n bytes begins. NULL: no room. */
static char *place(struct hvt_line *l, size_t n)
{
	return hvt_line_room(l, n + HVT_PUT_BEYOND) ? l->p + l->len : NULL;
}

static void end(struct hvt_line *l, const char *at)
{
	l->len = (size_t)(at - l->p);
}

void hvt_line_dec(struct hvt_line *l, uint64_t v)
{
	char *at = place(l, HVT_PUT_NUMBER);

	if (at)
		end(l, hvt_put_dec(at, v));
}

void hvt_line_int(struct hvt_line *l, int32_t v)
{
	int64_t wide = v;

	if (v < 0)
		hvt_line_char(l, '-');
	hvt_line_dec(l, (uint64_t)(v < 0 ? -wide : wide));
}

void hvt_line_dec_right(struct hvt_line *l, uint64_t v, size_t width)
{
	size_t from = l->len;

	hvt_line_dec(l, v);
	hvt_line_right(l, from, width);
}

void hvt_line_hexn(struct hvt_line *l, uint64_t v, unsigned int digits)
{
	char *at = place(l, 16);

	if (at)
		end(l, hvt_put_hexn(at, v, digits));
}

void hvt_line_hex(struct hvt_line *l, uint64_t v)
{
	char *at = place(l, HVT_PUT_NUMBER);

	if (at)
		end(l, hvt_put_hex(at, v));
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

	if (used >= width || !hvt_line_room(l, width - used))
		return;
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
