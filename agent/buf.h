/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Growing byte buffers, JSON text in them, and whole-file reads. Running out of
 * memory ends the program: closing the device disarms everything.
 */
#ifndef AGENT_BUF_H
#define AGENT_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *p;
	size_t len, cap;
};

void *xrealloc(void *old, size_t size);
/* Zeros, of which none is in memory before it is used when they are many. */
void *xzalloc(size_t size);
char *xstrndup(const char *s, size_t len);

/* Makes room for more bytes after len; does not change len. */
void buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s in double quotes, escaped; bytes that are not ASCII become U+FFFD unless valid UTF-8. */
void buf_json(struct buf *b, const char *s);
void buf_free(struct buf *b);

/*
 * Appends all of a file, at most max bytes, and a NUL that len does not count.
 * Returns 0 or a negative errno; -EFBIG when there is more than max.
 */
int buf_read_fd(struct buf *b, int fd, size_t max);
int buf_read_file(struct buf *b, const char *path, size_t max);

#endif
