// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracing instructions: what this CPU does for the traced thread on it, and how that
 * changes with each exit.
 *
 *   OFF    no traced thread, or one with nothing to come
 *   WAIT   the kernel runs at full speed in NOUSER: the fetch with which it comes back to
 *          user code is a violation. Without mode-based execute control in LAZY, where its
 *          entry code is not executable
 *   STEP   one instruction, one MTF exit; a record for each that is wanted
 *   FREE   user code that is not wanted runs at full speed in LAZY: pages where something
 *          could be wanted are not open there
 *   INTR   an interrupt ended a step of user code before its instruction ran: it is delivered
 *          in NOUSER with MTF, whose exit says that this has happened. If it went away, the
 *          fetch is a violation.
 *   AWAY   an interrupt came into kernel code that is traced: its handler runs at full speed
 *          in LAZY, where the page that it will return to is not executable
 *   NEAR   the handler executes in that page itself, or the kernel in its entry code: it is
 *          stepped there, with no record
 *
 * Threads whose kernel code is traced, too, are in STEP in the kernel as well. Interrupts are not theirs: stepped, a handler
 * would take longer than the timer's period. Watches go on meanwhile: their steps (step.c)
 * are inside of ours.
 */
#include <asm/page.h>
#include <asm/processor-flags.h>
#include "root_fn.h"
#include "window.h"

/* Is there a way to notice that the kernel comes back to user code? */
static bool can_wait(void)
{
	return hvt_m.ept.mbec || hvt_m.entry_lo;
}

static bool in_entry(u64 rip)
{
	return rip >= hvt_m.entry_lo && rip < hvt_m.entry_hi;
}

/* Is some byte of the instruction at @rip, which may cross into a page, in one that is trapped? */
static bool reaches_entry(u64 rip)
{
	return in_entry(rip) || in_entry(rip + HVT_INSN_MAX - 1);
}

static bool reaches_away(const struct hvt_thread *t, u64 rip)
{
	return !((rip ^ t->away_rip) & PAGE_MASK) ||
	       !(((rip + HVT_INSN_MAX - 1) ^ t->away_rip) & PAGE_MASK);
}

bool hvt_trace_kernel(const struct hvt_thread *t)
{
	return hvt_trace_records_kernel(t) || !can_wait();
}

static bool in_user(void)
{
	return VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) == 3; /* that is the CPL */
}

static enum hvt_view view_for(const struct hvt_vcpu *v, enum hvt_trace_mode mode)
{
	if (mode == HVT_TRACE_WAIT || mode == HVT_TRACE_INTR)
		return hvt_m.ept.mbec ? HVT_VIEW_NOUSER : HVT_VIEW_LAZY;
	if (mode == HVT_TRACE_AWAY ||
	    (mode == HVT_TRACE_FREE && !hvt_window_bored_everywhere(v->tr.thread)))
		return HVT_VIEW_LAZY;
	return HVT_VIEW_ARMED;
}

void hvt_trace_set(struct hvt_vcpu *v, enum hvt_trace_mode mode)
{
	struct hvt_tracer *tr = &v->tr;

	tr->mode = mode;
	tr->ready = tr->delivering = tr->intr = false;
	tr->page_gpa = HVT_GPA_NONE;
	v->base = view_for(v, mode);
	if (mode == HVT_TRACE_FREE && (tr->lazy_stale || v->lazy_trap != HVT_GPA_NONE))
		hvt_lazy_set(v, HVT_GPA_NONE);
	if (mode == HVT_TRACE_WAIT && !hvt_m.ept.mbec)
		hvt_lazy_set(v, HVT_TRAP_ENTRY);
	tr->lazy_stale &= mode != HVT_TRACE_FREE;
	if (v->step.mode == HVT_STEP_NONE)
		hvt_view_set(v, v->base);
	hvt_set_controls(v);
}

/* The thread is in the kernel now, by its own doing. */
static void to_kernel(struct hvt_vcpu *v)
{
	if (!hvt_trace_kernel(v->tr.thread))
		hvt_trace_set(v, HVT_TRACE_WAIT);
}

