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

static void parse_line(const char *line, const char *end, struct kallsym *want, size_t nr)
{
	const char *name = line, *name_end;
	uint64_t addr;
	size_t i;

	if (!parse_addr(&name, end, &addr))
		return;
	name += 2;
	name_end = memchr(name, '\t', (size_t)(end - name));
	if (!name_end)
		name_end = end;
	for (i = 0; i < nr; i++) {
		size_t len = strlen(want[i].name);

		if (len == (size_t)(name_end - name) && !memcmp(name, want[i].name, len))
			take(&want[i], addr, name[-2]);
	}
}

static bool all_final(const struct kallsym *want, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!want[i].global)
			return false;
	}
	return true;
}

int kallsyms_find(int fd, struct kallsym *want, size_t nr)
{
	struct buf b = { 0 };
	int rc = 0;

	buf_reserve(&b, BLOCK_BYTES);
	while (!all_final(want, nr)) {
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
		while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
			parse_line(line, newline, want, nr);
			line = newline + 1;
		}
		b.len = (size_t)(end - line);
		if (b.len > LINE_MAX_BYTES && !all_final(want, nr)) {
			rc = -EPROTO;
			break;
		}
		memmove(b.p, line, b.len);
	}
	buf_free(&b);
	return rc;
}
