/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The rows of traces back into records: instructions, and what breaks their sequence. As in
 * chunk.c, what other files read from a record is bounded here.
 */
#include "cursor.h"

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* Value bytes of a row of MEM. */
static uint32_t mem_values(const struct hvt_cursor *cur, uint32_t row)
{
	uint32_t len = HVT_VALUE(cur, uint16_t, MEM_LEN, row);

	return HVT_VALUE(cur, uint8_t, MEM_ACCESS, row) == (HVT_ACC_R | HVT_ACC_W) ? 2 * len : len;
}

/* Adds what the operands of an instruction take. False: they are not there, or too many. */
static bool mems_size(struct hvt_cursor *cur, size_t *size)
{
	uint32_t row, nr, len;
	uint8_t access;

	if (!hvt_cursor_step(cur, HVT_TABLE_MEMS, &row))
		return false;
	*size += sizeof(struct hvt_rec_mems);
	for (nr = HVT_VALUE(cur, uint32_t, MEMS_NR, row); nr; nr--) {
		if (!hvt_cursor_step(cur, HVT_TABLE_MEM, &row))
			return false;
		access = HVT_VALUE(cur, uint8_t, MEM_ACCESS, row);
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

uint32_t hvt_insn_slots(struct hvt_cursor *cur, uint16_t flags)
{
	size_t size = sizeof(struct hvt_rec_insn);
	uint32_t row, mask, len;

	if (!hvt_cursor_step(cur, HVT_TABLE_INSN, &row) ||
	    !hvt_cursor_known(cur, HVT_VALUE(cur, uint16_t, INSN_CODE, row),
			      HVT_VALUE(cur, uint16_t, INSN_TASK, row)))
		return 0;
	if (flags & HVT_RF_DELTA) {
		if (!hvt_cursor_step(cur, HVT_TABLE_DELTA, &row))
			return 0;
		mask = HVT_VALUE(cur, uint32_t, DELTA_MASK, row);
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

uint32_t hvt_flow_slots(struct hvt_cursor *cur)
{
	uint32_t row;

	if (!hvt_cursor_step(cur, HVT_TABLE_FLOW, &row) ||
	    !hvt_cursor_known(cur, HVT_VALUE(cur, uint16_t, FLOW_CODE, row),
			      HVT_VALUE(cur, uint16_t, FLOW_TASK, row)))
		return 0;
	return sizeof(struct hvt_rec_flow) / HVT_SLOT;
}

static uint8_t *put_mems(struct hvt_cursor *cur, uint8_t *at)
{
	uint32_t row = cur->at[HVT_TABLE_MEMS]++, len, nr;
	struct hvt_rec_mems mems = { .nr = HVT_VALUE(cur, uint32_t, MEMS_NR, row),
				     .exact = HVT_VALUE(cur, uint8_t, MEMS_EXACT, row) };
	struct hvt_rec_mem m = { 0 };

	memcpy(at, &mems, sizeof(mems));
	at += sizeof(mems);
	for (nr = mems.nr; nr; nr--) {
		row = cur->at[HVT_TABLE_MEM]++;
		m.addr = HVT_VALUE(cur, uint64_t, MEM_ADDR, row);
		m.size = HVT_VALUE(cur, uint32_t, MEM_SIZE, row);
		m.len = HVT_VALUE(cur, uint16_t, MEM_LEN, row);
		m.access = HVT_VALUE(cur, uint8_t, MEM_ACCESS, row);
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

size_t hvt_insn_put(struct hvt_cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_INSN]++, task = HVT_VALUE(cur, uint16_t, INSN_TASK, row);
	const struct hvt_code *code = &cur->code[HVT_VALUE(cur, uint16_t, INSN_CODE, row)];
	struct hvt_rec_insn *in = (struct hvt_rec_insn *)out;
	struct hvt_rec_delta delta = { 0 };
	uint8_t *at = out + sizeof(*in);
	size_t len;

	in->h = *h;
	in->ip = code->ip;
	in->pid = HVT_VALUE(cur, uint32_t, PID, task);
	in->tid = HVT_VALUE(cur, uint32_t, TID, task);
	memcpy(in->insn, code->insn, sizeof(in->insn));
	in->insn_len = code->insn_len;
	in->body = HVT_VALUE(cur, uint32_t, INSN_BODY, row);
	in->nest = HVT_VALUE(cur, uint8_t, INSN_NEST, row);
	memset(in->pad, 0, sizeof(in->pad));
	if (h->flags & HVT_RF_DELTA) {
		row = cur->at[HVT_TABLE_DELTA]++;
		delta.mask = HVT_VALUE(cur, uint32_t, DELTA_MASK, row);
		len = 8 * (size_t)__builtin_popcount(delta.mask);
		memcpy(at, &delta, sizeof(delta));
		memcpy(at + sizeof(delta),
		       (const uint8_t *)cur->p[HVT_COLUMN_DELTA_BYTES] + cur->delta.at, len);
		cur->delta.at += (uint32_t)len;
		at += sizeof(delta) + len;
	}
	if (h->flags & HVT_RF_MEM)
		at = put_mems(cur, at);
	in->h.nslots = hvt_cursor_fill(out, at);
	return in->h.nslots;
}

size_t hvt_flow_put(struct hvt_cursor *cur, const struct hvt_rec *h, uint8_t *out)
{
	uint32_t row = cur->at[HVT_TABLE_FLOW]++, task = HVT_VALUE(cur, uint16_t, FLOW_TASK, row);
	const struct hvt_code *code = &cur->code[HVT_VALUE(cur, uint16_t, FLOW_CODE, row)];
	struct hvt_rec_flow f = { .h = *h };

	f.h.nslots = sizeof(f) / HVT_SLOT;
	f.ip = code->ip;
	f.pid = HVT_VALUE(cur, uint32_t, PID, task);
	f.tid = HVT_VALUE(cur, uint32_t, TID, task);
	f.to = HVT_VALUE(cur, uint64_t, FLOW_TO, row);
	f.what = HVT_VALUE(cur, uint8_t, FLOW_WHAT, row);
	f.vector = HVT_VALUE(cur, uint8_t, FLOW_VECTOR, row);
	f.nest = HVT_VALUE(cur, uint8_t, FLOW_NEST, row);
	f.code = HVT_VALUE(cur, uint32_t, FLOW_NUMBER, row);
	memcpy(f.arg, (const uint8_t *)cur->p[HVT_COLUMN_FLOW_ARG] + sizeof(f.arg) * (size_t)row,
	       sizeof(f.arg));
	f.body = HVT_VALUE(cur, uint32_t, FLOW_BODY, row);
	memcpy(f.insn, code->insn, sizeof(f.insn));
	f.insn_len = code->insn_len;
	memcpy(out, &f, sizeof(f));
	return f.h.nslots;
}
