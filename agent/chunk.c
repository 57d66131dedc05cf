// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of one CPU, taken apart into columns. There is room for CHUNK_RECORDS of each
 * field; of tables that stay empty no page is ever touched.
 */
#include <stdlib.h>
#include <string.h>

#include <hvtrace/uapi.h>

#include "chunk.h"
#include "dict.h"
#include "encode.h"

enum column {
#define COLUMN(name, table, number, width, type, label) COLUMN_##name,
	HVT_FIELDS(COLUMN)
#undef COLUMN
		COLUMNS
};

static const struct {
	uint16_t field, width;
	bool bytes;
} fields[COLUMNS] = {
#define FIELD(name, table, number, width, type, label) { HVT_FIELD_##name, width, type[0] == 'b' },
	HVT_FIELDS(FIELD)
#undef FIELD
};

struct chunk {
	uint32_t cpu, records;
	size_t bytes;
	uint64_t tsc_first, tsc_last, seq_first;
	uint8_t *column[COLUMNS];
	uint32_t count[COLUMNS];
	struct dict code, task;
};

/* What is known of an instruction, and of who executed it, as rows. */
struct code_row {
	uint64_t ip;
	uint8_t insn_len, insn[15], zero[8];
};

struct task_row {
	uint64_t cr3;
	uint32_t pid, tid;
	char comm[16];
};

_Static_assert(CHUNK_RECORDS <= DICT_ROWS, "a record brings one row of each kind at most");
_Static_assert(sizeof(struct code_row) == DICT_ROW && sizeof(struct task_row) == DICT_ROW,
	       "rows without padding");

static enum hvt_encoding encoding_of(const struct chunk *c, enum column column)
{
	switch (column) {
	case COLUMN_IP:
		/* accesses come from few places, again and again; instructions one after another */
		return c->count[COLUMN_INSN_CODE] ? HVT_ENC_DELTA : HVT_ENC_PLAIN;
	case COLUMN_SEQ:
	case COLUMN_TSC:
	case COLUMN_GLA:
	case COLUMN_ORDER:
	case COLUMN_MEM_ADDR:
		return HVT_ENC_DELTA;
	case COLUMN_OLD: /* whole values come again: zstd finds them */
	case COLUMN_NEW:
	case COLUMN_GPR:
	case COLUMN_FLOW_ARG:
	case COLUMN_COMM:
		return HVT_ENC_PLAIN;
	default:
		return fields[column].width > 1 ? HVT_ENC_PLANES : HVT_ENC_PLAIN;
	}
}

/* Of value bytes and of operands a record brings no more than there are in it. */
static size_t room_of(size_t column)
{
	const size_t bytes = CHUNK_BYTES + 256 * HVT_SLOT;

	if (fields[column].bytes)
		return bytes;
	if (HVT_FIELD_TABLE(fields[column].field) == HVT_TABLE_MEM)
		return bytes / sizeof(struct hvt_rec_mem) * fields[column].width;
	return (size_t)CHUNK_RECORDS * fields[column].width;
}

struct chunk *chunk_new(uint32_t cpu)
{
	struct chunk *c = xzalloc(sizeof(*c));
	size_t i;

	c->cpu = cpu;
	c->tsc_first = ~0ull;
	for (i = 0; i < COLUMNS; i++)
		c->column[i] = xrealloc(NULL, room_of(i));
	return c;
}

void chunk_free(struct chunk *c)
{
	size_t i;

	for (i = 0; c && i < COLUMNS; i++)
		free(c->column[i]);
	free(c);
}

/* Where the parts of an access end. */
static size_t access_size(const uint8_t *rec, uint16_t flags, size_t size)
{
	size_t at = sizeof(struct hvt_rec_access);
	struct hvt_rec_wide w;

	if (flags & HVT_RF_REGS)
		at += 16 * sizeof(uint64_t);
	if (flags & HVT_RF_RUN)
		at += sizeof(struct hvt_rec_run);
	if (flags & HVT_RF_WIDE) {
		if (at + sizeof(w) > size)
			return SIZE_MAX;
		memcpy(&w, rec + at, sizeof(w));
		at += sizeof(w) + 2 * (size_t)w.len;
	}
	return at;
}

