/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whole columns of records, put where somebody wants them: into arrays of their own or into
 * the fields of an array of structs. Rows go there in blocks, so that the structs of a block
 * are in the cache until all of their fields are there.
 */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BLOCK HVT_ROWS_BLOCK

static const struct kind {
	enum hvt_table table;
	enum hvt_column_index code, task;
} kinds[] = {
	[HVT_REC_ACCESS] = { HVT_TABLE_ACCESS, HVT_COLUMN_CODE, HVT_COLUMN_TASK },
	[HVT_REC_INSN] = { HVT_TABLE_INSN, HVT_COLUMN_INSN_CODE, HVT_COLUMN_INSN_TASK },
	[HVT_REC_FLOW] = { HVT_TABLE_FLOW, HVT_COLUMN_FLOW_CODE, HVT_COLUMN_FLOW_TASK },
};

/* NULL: records of this type have no table. Of RECORD there is no such type. */
static const struct kind *find_kind(uint32_t type)
{
	return type < sizeof(kinds) / sizeof(kinds[0]) && kinds[type].table ? &kinds[type] : NULL;
}

/* 0, or -EBADMSG: it is no EVENTS section that this reader knows. */
static int open_section(struct hvt_columns *c, const void *bytes, size_t len, struct hvt_section *s)
{
	if (len < sizeof(*s))
		return -EBADMSG;
	memcpy(s, bytes, sizeof(*s));
	if (s->type != HVT_SEC_EVENTS || s->codec != HVT_CODEC_PLAIN || s->len > HVT_SECTION_MAX ||
	    s->len > len - sizeof(*s))
		return -EBADMSG;
	return hvt_columns_open(c, s, (const uint8_t *)bytes + sizeof(*s));
}

int hvt_rows_count(uint32_t type, const void *section, size_t len)
{
	const struct kind *kind = find_kind(type);
	struct hvt_columns c = { 0 };
	struct hvt_section s;
	int rc = kind ? open_section(&c, section, len, &s) : -EINVAL;

	return rc ? rc : (int)hvt_columns_rows(&c, kind->table);
}

