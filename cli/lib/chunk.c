/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The columns of an EVENTS section back into the records that they were made of, for
 * those who need all fields of each record. What other files read from a record was
 * bounded here: its fixed part and the parts that its flags announce lie inside its
 * slots.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/* A place in each table while its rows are matched to records. */
struct cursor {
	const void *p[HVT_COLUMNS];
	const uint32_t *rows;
	uint32_t at[HVT_TABLES];
	struct { /* in a column of bytes */
		uint32_t at, len;
	} wide, delta, mem;
	uint32_t *insn; /* where each row of CODE has its bytes */
};

#define VALUE(cur, type, name, row) (((const type *)(cur)->p[HVT_COLUMN_##name])[row])

/* The next row of a table, false when there is none. */
static bool step(struct cursor *cur, enum hvt_table table, uint32_t *row)
{
	*row = cur->at[table];
	return cur->at[table]++ < cur->rows[table];
}

static int find_insns(struct hvt_columns *c, struct cursor *cur)
{
	uint32_t rows = cur->rows[HVT_TABLE_CODE], i, len, at = 0, bytes;

	if (!hvt_column(c, HVT_COLUMN_INSN, &bytes))
		return c->err;
	cur->insn = malloc((rows + 1) * sizeof(*cur->insn));
	if (!cur->insn)
		return -ENOMEM;
	for (i = 0; i < rows; i++, at += len) {
		len = VALUE(cur, uint8_t, INSN_LEN, i);
		cur->insn[i] = at;
		if (len > 15 || len > bytes - at)
			return -EBADMSG;
	}
	return at == bytes ? 0 : -EBADMSG;
}

static int load(struct hvt_columns *c, struct cursor *cur)
{
	int i;

	memset(cur, 0, sizeof(*cur));
	cur->rows = c->rows;
	for (i = 0; i < HVT_COLUMNS; i++) {
		cur->p[i] = hvt_column(c, (enum hvt_column_index)i, NULL);
		if (!cur->p[i])
			return c->err;
	}
	cur->wide.len = c->column[HVT_COLUMN_WIDE_BYTES].head.count;
	cur->delta.len = c->column[HVT_COLUMN_DELTA_BYTES].head.count;
	cur->mem.len = c->column[HVT_COLUMN_MEM_BYTES].head.count;
	return find_insns(c, cur);
}

/* Are these rows of CODE and TASK? */
static bool known(const struct cursor *cur, uint16_t code, uint16_t task)
{
	return code < cur->rows[HVT_TABLE_CODE] && task < cur->rows[HVT_TABLE_TASK];
}

/* Slots of an access, after a look at all rows that make it; 0: they are not there. */
static uint32_t access_slots(struct cursor *cur, uint16_t flags)
{
	size_t size = sizeof(struct hvt_rec_access);
	uint32_t row, len;

	if (!step(cur, HVT_TABLE_ACCESS, &row) ||
	    !known(cur, VALUE(cur, uint16_t, CODE, row), VALUE(cur, uint16_t, TASK, row)))
		return 0;
	if (flags & HVT_RF_REGS) {
		if (!step(cur, HVT_TABLE_REGS, &row))
			return 0;
		size += 16 * sizeof(uint64_t);
	}
	if (flags & HVT_RF_RUN) {
		if (!step(cur, HVT_TABLE_RUN, &row))
			return 0;
		size += sizeof(struct hvt_rec_run);
	}
	if (flags & HVT_RF_WIDE) {
		if (!step(cur, HVT_TABLE_WIDE, &row))
			return 0;
		len = VALUE(cur, uint32_t, WIDE_LEN, row);
		if (len > UINT8_MAX * HVT_SLOT || 2 * len > cur->wide.len - cur->wide.at)
			return 0;
		cur->wide.at += 2 * len;
		size += sizeof(struct hvt_rec_wide) + 2 * (size_t)len;
	}
	size = (size + HVT_SLOT - 1) / HVT_SLOT;
	return size > UINT8_MAX ? 0 : (uint32_t)size;
}

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* Value bytes of a row of MEM. */
static uint32_t mem_values(const struct cursor *cur, uint32_t row)
{
	uint32_t len = VALUE(cur, uint16_t, MEM_LEN, row);

	return VALUE(cur, uint8_t, MEM_ACCESS, row) == (HVT_ACC_R | HVT_ACC_W) ? 2 * len : len;
}

