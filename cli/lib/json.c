/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The JSON writer's implementation. UTF-8 is decoded by the table of RFC 3629 section 4,
 * so that overlong forms, surrogates and values above U+10FFFF are invalid.
 */
#include "json.h"

#include <inttypes.h>
#include <string.h>

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

/* s as it stands between the quotes */
static void escaped(FILE *out, const char *str, size_t len)
{
	const uint8_t *s = (const uint8_t *)str;
	size_t used;
	uint32_t cp;

	while (len) {
		cp = utf8_next(s, len, &used);
		if (cp == '"' || cp == '\\')
			fprintf(out, "\\%c", (char)cp);
		else if (cp >= 0x20 && cp < 0x7f)
			fputc((int)cp, out);
		else if (cp < 0x10000)
			fprintf(out, "\\u%04" PRIx32, cp);
		else
			fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32,
				0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + ((cp - 0x10000) & 0x3ff));
		/* a bad sequence is replaced as far as it was well-formed */
		s += used;
		len -= used;
	}
}

void hvt_json_quote(FILE *out, const char *s, size_t len)
{
	fputc('"', out);
	escaped(out, s, len);
	fputc('"', out);
}

static void key_out(struct hvt_json *j, const char *key)
{
	fprintf(j->out, "%s\"%s\":", j->comma ? "," : "", key);
	j->comma = true;
}

void hvt_json_begin(struct hvt_json *j, FILE *out)
{
	j->out = out;
	j->comma = false;
	fputc('{', out);
}

void hvt_json_end(struct hvt_json *j)
{
	fputs("}\n", j->out);
}

void hvt_json_open(struct hvt_json *j, const char *key)
{
	key_out(j, key);
	fputc('{', j->out);
	j->comma = false;
}

void hvt_json_close(struct hvt_json *j)
{
	fputc('}', j->out);
	j->comma = true;
}

void hvt_json_str(struct hvt_json *j, const char *key, const char *s)
{
	if (!s) {
		hvt_json_null(j, key);
		return;
	}
	key_out(j, key);
	hvt_json_quote(j->out, s, strlen(s));
}

void hvt_json_str2(struct hvt_json *j, const char *key, const char *a, const char *b)
{
	key_out(j, key);
	fputc('"', j->out);
	escaped(j->out, a, strlen(a));
	escaped(j->out, b, strlen(b));
	fputc('"', j->out);
}

void hvt_json_u64(struct hvt_json *j, const char *key, uint64_t v)
{
	key_out(j, key);
	fprintf(j->out, "%" PRIu64, v);
}

void hvt_json_hex(struct hvt_json *j, const char *key, uint64_t v)
{
	key_out(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", v);
}

void hvt_json_bool(struct hvt_json *j, const char *key, bool v)
{
	key_out(j, key);
	fputs(v ? "true" : "false", j->out);
}

void hvt_json_null(struct hvt_json *j, const char *key)
{
	key_out(j, key);
	fputs("null", j->out);
}

void hvt_json_bytes(struct hvt_json *j, const char *key, const uint8_t *bytes, size_t len)
{
	size_t i;

	key_out(j, key);
	fputc('"', j->out);
	for (i = 0; i < len; i++)
		fprintf(j->out, "%02x", bytes[i]);
	fputc('"', j->out);
}

void hvt_json_u32s(struct hvt_json *j, const char *key, const uint32_t *v, size_t n)
{
	size_t i;

	key_out(j, key);
	fputc('[', j->out);
	for (i = 0; i < n; i++)
		fprintf(j->out, "%s%" PRIu32, i ? "," : "", v[i]);
	fputc(']', j->out);
}
