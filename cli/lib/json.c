/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The JSON writer's implementation. UTF-8 is decoded by the table of RFC 3629 section 4,
 * so that overlong forms, surrogates and values above U+10FFFF are invalid.
 */
#include "json.h"

#include <string.h>

#include "line.h"

#define BAD 0xfffdu

/* Decode one code point of s[0..len); *used bytes are consumed (at least 1). */
static uint32_t utf8_next(const uint8_t *s, size_t len, size_t *used)
{
	uint32_t cp;
	size_t need, i;
	uint8_t lo = 0x80, hi = 0xbf;

	*used = 1;
	if (s[0] < 0x80)
		return s[0];
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		need = 1;
		cp = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		need = 2;
		cp = s[0] & 0x0f;
		if (s[0] == 0xe0)
			lo = 0xa0;
		if (s[0] == 0xed)
			hi = 0x9f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		need = 3;
		cp = s[0] & 0x07;
		if (s[0] == 0xf0)
			lo = 0x90;
		if (s[0] == 0xf4)
			hi = 0x8f;
	} else {
		return BAD;
	}
	for (i = 1; i <= need; i++) {
		if (i >= len || s[i] < lo || s[i] > hi)
			return BAD;
		cp = cp << 6 | (s[i] & 0x3f);
		lo = 0x80;
		hi = 0xbf;
		*used = i + 1;
	}
	return cp;
}

static void unit(struct hvt_line *l, uint32_t u)
{
	hvt_line_put(l, "\\u", 2);
	hvt_line_hexn(l, u, 4);
}

void hvt_json_escape(struct hvt_line *l, const char *str, size_t len)
{
	const uint8_t *s = (const uint8_t *)str;
	size_t used, plain;
	uint32_t cp;

	while (len) {
		plain = hvt_line_plain((const char *)s, len, '"');
		hvt_line_put(l, s, plain);
		s += plain;
		len -= plain;
		if (!len)
			return;
		cp = utf8_next(s, len, &used);
		if (cp == '"' || cp == '\\') {
			hvt_line_char(l, '\\');
			hvt_line_char(l, (char)cp);
		} else if (cp < 0x10000) {
			unit(l, cp);
		} else {
			unit(l, 0xd800 + ((cp - 0x10000) >> 10));
			unit(l, 0xdc00 + ((cp - 0x10000) & 0x3ff));
		}
		/* a bad sequence is replaced as far as it was well-formed */
		s += used;
		len -= used;
	}
}

static void quoted(struct hvt_line *l, const char *s, size_t len)
{
	hvt_line_char(l, '"');
	hvt_json_escape(l, s, len);
	hvt_line_char(l, '"');
}

void hvt_json_quote(FILE *out, const char *s, size_t len)
{
	struct hvt_line *l = hvt_line_start();

	quoted(l, s, len);
	hvt_line_write(l, out);
}

static struct hvt_line *key_out(struct hvt_json *j, const char *key)
{
	if (j->comma)
		hvt_line_char(j->line, ',');
	j->comma = true;
	hvt_line_char(j->line, '"');
	hvt_line_str(j->line, key);
	hvt_line_put(j->line, "\":", 2);
	return j->line;
}

void hvt_json_begin(struct hvt_json *j, FILE *out)
{
	j->out = out;
	j->line = hvt_line_start();
	j->comma = false;
	hvt_line_char(j->line, '{');
}

void hvt_json_end(struct hvt_json *j)
{
	hvt_line_put(j->line, "}\n", 2);
	hvt_line_write(j->line, j->out);
}

void hvt_json_open(struct hvt_json *j, const char *key)
{
	hvt_line_char(key_out(j, key), '{');
	j->comma = false;
}

void hvt_json_close(struct hvt_json *j)
{
	hvt_line_char(j->line, '}');
	j->comma = true;
}

void hvt_json_str(struct hvt_json *j, const char *key, const char *s)
{
	struct hvt_line *l = key_out(j, key);

	if (s)
		quoted(l, s, strlen(s));
	else
		hvt_line_put(l, "null", 4);
}

void hvt_json_u64(struct hvt_json *j, const char *key, uint64_t v)
{
	hvt_line_dec(key_out(j, key), v);
}

void hvt_json_micros(struct hvt_json *j, const char *key, uint64_t ns)
{
	struct hvt_line *l = key_out(j, key);

	hvt_line_dec(l, ns / 1000);
	hvt_line_char(l, '.');
	hvt_line_char(l, (char)('0' + ns / 100 % 10));
	hvt_line_char(l, (char)('0' + ns / 10 % 10));
	hvt_line_char(l, (char)('0' + ns % 10));
}

void hvt_json_hex(struct hvt_json *j, const char *key, uint64_t v)
{
	struct hvt_line *l = key_out(j, key);

	hvt_line_char(l, '"');
	hvt_line_hex(l, v);
	hvt_line_char(l, '"');
}

void hvt_json_bool(struct hvt_json *j, const char *key, bool v)
{
	hvt_line_str(key_out(j, key), v ? "true" : "false");
}

void hvt_json_null(struct hvt_json *j, const char *key)
{
	hvt_line_put(key_out(j, key), "null", 4);
}

void hvt_json_bytes(struct hvt_json *j, const char *key, const uint8_t *bytes, size_t len)
{
	struct hvt_line *l = key_out(j, key);

	hvt_line_char(l, '"');
	hvt_line_bytes(l, bytes, len);
	hvt_line_char(l, '"');
}