/*
 * A handler runs that is not the thread's; it goes on afterwards at @rip. True: that will be
 * noticed. False: all there is to do is to step.
 */
static bool go_away(struct hvt_vcpu *v, u64 rip, u64 rsp, bool user)
{
	struct hvt_thread *t = v->tr.thread;
	u64 gpa;

	if (user) {
		if (!can_wait())
			return false;
		t->away = HVT_AWAY_USER;
		hvt_trace_set(v, HVT_TRACE_WAIT);
		return true;
	}
	gpa = hvt_translate(vmcs_readl(GUEST_CR3), rip);
	if (gpa == HVT_GPA_NONE)
		return false;
	t->away = HVT_AWAY_KERNEL;
	t->away_rip = rip;
	t->away_rsp = rsp;
	hvt_lazy_set(v, gpa);
	hvt_trace_set(v, HVT_TRACE_AWAY);
	return true;
}

/* A thread comes back to a CPU in the middle of a handler. */
void hvt_trace_still_away(struct hvt_vcpu *v)
{
	const struct hvt_thread *t = v->tr.thread;

	if (!go_away(v, t->away_rip, t->away_rsp, t->away == HVT_AWAY_USER))
		hvt_trace_set(v, HVT_TRACE_STEP);
}

static bool is_back(const struct hvt_thread *t)
{
	return vmcs_readl(GUEST_RIP) == t->away_rip && vmcs_readl(GUEST_RSP) == t->away_rsp;
}

static void come_back(struct hvt_vcpu *v)
{
	v->tr.thread->away = HVT_HERE;
	hvt_say_return(v, 0);
	hvt_trace_set(v, HVT_TRACE_STEP);
}

static void resume(struct hvt_vcpu *v)
{
	hvt_say_resume(v);
	hvt_trace_set(v, HVT_TRACE_STEP);
}

/* The handler is, or was, in the page that it will return to; or the kernel in its entry code. */
static void near(struct hvt_vcpu *v)
{
	const struct hvt_thread *t = v->tr.thread;

	if (!t)
		return;
	if (t->away == HVT_AWAY_KERNEL) {
		if (is_back(t))
			come_back(v);
		else if (!reaches_away(t, vmcs_readl(GUEST_RIP)))
			hvt_trace_set(v, HVT_TRACE_AWAY);
	} else if (in_user()) {
		resume(v);
	} else if (!reaches_entry(vmcs_readl(GUEST_RIP))) {
		hvt_trace_set(v, HVT_TRACE_WAIT);
	}
}

/* It has retired and is counted: where is the CPU now? */
static void follow(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;
	bool was_user = tr->insn.flags & HVT_RF_USER, user = in_user();

	if (was_user && !user) {
		hvt_say_call(v);
		to_kernel(v);
	} else if (!was_user && user) {
		hvt_say_resume(v);
	} else if (!user && tr->thread->nest && hvt_is_iret(&tr->insn)) {
		tr->thread->nest--;
		hvt_say_return(v, tr->insn.ip);
	}
}

/* ------------------------------------------------------------------ */

/* There is nothing to come of the thread on this CPU. */
static void leave(struct hvt_vcpu *v)
{
	v->tr.thread = NULL;
	if (!v->tr.switching) /* which has to be seen through, for the next one */
		hvt_trace_set(v, HVT_TRACE_OFF);
}

static void count(struct hvt_vcpu *v)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_trace_insn *x = &v->tr.insn;

	if ((t->trace->flags & HVT_TRACE_BODY) && !t->body && !hvt_body_entered(t)) {
		hvt_body_end(t);
		leave(v);
		return;
	}
	if (hvt_window_take(t, x->ip, x->wanted)) {
		hvt_trace_emit_insn(v);
		hvt_count(&t->trace->instructions);
	} else {
		hvt_count(&t->trace->unrecorded);
	}
	if (t->window == HVT_WINDOW_OPEN)
		return;
	v->tr.lazy_stale = true;
	if (t->flowing)
		hvt_say_end(v, vmcs_readl(GUEST_RIP));
	if (t->window == HVT_WINDOW_OVER) {
		xadd(&t->trace->running, -1u);
		leave(v);
	}
}

