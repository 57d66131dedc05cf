// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values into few bytes: zstd, and the encodings of a column (log.h).
 */
#include <string.h>

#include <zstd.h>

#include "encode.h"

/* The thread that compresses empties the rings, and columns leave higher levels little. */
#define LEVEL 1

bool compress_to(struct buf *b, const void *bytes, size_t len)
{
	static ZSTD_CCtx *ctx; /* kept: setting its tables up costs more than a column */
	size_t room = ZSTD_compressBound(len), n;

	if (!ctx)
		ctx = ZSTD_createCCtx();
	if (!ctx)
		return false;
	buf_reserve(b, room);
	n = ZSTD_compressCCtx(ctx, b->p + b->len, room, bytes, len, LEVEL);
	if (ZSTD_isError(n) || n >= len)
		return false;
	b->len += n;
	return true;
}

/* Inlined with a known width: this and zstd are where the time goes. */
static inline void scatter(uint8_t *out, uint64_t v, uint32_t count, uint32_t width)
{
	uint32_t b;

	for (b = 0; b < width; b++)
		out[(size_t)b * count] = (uint8_t)(v >> 8 * b);
}

static inline void planes(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	uint64_t v = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		memcpy(&v, in + (size_t)i * width, width);
		scatter(out + i, v, count, width);
	}
}

static void to_planes(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	switch (width) {
	case 2:
		planes(out, in, count, 2);
		break;
	case 4:
		planes(out, in, count, 4);
		break;
	default:
		planes(out, in, count, 8);
	}
}

/* The differences, small ones of both signs as small numbers, in planes. */
static void to_delta(uint8_t *out, const uint8_t *in, uint32_t count)
{
	uint64_t last = 0, value, d;
	uint32_t i;

	for (i = 0; i < count; i++) {
		memcpy(&value, in + (size_t)i * 8, 8);
		d = value - last;
		last = value;
		scatter(out + i, d << 1 ^ -(d >> 63), count, 8);
	}
}

void encode_column(struct buf *b, struct hvt_log_column *column, const void *elements)
{
	static struct buf scratch;
	size_t width = column->width, len = width * column->count;
	const uint8_t *p = elements;

	if (column->count && !memcmp(p, p + width, len - width)) {
		column->encoding = HVT_ENC_CONST;
		len = width;
	} else if (column->encoding != HVT_ENC_PLAIN) {
		scratch.len = 0;
		buf_reserve(&scratch, len);
		if (column->encoding == HVT_ENC_DELTA)
			to_delta(scratch.p, p, column->count);
		else
			to_planes(scratch.p, p, column->count, column->width);
		p = scratch.p;
	}
	column->codec = HVT_CODEC_ZSTD;
	column->len = (uint32_t)b->len;
	if (column->encoding == HVT_ENC_CONST || !compress_to(b, p, len)) {
		column->codec = HVT_CODEC_PLAIN;
		buf_put(b, p, len);
	}
	column->len = (uint32_t)b->len - column->len;
}