/* Value bytes that are there of an operand. */
static size_t mem_values(const struct hvt_rec_mem *m)
{
	return m->len * (size_t)(m->access == (HVT_ACC_R | HVT_ACC_W) ? 2 : 1);
}

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* Where the parts of an instruction end; SIZE_MAX: they make no sense. */
static size_t insn_size(const uint8_t *rec, uint16_t flags, size_t size)
{
	size_t at = sizeof(struct hvt_rec_insn);
	struct hvt_rec_delta delta;
	struct hvt_rec_mems mems;
	struct hvt_rec_mem m;

	if (flags & HVT_RF_DELTA) {
		if (at + sizeof(delta) > size)
			return SIZE_MAX;
		memcpy(&delta, rec + at, sizeof(delta));
		if (delta.mask & ~HVT_DELTA_MASK)
			return SIZE_MAX;
		at += sizeof(delta) + 8 * (size_t)__builtin_popcount(delta.mask);
	}
	if (!(flags & HVT_RF_MEM))
		return at;
	if (at + sizeof(mems) > size)
		return SIZE_MAX;
	memcpy(&mems, rec + at, sizeof(mems));
	for (at += sizeof(mems); mems.nr; mems.nr--) {
		if (at + sizeof(m) > size)
			return SIZE_MAX;
		memcpy(&m, rec + at, sizeof(m));
		if (!m.access || m.access & ~(HVT_ACC_R | HVT_ACC_W))
			return SIZE_MAX;
		at += sizeof(m) + padded(mem_values(&m));
	}
	return at;
}

bool chunk_takes(const uint8_t *rec)
{
	struct hvt_rec h;
	size_t size;

	memcpy(&h, rec, sizeof(h));
	size = (size_t)h.nslots * HVT_SLOT;
	switch (h.type) {
	case HVT_REC_LOST:
	case HVT_REC_REMAP:
		return size != 0;
	case HVT_REC_ACCESS:
		return size >= sizeof(struct hvt_rec_access) &&
		       access_size(rec, h.flags, size) <= size;
	case HVT_REC_INSN:
		return size >= sizeof(struct hvt_rec_insn) && insn_size(rec, h.flags, size) <= size;
	case HVT_REC_FLOW:
		return size >= sizeof(struct hvt_rec_flow);
	default:
		return false;
	}
}