/* Adds what the operands of an instruction take. False: they are not there, or too many. */
static bool mems_size(struct cursor *cur, size_t *size)
{
	uint32_t row, nr, len;
	uint8_t access;

	if (!step(cur, HVT_TABLE_MEMS, &row))
		return false;
	*size += sizeof(struct hvt_rec_mems);
	for (nr = VALUE(cur, uint32_t, MEMS_NR, row); nr; nr--) {
		if (!step(cur, HVT_TABLE_MEM, &row))
			return false;
		access = VALUE(cur, uint8_t, MEM_ACCESS, row);
		len = mem_values(cur, row);
		if (!access || access & ~(HVT_ACC_R | HVT_ACC_W) ||
		    len > cur->mem.len - cur->mem.at)
			return false;
		cur->mem.at += len;
		*size += sizeof(struct hvt_rec_mem) + padded(len);
		if (*size > UINT8_MAX * HVT_SLOT)
			return false;
	}
	return true;
}

/* As access_slots(). */
static uint32_t insn_slots(struct cursor *cur, uint16_t flags)
{
	size_t size = sizeof(struct hvt_rec_insn);
	uint32_t row, mask, len;

	if (!step(cur, HVT_TABLE_INSN, &row) ||
	    !known(cur, VALUE(cur, uint16_t, INSN_CODE, row), VALUE(cur, uint16_t, INSN_TASK, row)))
		return 0;
	if (flags & HVT_RF_DELTA) {
		if (!step(cur, HVT_TABLE_DELTA, &row))
			return 0;
		mask = VALUE(cur, uint32_t, DELTA_MASK, row);
		len = 8 * (uint32_t)__builtin_popcount(mask);
		if (mask & ~HVT_DELTA_MASK || len > cur->delta.len - cur->delta.at)
			return 0;
		cur->delta.at += len;
		size += sizeof(struct hvt_rec_delta) + len;
	}
	if (flags & HVT_RF_MEM && !mems_size(cur, &size))
		return 0;
	return (uint32_t)((size + HVT_SLOT - 1) / HVT_SLOT);
}

static uint32_t flow_slots(struct cursor *cur)
{
	uint32_t row;

	if (!step(cur, HVT_TABLE_FLOW, &row) ||
	    !known(cur, VALUE(cur, uint16_t, FLOW_CODE, row), VALUE(cur, uint16_t, FLOW_TASK, row)))
		return 0;
	return sizeof(struct hvt_rec_flow) / HVT_SLOT;
}

/* Has each row had its record? */
static bool all_used(const struct cursor *cur)
{
	int t;

	for (t = HVT_TABLE_ACCESS; t < HVT_TABLES; t++)
		if (t != HVT_TABLE_CODE && t != HVT_TABLE_TASK && cur->at[t] != cur->rows[t])
			return false;
	return cur->wide.at == cur->wide.len && cur->delta.at == cur->delta.len &&
	       cur->mem.at == cur->mem.len;
}

