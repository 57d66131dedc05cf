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

#define BLIND_WINDOW 64	/* value bytes kept when the size is for the reader to find */

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

static void put(struct hvt_vcpu *v, u32 session, struct hvt_rec *rec)
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

/* Old and new value bytes of @p; returns how many. */
static u32 values(struct hvt_vcpu *v, const struct hvt_prov *p, u8 *old, u8 *new)
{
	u32 n, n1;

	if (p->access & HVT_ACC_X)
		return 0;
	if (p->snap >= 0) {
		u32 off = p->gpa & ~PAGE_MASK;

		n = p->size ? p->size : BLIND_WINDOW;
		if (n > PAGE_SIZE - off)
			n = PAGE_SIZE - off;
		hvt_copy(old, v->snap[p->snap] + off, n);
		n1 = n;
	} else {
		n = p->old_len;
		n1 = n < p->len1 ? n : p->len1;
		hvt_copy(old, v->arena + p->old_off, n);
	}
	/* A plain load changes nothing: what it read is what was there. */
	if (!(p->access & HVT_ACC_W) || !hvt_read_phys(new, p->gpa, n1) ||
	    (n > n1 && !hvt_read_phys(new + n1, p->gpa2, n - n1)))
		hvt_copy(new, old, n);
	return n;
}

void hvt_emit_access(struct hvt_vcpu *v, const struct hvt_prov *p, u64 tsc)
{
	const struct hvt_step *s = &v->step;
	struct hvt_rec_access *r = (void *)v->record;
	u8 *tail = v->record + sizeof(*r), *old, *new;
	bool delivery = p->flags & HVT_RF_DELIVERY;
	u32 n, m;

	r->h.type = HVT_REC_ACCESS;
	r->h.flags = s->mode_flags | p->flags;
	r->h.tsc = tsc;
	r->ip = s->ip;
	r->gla = p->gla;
	r->gpa = p->gpa;
	r->cr3 = s->cr3;
	r->pid = current->tgid;
	r->tid = current->pid;
	r->old = r->new_ = 0;
	hvt_copy(r->insn, s->insn, 8);
	hvt_copy(r->insn + 7, s->insn + 7, 8);
	r->insn_len = delivery ? 0 : s->insn_len;
	hvt_copy(r->comm, current->comm, TASK_COMM_LEN);
	r->comm[TASK_COMM_LEN - 1] = 0;
	r->size = p->size;
	r->access = p->access;
	r->vector = s->vector;
	r->pad = 0;
	r->order = p->page->order;
	if (!p->size) {
		r->h.flags |= HVT_RF_BLIND | HVT_RF_REGS;
		hvt_copy(tail, s->gpr, sizeof(s->gpr));
		tail += sizeof(s->gpr);
	}
	old = tail + sizeof(struct hvt_rec_wide);
	new = old + HVT_VALUE_MAX;
	n = values(v, p, old, new);
	if (n < p->size && !(p->access & HVT_ACC_X))
		r->h.flags |= HVT_RF_CLIPPED;
	if (n && n <= 8) {
		hvt_copy(&r->old, old, n);
		hvt_copy(&r->new_, new, n);
	} else if (n) {
		struct hvt_rec_wide *w = (void *)tail;

		w->off = 0;
		w->len = n;
		hvt_copy(old + n, new, n);
		tail = old + 2 * n;
		r->h.flags |= HVT_RF_WIDE;
	}
	r->h.nslots = (tail - v->record + HVT_SLOT - 1) / HVT_SLOT;
	for (m = p->sessions; m; m &= m - 1) {
		u32 i = __builtin_ctz(m);

		r->h.watch = p->watch[i]->id;
		hvt_count(&p->watch[i]->hits);
		put(v, i, &r->h);
	}
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

	r.h.tsc = hvt_emit_begin(v, session);
	put(v, w->session, &r.h);
	hvt_emit_end(v, session);
}
