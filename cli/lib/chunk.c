/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The columns of an EVENTS section back into the records that they were made of, for
 * those who need all fields of each record. What other files read from a record was
 * bounded here: its fixed part and the parts that its flags announce lie inside its
 * slots.
 */
#include "cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int load_code(struct hvt_columns *c, struct hvt_cursor *cur)
{
	uint32_t rows = cur->rows[HVT_TABLE_CODE], i, len, at = 0, bytes;
	const uint8_t *insn = hvt_column(c, HVT_COLUMN_INSN, &bytes);

	if (!insn)
		return c->err;
	cur->code = calloc(rows + 1, sizeof(*cur->code));
	if (!cur->code)
		return -ENOMEM;
	for (i = 0; i < rows; i++, at += len) {
		len = HVT_VALUE(cur, uint8_t, INSN_LEN, i);
		if (len > sizeof(cur->code->insn) || len > bytes - at)
			return -EBADMSG;
		cur->code[i].ip = HVT_VALUE(cur, uint64_t, IP, i);
		cur->code[i].insn_len = (uint8_t)len;
		memcpy(cur->code[i].insn, insn + at, len);
	}
	return at == bytes ? 0 : -EBADMSG;
}

static int load(struct hvt_columns *c, struct hvt_cursor *cur)
{
	int i;

	memset(cur, 0, sizeof(*cur));
	memcpy(cur->rows, c->rows, sizeof(cur->rows));
	for (i = 0; i < HVT_COLUMNS; i++) {
		cur->p[i] = hvt_column(c, (enum hvt_column_index)i, NULL);
		if (!cur->p[i])
			return c->err;
	}
	cur->wide.len = c->column[HVT_COLUMN_WIDE_BYTES].head.count;
	cur->delta.len = c->column[HVT_COLUMN_DELTA_BYTES].head.count;
	cur->mem.len = c->column[HVT_COLUMN_MEM_BYTES].head.count;
	return load_code(c, cur);
}

/* Slots of an access, after a look at all rows that make it; 0: they are not there. */
static uint32_t access_slots(struct hvt_cursor *cur, uint16_t flags)
{
	size_t size = sizeof(struct hvt_rec_access);
	uint32_t row, len;

	if (!hvt_cursor_step(cur, HVT_TABLE_ACCESS, &row) ||
	    !hvt_cursor_known(cur, HVT_VALUE(cur, uint16_t, CODE, row),
			      HVT_VALUE(cur, uint16_t, TASK, row)))
		return 0;
	if (flags & HVT_RF_REGS) {
		if (!hvt_cursor_step(cur, HVT_TABLE_REGS, &row))
			return 0;
		size += 16 * sizeof(uint64_t);
	}
	if (flags & HVT_RF_RUN) {
		if (!hvt_cursor_step(cur, HVT_TABLE_RUN, &row))
			return 0;
		size += sizeof(struct hvt_rec_run);
	}
	if (flags & HVT_RF_WIDE) {
		if (!hvt_cursor_step(cur, HVT_TABLE_WIDE, &row))
			return 0;
		len = HVT_VALUE(cur, uint32_t, WIDE_LEN, row);
		if (len > UINT8_MAX * HVT_SLOT || 2 * len > cur->wide.len - cur->wide.at)
			return 0;
		cur->wide.at += 2 * len;
		size += sizeof(struct hvt_rec_wide) + 2 * (size_t)len;
	}
	size = (size + HVT_SLOT - 1) / HVT_SLOT;
	return size > UINT8_MAX ? 0 : (uint32_t)size;
}

/* Has each row had its record? */
static bool all_used(const struct hvt_cursor *cur)
{
	int t;

	for (t = HVT_TABLE_ACCESS; t < HVT_TABLES; t++)
		if (t != HVT_TABLE_CODE && t != HVT_TABLE_TASK && cur->at[t] != cur->rows[t])
			return false;
	return cur->wide.at == cur->wide.len && cur->delta.at == cur->delta.len &&
	       cur->mem.at == cur->mem.len;
}

/* Do records and rows match? Then it is known how many slots the records take. */
static bool match(struct hvt_cursor *cur)
{
	uint32_t i, row, slots;

	for (i = 0; i < cur->rows[HVT_TABLE_RECORD]; i++) {
		slots = 1;
		switch (HVT_VALUE(cur, uint8_t, TYPE, i)) {
		case HVT_REC_ACCESS:
			slots = access_slots(cur, HVT_VALUE(cur, uint16_t, FLAGS, i));
			break;
		case HVT_REC_LOST:
			slots = hvt_cursor_step(cur, HVT_TABLE_LOST, &row);
			break;
		case HVT_REC_REMAP:
			slots = hvt_cursor_step(cur, HVT_TABLE_REMAP, &row);
			break;
		case HVT_REC_INSN:
			slots = hvt_insn_slots(cur, HVT_VALUE(cur, uint16_t, FLAGS, i));
			break;
		case HVT_REC_FLOW:
			slots = hvt_flow_slots(cur);
			break;
		default: /* of a newer module: its tables are not known either */
			break;
		}
		if (!slots)
			return false;
		cur->slots += slots;
	}
	return all_used(cur);
}

