/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Lines in memory: see line.h. Out of memory cuts the line short, never the program. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

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

static int room(struct hvt_line *l, size_t n)
{
	size_t cap = l->cap ? l->cap : 1024;
	char *p;

	if (l->cap - l->len >= n)
		return 1;
	while (cap - l->len < n)
		cap *= 2;
	p = realloc(l->p, cap);
	if (!p)
		return 0;
	l->p = p;
	l->cap = cap;
	return 1;
}

void hvt_line_put(struct hvt_line *l, const void *bytes, size_t n)
{
	if (!n || !room(l, n))
		return;
	memcpy(l->p + l->len, bytes, n);
	l->len += n;
}

void hvt_line_char(struct hvt_line *l, char c)
{
	if (room(l, 1))
		l->p[l->len++] = c;
}

void hvt_line_str(struct hvt_line *l, const char *s)
{
	hvt_line_put(l, s, strlen(s));
}

void hvt_line_dec(struct hvt_line *l, uint64_t v)
{
	char buf[20], *p = buf + sizeof(buf);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	hvt_line_put(l, p, (size_t)(buf + sizeof(buf) - p));
}

void hvt_line_hexn(struct hvt_line *l, uint64_t v, int digits)
{
	static const char hex[] = "0123456789abcdef";

	if (!room(l, (size_t)digits))
		return;
	while (digits)
		l->p[l->len++] = hex[v >> 4 * --digits & 15];
}

void hvt_line_hex(struct hvt_line *l, uint64_t v)
{
	int digits = 1;

	while (digits < 16 && v >> 4 * digits)
		digits++;
	hvt_line_put(l, "0x", 2);
	hvt_line_hexn(l, v, digits);
}

void hvt_line_bytes(struct hvt_line *l, const uint8_t *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		hvt_line_hexn(l, bytes[i], 2);
}

void hvt_line_pad(struct hvt_line *l, size_t from, size_t width)
{
	size_t used = l->len - from;

	if (used >= width || !room(l, width - used))
		return;
	memset(l->p + l->len, ' ', width - used);
	l->len += width - used;
}

void hvt_line_right(struct hvt_line *l, size_t from, size_t width)
{
	size_t used = l->len - from;

	if (used >= width || !room(l, width - used))
		return;
	memmove(l->p + from + width - used, l->p + from, used);
	memset(l->p + from, ' ', width - used);
	l->len += width - used;
}