/* Which records are of the type? */
static int keep(struct hvt_rows_worker *w, uint32_t rows)
{
	uint32_t records, i, n = 0;
	const uint8_t *type = hvt_column(&w->columns, HVT_COLUMN_TYPE, &records);
	uint32_t *more;

	if (!type)
		return w->columns.err;
	for (i = 0; i < records; i++)
		n += type[i] == w->rows->type;
	if (n != rows)
		return -EBADMSG;
	w->all = n == records;
	if (w->all)
		return 0;
	if (records > w->kept_room) {
		more = realloc(w->kept, records * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->kept = more;
		w->kept_room = records;
	}
	for (i = 0, n = 0; i < records; i++) {
		w->kept[n] = i;
		n += type[i] == w->rows->type;
	}
	return 0;
}

/* Each row's row of a dictionary, once for a section. */
static int find_meaning(struct hvt_rows_worker *w, enum hvt_column_index column,
			enum hvt_table table, const uint16_t **meant)
{
	uint32_t n, i, rows = hvt_columns_rows(&w->columns, table), beyond = 0;
	const uint16_t *v = *meant ? *meant : hvt_column(&w->columns, column, &n);

	if (!v)
		return w->columns.err;
	if (*meant)
		return 0;
	for (i = 0; i < n; i++)
		beyond |= v[i] >= rows;
	*meant = v;
	return beyond ? -EBADMSG : 0;
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

static int find_field(struct hvt_rows_worker *w, const struct hvt_rows_column *column,
		      struct hvt_rows_source *s)
{
	const struct kind *kind = find_kind(w->rows->type);
	enum hvt_table table = (enum hvt_table)HVT_FIELD_TABLE(column->field);
	int at = find_column(column->field), rc = 0;
	uint32_t parts = column->field == HVT_FIELD_FLOW_ARG ? 6 : 1;

	if (at < 0 || column->field == HVT_FIELD_INSN || column->part >= parts)
		return -EINVAL;
	if (table == HVT_TABLE_CODE) {
		rc = find_meaning(w, kind->code, table, &w->code);
		s->meant = w->code;
	} else if (table == HVT_TABLE_TASK) {
		rc = find_meaning(w, kind->task, table, &w->task);
		s->meant = w->task;
	} else if (table == HVT_TABLE_RECORD) {
		s->kept = w->all ? NULL : w->kept;
	} else if (table != kind->table) {
		rc = -EINVAL;
	}
	if (rc)
		return rc;
	s->values = hvt_column(&w->columns, (enum hvt_column_index)at, NULL);
	if (!s->values)
		return w->columns.err;
	s->step = w->columns.column[at].head.width;
	s->width = s->step / parts;
	s->values += s->width * column->part;
	if (column->field == HVT_FIELD_GPA_GLA) {
		s->gla = hvt_column(&w->columns, HVT_COLUMN_GLA, NULL);
		rc = s->gla ? 0 : w->columns.err;
	}
	return rc;
}

static int find_source(struct hvt_rows_worker *w, const struct hvt_rows_section *section,
		       const struct hvt_rows_column *column, struct hvt_rows_source *s)
{
	struct hvt_rows_column tsc = { .field = HVT_FIELD_TSC };

	*s = (struct hvt_rows_source){ .width = 4 };
	if (column->part && column->field != HVT_FIELD_FLOW_ARG)
		return -EINVAL;
	if (column->field == HVT_ROWS_CPU)
		return 0;
	s->ns = column->field == HVT_ROWS_NS;
	if (!s->ns && column->field != HVT_FIELD_TSC)
		return find_field(w, column, s);
	if (!w->rows->tsc)
		return find_field(w, &tsc, s);
	s->values = (const uint8_t *)(w->rows->tsc + section->row);
	s->width = s->step = sizeof(uint64_t);
	return 0;
}

/* The i-th value. */
static inline const uint8_t *value(const struct hvt_rows_source *s, uint32_t i)
{
	return s->values + (size_t)s->step * (s->meant ? s->meant[i] : s->kept ? s->kept[i] : i);
}

/* The values of n rows from `first` on, one behind the other. */
static inline const uint8_t *values_of(struct hvt_rows_worker *w, const struct hvt_rows_source *s,
				       uint32_t first, uint32_t n, uint32_t width)
{
	uint8_t *block = (uint8_t *)w->block;
	uint32_t i;

	if (!s->meant && !s->kept && s->step == width)
		return s->values + (size_t)first * width;
	if (s->meant)
		for (i = 0; i < n; i++)
			memcpy(block + i * width, s->values + s->meant[first + i] * width, width);
	else
		for (i = 0; i < n; i++)
			memcpy(block + i * width, value(s, first + i), width);
	return block;
}

static inline void put_width(const struct hvt_rows_column *c, const uint8_t *from, uint32_t n,
			     uint64_t row, const uint64_t *place, uint32_t width)
{
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

/* What is computed: its values, one behind the other. */
static const uint8_t *computed(struct hvt_rows_worker *w, const struct hvt_rows_source *s,
			       uint32_t cpu, uint32_t first, uint32_t n)
{
	const struct hvt_clocks clocks = { (void *)w->rows->clocks, w->rows->nr_clocks, 0 };
	uint64_t *out = w->block;
	uint32_t i;

	if (!s->values) {
		for (i = 0; i < n; i++)
			((uint32_t *)out)[i] = cpu;
	} else if (s->gla) {
		for (i = 0; i < n; i++)
			out[i] = ((const uint64_t *)s->values)[first + i] + s->gla[first + i];
	} else {
		for (i = 0; i < n; i++)
			out[i] = hvt_clocks_ns(&clocks, *(const uint64_t *)value(s, first + i));
	}
	return (const uint8_t *)out;
}

#define PUT(width) \
	put_width(c, from ? from : values_of(w, s, first, n, width), n, row, place, width)

/* Inlined with a known width. */
static void put_block(struct hvt_rows_worker *w, const struct hvt_rows_source *s,
		      const struct hvt_rows_column *c, uint32_t cpu, uint32_t first, uint32_t n,
		      uint64_t row, const uint64_t *place)
{
	const uint8_t *from = NULL;

	if (!s->values || s->gla || s->ns)
		from = computed(w, s, cpu, first, n);
	switch (s->width) {
	case 1:
		PUT(1);
		break;
	case 2:
		PUT(2);
		break;
	case 4:
		PUT(4);
		break;
	case 8:
		PUT(8);
		break;
	case 16:
		PUT(16);
		break;
	}
}

int hvt_rows_section_put(struct hvt_rows_worker *w, const struct hvt_rows_section *section)
{
	const struct hvt_rows *rows = w->rows;
	const struct kind *kind = find_kind(rows->type);
	struct hvt_section h;
	uint32_t at, n;
	size_t i;
	int rc;

	if (!kind || rows->nr_columns > HVT_ROWS_COLUMNS)
		return -EINVAL;
	rc = open_section(&w->columns, section->bytes, section->len, &h);
	if (rc)
		return rc;
	/* when there are times of all rows the sections were gone through before */
	if (hvt_columns_rows(&w->columns, kind->table) != section->count ||
	    (!rows->tsc &&
	     h.crc != crc32(0, (const uint8_t *)section->bytes + sizeof(h), (uInt)h.len)))
		return -EBADMSG;
	w->code = w->task = NULL;
	rc = keep(w, section->count);
	for (i = 0; i < rows->nr_columns && !rc; i++)
		rc = find_source(w, section, &rows->columns[i], &w->source[i]);
	for (at = 0; at < section->count && !rc; at += n) {
		n = section->count - at < BLOCK ? section->count - at : BLOCK;
		if (rows->tsc)
			hvt_rows_place(rows, section->row + at, n, w->place);
		for (i = 0; i < rows->nr_columns; i++)
			put_block(w, &w->source[i], &rows->columns[i], h.cpu, at, n,
				  section->row + at, rows->tsc ? w->place : NULL);
	}
	return rc;
}

void hvt_rows_worker_close(struct hvt_rows_worker *w)
{
	hvt_columns_close(&w->columns);
	free(w->kept);
}
