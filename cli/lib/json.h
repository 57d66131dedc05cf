/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A JSON writer: one object a line, no state but "was there a member before". Keys are
 * literals of the program, values may be hostile bytes: invalid UTF-8 becomes U+FFFD,
 * all but printable ASCII is \u-escaped.
 */
#ifndef HVT_LIB_JSON_H
#define HVT_LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct hvt_line;

struct hvt_json {
	FILE *out;
	struct hvt_line *line; /* of this thread: one object at a time */
	bool comma;
};

void hvt_json_begin(struct hvt_json *j, FILE *out);			/* { */
void hvt_json_end(struct hvt_json *j);					/* } and newline */
void hvt_json_str(struct hvt_json *j, const char *key, const char *s);	/* NULL: null */
void hvt_json_u64(struct hvt_json *j, const char *key, uint64_t v);	/* a number */
void hvt_json_micros(struct hvt_json *j, const char *key, uint64_t ns); /* 1.000 */
void hvt_json_hex(struct hvt_json *j, const char *key, uint64_t v);	/* "0x..." */
void hvt_json_bool(struct hvt_json *j, const char *key, bool v);
void hvt_json_null(struct hvt_json *j, const char *key);
/* "00ff12": len bytes in memory order */
void hvt_json_bytes(struct hvt_json *j, const char *key, const uint8_t *bytes, size_t len);
/* A nested object: members until the next hvt_json_close(). */
void hvt_json_open(struct hvt_json *j, const char *key);
void hvt_json_close(struct hvt_json *j);

/* s as it stands between the quotes. */
void hvt_json_escape(struct hvt_line *l, const char *s, size_t len);
/* s with quotes, by itself. */
void hvt_json_quote(FILE *out, const char *s, size_t len);

#endif
