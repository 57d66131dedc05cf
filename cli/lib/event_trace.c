/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Records of traces become events: instructions, and what breaks their sequence. Records
 * were bounded by chunk.c before.
 */
#include "internal.h"

#include <stddef.h>
#include <string.h>

/* What both kinds of records have. */
static void who(struct hvt_reader *r, uint32_t pid, uint32_t tid, struct hvt_event *ev)
{
	const char *comm = hvt_comm_at(&r->processes, pid, tid, ev->ns);

	ev->pid = pid;
	ev->tid = tid;
	memcpy(ev->comm, comm, strnlen(comm, sizeof(ev->comm) - 1));
}

static void code(struct hvt_reader *r, uint64_t ip, const uint8_t insn[15], uint8_t len,
		 struct hvt_event *ev)
{
	struct hvt_insn *decoded = NULL;

	ev->ip = ip;
	if (!(ev->flags & HVT_RF_NOINSN)) {
		ev->insn_len = len;
		memcpy(ev->insn, insn, sizeof(ev->insn));
		decoded = hvt_decode(r->decoder, ip, ev->flags, ev->insn, len);
	}
	if (decoded) {
		ev->insn_len = decoded->len;
		ev->text = decoded->text;
	}
	if (!ip)
		return;
	if (decoded)
		hvt_site_name(&r->symbols, &decoded->site, ev);
	else
		hvt_symbols_resolve(&r->symbols, ev->pid, ev->ns, ip, &ev->ip_sym);
	if (r->symbols.lines)
		ev->src_line = (uint32_t)hvt_reader_line(r, ev->pid, ev->ns, ip, &ev->src_file);
}

static int operands(struct hvt_reader *r, const uint8_t *at, struct hvt_event *ev)
{
	struct hvt_operand_value *o;
	struct hvt_rec_mems mems;
	struct hvt_rec_mem m;
	size_t len, i;

	memcpy(&mems, at, sizeof(mems));
	at += sizeof(mems);
	ev->mem_known = mems.exact;
	for (i = 0; i < mems.nr; i++) {
		if (hvt_grow((void **)&r->operands, &r->cap_operands, i, sizeof(*r->operands)))
			return -1;
		memcpy(&m, at, sizeof(m));
		at += sizeof(m);
		o = &r->operands[i];
		*o = (struct hvt_operand_value){
			.addr = m.addr, .size = m.size, .len = m.len, .access = m.access
		};
		len = m.len;
		if (m.len && m.access & HVT_ACC_R)
			o->old = at;
		if (m.len && m.access & HVT_ACC_W)
			o->new_ = m.access & HVT_ACC_R ? at + m.len : at;
		if (m.access == (HVT_ACC_R | HVT_ACC_W))
			len *= 2;
		at += (len + 7) & ~(size_t)7;
	}
	ev->mem = r->operands;
	ev->nr_mem = mems.nr;
	return 0;
}

int hvt_insn_event(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev)
{
	const uint8_t *at = rec + sizeof(struct hvt_rec_insn);
	struct hvt_trace_fact *trace;
	struct hvt_rec_delta delta;
	struct hvt_rec_insn in;

	memcpy(&in, rec, sizeof(in));
	ev->type = HVT_EV_INSN;
	ev->watch = in.h.watch;
	who(r, in.pid, in.tid, ev);
	code(r, in.ip, in.insn, in.insn_len, ev);
	ev->body = in.body;
	ev->nest = in.nest;
	if (in.h.flags & HVT_RF_DELTA) {
		memcpy(&delta, at, sizeof(delta));
		at += sizeof(delta);
		ev->delta_mask = delta.mask;
		ev->delta = (const uint64_t *)at;
		at += sizeof(uint64_t) * (size_t)__builtin_popcount(delta.mask);
	}
	if (in.h.flags & HVT_RF_MEM && operands(r, at, ev))
		return -1;
	trace = hvt_traces_find(&r->traces, ev->watch);
	if (trace)
		trace->instructions++;
	r->stats.instructions++;
	return 0;
}

/* INT 0x80 enters through the table of 32-bit system calls from any code. */
static bool is_int80(const struct hvt_event *ev)
{
	return ev->insn_len == 2 && ev->insn[0] == 0xcd && ev->insn[1] == 0x80;
}

/* Does the number belong to the 32-bit table? What a call was, its end is. */
static bool is_ia32(struct hvt_reader *r, const struct hvt_event *ev)
{
	uint32_t *slot = &r->int80[ev->tid % HVT_INT80_SLOTS];

	if (ev->what == HVT_FLOW_SYSCALL && is_int80(ev))
		*slot = ev->tid;
	else if (ev->what == HVT_FLOW_SYSCALL && *slot == ev->tid)
		*slot = 0;
	return ev->flags & HVT_RF_CODE32 || (ev->tid && *slot == ev->tid);
}

void hvt_flow_event(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev)
{
	struct hvt_rec_flow f;

	memcpy(&f, rec, sizeof(f));
	ev->type = HVT_EV_FLOW;
	ev->watch = f.h.watch;
	who(r, f.pid, f.tid, ev);
	code(r, f.ip, f.insn, f.insn_len, ev);
	ev->body = f.body;
	ev->nest = f.nest;
	ev->what = f.what;
	ev->vector = f.vector;
	ev->number = f.code;
	ev->to = f.to;
	ev->arg = (const uint64_t *)(rec + offsetof(struct hvt_rec_flow, arg));
	if (f.to)
		hvt_symbols_resolve(&r->symbols, ev->pid, ev->ns, f.to, &ev->to_sym);
	if (f.what == HVT_FLOW_SYSCALL || (f.what == HVT_FLOW_RESUME && ev->flags & HVT_RF_SYSRET))
		ev->name = hvt_syscall_name(f.code, is_ia32(r, ev));
	else if (f.what == HVT_FLOW_SIGNAL)
		ev->name = sigabbrev_np((int)f.code);
	r->stats.flows++;
}
