/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One output line in memory: what text and JSON are put together in before they are
 * written at once. Printing is most of what decoding a log costs; so the small steps are
 * inline, literals are copied as such, and numbers are made eight digits at a time.
 */
#ifndef HVT_LIB_LINE_H
#define HVT_LIB_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct hvt_line {
	char *p;
	size_t len, cap;
	bool short_of; /* memory: something is missing */
};

/* This thread's line, emptied. It is kept between uses and never freed. */
struct hvt_line *hvt_line_start(void);
/* Write it to out, in one call. */
void hvt_line_write(const struct hvt_line *l, FILE *out);

/* Room for n more bytes; false: out of memory, and the line stays as it is. */
bool hvt_line_grow(struct hvt_line *l, size_t n);

static inline bool hvt_line_room(struct hvt_line *l, size_t n)
{
	return __builtin_expect(l->cap - l->len >= n, 1) || hvt_line_grow(l, n);
}

static inline void hvt_line_put(struct hvt_line *l, const void *bytes, size_t n)
{
	if (!n || !hvt_line_room(l, n))
		return;
	memcpy(l->p + l->len, bytes, n);
	l->len += n;
}

/* A string literal. */
#define hvt_line_lit(l, text) hvt_line_put(l, "" text, sizeof(text) - 1)

static inline void hvt_line_char(struct hvt_line *l, char c)
{
	if (hvt_line_room(l, 1))
		l->p[l->len++] = c;
}

static inline void hvt_line_str(struct hvt_line *l, const char *s)
{
	hvt_line_put(l, s, strlen(s));
}

/* Right-aligned in `width` columns. */
void hvt_line_dec_right(struct hvt_line *l, uint64_t v, size_t width);
void hvt_line_dec(struct hvt_line *l, uint64_t v);
void hvt_line_int(struct hvt_line *l, int32_t v);
void hvt_line_hex(struct hvt_line *l, uint64_t v);			 /* 0x1f */
void hvt_line_hexn(struct hvt_line *l, uint64_t v, unsigned int digits); /* 001f, 16 at most */
void hvt_line_bytes(struct hvt_line *l, const uint8_t *bytes, size_t n); /* 00ff12 */

/*
 * How many of the first len bytes are printable ASCII and neither a backslash nor `and`:
 * those go out as they are.
 */
size_t hvt_line_plain(const char *s, size_t len, char and);

/*
 * Pad what was put since `from` to `width` columns with spaces behind it, or before it
 * (right-aligned), as printf's %-*s and %*s do. All that is put is one column a byte.
 */
void hvt_line_pad(struct hvt_line *l, size_t from, size_t width);
void hvt_line_right(struct hvt_line *l, size_t from, size_t width);

#endif
