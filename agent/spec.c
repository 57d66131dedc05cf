// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses what a user wrote for "this memory". Text and numbers only; nothing here
 * looks at the machine.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include <hvtrace/uapi.h>

#include "agent.h"
#include "spec.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

bool number_parse(const char *text, uint64_t *value)
{
	uint64_t v = 0;
	int base = 10;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return false;
	for (; *text; text++) {
		int d = digit_value(*text);

		if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*value = v;
	return true;
}

static int bad_spec(const char *text, const char *why)
{
	return complain(AGENT_USAGE, "%s: %s; try: 0xADDR, SYMBOL, SYMBOL+8 or SYMBOL,16", text,
			why);
}

/* "OBJECT:rest": paths and C++ libraries may hold ':', '+' and ','; symbols do not. */
static int take_object(const char *text, struct spec *spec, const char **rest)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	*rest = text;
	if (!colon)
		return AGENT_OK;
	len = (size_t)(colon - text);
	if (!len || len >= sizeof(spec->object))
		return bad_spec(text, "no object name before the ':'");
	memcpy(spec->object, text, len);
	spec->object[len] = '\0';
	*rest = colon + 1;
	if (!strcmp(spec->object, "kernel")) {
		spec->kernel = true;
		spec->object[0] = '\0';
	}
	return AGENT_OK;
}

static int take_base(const char *text, const char *base, struct spec *spec)
{
	const char *c;

	if (!*base)
		return bad_spec(text, "no address or symbol");
	if (isdigit((unsigned char)*base)) {
		if (spec->object[0])
			return bad_spec(text, "an address belongs to no object");
		if (!number_parse(base, &spec->addr))
			return bad_spec(text, "not a 64-bit number");
		return AGENT_OK;
	}
	for (c = base; *c; c++) {
		if (!isgraph((unsigned char)*c) && !((unsigned char)*c & 0x80))
			return bad_spec(text, "not a symbol name");
	}
	if (*base == '-')
		return bad_spec(text, "not a symbol name");
	strcpy(spec->sym, base);
	return AGENT_OK;
}

/* "BASE[+OFF][,LEN]": off and len taken, the base left in work. */
static int take_numbers(const char *text, const char *rest, char work[SPEC_NAME_MAX],
			struct spec *spec)
{
	char *comma, *plus;

	if (strlen(rest) >= SPEC_NAME_MAX)
		return complain(AGENT_USAGE, "%.40s...: a name of %zu bytes; try: at most %d", text,
				strlen(rest), SPEC_NAME_MAX - 1);
	strcpy(work, rest);

	comma = strchr(work, ',');
	if (comma) {
		*comma = '\0';
		if (!number_parse(comma + 1, &spec->len))
			return bad_spec(text, "the length is not a 64-bit number");
		if (!spec->len || spec->len > HVT_WATCH_MAX)
			return complain(AGENT_USAGE, "%s: length %s; try: 1 to %llu bytes", text,
					comma + 1, HVT_WATCH_MAX);
	}
	plus = strchr(work, '+');
	if (plus) {
		*plus = '\0';
		if (!number_parse(plus + 1, &spec->off))
			return bad_spec(text, "the offset is not a 64-bit number");
	}
	return AGENT_OK;
}

int spec_parse_physical(const char *text, struct spec *spec)
{
	char work[SPEC_NAME_MAX];
	uint64_t end;
	int rc;

	memset(spec, 0, sizeof(*spec));
	rc = take_numbers(text, text, work, spec);
	if (rc)
		return rc;
	if (!number_parse(work, &spec->addr))
		return complain(AGENT_USAGE,
				"--phys %s: not a number; try: --phys 0xfed00000,0x400, as in "
				"/proc/iomem",
				text);
	if (__builtin_add_overflow(spec->addr, spec->off, &spec->addr) ||
	    __builtin_add_overflow(spec->addr, spec->len ? spec->len : 8, &end) ||
	    end > PHYSICAL_END)
		return complain(AGENT_USAGE, "--phys %s: not physical addresses; try: below 0x%llx",
				text, PHYSICAL_END);
	spec->off = 0;
	return AGENT_OK;
}

int spec_parse(const char *text, struct spec *spec)
{
	char work[SPEC_NAME_MAX];
	const char *rest;
	int rc;

	memset(spec, 0, sizeof(*spec));
	rc = take_object(text, spec, &rest);
	if (rc == AGENT_OK)
		rc = take_numbers(text, rest, work, spec);
	if (rc)
		return rc;
	rc = take_base(text, work, spec);
	if (rc || spec->sym[0])
		return rc;

	if (__builtin_add_overflow(spec->addr, spec->off, &spec->addr))
		return bad_spec(text, "the address wraps around");
	spec->off = 0;
	if (spec->addr >= KERNEL_START)
		spec->kernel = true;
	else if (spec->kernel)
		return complain(AGENT_USAGE, "%s: not a kernel address; try: -p PID 0x%llx", text,
				(unsigned long long)spec->addr);
	return range_check(text, spec->addr, spec->len ? spec->len : 8);
}

int access_parse(const char *text, uint32_t *access)
{
	const char *c;

	*access = 0;
	for (c = text; *c; c++) {
		switch (*c) {
		case 'r':
			*access |= HVT_ACC_R;
			break;
		case 'w':
			*access |= HVT_ACC_W;
			break;
		case 'x':
			*access |= HVT_ACC_X;
			break;
		default:
			*access = 0;
			return complain(AGENT_USAGE,
					"--access %s: not an access; try: a combination "
					"of r, w and x",
					text);
		}
	}
	if (!*access)
		return complain(AGENT_USAGE, "--access: empty; try: a combination of r, w and x");
	return AGENT_OK;
}

int range_check(const char *text, uint64_t addr, uint64_t len)
{
	uint64_t last;

	if (!len || len > HVT_WATCH_MAX)
		return complain(AGENT_USAGE, "%s: length %llu; try: 1 to %llu bytes", text,
				(unsigned long long)len, HVT_WATCH_MAX);
	if (addr >= USER_END && addr < KERNEL_START)
		return complain(AGENT_USAGE,
				"%s: not a canonical address; try: below 0x%llx or from "
				"0x%llx",
				text, USER_END, KERNEL_START);
	if (__builtin_add_overflow(addr, len - 1, &last) || (addr < USER_END && last >= USER_END))
		return complain(AGENT_USAGE,
				"%s: the range ends outside of the address space; "
				"try: a smaller length",
				text);
	return AGENT_OK;
}