/* One element behind the others of a column. */
#define PUT(c, name, value) \
	do { \
		__typeof__(value) put_ = (value); \
		memcpy((c)->column[COLUMN_##name] + sizeof(put_) * (c)->count[COLUMN_##name]++, \
		       &put_, sizeof(put_)); \
	} while (0)

static void put_bytes(struct chunk *c, enum column column, const void *p, size_t len)
{
	memcpy(c->column[column] + c->count[column], p, len);
	c->count[column] += (uint32_t)len;
}

static void add_parts(struct chunk *c, const uint8_t *at, uint16_t flags)
{
	struct hvt_rec_wide w;
	struct hvt_rec_run run;

	if (flags & HVT_RF_REGS) {
		memcpy(c->column[COLUMN_GPR] + 128 * (size_t)c->count[COLUMN_GPR]++, at, 128);
		at += 128;
	}
	if (flags & HVT_RF_RUN) {
		memcpy(&run, at, sizeof(run));
		PUT(c, RUN_COUNT, run.count);
		PUT(c, RUN_ELEM, run.elem);
		PUT(c, RUN_DOWN, run.down);
		at += sizeof(run);
	}
	if (flags & HVT_RF_WIDE) {
		memcpy(&w, at, sizeof(w));
		PUT(c, WIDE_OFF, w.off);
		PUT(c, WIDE_LEN, w.len);
		put_bytes(c, COLUMN_WIDE_BYTES, at + sizeof(w), 2 * (size_t)w.len);
	}
}

static uint16_t code_row(struct chunk *c, uint64_t ip, const uint8_t *insn, uint8_t len)
{
	struct code_row code = { .ip = ip };

	code.insn_len = len < sizeof(code.insn) ? len : sizeof(code.insn);
	memcpy(code.insn, insn, code.insn_len);
	return dict_row(&c->code, &code);
}

static void add_access(struct chunk *c, const uint8_t *rec)
{
	struct hvt_rec_access a;
	struct task_row task;

	memcpy(&a, rec, sizeof(a));
	task.cr3 = a.cr3;
	task.pid = a.pid;
	task.tid = a.tid;
	memcpy(task.comm, a.comm, sizeof(task.comm));
	PUT(c, CODE, code_row(c, a.ip, a.insn, a.insn_len));
	PUT(c, TASK, dict_row(&c->task, &task));
	PUT(c, GLA, a.gla);
	PUT(c, GPA_GLA, a.gpa - a.gla);
	PUT(c, SIZE, a.size);
	PUT(c, ACCESS, a.access);
	PUT(c, VECTOR, a.vector);
	PUT(c, ORDER, a.order);
	PUT(c, OLD, a.old);
	PUT(c, NEW, a.new_);
	add_parts(c, rec + sizeof(a), a.h.flags);
}

static void add_mems(struct chunk *c, const uint8_t *at)
{
	struct hvt_rec_mems mems;
	struct hvt_rec_mem m;

	memcpy(&mems, at, sizeof(mems));
	PUT(c, MEMS_NR, mems.nr);
	PUT(c, MEMS_EXACT, (uint8_t)(mems.exact != 0));
	for (at += sizeof(mems); mems.nr; mems.nr--) {
		memcpy(&m, at, sizeof(m));
		PUT(c, MEM_ADDR, m.addr);
		PUT(c, MEM_SIZE, m.size);
		PUT(c, MEM_ACCESS, m.access);
		PUT(c, MEM_LEN, m.len);
		put_bytes(c, COLUMN_MEM_BYTES, at + sizeof(m), mem_values(&m));
		at += sizeof(m) + padded(mem_values(&m));
	}
}

static void add_insn(struct chunk *c, const uint8_t *rec)
{
	const uint8_t *at = rec + sizeof(struct hvt_rec_insn);
	struct task_row task = { 0 };
	struct hvt_rec_delta delta;
	struct hvt_rec_insn in;
	size_t len;

	memcpy(&in, rec, sizeof(in));
	task.pid = in.pid;
	task.tid = in.tid;
	PUT(c, INSN_CODE, code_row(c, in.ip, in.insn, in.insn_len));
	PUT(c, INSN_TASK, dict_row(&c->task, &task));
	PUT(c, INSN_BODY, in.body);
	PUT(c, INSN_NEST, in.nest);
	if (in.h.flags & HVT_RF_DELTA) {
		memcpy(&delta, at, sizeof(delta));
		len = 8 * (size_t)__builtin_popcount(delta.mask);
		PUT(c, DELTA_MASK, delta.mask);
		put_bytes(c, COLUMN_DELTA_BYTES, at + sizeof(delta), len);
		at += sizeof(delta) + len;
	}
	if (in.h.flags & HVT_RF_MEM)
		add_mems(c, at);
}

static void add_flow(struct chunk *c, const uint8_t *rec)
{
	struct task_row task = { 0 };
	struct hvt_rec_flow f;

	memcpy(&f, rec, sizeof(f));
	task.pid = f.pid;
	task.tid = f.tid;
	PUT(c, FLOW_CODE, code_row(c, f.ip, f.insn, f.insn_len));
	PUT(c, FLOW_TASK, dict_row(&c->task, &task));
	PUT(c, FLOW_TO, f.to);
	PUT(c, FLOW_WHAT, f.what);
	PUT(c, FLOW_VECTOR, f.vector);
	PUT(c, FLOW_NEST, f.nest);
	PUT(c, FLOW_NUMBER, f.code);
	memcpy(c->column[COLUMN_FLOW_ARG] + sizeof(f.arg) * c->count[COLUMN_FLOW_ARG]++, f.arg,
	       sizeof(f.arg));
	PUT(c, FLOW_BODY, f.body);
}

bool chunk_add(struct chunk *c, const uint8_t *rec)
{
	struct hvt_rec_remap remap;
	struct hvt_rec_lost lost;
	struct hvt_rec h;

	memcpy(&h, rec, sizeof(h));
	if (!c->records++)
		c->seq_first = h.seq;
	if (h.tsc < c->tsc_first)
		c->tsc_first = h.tsc;
	if (h.tsc > c->tsc_last)
		c->tsc_last = h.tsc;
	c->bytes += (size_t)h.nslots * HVT_SLOT;
	PUT(c, TYPE, h.type);
	PUT(c, FLAGS, h.flags);
	PUT(c, WATCH, h.watch);
	PUT(c, SEQ, h.seq);
	PUT(c, TSC, h.tsc);
	switch (h.type) {
	case HVT_REC_ACCESS:
		add_access(c, rec);
		break;
	case HVT_REC_INSN:
		add_insn(c, rec);
		break;
	case HVT_REC_FLOW:
		add_flow(c, rec);
		break;
	case HVT_REC_LOST:
		memcpy(&lost, rec, sizeof(lost));
		PUT(c, LOST_COUNT, lost.count);
		break;
	default:
		memcpy(&remap, rec, sizeof(remap));
		PUT(c, VA, remap.va);
		PUT(c, OLD_GPA, remap.old_gpa);
		PUT(c, NEW_GPA, remap.new_gpa);
		PUT(c, REMAP_PID, remap.pid);
		PUT(c, REMAP_TID, remap.tid);
	}
	return c->records < CHUNK_RECORDS && c->bytes < CHUNK_BYTES &&
	       c->count[COLUMN_GLA] < CHUNK_ACCESSES;
}

uint64_t chunk_tsc_first(const struct chunk *c)
{
	return c->tsc_first;
}

/* The dictionaries become columns when they are complete. */
static void put_dicts(struct chunk *c)
{
	struct code_row code;
	struct task_row task;
	uint32_t i;

	for (i = 0; i < c->code.rows; i++) {
		memcpy(&code, c->code.row[i], sizeof(code));
		PUT(c, IP, code.ip);
		PUT(c, INSN_LEN, code.insn_len);
		put_bytes(c, COLUMN_INSN, code.insn, code.insn_len);
	}
	for (i = 0; i < c->task.rows; i++) {
		memcpy(&task, c->task.row[i], sizeof(task));
		PUT(c, PID, task.pid);
		PUT(c, TID, task.tid);
		PUT(c, CR3, task.cr3);
		memcpy(c->column[COLUMN_COMM] + 16 * (size_t)c->count[COLUMN_COMM]++, task.comm,
		       16);
	}
}

/* Rows of the column's table: a column of bytes may be empty in a table that is not. */
static bool has_rows(const struct chunk *c, size_t column)
{
	size_t first = column;

	while (first &&
	       HVT_FIELD_TABLE(fields[first - 1].field) == HVT_FIELD_TABLE(fields[column].field))
		first--;
	return c->count[first] != 0;
}

void chunk_seal(struct chunk *c, struct hvt_section *head, struct buf *payload)
{
	struct hvt_log_column column[COLUMNS];
	struct hvt_log_chunk chunk = { 0 };
	static struct buf data;
	size_t i;

	put_dicts(c);
	data.len = 0;
	for (i = 0; i < COLUMNS; i++) {
		if (!has_rows(c, i))
			continue;
		column[chunk.columns] = (struct hvt_log_column){
			.field = fields[i].field,
			.width = fields[i].width,
			.encoding = (uint8_t)encoding_of(c, (enum column)i),
			.count = c->count[i],
		};
		encode_column(&data, &column[chunk.columns++], c->column[i]);
	}
	*head = (struct hvt_section){
		.type = HVT_SEC_EVENTS,
		.cpu = c->cpu,
		.count = c->records,
		.tsc_first = c->tsc_first,
		.tsc_last = c->tsc_last,
		.seq_first = c->seq_first,
	};
	payload->len = 0;
	buf_put(payload, &chunk, sizeof(chunk));
	buf_put(payload, column, chunk.columns * sizeof(*column));
	buf_put(payload, data.p, data.len);

	memset(c->count, 0, sizeof(c->count));
	dict_clear(&c->code);
	dict_clear(&c->task);
	c->records = 0;
	c->bytes = 0;
	c->tsc_first = ~0ull;
	c->tsc_last = 0;
}