static size_t put_access(struct hvt_cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_ACCESS]++, task = HVT_VALUE(cur, uint16_t, TASK, row);
	const struct hvt_code *code = &cur->code[HVT_VALUE(cur, uint16_t, CODE, row)];
	struct hvt_rec_access *a = (struct hvt_rec_access *)out;
	struct hvt_rec_wide w;
	struct hvt_rec_run run;
	uint8_t *at = out + sizeof(*a);

	a->h = *h;
	a->ip = code->ip;
	memcpy(a->insn, code->insn, sizeof(a->insn));
	a->insn_len = code->insn_len;
	a->cr3 = HVT_VALUE(cur, uint64_t, CR3, task);
	a->pid = HVT_VALUE(cur, uint32_t, PID, task);
	a->tid = HVT_VALUE(cur, uint32_t, TID, task);
	memcpy(a->comm, (const uint8_t *)cur->p[HVT_COLUMN_COMM] + sizeof(a->comm) * (size_t)task,
	       sizeof(a->comm));
	a->gla = HVT_VALUE(cur, uint64_t, GLA, row);
	a->gpa = a->gla + HVT_VALUE(cur, uint64_t, GPA_GLA, row);
	a->size = HVT_VALUE(cur, uint32_t, SIZE, row);
	a->access = HVT_VALUE(cur, uint8_t, ACCESS, row);
	a->vector = HVT_VALUE(cur, uint8_t, VECTOR, row);
	a->pad = 0;
	a->order = HVT_VALUE(cur, uint64_t, ORDER, row);
	a->old = HVT_VALUE(cur, uint64_t, OLD, row);
	a->new_ = HVT_VALUE(cur, uint64_t, NEW, row);
	if (h->flags & HVT_RF_REGS) {
		row = cur->at[HVT_TABLE_REGS]++;
		memcpy(at, (const uint8_t *)cur->p[HVT_COLUMN_GPR] + 128 * (size_t)row, 128);
		at += 128;
	}
	if (h->flags & HVT_RF_RUN) {
		row = cur->at[HVT_TABLE_RUN]++;
		run.count = HVT_VALUE(cur, uint64_t, RUN_COUNT, row);
		run.elem = HVT_VALUE(cur, uint32_t, RUN_ELEM, row);
		run.down = HVT_VALUE(cur, uint32_t, RUN_DOWN, row);
		memcpy(at, &run, sizeof(run));
		at += sizeof(run);
	}
	if (h->flags & HVT_RF_WIDE) {
		row = cur->at[HVT_TABLE_WIDE]++;
		w.off = HVT_VALUE(cur, uint32_t, WIDE_OFF, row);
		w.len = HVT_VALUE(cur, uint32_t, WIDE_LEN, row);
		memcpy(at, &w, sizeof(w));
		memcpy(at + sizeof(w),
		       (const uint8_t *)cur->p[HVT_COLUMN_WIDE_BYTES] + cur->wide.at,
		       2 * (size_t)w.len);
		cur->wide.at += 2 * w.len;
		at += sizeof(w) + 2 * (size_t)w.len;
	}
	a->h.nslots = (uint8_t)((at - out + HVT_SLOT - 1) / HVT_SLOT);
	/* most have no parts and fill their slots */
	if (at > out + sizeof(*a))
		memset(at, 0, (size_t)a->h.nslots * HVT_SLOT - (size_t)(at - out));
	return a->h.nslots;
}

static size_t put_record(struct hvt_cursor *cur, uint8_t *out)
{
	uint32_t i = cur->next++;
	struct hvt_rec h = { .type = HVT_VALUE(cur, uint8_t, TYPE, i),
			     .nslots = 1,
			     .flags = HVT_VALUE(cur, uint16_t, FLAGS, i),
			     .watch = HVT_VALUE(cur, uint32_t, WATCH, i),
			     .seq = HVT_VALUE(cur, uint64_t, SEQ, i),
			     .tsc = HVT_VALUE(cur, uint64_t, TSC, i) };
	struct hvt_rec_remap m = { .h = h };
	struct hvt_rec_lost l = { .h = h };
	uint32_t row;

	switch (h.type) {
	case HVT_REC_ACCESS:
		return put_access(cur, &h, out);
	case HVT_REC_INSN:
		return hvt_insn_put(cur, &h, out);
	case HVT_REC_FLOW:
		return hvt_flow_put(cur, &h, out);
	case HVT_REC_LOST:
		l.count = HVT_VALUE(cur, uint64_t, LOST_COUNT, cur->at[HVT_TABLE_LOST]++);
		memcpy(out, &l, sizeof(l));
		break;
	case HVT_REC_REMAP:
		row = cur->at[HVT_TABLE_REMAP]++;
		m.va = HVT_VALUE(cur, uint64_t, VA, row);
		m.old_gpa = HVT_VALUE(cur, uint64_t, OLD_GPA, row);
		m.new_gpa = HVT_VALUE(cur, uint64_t, NEW_GPA, row);
		m.pid = HVT_VALUE(cur, uint32_t, REMAP_PID, row);
		m.tid = HVT_VALUE(cur, uint32_t, REMAP_TID, row);
		memcpy(out, &m, sizeof(m));
		break;
	default:
		memcpy(out, &h, sizeof(h));
		memset(out + sizeof(h), 0, HVT_SLOT - sizeof(h));
	}
	return 1;
}

