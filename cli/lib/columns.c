/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Columns out of the payload of an EVENTS section. Opening one checks everything that can
 * be checked without decompressing: after it no count is beyond what log.h allows, and
 * the columns of a table agree. Decoding checks the rest of each column.
 */
#include "columns.h"

#include <emmintrin.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static const struct field {
	uint16_t id, width;
	bool bytes;
} fields[HVT_COLUMNS] = {
#define FIELD(name, table, number, width, type, label) { HVT_FIELD_##name, width, type[0] == 'b' },
	HVT_FIELDS(FIELD)
#undef FIELD
};

/* How many bytes the codec is to give. */
static size_t coded_len(const struct hvt_log_column *h)
{
	return (size_t)h->width * (h->encoding == HVT_ENC_CONST ? 1 : h->count);
}

static bool head_is_good(const struct hvt_log_column *h)
{
	if (!h->width || h->count > HVT_CHUNK_MAX / h->width)
		return false;
	if (h->encoding == HVT_ENC_DELTA && (h->width > 8 || h->width & (h->width - 1)))
		return false;
	/* no elements and one value of all of them do not go together */
	if (h->encoding == HVT_ENC_CONST && !h->count)
		return false;
	return h->encoding <= HVT_ENC_DELTA &&
	       (h->codec == HVT_CODEC_ZSTD ||
		(h->codec == HVT_CODEC_PLAIN && h->len == coded_len(h)));
}

static int find(uint16_t id)
{
	int i;

	for (i = 0; i < HVT_COLUMNS; i++)
		if (fields[i].id == id)
			return i;
	return -1;
}

/* A table with rows has all its columns, and they have one length. */
static bool tables_agree(struct hvt_columns *c, const bool there[HVT_COLUMNS])
{
	uint32_t *rows;
	int i;

	memset(c->rows, 0, sizeof(c->rows));
	for (i = 0; i < HVT_COLUMNS; i++) {
		rows = &c->rows[HVT_FIELD_TABLE(fields[i].id)];
		if (there[i] && !fields[i].bytes && c->column[i].head.count > *rows)
			*rows = c->column[i].head.count;
	}
	for (i = 0; i < HVT_COLUMNS; i++) {
		rows = &c->rows[HVT_FIELD_TABLE(fields[i].id)];
		if (there[i] != (*rows != 0) ||
		    (!fields[i].bytes && c->column[i].head.count != *rows))
			return false;
	}
	return true;
}

int hvt_columns_open(struct hvt_columns *c, const struct hvt_section *s, const uint8_t *payload)
{
	bool there[HVT_COLUMNS] = { false };
	struct hvt_log_chunk chunk;
	struct hvt_log_column head;
	size_t at, data, total = 0;
	uint32_t i;
	int k;

	for (k = 0; k < HVT_COLUMNS; k++) {
		memset(&c->column[k].head, 0, sizeof(head));
		c->column[k].done = false;
	}
	if (s->len < sizeof(chunk))
		return -EBADMSG;
	memcpy(&chunk, payload, sizeof(chunk));
	if (chunk.columns > (s->len - sizeof(chunk)) / sizeof(head))
		return -EBADMSG;
	at = sizeof(chunk);
	data = at + chunk.columns * sizeof(head);
	for (i = 0; i < chunk.columns; i++, at += sizeof(head)) {
		memcpy(&head, payload + at, sizeof(head));
		if (head.len > s->len - data)
			return -EBADMSG;
		k = find(head.field);
		if (k >= 0) {
			if (head.width != fields[k].width || !head_is_good(&head) || there[k])
				return -EBADMSG;
			there[k] = true;
			total += (size_t)head.width * head.count;
			c->column[k].head = head;
			c->column[k].stored = payload + data;
		}
		data += head.len;
	}
	if (data != s->len || total > HVT_CHUNK_MAX || !tables_agree(c, there) ||
	    c->rows[HVT_TABLE_RECORD] != s->count || !s->count || s->count > HVT_CHUNK_RECORDS_MAX)
		return -EBADMSG;
	return 0;
}

void hvt_columns_close(struct hvt_columns *c)
{
	int i;

	for (i = 0; i < HVT_COLUMNS; i++)
		free(c->column[i].decoded);
	free(c->scratch);
	free(c->spare);
	ZSTD_freeDCtx(c->zstd);
	memset(c, 0, sizeof(*c));
}

static int reserve(uint8_t **p, size_t *room, size_t len)
{
	uint8_t *more;

	if (len <= *room)
		return 0;
	more = realloc(*p, len);
	if (!more)
		return -ENOMEM;
	*p = more;
	*room = len;
	return 0;
}

/* What the codec was given, where it is stored or in c->scratch. NULL: c->err. */
static const uint8_t *decompress(struct hvt_columns *c, const struct hvt_column *col)
{
	size_t len = coded_len(&col->head);

	if (col->head.codec == HVT_CODEC_PLAIN)
		return col->stored;
	if (!c->zstd)
		c->zstd = ZSTD_createDCtx();
	c->err = c->zstd ? reserve(&c->scratch, &c->scratch_room, len) : -ENOMEM;
	if (c->err)
		return NULL;
	if (ZSTD_decompressDCtx(c->zstd, c->scratch, len, col->stored, col->head.len) == len)
		return c->scratch;
	c->err = -EBADMSG;
	return NULL;
}

