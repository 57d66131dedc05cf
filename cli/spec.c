/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user may write for "this memory": ADDR|SYM[+OFF][,LEN], with SYM optionally
 * kernel:SYM or OBJECT:SYM. Text and numbers only; the agent looks names up.
 */
#include <ctype.h>
#include <string.h>

#include <hvtrace/uapi.h>

#include "watch.h"

#define USER_LAST    0x00007fffffffffffull /* 4-level paging: the canonical halves */
#define KERNEL_FIRST 0xffff800000000000ull

_Static_assert(HVT_WATCH_MAX == 0x10000000, "the message below names the limit");

/* 0x hex or decimal from text[0..len), all of it; no sign, no overflow. */
static bool number(const char *text, size_t len, uint64_t *value)
{
	unsigned int base = 10, digit;
	uint64_t v = 0;
	size_t i = 0;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (i == len)
		return false;
	for (; i < len; i++) {
		if (isdigit((unsigned char)text[i]))
			digit = (unsigned int)(text[i] - '0');
		else if (isxdigit((unsigned char)text[i]))
			digit = (unsigned int)(tolower((unsigned char)text[i]) - 'a') + 10;
		else
			return false;
		if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*value = v;
	return true;
}

bool hvt_number(const char *text, uint64_t max, uint64_t *value)
{
	return isdigit((unsigned char)*text) && number(text, strlen(text), value) && *value >= 1 &&
	       *value <= max;
}

const char *hvt_access_check(const char *letters)
{
	if (!*letters || strspn(letters, "rwx") != strlen(letters))
		return "not a combination of r, w and x; try: -a rw";
	return NULL;
}

/* Is [addr, addr + len) inside one canonical half? */
static const char *range_check(struct hvt_spec *spec)
{
	uint64_t last;

	if (spec->symbol[0])
		return NULL;
	if (__builtin_add_overflow(spec->addr, (spec->len ? spec->len : 1) - 1, &last))
		return "the range wraps around; try: a smaller length";
	if (spec->addr > USER_LAST && spec->addr < KERNEL_FIRST)
		return "not a canonical address; try: below 0x800000000000 for a process, from "
		       "0xffff800000000000 on for the kernel";
	if (spec->addr <= USER_LAST && last > USER_LAST)
		return "the range leaves the user half; try: a smaller length";
	spec->kernel = spec->addr >= KERNEL_FIRST;
	return NULL;
}

static const char *symbol_check(const char *name, size_t len)
{
	size_t i;

	if (!len || name[0] == '-')
		return "no address or symbol; try: 0xADDR, SYMBOL, SYMBOL+8 or SYMBOL,16";
	for (i = 0; i < len; i++)
		if (!isgraph((unsigned char)name[i]) && !((unsigned char)name[i] & 0x80))
			return "not a symbol name; try: 0xADDR, SYMBOL, SYMBOL+8 or SYMBOL,16";
	return NULL;
}

bool hvt_spec_library(const char *text, struct hvt_spec *spec)
{
	if (strchr(text, ':'))
		return !hvt_spec_parse(text, spec) && !spec->kernel;
	memset(spec, 0, sizeof(*spec));
	if (!strstr(text, ".so") || strlen(text) >= sizeof(spec->object))
		return false;
	spec->text = text;
	strcpy(spec->object, text);
	return true;
}

const char *hvt_spec_parse(const char *text, struct hvt_spec *spec)
{
	const char *rest = text, *colon, *comma, *plus, *end, *why;
	uint64_t off = 0;
	size_t len;

	memset(spec, 0, sizeof(*spec));
	spec->text = text;
	/* paths may hold ',' and '+': only what is behind the last colon is cut up */
	colon = strrchr(text, ':');
	if (colon) {
		len = (size_t)(colon - text);
		if (!len)
			return "nothing before the colon; try: kernel:SYMBOL or OBJECT:SYMBOL";
		if (len >= sizeof(spec->object))
			return "the object's name is too long; try: its base name";
		memcpy(spec->object, text, len);
		spec->kernel = !strcmp(spec->object, "kernel");
		rest = colon + 1;
	}
	end = rest + strlen(rest);
	comma = strchr(rest, ',');
	if (comma) {
		if (!number(comma + 1, (size_t)(end - comma - 1), &spec->len))
			return "the length is not a number; try: SYMBOL,16 or 0xADDR,0x10";
		if (!spec->len)
			return "the length is 0; try: 1 or more bytes";
		if (spec->len > HVT_WATCH_MAX)
			return "the length is absurd; try: at most 256 MiB (0x10000000)";
		end = comma;
	}
	plus = memchr(rest, '+', (size_t)(end - rest));
	if (plus) {
		if (!number(plus + 1, (size_t)(end - plus - 1), &off))
			return "the offset is not a number; try: SYMBOL+8 or SYMBOL+0x10";
		end = plus;
	}
	len = (size_t)(end - rest);
	if (len && isdigit((unsigned char)*rest)) {
		if (spec->object[0])
			return "an address belongs to no object; try: the address alone";
		if (!number(rest, len, &spec->addr))
			return "not a 64-bit number; try: 0x and hexadecimal digits, or decimal";
		if (__builtin_add_overflow(spec->addr, off, &spec->addr))
			return "the offset wraps around; try: a smaller one";
		return range_check(spec);
	}
	why = symbol_check(rest, len);
	if (why)
		return why;
	if (len >= sizeof(spec->symbol))
		return "the symbol's name is too long; try: at most 511 bytes";
	memcpy(spec->symbol, rest, len);
	spec->addr = off;
	return NULL;
}
