/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a log's bytes back section by section, checking everything that log.h promises
 * of the structure. An implementation apart from the reader library on purpose.
 */
#ifndef TEST_AGENT_LOG_H
#define TEST_AGENT_LOG_H

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#include "buf.h"

struct walk {
	const uint8_t *p, *end;
	struct hvt_section s;
	const uint8_t *payload;
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
	memcpy(&w->s, w->p, sizeof(w->s));
	assert_int_equal(w->s.hcrc, crc32(0, w->p, offsetof(struct hvt_section, hcrc)));
	assert_int_equal(w->s.codec, 0);
	w->payload = w->p + sizeof(w->s);
	padded = (w->s.len + 7) / 8 * 8;
	assert_true((size_t)(w->end - w->payload) >= padded);
	assert_int_equal(w->s.crc, crc32(0, w->payload, (uInt)w->s.len));
	for (i = w->s.len; i < padded; i++)
		assert_int_equal(w->payload[i], 0);
	w->p = w->payload + padded;
	return (int)w->s.type;
}

static inline void expect_section(struct walk *w, int type)
{
	assert_int_equal(walk_next(w), type);
}

#endif
