// SPDX-License-Identifier: GPL-2.0-only
/* Records of traces: instructions that have retired, and what breaks their sequence. */
#include <linux/sched.h>
#include "root_fn.h"

/* Its task, which `current` is no longer once the scheduler has switched. */
static const struct task_struct *task_of(const struct hvt_thread *t)
{
	return t->task;
}

static void send(struct hvt_vcpu *v, struct hvt_rec *h, u32 len)
{
	const struct hvt_thread *t = v->tr.thread;
	u8 bit = 1u << t->trace->session;

	h->nslots = (len + HVT_SLOT - 1) / HVT_SLOT;
	if (h->nslots * HVT_SLOT > len)
		hvt_zero((u8 *)h + len, h->nslots * HVT_SLOT - len);
	h->watch = t->trace->id;
	h->tsc = hvt_emit_begin(v, bit);
	hvt_emit_rec(v, t->trace->session, h);
	hvt_emit_end(v, bit);
}

void hvt_trace_emit_flow(struct hvt_vcpu *v, struct hvt_rec_flow *f)
{
	const struct hvt_thread *t = v->tr.thread;

	f->h.type = HVT_REC_FLOW;
	f->pid = task_of(t)->tgid;
	f->tid = task_of(t)->pid;
	f->nest = t->nest;
	f->body = t->body;
	if (f->what != HVT_FLOW_INTERRUPT && f->what != HVT_FLOW_EXCEPTION)
		f->vector = HVT_VECTOR_NONE;
	send(v, &f->h, sizeof(*f));
}

static void say_begin(struct hvt_vcpu *v)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = { .what = HVT_FLOW_BEGIN, .to = v->tr.insn.ip };

	hvt_trace_emit_flow(v, &f);
	t->flowing = t->fresh = true;
}

/* What changed; behind a break all, for others may have changed them. */
static u8 *put_registers(struct hvt_vcpu *v, u8 *at)
{
	struct hvt_rec_delta *d = (void *)at;
	const struct hvt_trace_insn *x = &v->tr.insn;
	u64 *out = (u64 *)(d + 1), now;
	bool all = v->tr.thread->fresh;
	u32 i;

	d->mask = d->pad = 0;
	for (i = 0; i < 17; i++) {
		now = i == 4	? vmcs_readl(GUEST_RSP)
		      : i == 16 ? vmcs_readl(GUEST_RFLAGS)
				: v->regs.gpr[i];
		if (!all && now == (i == 16 ? x->rflags : x->gpr[i]))
			continue;
		d->mask |= 1u << i;
		*out++ = now;
	}
	return (u8 *)out;
}

static u8 *put_values(const struct hvt_trace_insn *x, u32 i, struct hvt_rec_mem *m)
{
	u8 *at = (u8 *)(m + 1);
	u8 now[HVT_MEM_MAX];

	m->len = x->old_len[i];
	if ((m->access & HVT_ACC_W) && m->len && !hvt_guest_read_ram(m->addr, now, m->len))
		m->len = 0;
	if (m->access & HVT_ACC_R) {
		hvt_copy(at, x->old[i], m->len);
		at += m->len;
	}
	if (m->access & HVT_ACC_W) {
		hvt_copy(at, now, m->len);
		at += m->len;
	}
	while ((u64)at & 7)
		*at++ = 0;
	return at;
}

static u8 *put_operands(const struct hvt_trace_insn *x, u8 *at)
{
	struct hvt_rec_mems *all = (void *)at;
	u32 i;

	all->exact = x->mem_exact;
	all->nr = x->mem_exact ? x->dec.nops : 0;
	at = (u8 *)(all + 1);
	for (i = 0; i < all->nr; i++) {
		struct hvt_rec_mem *m = (void *)at;

		m->addr = x->dec.op[i].addr;
		m->size = x->dec.op[i].size;
		m->access = x->dec.op[i].access;
		m->pad = 0;
		at = put_values(x, i, m);
	}
	return at;
}

/* The one that tr.insn is about has retired and is wanted. */
void hvt_trace_emit_insn(struct hvt_vcpu *v)
{
	struct hvt_thread *t = v->tr.thread;
	const struct hvt_trace_insn *x = &v->tr.insn;
	struct hvt_rec_insn *r = (void *)v->record;
	u8 *end = (u8 *)(r + 1);
	u32 i;

	static_assert(sizeof(*r) + sizeof(struct hvt_rec_delta) + 17 * 8 +
			      sizeof(struct hvt_rec_mems) +
			      HVT_INSN_OPS * (sizeof(struct hvt_rec_mem) + 2 * HVT_MEM_MAX) <=
		      HVT_RECORD);
	if (!t->flowing)
		say_begin(v);
	r->h.type = HVT_REC_INSN;
	r->h.flags = x->flags;
	r->ip = x->ip;
	r->pid = task_of(t)->tgid;
	r->tid = task_of(t)->pid;
	r->insn_len = x->len ? x->len : x->got;
	for (i = 0; i < HVT_INSN_MAX; i++)
		r->insn[i] = i < r->insn_len ? x->insn[i] : 0;
	r->body = t->body;
	r->nest = t->nest;
	r->pad[0] = r->pad[1] = r->pad[2] = 0;
	if (t->trace->flags & HVT_TRACE_REGS) {
		r->h.flags |= HVT_RF_DELTA;
		end = put_registers(v, end);
		t->fresh = false;
	}
	if (t->trace->flags & HVT_TRACE_MEM) {
		r->h.flags |= HVT_RF_MEM;
		end = put_operands(x, end);
	}
	send(v, &r->h, end - (u8 *)r);
}