/*
 * An interrupt frame of the instruction that should have run: the handler's begins. With
 * several CPUs the simulator sometimes executes its first instruction, a push of the
 * vector, before the exit; a CPU does not.
 */
static bool was_interrupted(const struct hvt_tracer *tr)
{
	u64 rip = vmcs_readl(GUEST_RIP), frame[2];

	if (rip == tr->insn.rip || (vmcs_readl(GUEST_RFLAGS) & X86_EFLAGS_IF) ||
	    !hvt_guest_read(vmcs_readl(GUEST_RSP), frame, sizeof(frame)))
		return false;
	return frame[0] == tr->insn.rip || (frame[1] == tr->insn.rip && in_entry(rip));
}

/* MTF, or an exit by an instruction that was completed: something has retired. */
void hvt_trace_retired(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;
	struct hvt_thread *t = tr->thread;

	if (tr->mode == HVT_TRACE_INTR) {
		hvt_say_interrupt(v, hvt_apic_in_service());
		go_away(v, 0, 0, true);
		return;
	}
	if (tr->mode == HVT_TRACE_NEAR) {
		near(v);
		return;
	}
	if (tr->mode != HVT_TRACE_STEP)
		return; /* a watch's step */
	if (tr->delivering) {
		tr->delivering = tr->ready = false;
		return;
	}
	if (!tr->ready)
		return; /* begun in the middle of a watch's step */
	tr->ready = false;
	if (tr->intr) {
		tr->intr = false;
		if (was_interrupted(tr)) {
			hvt_say_interrupt(v, hvt_apic_in_service());
			if (t)
				go_away(v, tr->insn.rip, tr->insn.rsp,
					tr->insn.flags & HVT_RF_USER);
			return;
		}
	}
	if (t)
		count(v);
	t = tr->thread; /* that may have been its end */
	if ((tr->switching && hvt_trace_switched(v)) || !t)
		return;
	if (t->body && hvt_body_returned(t)) {
		hvt_say_end(v, vmcs_readl(GUEST_RIP));
		hvt_count(&t->trace->bodies_done);
		hvt_body_end(t);
		leave(v);
		return;
	}
	if (tr->mode == HVT_TRACE_STEP)
		follow(v);
}

/* The instruction has not run: an exit came first. */
void hvt_trace_stopped(struct hvt_vcpu *v, u32 reason)
{
	struct hvt_tracer *tr = &v->tr;

	tr->delivering = false; /* what is merged with it is said anew */
	if (reason != EXIT_REASON_EXTERNAL_INTERRUPT || tr->mode != HVT_TRACE_STEP)
		return;
	if (tr->thread && hvt_m.ept.mbec && in_user()) {
		hvt_trace_set(v, HVT_TRACE_INTR);
		return;
	}
	tr->intr = true;
	hvt_set_controls(v);
}

/*
 * A fetch that NOUSER or LAZY did not allow. True: the fetch comes again, in another view;
 * false: it is not ours.
 */
bool hvt_trace_fetch(struct hvt_vcpu *v, u64 gpa)
{
	if (v->step.mode != HVT_STEP_NONE)
		return false;
	if (v->tr.mode == HVT_TRACE_AWAY) {
		if (!reaches_away(v->tr.thread, vmcs_readl(GUEST_RIP)))
			return false;
		hvt_trace_set(v, HVT_TRACE_NEAR);
		near(v);
		return true;
	}
	if (v->tr.mode == HVT_TRACE_WAIT && !hvt_m.ept.mbec) {
		if (!reaches_entry(vmcs_readl(GUEST_RIP)))
			return false;
		hvt_trace_set(v, HVT_TRACE_NEAR);
		return true;
	}
	if (!in_user())
		return false;
	switch (v->tr.mode) {
	case HVT_TRACE_WAIT:
		resume(v);
		return true;
	case HVT_TRACE_INTR:
		hvt_trace_set(v, HVT_TRACE_STEP);
		return true;
	case HVT_TRACE_FREE:
		if (v->view != HVT_VIEW_LAZY)
			return false;
		if (hvt_window_bored(v->tr.thread, vmcs_readl(GUEST_RIP)))
			return hvt_lazy_open(v, gpa);
		hvt_trace_set(v, HVT_TRACE_STEP);
		return true;
	default:
		return false;
	}
}