/* Slots of all records, or 0 when records and rows do not match. */
static size_t all_slots(struct cursor *cur, uint32_t n)
{
	size_t total = 0;
	uint32_t i, row, slots;

	for (i = 0; i < n; i++) {
		slots = 1;
		switch (VALUE(cur, uint8_t, TYPE, i)) {
		case HVT_REC_ACCESS:
			slots = access_slots(cur, VALUE(cur, uint16_t, FLAGS, i));
			break;
		case HVT_REC_LOST:
			slots = step(cur, HVT_TABLE_LOST, &row);
			break;
		case HVT_REC_REMAP:
			slots = step(cur, HVT_TABLE_REMAP, &row);
			break;
		case HVT_REC_INSN:
			slots = insn_slots(cur, VALUE(cur, uint16_t, FLAGS, i));
			break;
		case HVT_REC_FLOW:
			slots = flow_slots(cur);
			break;
		default: /* of a newer module: its tables are not known either */
			break;
		}
		if (!slots)
			return 0;
		total += slots;
	}
	return all_used(cur) ? total : 0;
}

/* How many: the instruction's bytes of a row of CODE. */
static uint8_t put_insn_bytes(const struct cursor *cur, uint32_t code, uint8_t out[15])
{
	uint8_t len = VALUE(cur, uint8_t, INSN_LEN, code);

	memcpy(out, (const uint8_t *)cur->p[HVT_COLUMN_INSN] + cur->insn[code], len);
	return len;
}

/* Zeros up to the next slot. How many slots there are from out on. */
static uint8_t fill_up(uint8_t *out, uint8_t *at)
{
	size_t slots = ((size_t)(at - out) + HVT_SLOT - 1) / HVT_SLOT;

	memset(at, 0, slots * HVT_SLOT - (size_t)(at - out));
	return (uint8_t)slots;
}

static size_t put_access(struct cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_ACCESS]++, code, task;
	struct hvt_rec_access a = { .h = *h };
	struct hvt_rec_wide w;
	struct hvt_rec_run run;
	uint8_t *at = out + sizeof(a);

	code = VALUE(cur, uint16_t, CODE, row);
	task = VALUE(cur, uint16_t, TASK, row);
	a.ip = VALUE(cur, uint64_t, IP, code);
	a.insn_len = put_insn_bytes(cur, code, a.insn);
	a.cr3 = VALUE(cur, uint64_t, CR3, task);
	a.pid = VALUE(cur, uint32_t, PID, task);
	a.tid = VALUE(cur, uint32_t, TID, task);
	memcpy(a.comm, (const uint8_t *)cur->p[HVT_COLUMN_COMM] + sizeof(a.comm) * (size_t)task,
	       sizeof(a.comm));
	a.gla = VALUE(cur, uint64_t, GLA, row);
	a.gpa = a.gla + VALUE(cur, uint64_t, GPA_GLA, row);
	a.size = VALUE(cur, uint32_t, SIZE, row);
	a.access = VALUE(cur, uint8_t, ACCESS, row);
	a.vector = VALUE(cur, uint8_t, VECTOR, row);
	a.order = VALUE(cur, uint64_t, ORDER, row);
	a.old = VALUE(cur, uint64_t, OLD, row);
	a.new_ = VALUE(cur, uint64_t, NEW, row);
	if (h->flags & HVT_RF_REGS) {
		row = cur->at[HVT_TABLE_REGS]++;
		memcpy(at, (const uint8_t *)cur->p[HVT_COLUMN_GPR] + 128 * (size_t)row, 128);
		at += 128;
	}
	if (h->flags & HVT_RF_RUN) {
		row = cur->at[HVT_TABLE_RUN]++;
		run.count = VALUE(cur, uint64_t, RUN_COUNT, row);
		run.elem = VALUE(cur, uint32_t, RUN_ELEM, row);
		run.down = VALUE(cur, uint32_t, RUN_DOWN, row);
		memcpy(at, &run, sizeof(run));
		at += sizeof(run);
	}
	if (h->flags & HVT_RF_WIDE) {
		row = cur->at[HVT_TABLE_WIDE]++;
		w.off = VALUE(cur, uint32_t, WIDE_OFF, row);
		w.len = VALUE(cur, uint32_t, WIDE_LEN, row);
		memcpy(at, &w, sizeof(w));
		memcpy(at + sizeof(w),
		       (const uint8_t *)cur->p[HVT_COLUMN_WIDE_BYTES] + cur->wide.at,
		       2 * (size_t)w.len);
		cur->wide.at += 2 * w.len;
		at += sizeof(w) + 2 * (size_t)w.len;
	}
	a.h.nslots = fill_up(out, at);
	memcpy(out, &a, sizeof(a));
	return a.h.nslots;
}

