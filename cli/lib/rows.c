/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whole columns of accesses, put where somebody wants them: into arrays of their own or into
 * the fields of an array of structs. Rows go there in blocks, so that the structs of a block
 * are in the cache until all of their fields are there.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 1024u /* rows */

struct hvt_rows {
	struct hvt_columns columns;
	uint32_t *kept; /* rows of the records that are accesses */
	uint32_t kept_room;
	uint64_t block[2 * BLOCK]; /* values of one block, 16 bytes at most */
	uint64_t gla[BLOCK];
};

struct hvt_rows *hvt_rows_new(void)
{
	return calloc(1, sizeof(struct hvt_rows));
}

void hvt_rows_free(struct hvt_rows *r)
{
	if (!r)
		return;
	hvt_columns_close(&r->columns);
	free(r->kept);
	free(r);
}

/* Of a field: where its values are, and which of them is that of row i. */
struct source {
	const uint8_t *values;
	const uint16_t *meant; /* of a dictionary; NULL: it is none */
	const uint32_t *kept;  /* NULL: the i-th */
	const uint64_t *gla;   /* to be added; NULL: nothing */
	uint32_t width;
};

/* 0, or -EBADMSG: it is no EVENTS section that this reader knows. */
static int open_section(struct hvt_rows *r, const void *bytes, size_t len)
{
	struct hvt_section s;

	if (len < sizeof(s))
		return -EBADMSG;
	memcpy(&s, bytes, sizeof(s));
	if (s.type != HVT_SEC_EVENTS || s.codec != HVT_CODEC_PLAIN || s.len > HVT_SECTION_MAX ||
	    s.len > len - sizeof(s))
		return -EBADMSG;
	return hvt_columns_open(&r->columns, &s, (const uint8_t *)bytes + sizeof(s));
}

int hvt_rows_count(struct hvt_rows *r, const void *section, size_t len)
{
	int rc = open_section(r, section, len);

	return rc ? rc : (int)hvt_columns_rows(&r->columns, HVT_TABLE_ACCESS);
}