/* An event will be delivered by the next entry. */
static void deliver(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;
	u32 type = HVT_EV_TYPE(v->inject.info);

	if (type == HVT_EV_SOFT_INTR)
		return; /* INT n goes on: MTF retires it behind its delivery */
	if (!tr->ready)
		hvt_trace_where(v);
	tr->ready = false;
	tr->delivering = true;
	if (type == HVT_EV_INTR || type == HVT_EV_NMI) {
		hvt_say_interrupt(v, HVT_EV_VECTOR(v->inject.info));
		if (tr->thread)
			go_away(v, vmcs_readl(GUEST_RIP), vmcs_readl(GUEST_RSP), in_user());
		return;
	}
	hvt_say_exception(v);
	if (tr->thread)
		to_kernel(v); /* which may end our stepping */
}

/* Code that cannot be of interest runs freely. */
static void set_free(struct hvt_vcpu *v, u64 ip)
{
	u64 gpa;

	if (v->tr.thread->flowing)
		hvt_say_end(v, ip);
	v->tr.thread->unwanted = v->tr.thread->window == HVT_WINDOW_OPEN;
	hvt_trace_set(v, HVT_TRACE_FREE);
	gpa = hvt_translate(vmcs_readl(GUEST_CR3), ip);
	if (v->base == HVT_VIEW_LAZY && gpa != HVT_GPA_NONE)
		hvt_lazy_open(v, gpa); /* saves the violation; that would do it as well */
}

/* Before each entry, when it is known what that injects. */
void hvt_trace_entry(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;
	struct hvt_trace_insn *x = &tr->insn;
	struct hvt_thread *t = tr->thread;

	if (!t && !tr->switching) { /* its trace has ended */
		hvt_trace_set(v, HVT_TRACE_OFF);
		return;
	}
	if (!hvt_tracing_steps(v) || tr->delivering || tr->mode == HVT_TRACE_NEAR)
		return;
	if (v->inject.info & HVT_EV_VALID) {
		deliver(v);
		return;
	}
	if (tr->mode != HVT_TRACE_STEP || tr->ready)
		return;
	hvt_trace_where(v);
	if (t && (x->flags & HVT_RF_USER)) {
		if (t->trace->from && x->ip == t->trace->from)
			hvt_trace_open_window(v, t->trace);
		if (hvt_m.ept.mbec ? hvt_window_bored(t, x->ip) : hvt_window_bored_everywhere(t)) {
			set_free(v, x->ip);
			return;
		}
	}
	hvt_trace_look(v);
	if (t && t->flowing && !x->wanted && (x->flags & HVT_RF_USER))
		hvt_say_end(v, x->ip);
	hvt_set_controls(v);
}

/* A watch of the trace was touched by the thread on this CPU, or its first address reached. */
void hvt_trace_open_window(struct hvt_vcpu *v, struct hvt_trace *trace)
{
	struct hvt_thread *t = v->tr.thread;

	if (!t || t->trace != trace || !hvt_window_open(t))
		return;
	hvt_count(&trace->windows);
	v->tr.lazy_stale = true;
	if (v->tr.mode == HVT_TRACE_FREE)
		hvt_trace_set(v, in_user() || hvt_trace_kernel(t) ? HVT_TRACE_STEP : HVT_TRACE_WAIT);
}
