/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One output line in memory: what text and JSON are put together in before they are
 * written at once. printf() took nine tenths of the time of printing an event.
 */
#ifndef HVT_LIB_LINE_H
#define HVT_LIB_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct hvt_line {
	char *p;
	size_t len, cap;
};

/* This thread's line, emptied. It is kept between uses and never freed. */
struct hvt_line *hvt_line_start(void);
/* Write it to out, in one call. */
void hvt_line_write(const struct hvt_line *l, FILE *out);

void hvt_line_put(struct hvt_line *l, const void *bytes, size_t n);
void hvt_line_char(struct hvt_line *l, char c);
void hvt_line_str(struct hvt_line *l, const char *s);
void hvt_line_dec(struct hvt_line *l, uint64_t v);
void hvt_line_hex(struct hvt_line *l, uint64_t v); /* 0x1f */
void hvt_line_hexn(struct hvt_line *l, uint64_t v, int digits);
void hvt_line_bytes(struct hvt_line *l, const uint8_t *bytes, size_t n); /* 00ff12 */

/*
 * Pad what was put since `from` to `width` columns with spaces behind it, or before it
 * (right-aligned), as printf's %-*s and %*s do. All that is put is one column a byte.
 */
void hvt_line_pad(struct hvt_line *l, size_t from, size_t width);
void hvt_line_right(struct hvt_line *l, size_t from, size_t width);

#endif
