// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel symbol names to addresses, out of the text of /proc/kallsyms: lines of
 * "address type name[\t[module]]". Making that text is slow for the kernel, so this
 * takes one pass and stops as soon as nothing is missing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kallsyms.h"

/* Longer than any line: KSYM_NAME_LEN is 512. */
#define LINE_MAX_BYTES 4096
#define BLOCK_BYTES    (256u << 10)

static bool parse_addr(const char **at, const char *end, uint64_t *addr)
{
	const char *c = *at;

	*addr = 0;
	for (; c < end && *c != ' '; c++) {
		unsigned int d = (unsigned char)*c;

		if (d >= '0' && d <= '9')
			d -= '0';
		else if (d >= 'a' && d <= 'f')
			d -= 'a' - 10;
		else
			return false;
		if (*addr >> 60)
			return false;
		*addr = *addr << 4 | d;
	}
	if (c == *at || end - c < 4 || c[2] != ' ')
		return false;
	*at = c + 1;
	return true;
}

static void take(struct kallsym *want, uint64_t addr, char type)
{
	/* nm(1): upper case is global; 'u' is a unique global, lower-case v and w undefined. */
	bool global = (type >= 'A' && type <= 'Z') || type == 'u';

	if (want->global || type == 'U' || type == 'w' || type == 'v')
		return;
	if (global) {
		want->found = want->global = true;
		want->addr = addr;
	} else if (!want->found) {
		want->found = true;
		want->locals = 1;
		want->addr = addr;
	} else if (addr != want->addr && (want->locals == 1 || addr != want->other)) {
		want->locals++;
		want->other = addr;
	}
}

/* A line apart: its module's name is what stands in brackets, NULL for none. */
struct line {
	uint64_t addr;
	char type;
	const char *name, *module;
	size_t name_len, module_len;
};

static bool parse_line(const char *text, const char *end, struct line *l)
{
	const char *name = text, *tab;

	memset(l, 0, sizeof(*l));
	if (!parse_addr(&name, end, &l->addr))
		return false;
	l->type = name[0];
	l->name = name + 2;
	tab = memchr(l->name, '\t', (size_t)(end - l->name));
	l->name_len = (size_t)((tab ? tab : end) - l->name);
	if (tab && end - tab > 3 && tab[1] == '[' && end[-1] == ']') {
		l->module = tab + 2;
		l->module_len = (size_t)(end - 1 - l->module);
	}
	return true;
}

/* Calls each() with the lines of fd until it returns false. 0 or a negative errno. */
static int each_line(int fd, bool (*each)(void *ctx, const struct line *l), void *ctx)
{
	struct buf b = { 0 };
	bool more = true;
	struct line l;
	int rc = 0;

	buf_reserve(&b, BLOCK_BYTES);
	while (more) {
		char *line = (char *)b.p, *end, *newline;
		ssize_t got;

		got = read(fd, b.p + b.len, b.cap - b.len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = -errno;
		if (got <= 0)
			break;
		b.len += (size_t)got;
		end = (char *)b.p + b.len;
		while (more && (newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
			if (parse_line(line, newline, &l))
				more = each(ctx, &l);
			line = newline + 1;
		}
		b.len = (size_t)(end - line);
		if (more && b.len > LINE_MAX_BYTES) {
			rc = -EPROTO;
			break;
		}
		memmove(b.p, line, b.len);
	}
	buf_free(&b);
	return rc;
}

struct find {
	struct kallsym *want;
	size_t nr;
};

static bool find_line(void *ctx, const struct line *l)
{
	const struct find *f = ctx;
	bool missing = false;
	size_t i;

	for (i = 0; i < f->nr; i++) {
		struct kallsym *w = &f->want[i];

		if (strlen(w->name) == l->name_len && !memcmp(w->name, l->name, l->name_len))
			take(w, l->addr, l->type);
		missing |= !w->global;
	}
	return missing;
}

int kallsyms_find(int fd, struct kallsym *want, size_t nr)
{
	struct find f = { want, nr };

	return nr ? each_line(fd, find_line, &f) : 0;
}

struct module {
	const char *name;
	uint64_t *first, *last;
};

/* Of code only; in a module's name '-' and '_' are the same. */
static bool module_line(void *ctx, const struct line *l)
{
	const struct module *m = ctx;
	size_t i;

	if (!l->module || !strchr("tTwW", l->type) || strlen(m->name) != l->module_len)
		return true;
	for (i = 0; i < l->module_len; i++) {
		char c = m->name[i] == '-' ? '_' : m->name[i];

		if (c != (l->module[i] == '-' ? '_' : l->module[i]))
			return true;
	}
	if (!*m->first || l->addr < *m->first)
		*m->first = l->addr;
	if (l->addr > *m->last)
		*m->last = l->addr;
	return true;
}

int kallsyms_module(int fd, const char *name, uint64_t *first, uint64_t *last)
{
	struct module m = { name, first, last };

	*first = *last = 0;
	return each_line(fd, module_line, &m);
}
