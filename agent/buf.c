// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing byte buffers, JSON text in them, and whole-file reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "buf.h"

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		exit(complain(AGENT_ERROR, "agent: out of memory; try: fewer --ring-slots"));
	return p;
}

void *xzalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		exit(complain(AGENT_ERROR, "agent: out of memory; try: fewer --ring-slots"));
	return p;
}

char *xstrndup(const char *s, size_t len)
{
	char *copy = xrealloc(NULL, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->cap - b->len >= more)
		return;
	while (cap - b->len < more)
		cap *= 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
	if (!len)
		return;
	buf_reserve(b, len);
	memcpy(b->p + b->len, bytes, len);
	b->len += len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len <= 0)
		return;
	buf_reserve(b, (size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

/* Length of the UTF-8 sequence at s (Unicode 15, table 3-7), 0 when it is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t len, i;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

void buf_json(struct buf *b, const char *s)
{
	const unsigned char *at = (const unsigned char *)s;

	buf_put(b, "\"", 1);
	while (*at) {
		size_t len = 1;

		if (*at == '"' || *at == '\\') {
			buf_put(b, "\\", 1);
			buf_put(b, at, 1);
		} else if (*at < ' ' || *at == 0x7f) {
			buf_printf(b, "\\u%04x", *at);
		} else if (*at < 0x80) {
			buf_put(b, at, 1);
		} else if ((len = utf8_len(at)) != 0) {
			buf_put(b, at, len);
		} else {
			buf_puts(b, "\\ufffd");
			len = 1;
		}
		at += len;
	}
	buf_put(b, "\"", 1);
}

void buf_free(struct buf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

int buf_read_fd(struct buf *b, int fd, size_t max)
{
	size_t start = b->len;

	for (;;) {
		ssize_t got;

		/* The kernel fills /proc reads a page at a time; bigger costs nothing. */
		buf_reserve(b, 65536);
		got = read(fd, b->p + b->len, b->cap - b->len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		b->len += (size_t)got;
		b->p[b->len] = '\0';
		if (b->len - start > max)
			return -EFBIG;
		if (got == 0)
			return 0;
	}
}

int buf_read_file(struct buf *b, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return -errno;
	rc = buf_read_fd(b, fd, max);
	close(fd);
	return rc;
}
