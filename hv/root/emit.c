// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records into rings. One producer per ring (this CPU in root mode), one consumer
 * in user space. The order that makes it safe: slots are written before head is
 * (release here, acquire there); tail is read (acquire) before slots are reused.
 */
#include <asm/barrier.h>
#include <asm/current.h>
#include <asm/page.h>
#include <linux/atomic.h>
#include <linux/sched.h>
#include "root_fn.h"

#define RECORD_VALUES 4096 /* where values wait in the record buffer, behind any record */
#define BLIND_WINDOW  64   /* value bytes kept when the size is for the reader to find */

static struct hvt_ring *ring_of(struct hvt_vcpu *v, u32 session)
{
	return &hvt_m.session[session].ring[v->cpu];
}

static void put_slots(struct hvt_ring *r, const void *rec, u32 nslots)
{
	u32 i;

	for (i = 0; i < nslots; i++, r->pos++) {
		u32 slot = r->pos & (r->slots - 1);

		hvt_copy(r->page[slot / (PAGE_SIZE / HVT_SLOT)] +
				 slot % (PAGE_SIZE / HVT_SLOT) * HVT_SLOT,
			 rec + i * HVT_SLOT, HVT_SLOT);
	}
}

/* Slots that may be written. The tail is user space's: never trust it. */
static u64 room(const struct hvt_ring *r)
{
	u64 used = r->pos - smp_load_acquire(&r->tail->tail);

	return used > r->slots ? 0 : r->slots - used;
}

/* One whole record; hvt_emit_begin() gave its tsc. */
void hvt_emit_rec(struct hvt_vcpu *v, u32 session, struct hvt_rec *rec)
{
	struct hvt_ring *r = ring_of(v, session);

	rec->seq = r->seq++;
	WRITE_ONCE(r->head->produced, r->seq);
	if (room(r) < rec->nslots + (r->lost ? 1u : 0u)) {
		if (!r->lost++)
			r->lost_seq = rec->seq;
		WRITE_ONCE(r->head->lost, ++r->lost_total);
		return;
	}
	if (r->lost) {
		struct hvt_rec_lost gap = {
			.h = { HVT_REC_LOST, 1, 0, 0, r->lost_seq, rec->tsc },
			.count = r->lost,
		};

		put_slots(r, &gap, 1);
		r->lost = 0;
	}
	put_slots(r, rec, rec->nslots);
	smp_store_release(&r->head->head, r->pos);
}

/*
 * Announce that records are coming, then read the TSC that they carry: see
 * hvt_ring_head.inflight_tsc. LFENCE: not before the announcement is visible.
 */
u64 hvt_emit_begin(struct hvt_vcpu *v, u8 sessions)
{
	u64 tsc = hvt_rdtsc();
	u32 m;

	for (m = sessions; m; m &= m - 1)
		xchg(&ring_of(v, __builtin_ctz(m))->head->inflight_tsc, tsc);
	asm volatile("lfence" : : : "memory");
	return hvt_rdtsc();
}

void hvt_emit_end(struct hvt_vcpu *v, u8 sessions)
{
	u32 m;

	for (m = sessions; m; m &= m - 1)
		smp_store_release(&ring_of(v, __builtin_ctz(m))->head->inflight_tsc, 0);
}

/*
 * Value bytes of @p, into the record buffer where they stay. Old and new are there for
 * the length that is known.
 */
static void find_values(struct hvt_vcpu *v, const struct hvt_prov *p, struct hvt_values *val)
{
	u32 n, n1;

	val->old = v->record + RECORD_VALUES;
	val->new = val->old + HVT_VALUE_MAX;
	val->len = 0;
	val->have_old = true;
	if (p->access == HVT_ACC_X)
		return;
	if (p->flags & HVT_RF_DEVICE) {
		val->have_old = false;
		if (hvt_device_value(v, p, val->new))
			val->len = p->size;
		hvt_zero(val->old, val->len);
		return;
	}
	if (p->snap >= 0) {
		u32 off = p->gpa & ~PAGE_MASK;

		n = p->size ? p->size : BLIND_WINDOW;
		if (n > PAGE_SIZE - off)
			n = PAGE_SIZE - off;
		hvt_copy(val->old, v->snap[p->snap] + off, n);
		n1 = n;
	} else {
		n = p->old_len;
		n1 = n < p->len1 ? n : p->len1;
		hvt_copy(val->old, v->arena + p->old_off, n);
	}
	/*
	 * A plain load changes nothing: what it read is what was there. Of a blind step
	 * only the first access is known, and a store may have come after it.
	 */
	if ((p->snap < 0 && !(p->access & HVT_ACC_W)) || !hvt_read_phys(val->new, p->gpa, n1) ||
	    (n > n1 && !hvt_read_phys(val->new + n1, p->gpa2, n - n1)))
		hvt_copy(val->new, val->old, n);
	val->len = n;
}

/* Everything but values, order and the optional parts. */
static struct hvt_rec_access *fill(struct hvt_vcpu *v, u64 tsc)
{
	struct hvt_rec_access *r = (void *)v->record;
	const struct hvt_step *s = &v->step;

