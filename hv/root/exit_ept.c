// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations (SDM volume 3, 28.2.1 table 28-7, 29.3.3): from "somebody touched
 * a restricted page" to a step that is ready to run.
 */
#include <asm/page.h>
#include <linux/atomic.h>
#include "root_fn.h"

struct violation {
	u64 qual, gpa, gla;
	u32 vec_info;			/* IDT-vectoring information */
	struct hvt_page *page;
};

static bool gla_valid(const struct violation *x)
{
	return x->qual & EPT_VIOLATION_GVA_IS_VALID;
}

/* By the page walker, or with no linear address at all (table 28-7, bits 7 and 8). */
static bool by_walker(const struct violation *x)
{
	return !gla_valid(x) || !(x->qual & EPT_VIOLATION_GVA_TRANSLATED);
}

static u8 access_of(const struct violation *x)
{
	return x->qual & (HVT_ACC_R | HVT_ACC_W | HVT_ACC_X);
}

static void step_init(struct hvt_vcpu *v, u8 mode)
{
	struct hvt_step *s = &v->step;

	s->mode = mode;
	s->blind = false;
	s->nprov = s->nlock = s->nsnap = s->ndirty = s->arena_used = 0;
	s->insn_len = 0;
	s->vector = 0;
	s->has_error = s->rep = s->fetch = false;
}

/* Nothing runs: the guest comes back with the same violation, or without it. */
static void give_up(struct hvt_vcpu *v)
{
	v->step.mode = HVT_STEP_NONE;
}

/* All operands are known: collect the watched ones and run with every page open. */
static void begin_exact(struct hvt_vcpu *v, const struct violation *x)
{
	struct hvt_step *s = &v->step;

	s->fetch = access_of(x) & HVT_ACC_X;
	s->near_gla = x->gla & PAGE_MASK;
	s->near_gpa = x->gpa & PAGE_MASK;
	if (s->fetch)
		hvt_collect(v, s->ip, s->insn_len, HVT_ACC_X, HVT_NO_OP);
	if (hvt_begin_exact(v))
		hvt_step_enter(v);
	else
		give_up(v);
}

static u32 size_hint(struct hvt_vcpu *v, const struct violation *x)
{
	u64 base;

	if (by_walker(x))
		return 8;
	if (v->step.mode != HVT_STEP_DELIVERY || (access_of(x) & HVT_ACC_W))
		return 0;
	/* Delivery reads 16-byte gates of the IDT and 8-byte words of GDT and TSS. */
	base = vmcs_readl(GUEST_IDTR_BASE);
	if (x->gla >= base && x->gla - base <= vmcs_read32(GUEST_IDTR_LIMIT))
		return 16;
	return 8;
}

/*
 * One more page of a blind step: note the access, keep the page's old bytes, open
 * it in this CPU's STEP view. False when the step has to start over.
 */
static bool add_page(struct hvt_vcpu *v, const struct violation *x)
{
	struct hvt_step *s = &v->step;
	struct hvt_prov at = {
		.gla = gla_valid(x) ? x->gla : 0,
		.gpa = x->gpa,
		.access = access_of(x),
	};
	u32 held = s->nlock;

	if (by_walker(x))
		at.flags |= HVT_RF_WALK;
	else if (s->mode == HVT_STEP_DELIVERY)
		at.flags |= HVT_RF_DELIVERY;
	at.size = size_hint(v, x);
	if (s->nsnap == HVT_STEP_PAGES)
		return false;
	s->nsnap++;
	hvt_collect_page(v, &at);
	if (s->ndirty && !s->stopped) {
		/* With locks held this CPU must not wait for others: start over. */
		v->stop_next = true;
		return false;
	}
	if (s->nlock > held && !held) {
		if (!hvt_step_lock(v))
			return false;
	} else if (s->nlock > held && cmpxchg(&x->page->lock, 0, v->cpu + 1)) {
		s->nlock = held;
		v->lock_retries++;
		return false;
	}
	if (x->page->device || !hvt_read_phys(v->snap[s->nsnap - 1], x->gpa & PAGE_MASK, PAGE_SIZE))
		hvt_zero(v->snap[s->nsnap - 1], PAGE_SIZE);
	hvt_step_view_open(v, x->gpa);
	return true;
}

/* Operands unknown, or an event delivery: open page by page. */
static void begin_blind(struct hvt_vcpu *v, const struct violation *x)
{
	struct hvt_step *s = &v->step;

	s->blind = true;
	if (v->stop_next || ((access_of(x) & HVT_ACC_W) && x->page->nguards)) {
		if (!hvt_stop_others(v)) {
			give_up(v);
			return;
		}
		s->stopped = true;
		v->stop_next = false;
	}
	hvt_step_view_reset(v);
	if (!add_page(v, x)) {
		hvt_step_drop(v);
		return;
	}
	hvt_step_enter(v);
}

static void begin(struct hvt_vcpu *v, const struct violation *x)
{
	bool delivery = x->vec_info & HVT_EV_VALID;

	step_init(v, delivery ? HVT_STEP_DELIVERY : HVT_STEP_INSN);
	if (access_of(x) & HVT_ACC_X)
		hvt_body_fetch(v);
	hvt_note_context(v);
	if (delivery) {
		v->step.vector = HVT_EV_VECTOR(x->vec_info);
		v->step.has_error = x->vec_info & HVT_EV_ERROR;
		begin_blind(v, x);
	} else if (hvt_decode(v) && !by_walker(x)) {
		begin_exact(v, x);
	} else {
		begin_blind(v, x);
	}
}

/* @qual: the exit qualification; @vec_info: IDT-vectoring information. */
void hvt_exit_ept(struct hvt_vcpu *v, u64 qual, u32 vec_info)
{
	struct violation x = {
		.qual = qual,
		.gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS),
		.vec_info = vec_info,
	};

	if (gla_valid(&x))
		x.gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
	if (access_of(&x) == HVT_ACC_X && hvt_trace_fetch(v, x.gpa))
		return;
	x.page = hvt_page_find(x.gpa >> 12);
	if (!x.page || !(x.page->deny & access_of(&x))) {
		/* Relaxed since the CPU cached it; the exit itself dropped the entry. */
		if (!hvt_ept_mapped(x.gpa))
			hvt_crash_leave(v, HVT_CRASH_EPT);
		return;
	}
	if (v->step.mode == HVT_STEP_NONE)
		begin(v, &x);
	else if (!add_page(v, &x))
		hvt_step_drop(v);
}