/* Which records are accesses? NULL in *kept: all are. */
static int keep(struct hvt_rows *r, const uint32_t **kept)
{
	uint32_t accesses = hvt_columns_rows(&r->columns, HVT_TABLE_ACCESS), records, i, n = 0;
	const uint8_t *type = hvt_column(&r->columns, HVT_COLUMN_TYPE, &records);
	uint32_t *more;

	*kept = NULL;
	if (!type)
		return r->columns.err;
	if (records > r->kept_room) {
		more = realloc(r->kept, records * sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->kept = more;
		r->kept_room = records;
	}
	for (i = 0; i < records; i++) {
		r->kept[n] = i;
		n += type[i] == HVT_REC_ACCESS;
	}
	if (n != accesses)
		return -EBADMSG;
	if (n != records)
		*kept = r->kept;
	return 0;
}

static int find_column(uint32_t field)
{
	static const uint16_t ids[HVT_COLUMNS] = {
#define ID(name, table, number, width, type, label) [HVT_COLUMN_##name] = HVT_FIELD_##name,
		HVT_FIELDS(ID)
#undef ID
	};
	int i;

	for (i = 0; i < HVT_COLUMNS; i++)
		if (ids[i] == field)
			return i;
	return -1;
}

/* Each access's row of a dictionary; NULL: *err says why. */
static const uint16_t *meanings(struct hvt_rows *r, enum hvt_table table, int *err)
{
	uint32_t n, i, rows = hvt_columns_rows(&r->columns, table);
	const uint16_t *v = hvt_column(
		&r->columns, table == HVT_TABLE_CODE ? HVT_COLUMN_CODE : HVT_COLUMN_TASK, &n);
	uint16_t max = 0;

	*err = v ? 0 : r->columns.err;
	for (i = 0; v && i < n; i++)
		max = v[i] > max ? v[i] : max;
	if (v && n && max >= rows) {
		*err = -EBADMSG;
		return NULL;
	}
	return v;
}

static int find_source(struct hvt_rows *r, uint32_t field, const uint32_t *kept, struct source *s)
{
	uint32_t table = HVT_FIELD_TABLE(field);
	int at = find_column(field), err = 0;

	memset(s, 0, sizeof(*s));
	if (at < 0 || field == HVT_FIELD_INSN ||
	    (table > HVT_TABLE_ACCESS && table != HVT_TABLE_CODE && table != HVT_TABLE_TASK))
		return -EINVAL;
	s->values = hvt_column(&r->columns, (enum hvt_column_index)at, NULL);
	if (!s->values)
		return r->columns.err;
	s->width = r->columns.column[at].head.width;
	if (table == HVT_TABLE_RECORD)
		s->kept = kept;
	else if (table != HVT_TABLE_ACCESS)
		s->meant = meanings(r, (enum hvt_table)table, &err);
	if (field == HVT_FIELD_GPA_GLA) {
		s->gla = hvt_column(&r->columns, HVT_COLUMN_GLA, NULL);
		err = s->gla ? 0 : r->columns.err;
	}
	return err;
}

/* The values of n rows from `first` on, one behind the other. */
static inline const uint8_t *values_of(struct hvt_rows *r, const struct source *s, uint32_t first,
				       uint32_t n, uint32_t width)
{
	const uint64_t *gpa = (const void *)s->values;
	uint8_t *block = (uint8_t *)r->block;
	uint32_t i;

	if (s->gla)
		for (i = 0; i < n; i++)
			r->block[i] = gpa[first + i] + s->gla[first + i];
	else if (s->meant)
		for (i = 0; i < n; i++)
			memcpy(block + i * width, s->values + s->meant[first + i] * width, width);
	else if (s->kept)
		for (i = 0; i < n; i++)
			memcpy(block + i * width, s->values + s->kept[first + i] * width, width);
	else
		return s->values + (size_t)first * width;
	return block;
}

static inline void put_width(struct hvt_rows *r, const struct source *s,
			     const struct hvt_rows_column *c, uint32_t first, uint32_t n,
			     uint64_t row, const uint64_t *place, uint32_t width)
{
	const uint8_t *from = values_of(r, s, first, n, width);
	uint8_t *to = c->to;
	uint32_t i;

	if (place)
		for (i = 0; i < n; i++)
			memcpy(to + c->stride * place[i], from + (size_t)i * width, width);
	else if (c->stride == width)
		memcpy(to + c->stride * row, from, (size_t)n * width);
	else
		for (i = 0, to += c->stride * row; i < n; i++, to += c->stride)
			memcpy(to, from + (size_t)i * width, width);
}

/* Inlined with a known width. */
static void put_block(struct hvt_rows *r, const struct source *s, const struct hvt_rows_column *c,
		      uint32_t first, uint32_t n, uint64_t row, const uint64_t *place)
{
	switch (s->width) {
	case 1:
		put_width(r, s, c, first, n, row, place, 1);
		break;
	case 2:
		put_width(r, s, c, first, n, row, place, 2);
		break;
	case 4:
		put_width(r, s, c, first, n, row, place, 4);
		break;
	case 8:
		put_width(r, s, c, first, n, row, place, 8);
		break;
	case 16:
		put_width(r, s, c, first, n, row, place, 16);
		break;
	}
}

int hvt_rows_put(struct hvt_rows *r, const void *section, size_t len,
		 const struct hvt_rows_column *columns, size_t nr, uint32_t count, uint64_t row,
		 const uint64_t *place)
{
	int rc = open_section(r, section, len);
	struct source sources[HVT_ROWS_COLUMNS];
	const uint32_t *kept = NULL;
	struct hvt_section h;
	uint32_t at, n;
	size_t i;

	if (rc || nr > HVT_ROWS_COLUMNS)
		return rc ? rc : -EINVAL;
	memcpy(&h, section, sizeof(h));
	if (hvt_columns_rows(&r->columns, HVT_TABLE_ACCESS) != count ||
	    h.crc != crc32(0, (const uint8_t *)section + sizeof(h), (uInt)h.len))
		return -EBADMSG;
	rc = keep(r, &kept);
	for (i = 0; i < nr && !rc; i++)
		rc = find_source(r, columns[i].field, kept, &sources[i]);
	if (rc)
		return rc;
	for (at = 0; at < count; at += n) {
		n = count - at < BLOCK ? count - at : BLOCK;
		for (i = 0; i < nr; i++)
			put_block(r, &sources[i], &columns[i], at, n, row + at,
				  place ? place + at : NULL);
	}
	return 0;
}