	r->h.type = HVT_REC_ACCESS;
	r->h.tsc = tsc;
	r->ip = s->ip;
	r->cr3 = s->cr3;
	r->pid = current->tgid;
	r->tid = current->pid;
	r->old = r->new_ = 0;
	hvt_copy(r->insn, s->insn, 8);
	hvt_copy(r->insn + 7, s->insn + 7, 8);
	r->insn_len = s->insn_len;
	hvt_copy(r->comm, current->comm, TASK_COMM_LEN);
	r->comm[TASK_COMM_LEN - 1] = 0;
	r->vector = s->vector;
	r->pad = 0;
	return r;
}

/* The values, behind @tail or in the record; returns where the record ends. */
static u8 *put_values(struct hvt_rec_access *r, u8 *tail, const struct hvt_values *val)
{
	struct hvt_rec_wide *w = (void *)tail;

	if (val->len <= 8) {
		hvt_copy(&r->old, val->old, val->len);
		hvt_copy(&r->new_, val->new, val->len);
		return tail;
	}
	w->off = 0;
	w->len = val->len;
	hvt_copy(w + 1, val->old, val->len);
	hvt_copy((u8 *)(w + 1) + val->len, val->new, val->len);
	r->h.flags |= HVT_RF_WIDE;
	return (u8 *)(w + 1) + 2 * val->len;
}

static void send(struct hvt_vcpu *v, struct hvt_rec_access *r, u8 *end, u8 sessions,
		 struct hvt_watch *const *watch)
{
	u32 len = end - (u8 *)r, m;

	r->h.nslots = (len + HVT_SLOT - 1) / HVT_SLOT;
	/* The buffer held what other sessions watch. */
	if (r->h.nslots * HVT_SLOT > len)
		hvt_zero(end, r->h.nslots * HVT_SLOT - len);
	for (m = sessions; m; m &= m - 1) {
		u32 i = __builtin_ctz(m);

		r->h.watch = watch[i]->id;
		hvt_emit_rec(v, i, &r->h);
	}
}

void hvt_emit_access(struct hvt_vcpu *v, const struct hvt_prov *p, u64 tsc)
{
	const struct hvt_step *s = &v->step;
	struct hvt_verdict who;
	struct hvt_rec_access *r;
	struct hvt_values val;
	u8 *tail;

	find_values(v, p, &val);
	hvt_account(v, p, &val, &who);
	if (s->rep)
		hvt_run_add(v, p, &val, &who, tsc);
	if (!who.sessions)
		return;
	r = fill(v, tsc);
	tail = (u8 *)(r + 1);
	r->h.flags = s->mode_flags | p->flags;
	r->gla = p->gla;
	r->gpa = p->gpa;
	r->size = p->size;
	r->access = p->access;
	r->order = p->page->order;
	if (p->flags & HVT_RF_DELIVERY)
		r->insn_len = 0;
	if (!p->size) {
		r->h.flags |= HVT_RF_BLIND | HVT_RF_REGS;
		hvt_copy(tail, s->gpr, sizeof(s->gpr));
		tail += sizeof(s->gpr);
	}
	if (val.len < p->size && p->access != HVT_ACC_X)
		r->h.flags |= p->flags & HVT_RF_DEVICE ? HVT_RF_NOVALUE : HVT_RF_CLIPPED;
	tail = put_values(r, tail, &val);
	send(v, r, tail, who.sessions, who.watch);
}

void hvt_emit_run(struct hvt_vcpu *v, const struct hvt_run *run, u64 tsc)
{
	struct hvt_rec_access *r = fill(v, tsc);
	struct hvt_rec_run *part = (void *)(r + 1);
	struct hvt_values val = { run->old, run->new, run->len, true };

	r->h.flags = v->step.mode_flags | run->flags | HVT_RF_RUN;
	r->gla = run->gla;
	r->gpa = run->gpa;
	r->size = run->size;
	r->access = run->access;
	r->order = run->order;
	*part = (struct hvt_rec_run){ run->count, run->elem, run->down };
	if (run->len < run->size)
		r->h.flags |= run->len ? HVT_RF_CLIPPED : HVT_RF_NOVALUE;
	send(v, r, put_values(r, (u8 *)(part + 1), &val), run->sessions, run->watch);
}

/* Many watches of one page, one message: it names the first of them. */
static bool said(struct hvt_vcpu *v, u32 session, u64 va, u64 old_gpa, u64 new_gpa)
{
	struct hvt_said now = { v->rendezvous, va, old_gpa, new_gpa, session };
	struct hvt_said *was = &v->said;
	bool same = was->stop == now.stop && was->va == va && was->old_gpa == old_gpa &&
		    was->new_gpa == new_gpa && was->session == session;

	*was = now;
	return same;
}

void hvt_emit_remap(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 old_gpa, u64 new_gpa)
{
	u8 session = 1u << w->session;
	struct hvt_rec_remap r = {
		.h = { .type = HVT_REC_REMAP, .nslots = 1, .watch = w->id },
		.va = va,
		.old_gpa = old_gpa,
		.new_gpa = new_gpa,
		.pid = current->tgid,
		.tid = current->pid,
	};

	if (said(v, w->session, va, old_gpa, new_gpa))
		return;
	r.h.tsc = hvt_emit_begin(v, session);
	hvt_emit_rec(v, w->session, &r.h);
	hvt_emit_end(v, session);
}
