/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a log's bytes back section by section, checking everything that log.h promises
 * of the structure. An implementation apart from the reader library on purpose.
 */
#ifndef TEST_AGENT_LOG_H
#define TEST_AGENT_LOG_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#include "buf.h"

struct walk {
	const uint8_t *p, *end, *head; /* head: where s is */
	struct hvt_section s;	       /* len is that of the payload decompressed */
	const uint8_t *payload;
	uint8_t plain[1u << 22];
};

static inline void walk_start(struct walk *w, const struct buf *b, bool header)
{
	struct hvt_log_header h;

	memset(w, 0, sizeof(*w));
	w->p = b->p;
	w->end = b->p + b->len;
	if (!header)
		return;
	assert_true(b->len >= sizeof(h));
	memcpy(&h, b->p, sizeof(h));
	assert_memory_equal(h.magic, HVT_LOG_MAGIC, 8);
	assert_int_equal(h.version, HVT_LOG_VERSION);
	assert_int_equal(h.header_len, sizeof(h));
	assert_int_equal(h.abi, HVT_ABI);
	assert_int_equal(h.crc, crc32(0, b->p, offsetof(struct hvt_log_header, crc)));
	w->p += sizeof(h);
}

/* The next section, or 0 at the very end. */
static inline int walk_next(struct walk *w)
{
	uint64_t padded, i;

	if (w->p == w->end)
		return 0;
	assert_true((size_t)(w->end - w->p) >= sizeof(w->s));
	w->head = w->p;
	memcpy(&w->s, w->p, sizeof(w->s));
	assert_int_equal(w->s.hcrc, crc32(0, w->p, offsetof(struct hvt_section, hcrc)));
	w->payload = w->p + sizeof(w->s);
	padded = (w->s.len + 7) / 8 * 8;
	assert_true((size_t)(w->end - w->payload) >= padded);
	assert_int_equal(w->s.crc, crc32(0, w->payload, (uInt)w->s.len));
	for (i = w->s.len; i < padded; i++)
		assert_int_equal(w->payload[i], 0);
	w->p = w->payload + padded;
	if (w->s.codec == HVT_CODEC_PLAIN) {
		assert_int_equal(w->s.raw_len, w->s.len);
		return (int)w->s.type;
	}
	assert_int_equal(w->s.codec, HVT_CODEC_ZSTD);
	assert_int_equal(ZSTD_decompress(w->plain, sizeof(w->plain), w->payload, w->s.len),
			 w->s.raw_len);
	w->payload = w->plain;
	w->s.len = w->s.raw_len;
	return (int)w->s.type;
}

static inline void expect_section(struct walk *w, int type)
{
	assert_int_equal(walk_next(w), type);
}

/* All of a file that the writer wrote. */
static inline void reread(int fd, struct buf *b)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(b, fd, 1u << 30), 0);
}

static inline int temp_file(void)
{
	char path[] = "/tmp/hvtrace-log-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static int lookups; /* how often fake_lookup() was asked */

/* Symbols of 0x100 bytes at each 0x1000 of the image; nothing else has a name. */
static inline int fake_lookup(void *ctx, struct hvt_ksym *sym)
{
	(void)ctx;
	lookups++;
	if (sym->addr % 0x1000 >= 0x100)
		return -ENOENT;
	sym->start = sym->addr & ~0xfffull;
	sym->len = 0x100;
	snprintf(sym->name, sizeof(sym->name), "sym_%llx", (unsigned long long)sym->start);
	strcpy(sym->module, "mod");
	return 0;
}

#endif
