// SPDX-License-Identifier: GPL-2.0-only
/*
 * An access has happened: which watches it touched, whether it passes their filters,
 * who is to hear of it, and the counters that status shows.
 */
#include <asm/current.h>
#include <linux/atomic.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "root_fn.h"
#include "filter.h"

#define MANY_FILTERS 16 /* of one access; the agent has one for each fd */

/* What one access was found to be, while its watches are gone through. */
struct verdict {
	struct hvt_vcpu *v;
	const struct hvt_prov *p;
	const struct hvt_values *val;
	struct hvt_verdict *out;
	/* Every and limit count an access once, however many watches it touches. */
	struct hvt_filter_state *counted[MANY_FILTERS];
	bool taken[MANY_FILTERS];	/* what that said */
	u32 ncounted;
};

static bool who_passes(const struct verdict *d, const struct hvt_filter *f)
{
	const struct hvt_step *s = &d->v->step;
	struct hvt_accessor a = {
		.cpu = d->v->cpu,
		.pid = current->tgid,
		.tid = current->pid,
		.user = s->mode_flags & HVT_RF_USER,
		.ip = s->ip,
		.comm = current->comm,
	};

	return hvt_filter_who(f, &a);
}

/* [lo, hi): the bytes of the access inside the watch, from its first byte on. */
static bool value_passes(const struct verdict *d, const struct hvt_filter *f, u32 lo, u32 hi)
{
	if (!hvt_filter_wants_value(f))
		return true;
	if (d->p->access == HVT_ACC_X)
		return false; /* a fetch has no value and changes nothing */
	if (!d->p->size || hi > d->val->len)
		return true; /* not known here: the reader tests it */
	return hvt_filter_value(f, d->val->old + lo, d->val->new + lo, hi - lo,
				d->val->have_old);
}

static bool take(struct verdict *d, struct hvt_filter_state *st)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < d->ncounted; i++)
		if (d->counted[i] == st)
			return d->taken[i];
	if (st->f.every > 1)
		ok = (xadd(&st->seen, 1) + 1) % st->f.every == 0;
	if (ok && st->f.limit)
		ok = xadd(&st->taken, 1) < st->f.limit;
	else if (ok)
		hvt_count(&st->taken);
	if (i < MANY_FILTERS) {
		d->counted[i] = st;
		d->taken[i] = ok;
		d->ncounted++;
	}
	return ok;
}

/*
 * The agent reads files that the target has mapped: that is no access of the target's
 * world. What interrupts do while the agent is current is, and so is the kernel's own
 * memory, which the agent is in like everybody.
 */
static bool is_ignored(const struct verdict *d, const struct hvt_watch *w)
{
	u32 tgid = hvt_m.session[w->session].ignored;

	return tgid && tgid == (u32)current->tgid && w->process && in_task() &&
	       !(d->p->access & HVT_ACC_W);
}

static bool passes(struct verdict *d, struct hvt_watch *w, u32 lo, u32 hi)
{
	struct hvt_filter_state *st = w->filter;

	if (is_ignored(d, w))
		return false;
	return !st || (who_passes(d, &st->f) && value_passes(d, &st->f, lo, hi) &&
		       take(d, st));
}

static void judge(struct verdict *d, struct hvt_watch *w, u32 lo, u32 hi)
{
	struct hvt_verdict *out = d->out;
	u8 bit = 1u << w->session;

	if (w->silent)
		return;
	if (!passes(d, w, lo, hi)) {
		hvt_count(&w->filtered);
		return;
	}
	hvt_count(&w->hits);
	if (w->opens)
		hvt_trace_open_window(d->v, w->opens);
	if (!w->coalesce)
		out->plain |= bit;
	if (!(out->sessions & bit) || w->id < out->watch[w->session]->id) {
		out->sessions |= bit;
		out->watch[w->session] = w;
	}
}

static u32 max32(u32 a, u32 b)
{
	return a > b ? a : b;
}

static u32 min32(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* The same watch's ref in the other page of the access, if the access touches that. */
static struct hvt_ref *other_part(const struct hvt_ref *r, const struct hvt_span *sp, s32 step)
{
	const struct hvt_watch *w = r->watch;
	u64 i = (r->va >> 12) - w->first_page + step;
	struct hvt_ref *o;

	if (!sp->page || i >= w->npages)
		return NULL;
	o = hvt_data_ref(w, i);
	return o->page == sp->page && o->lo < sp->hi && o->hi > sp->lo ? o : NULL;
}

static void touch(struct verdict *d, struct hvt_ref *r, u32 part)
{
	const struct hvt_prov *p = d->p;
	const struct hvt_span *sp = &p->span[part];
	u32 base = part ? p->len1 : 0;
	u32 lo = base + max32(sp->lo, r->lo) - sp->lo, hi = base + min32(sp->hi, r->hi) - sp->lo;
	const struct hvt_ref *o;

	r->touched++; /* the page is locked by this step */
	if (part && other_part(r, &p->span[0], -1))
		return; /* judged with the first page's bytes */
	o = part ? NULL : other_part(r, &p->span[1], 1);
	if (o)
		hi = p->len1 + min32(p->span[1].hi, o->hi) - p->span[1].lo;
	judge(d, r->watch, lo, hi);
}

void hvt_account(struct hvt_vcpu *v, const struct hvt_prov *p, const struct hvt_values *val,
		 struct hvt_verdict *out)
{
	struct hvt_set_iter it;
	struct hvt_ref *set, *r;
	struct verdict d;
	u32 i;

	d.v = v;
	d.p = p;
	d.val = val;
	d.out = out;
	d.ncounted = 0;
	out->sessions = out->plain = 0;
	for (i = 0; i < 2; i++)
		if (p->span[i].page)
			hvt_count(&p->span[i].page->accesses);
	if (p->only) {
		touch(&d, p->only, p->only_part);
		return;
	}
	for (i = 0; p->hit && i < 2; i++) {
		if (!p->span[i].page)
			continue;
		hvt_for_each_set(set, &it, p->span[i].page, p->span[i].lo, p->span[i].hi) {
			if (set->kind != HVT_REF_DATA || !(set->watch->access & p->access))
				continue;
			for (r = set; r; r = hvt_set_next(r))
				touch(&d, r, i);
		}
	}
}