static uint8_t *put_mems(struct cursor *cur, uint8_t *at)
{
	uint32_t row = cur->at[HVT_TABLE_MEMS]++, len, nr;
	struct hvt_rec_mems mems = { .nr = VALUE(cur, uint32_t, MEMS_NR, row),
				     .exact = VALUE(cur, uint8_t, MEMS_EXACT, row) };
	struct hvt_rec_mem m = { 0 };

	memcpy(at, &mems, sizeof(mems));
	at += sizeof(mems);
	for (nr = mems.nr; nr; nr--) {
		row = cur->at[HVT_TABLE_MEM]++;
		m.addr = VALUE(cur, uint64_t, MEM_ADDR, row);
		m.size = VALUE(cur, uint32_t, MEM_SIZE, row);
		m.len = VALUE(cur, uint16_t, MEM_LEN, row);
		m.access = VALUE(cur, uint8_t, MEM_ACCESS, row);
		len = mem_values(cur, row);
		memcpy(at, &m, sizeof(m));
		at += sizeof(m);
		memcpy(at, (const uint8_t *)cur->p[HVT_COLUMN_MEM_BYTES] + cur->mem.at, len);
		memset(at + len, 0, padded(len) - len);
		cur->mem.at += len;
		at += padded(len);
	}
	return at;
}

static size_t put_insn(struct cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_INSN]++, code, task;
	struct hvt_rec_insn in = { .h = *h };
	struct hvt_rec_delta delta = { 0 };
	uint8_t *at = out + sizeof(in);
	size_t len;

	code = VALUE(cur, uint16_t, INSN_CODE, row);
	task = VALUE(cur, uint16_t, INSN_TASK, row);
	in.ip = VALUE(cur, uint64_t, IP, code);
	in.pid = VALUE(cur, uint32_t, PID, task);
	in.tid = VALUE(cur, uint32_t, TID, task);
	in.insn_len = put_insn_bytes(cur, code, in.insn);
	in.body = VALUE(cur, uint32_t, INSN_BODY, row);
	in.nest = VALUE(cur, uint8_t, INSN_NEST, row);
	if (h->flags & HVT_RF_DELTA) {
		row = cur->at[HVT_TABLE_DELTA]++;
		delta.mask = VALUE(cur, uint32_t, DELTA_MASK, row);
		len = 8 * (size_t)__builtin_popcount(delta.mask);
		memcpy(at, &delta, sizeof(delta));
		memcpy(at + sizeof(delta),
		       (const uint8_t *)cur->p[HVT_COLUMN_DELTA_BYTES] + cur->delta.at, len);
		cur->delta.at += (uint32_t)len;
		at += sizeof(delta) + len;
	}
	if (h->flags & HVT_RF_MEM)
		at = put_mems(cur, at);
	in.h.nslots = fill_up(out, at);
	memcpy(out, &in, sizeof(in));
	return in.h.nslots;
}

