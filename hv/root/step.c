// SPDX-License-Identifier: GPL-2.0-only
/*
 * One step: lock the pages, open the view, let one instruction (or one event
 * delivery) run with the monitor trap flag, and commit or drop what was collected.
 */
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <linux/atomic.h>
#include "root_fn.h"

/* What is to end the guest's run: of a step of a watch, of a trace, or neither. */
void hvt_set_controls(struct hvt_vcpu *v)
{
	bool step = v->step.mode != HVT_STEP_NONE, trace = hvt_tracing_steps(v);
	u32 cpu = v->ctl_cpu & ~CPU_BASED_MONITOR_TRAP_FLAG;
	u32 pin = v->ctl_pin & ~PIN_BASED_EXT_INTR_MASK;
	u32 exc = 0;

	if (step || trace)
		cpu |= CPU_BASED_MONITOR_TRAP_FLAG;
	/*
	 * With this control interrupts exit even with IF clear (SDM 25.6.1): one that may
	 * not be delivered now would keep the instruction from ever running. A trace lets the
	 * one in that has ended its step.
	 */
	if ((step || (v->tr.mode == HVT_TRACE_STEP && !v->tr.intr)) &&
	    (vmcs_readl(GUEST_RFLAGS) & X86_EFLAGS_IF))
		pin |= PIN_BASED_EXT_INTR_MASK;
	/* Faults of a delivery nest by the CPU's own rules; MTF comes after. */
	if (step ? v->step.mode == HVT_STEP_INSN : v->tr.mode == HVT_TRACE_STEP)
		exc = ~0u;
	if (cpu != v->ctl_cpu)
		vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, v->ctl_cpu = cpu);
	if (pin != v->ctl_pin)
		vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, v->ctl_pin = pin);
	if (exc != v->exc_bitmap)
		vmcs_write32(EXCEPTION_BITMAP, v->exc_bitmap = exc);
}

static void unlock(struct hvt_step *s)
{
	while (s->nlock)
		smp_store_release(&s->lock[--s->nlock]->lock, 0);
}

/*
 * Take the locks of all pages in step.lock[], or none and look again. False: this
 * CPU was stopped meanwhile, so that what it had looked up is void.
 */
bool hvt_step_lock(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 i;

	for (;;) {
		for (i = 0; i < s->nlock; i++)
			if (cmpxchg(&s->lock[i]->lock, 0, v->cpu + 1))
				break;
		if (i == s->nlock)
			return true;
		while (i--)
			smp_store_release(&s->lock[i]->lock, 0);
		v->lock_retries++;
		hvt_pause();
		if (!s->stopped && hvt_park(v)) {
			s->nlock = 0;
			return false;
		}
	}
}

void hvt_step_enter(struct hvt_vcpu *v)
{
	v->steps++;
	hvt_view_set(v, v->step.blind ? HVT_VIEW_STEP : HVT_VIEW_OPEN);
	hvt_set_controls(v);
}

/* Back to the view between steps, locks released. Others may still be stopped. */
static void leave_step(struct hvt_vcpu *v)
{
	hvt_run_end(v);
	v->step.mode = HVT_STEP_NONE;
	hvt_view_set(v, v->base);
	hvt_set_controls(v);
	unlock(&v->step);
}

static void start_others(struct hvt_vcpu *v)
{
	if (v->step.stopped) {
		v->step.stopped = false;
		hvt_start_others(v);
	}
}

/*
 * An interrupt frame, now that RSP tells where it is: five words and maybe an error
 * code, clipped to the page that this record is about (SDM volume 3, 6.14.2).
 */
static void frame_extent(struct hvt_vcpu *v, struct hvt_prov *p)
{
	struct hvt_step *s = &v->step;
	u64 rsp = vmcs_readl(GUEST_RSP), page = p->gla & PAGE_MASK;
	u64 lo = rsp, hi = rsp + (s->has_error ? 48 : 40);

	if (hi < p->gla + 8 && p->gla - rsp < PAGE_SIZE)
		hi = p->gla + 8; /* a nested delivery pushed a second frame */
	if (lo < page)
		lo = page;
	if (hi > page + PAGE_SIZE)
		hi = page + PAGE_SIZE;
	if (lo >= hi || p->gla < lo || p->gla >= hi) {
		lo = p->gla;
		hi = p->gla + 8;
	}
	p->gpa = (p->gpa & PAGE_MASK) | (lo & ~PAGE_MASK);
	p->gla = lo;
	p->size = p->len1 = hi - lo;
	p->span[0].lo = lo - page;
	p->span[0].hi = hi - page;
	p->only = NULL;
}

static void emit_all(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u8 sessions = hvt_run_sessions(v);
	u64 tsc;
	u32 i;

	for (i = 0; i < s->nprov; i++) {
		hvt_collect_store(v, &s->prov[i]);
		sessions |= s->prov[i].sessions;
	}
	tsc = hvt_emit_begin(v, sessions);
	for (i = 0; i < s->nprov; i++) {
		struct hvt_prov *p = &s->prov[i];

		if ((p->flags & HVT_RF_DELIVERY) && !p->size)
			frame_extent(v, p);
		hvt_emit_access(v, p, tsc);
	}
	hvt_emit_end(v, sessions);
}

/* What was collected has happened. */
static void commit(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 i;

	for (i = 0; i < s->nlock; i++)
		s->lock[i]->order++;
	if (s->nprov)
		emit_all(v);
}

/* Guarded page-table entries were written: the others are stopped until this is done. */
static void follow_stores(struct hvt_vcpu *v)
{
	u32 i;

	for (i = 0; i < v->step.ndirty; i++)
		hvt_follow_dirty(v, &v->step.dirty[i]);
}

/*
 * A gather or scatter that something ended early: the lanes that it has done are
 * accesses that happened; it comes again for the others alone.
 */
static bool keep_lanes(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 i, n = 0;

	if (s->mode != HVT_STEP_INSN || s->blind || s->dec.mask == HVT_MASK_NONE)
		return false;
	for (i = 0; i < s->nprov; i++)
		if (s->prov[i].op != HVT_NO_OP && hvt_insn_lane_done(&s->dec, s->prov[i].op))
			s->prov[n++] = s->prov[i];
	s->nprov = n;
	if (n)
		commit(v);
	return n;
}

void hvt_step_drop(struct hvt_vcpu *v)
{
	bool kept = keep_lanes(v);

	v->steps_dropped++;
	leave_step(v);
	if (kept)
		follow_stores(v);
	start_others(v);
}

/*
 * A REP string instruction that is not done yet: go to its next iteration without
 * leaving the step. That saves an exit, and the fetch of the instruction is one, as it
 * is on a CPU that nobody watches. False: the step is over.
 */
static bool next_iteration(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;

	if (!s->rep || s->stopped || vmcs_readl(GUEST_RIP) != s->rip)
		return false;
	unlock(s);
	s->near_gla = HVT_GPA_NONE;
	s->nprov = s->ndirty = s->arena_used = 0;
	hvt_note_context(v);
	if (!hvt_decode(v) || !s->dec.rep || !hvt_begin_exact(v))
		return false;
	if (!s->nprov && !s->fetch)
		return false;
	v->steps++;
	return true;
}

void hvt_step_retire(struct hvt_vcpu *v)
{
	v->steps_retired++;
	commit(v);
	if (next_iteration(v))
		return;
	leave_step(v);
	follow_stores(v);
	start_others(v);
}