static void repeat(uint8_t *out, const uint8_t *one, uint32_t count, size_t width)
{
	size_t len = width * count, done = width, n;

	memcpy(out, one, width);
	for (; done < len; done += n) {
		n = done < len - done ? done : len - done;
		memcpy(out + done, out, n);
	}
}

/* One element out of its planes. */
static inline uint64_t gather(const uint8_t *in, uint32_t count, uint32_t width)
{
	uint64_t v = 0;
	uint32_t b;

	for (b = 0; b < width; b++)
		v |= (uint64_t)in[(size_t)b * count] << 8 * b;
	return v;
}

#define BLOCK 16u /* elements: bytes in a vector */

/*
 * BLOCK elements out of their planes. Merging the first half of the vectors with the second
 * one, byte by byte, doubles how many bytes of an element stand together.
 */
static inline void gather_block(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	__m128i v[8], merged[8];
	uint32_t i, step;

#pragma GCC unroll 8
	for (i = 0; i < width; i++)
		v[i] = _mm_loadu_si128((const __m128i *)(in + (size_t)i * count));
#pragma GCC unroll 3
	for (step = 1; step < width; step *= 2) {
#pragma GCC unroll 4
		for (i = 0; i < width / 2; i++) {
			merged[2 * i] = _mm_unpacklo_epi8(v[i], v[i + width / 2]);
			merged[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + width / 2]);
		}
		memcpy(v, merged, sizeof(v[0]) * width);
	}
#pragma GCC unroll 8
	for (i = 0; i < width; i++)
		_mm_storeu_si128((__m128i *)(out + (size_t)i * BLOCK), v[i]);
}

/* Inlined with a known width: this is where the time goes. */
static inline void planes(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	uint64_t v;
	uint32_t i;

	for (i = 0; i + BLOCK <= count; i += BLOCK)
		gather_block(out + (size_t)i * width, in + i, count, width);
	for (; i < count; i++) {
		v = gather(in + i, count, width);
		memcpy(out + (size_t)i * width, &v, width);
	}
}

/* Elements that are what they add to the one before into what they are. */
static inline void sum(uint8_t *elements, uint32_t count, uint32_t width)
{
	uint64_t value = 0, z = 0;
	uint32_t i;

	for (i = 0; i < count; i++, elements += width) {
		memcpy(&z, elements, width);
		value += z >> 1 ^ -(z & 1);
		memcpy(elements, &value, width);
	}
}

/* Widths that no field has yet are not worth a line of their own. */
static void any_planes(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	uint32_t i, b;

	for (b = 0; b < width; b++)
		for (i = 0; i < count; i++)
			out[(size_t)i * width + b] = in[(size_t)b * count + i];
}

static void from_planes(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	switch (width) {
	case 1:
		memcpy(out, in, count);
		break;
	case 2:
		planes(out, in, count, 2);
		break;
	case 4:
		planes(out, in, count, 4);
		break;
	case 8:
		planes(out, in, count, 8);
		break;
	default:
		any_planes(out, in, count, width);
	}
}

static void from_delta(uint8_t *out, const uint8_t *in, uint32_t count, uint32_t width)
{
	from_planes(out, in, count, width);
	switch (width) {
	case 1:
		sum(out, count, 1);
		break;
	case 2:
		sum(out, count, 2);
		break;
	case 4:
		sum(out, count, 4);
		break;
	default:
		sum(out, count, 8);
	}
}

static int decode(struct hvt_columns *c, struct hvt_column *col)
{
	const struct hvt_log_column *h = &col->head;
	size_t len = (size_t)h->width * h->count;
	const uint8_t *in = decompress(c, col);

	if (!in)
		return c->err;
	c->err = reserve(&col->decoded, &col->room, len ? len : 1);
	if (c->err)
		return c->err;
	if (!len)
		return 0;
	switch (h->encoding) {
	case HVT_ENC_CONST:
		repeat(col->decoded, in, h->count, h->width);
		break;
	case HVT_ENC_PLANES:
		from_planes(col->decoded, in, h->count, h->width);
		break;
	case HVT_ENC_DELTA:
		from_delta(col->decoded, in, h->count, h->width);
		break;
	default:
		memcpy(col->decoded, in, len);
	}
	return 0;
}

const void *hvt_column(struct hvt_columns *c, enum hvt_column_index column, uint32_t *count)
{
	static const uint64_t nothing;
	struct hvt_column *col = &c->column[column];

	if (count)
		*count = col->head.count;
	if (!col->head.count)
		return &nothing;
	if (!col->done && decode(c, col))
		return NULL;
	col->done = true;
	return col->decoded;
}

const void *hvt_column_const(const struct hvt_columns *c, enum hvt_column_index column)
{
	const struct hvt_column *col = &c->column[column];

	/* a compressed one has to be decoded like any other */
	return col->head.count && col->head.encoding == HVT_ENC_CONST &&
			       col->head.codec == HVT_CODEC_PLAIN ?
		       col->stored :
		       NULL;
}