static size_t put_flow(struct cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_FLOW]++, code, task;
	struct hvt_rec_flow f = { .h = *h };

	code = VALUE(cur, uint16_t, FLOW_CODE, row);
	task = VALUE(cur, uint16_t, FLOW_TASK, row);
	f.h.nslots = sizeof(f) / HVT_SLOT;
	f.ip = VALUE(cur, uint64_t, IP, code);
	f.pid = VALUE(cur, uint32_t, PID, task);
	f.tid = VALUE(cur, uint32_t, TID, task);
	f.to = VALUE(cur, uint64_t, FLOW_TO, row);
	f.what = VALUE(cur, uint8_t, FLOW_WHAT, row);
	f.vector = VALUE(cur, uint8_t, FLOW_VECTOR, row);
	f.nest = VALUE(cur, uint8_t, FLOW_NEST, row);
	f.code = VALUE(cur, uint32_t, FLOW_NUMBER, row);
	memcpy(f.arg, (const uint8_t *)cur->p[HVT_COLUMN_FLOW_ARG] + sizeof(f.arg) * (size_t)row,
	       sizeof(f.arg));
	f.body = VALUE(cur, uint32_t, FLOW_BODY, row);
	f.insn_len = put_insn_bytes(cur, code, f.insn);
	memcpy(out, &f, sizeof(f));
	return f.h.nslots;
}

static size_t put_record(struct cursor *cur, uint32_t i, uint8_t *out)
{
	struct hvt_rec h = { .type = VALUE(cur, uint8_t, TYPE, i),
			     .nslots = 1,
			     .flags = VALUE(cur, uint16_t, FLAGS, i),
			     .watch = VALUE(cur, uint32_t, WATCH, i),
			     .seq = VALUE(cur, uint64_t, SEQ, i),
			     .tsc = VALUE(cur, uint64_t, TSC, i) };
	struct hvt_rec_remap m = { .h = h };
	struct hvt_rec_lost l = { .h = h };
	uint32_t row;

	switch (h.type) {
	case HVT_REC_ACCESS:
		return put_access(cur, &h, out);
	case HVT_REC_INSN:
		return put_insn(cur, &h, out);
	case HVT_REC_FLOW:
		return put_flow(cur, &h, out);
	case HVT_REC_LOST:
		l.count = VALUE(cur, uint64_t, LOST_COUNT, cur->at[HVT_TABLE_LOST]++);
		memcpy(out, &l, sizeof(l));
		break;
	case HVT_REC_REMAP:
		row = cur->at[HVT_TABLE_REMAP]++;
		m.va = VALUE(cur, uint64_t, VA, row);
		m.old_gpa = VALUE(cur, uint64_t, OLD_GPA, row);
		m.new_gpa = VALUE(cur, uint64_t, NEW_GPA, row);
		m.pid = VALUE(cur, uint32_t, REMAP_PID, row);
		m.tid = VALUE(cur, uint32_t, REMAP_TID, row);
		memcpy(out, &m, sizeof(m));
		break;
	default:
		memcpy(out, &h, sizeof(h));
		memset(out + sizeof(h), 0, HVT_SLOT - sizeof(h));
	}
	return 1;
}

int hvt_chunk_decode(struct hvt_columns *c, uint32_t cpu, struct hvt_chunk **out)
{
	uint32_t n = c->rows[HVT_TABLE_RECORD], i;
	struct hvt_chunk *chunk;
	struct cursor cur;
	size_t slots = 0, at;
	int rc = load(c, &cur);

	if (!rc) {
		slots = all_slots(&cur, n);
		rc = slots ? 0 : -EBADMSG;
	}
	chunk = rc ? NULL : malloc(sizeof(*chunk) + slots * HVT_SLOT);
	if (chunk) {
		chunk->refs = 1;
		chunk->cpu = cpu;
		chunk->records = n;
		chunk->len = slots * HVT_SLOT;
		memset(cur.at, 0, sizeof(cur.at));
		cur.wide.at = cur.delta.at = cur.mem.at = 0;
		for (i = 0, at = 0; i < n; i++)
			at += put_record(&cur, i, chunk->bytes + at) * HVT_SLOT;
	} else if (!rc) {
		rc = -ENOMEM;
	}
	free(cur.insn);
	*out = chunk;
	return rc;
}

void hvt_chunk_unref(struct hvt_chunk *c)
{
	if (c && !--c->refs)
		free(c);
}
