// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux tells of tasks, by calls from its tracepoints: which one a CPU has chosen,
 * signals, exec, exit.
 */
#include <asm/current.h>
#include <linux/atomic.h>
#include "root_fn.h"
#include "window.h"

static void say_switch(struct hvt_vcpu *v, bool on)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = {
		.what = HVT_FLOW_SWITCH,
		.to = on ? vmcs_readl(GUEST_RIP) : 0,
		.code = on,
	};

	t->asleep = !on;
	t->fresh = true;
	if (t->flowing && hvt_trace_records_kernel(t))
		hvt_trace_emit_flow(v, &f);
}

/* From here on @t is the thread on this CPU, and the CPU is in the kernel. */
static void begin(struct hvt_vcpu *v, struct hvt_thread *t)
{
	if (t && t->window == HVT_WINDOW_OVER)
		t = NULL;
	v->tr.switching = false;
	v->tr.lazy_stale = true;
	v->tr.thread = t;
	if (!t) {
		hvt_trace_set(v, HVT_TRACE_OFF);
		return;
	}
	if (t->away) {
		hvt_trace_still_away(v);
		return;
	}
	if (!hvt_trace_kernel(t)) {
		hvt_trace_set(v, HVT_TRACE_WAIT);
		return;
	}
	if (t->asleep)
		say_switch(v, true);
	hvt_trace_set(v, HVT_TRACE_STEP);
}

static bool steps_kernel(const struct hvt_thread *t)
{
	return t && t->window != HVT_WINDOW_OVER && !t->away && hvt_trace_kernel(t);
}

/*
 * The scheduler runs as the task before until it has switched stacks. Where kernel code is
 * traced, it belongs to that one until `current` is the next.
 */
void hvt_trace_switch(struct hvt_vcpu *v, const struct hvt_call_switch *c, bool now)
{
	struct hvt_tracer *tr = &v->tr;
	struct hvt_thread *next = c->thread ? c->thread : hvt_body_of(c->task);

	if (next == tr->thread && !tr->switching)
		return;
	if (now || (!steps_kernel(tr->thread) && !steps_kernel(next))) {
		begin(v, next);
		return;
	}
	tr->next = next;
	tr->next_task = c->task;
	tr->switching = true;
	if (tr->mode != HVT_TRACE_STEP) {
		tr->thread = NULL;
		hvt_trace_set(v, HVT_TRACE_STEP);
	}
}

/* An instruction has retired meanwhile. True: the switch is done, it was the last before. */
bool hvt_trace_switched(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;

	if (current != tr->next_task)
		return false;
	if (tr->thread && tr->thread->window == HVT_WINDOW_OPEN)
		say_switch(v, false);
	begin(v, tr->next);
	return true;
}

static void end(struct hvt_vcpu *v, struct hvt_thread *t)
{
	if (t->window != HVT_WINDOW_OVER)
		xadd(&t->trace->running, -1);
	t->window = HVT_WINDOW_OVER;
	v->tr.thread = NULL;
	hvt_trace_set(v, HVT_TRACE_OFF);
}

/* Linux's @told is about the current task; only what, to, code and arg[] are its. */
void hvt_trace_told(struct hvt_vcpu *v, const struct hvt_rec_flow *told)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = {
		.what = told->what,
		.to = told->to,
		.code = told->code,
		.arg = { told->arg[0], told->arg[1] },
	};

	if (!t || t->task != (void *)current || t->body)
		return;
	if (t->window == HVT_WINDOW_OPEN &&
	    (t->flowing || f.what == HVT_FLOW_EXEC || f.what == HVT_FLOW_EXIT))
		hvt_trace_emit_flow(v, &f);
	if (f.what == HVT_FLOW_EXEC)
		t->in_call = false;
	if (f.what == HVT_FLOW_EXIT)
		end(v, t);
}