/* At the first record of what is open in c. 0, -EBADMSG or -ENOMEM; to be freed either way. */
static int start(struct hvt_columns *c, struct hvt_cursor *cur)
{
	int rc = load(c, cur);

	if (rc)
		return rc;
	if (!match(cur))
		return -EBADMSG;
	memset(cur->at, 0, sizeof(cur->at));
	cur->wide.at = cur->delta.at = cur->mem.at = 0;
	return 0;
}

/* Room for len bytes: that of an earlier chunk if it is enough. NULL: no memory. */
static struct hvt_chunk *new_chunk(struct hvt_columns *c, uint32_t cpu, size_t len)
{
	struct hvt_chunk *chunk = c->spare;

	c->spare = NULL;
	if (!chunk || chunk->room < len) {
		free(chunk);
		chunk = malloc(sizeof(*chunk) + len);
		if (!chunk)
			return NULL;
		chunk->room = len;
	}
	chunk->refs = 1;
	chunk->cpu = cpu;
	chunk->records = 0;
	chunk->len = 0;
	return chunk;
}

static void put_next(struct hvt_cursor *cur, struct hvt_chunk *chunk)
{
	chunk->len += put_record(cur, chunk->bytes + chunk->len) * HVT_SLOT;
	chunk->records++;
}

int hvt_chunk_decode(struct hvt_columns *c, uint32_t cpu, struct hvt_chunk **out)
{
	struct hvt_cursor cur;
	int rc = start(c, &cur);

	*out = rc ? NULL : new_chunk(c, cpu, cur.slots * HVT_SLOT);
	while (*out && hvt_cursor_left(&cur))
		put_next(&cur, *out);
	free(cur.code);
	return rc || *out ? rc : -ENOMEM;
}

void hvt_chunk_put(struct hvt_columns *c, struct hvt_chunk *chunk)
{
	if (!chunk || --chunk->refs)
		return;
	free(c->spare);
	c->spare = chunk;
}

int hvt_cursor_open(struct hvt_columns *c, struct hvt_cursor **out)
{
	struct hvt_cursor *cur = malloc(sizeof(*cur));
	int i, rc = cur ? start(c, cur) : -ENOMEM;

	*out = NULL;
	if (rc) {
		if (cur)
			free(cur->code);
		free(cur);
		return rc;
	}
	for (i = 0; i < HVT_COLUMNS; i++) {
		cur->taken[i].decoded = c->column[i].decoded;
		cur->taken[i].room = c->column[i].room;
		c->column[i].decoded = NULL;
		c->column[i].room = 0;
	}
	*out = cur;
	return 0;
}

void hvt_cursor_close(struct hvt_columns *c, struct hvt_cursor *cur)
{
	int i;

	for (i = 0; cur && i < HVT_COLUMNS; i++) {
		free(c->column[i].decoded);
		c->column[i].decoded = cur->taken[i].decoded;
		c->column[i].room = cur->taken[i].room;
	}
	if (cur)
		free(cur->code);
	free(cur);
}

bool hvt_cursor_left(const struct hvt_cursor *cur)
{
	return cur->next < cur->rows[HVT_TABLE_RECORD];
}

uint64_t hvt_cursor_tsc(const struct hvt_cursor *cur)
{
	return HVT_VALUE(cur, uint64_t, TSC, cur->next);
}

size_t hvt_cursor_bytes(const struct hvt_cursor *cur)
{
	return cur->slots * HVT_SLOT;
}

/* Of a record at most; and of those that are taken at a time, which stay near the CPU. */
#define RECORD_MAX (UINT8_MAX * HVT_SLOT)
#define BLOCK	   (RECORD_MAX + 8192u)

struct hvt_chunk *hvt_cursor_next(struct hvt_columns *c, struct hvt_cursor *cur, uint32_t cpu)
{
	struct hvt_chunk *chunk = new_chunk(c, cpu, BLOCK);

	while (chunk && hvt_cursor_left(cur) && chunk->len + RECORD_MAX <= BLOCK)
		put_next(cur, chunk);
	return chunk;
}
