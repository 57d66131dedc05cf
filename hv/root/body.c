// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of the kernel that are traced from their first instruction to the return to
 * their caller, whoever calls them. Each entry is a body; a body is traced like a thread,
 * and sleeps and wakes with the task that entered it. A call of the function within one of
 * its bodies is a part of that.
 */
#include <asm/current.h>
#include <linux/atomic.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "root_fn.h"

static struct hvt_trace *trace_at(u64 ip)
{
	u32 i;

	for (i = 0; i < HVT_BODY_TRACES; i++) {
		struct hvt_trace *t = READ_ONCE(hvt_m.body_trace[i]);

		if (t && t->addr == ip)
			return t;
	}
	return NULL;
}

/* The body that @task is in. */
struct hvt_thread *hvt_body_of(const void *task)
{
	u32 i;

	for (i = 0; i < HVT_BODIES; i++)
		if (READ_ONCE(hvt_m.body[i].task) == task && hvt_m.body[i].trace)
			return &hvt_m.body[i];
	return NULL;
}

/* One that @task left without a return (it exited) can be had again. */
static struct hvt_thread *get(void *task)
{
	struct hvt_thread *b = hvt_body_of(task);
	u32 i;

	for (i = 0; !b && i < HVT_BODIES; i++)
		if (!cmpxchg(&hvt_m.body[i].task, NULL, task))
			b = &hvt_m.body[i];
	return b;
}

/* Of the agent's own doing, as account.c has it. */
static bool is_ignored(const struct hvt_trace *t)
{
	u32 tgid = hvt_m.session[t->session].ignored;

	return tgid && tgid == (u32)current->tgid && in_task();
}

/*
 * The fetch of an instruction on a page that is not executable in ARMED. It may be the
 * first of a body, which counts once it has retired: until then it may come again.
 */
void hvt_body_fetch(struct hvt_vcpu *v)
{
	u64 ip = vmcs_readl(GUEST_RIP), rsp = vmcs_readl(GUEST_RSP);
	struct hvt_trace *t = trace_at(ip);
	struct hvt_thread *b;

	if (!t || v->tr.thread || VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) == 3)
		return;
	if (t->count && READ_ONCE(t->bodies) >= t->after + t->count)
		return;
	if (is_ignored(t))
		return;
	b = get(current);
	if (!b) {
		hvt_count(&t->unrecorded);
		return;
	}
	*b = (struct hvt_thread){
		.trace = t,
		.task = current,
		.window = HVT_WINDOW_OPEN,
		.ret_rsp = rsp + 8,
	};
	hvt_guest_read(rsp, &b->ret_ip, 8);
	v->tr.thread = b;
	hvt_trace_set(v, HVT_TRACE_STEP);
}

/* Its first instruction has retired. False: it is not one of those that are wanted. */
bool hvt_body_entered(struct hvt_thread *b)
{
	struct hvt_trace *t = b->trace;
	u64 n = xadd(&t->bodies, 1) + 1;

	if (n <= t->after || (t->count && n - t->after > t->count))
		return false;
	b->body = n;
	hvt_count(&t->windows);
	return true;
}

/* Back at its caller, with the return address popped. */
bool hvt_body_returned(const struct hvt_thread *b)
{
	return vmcs_readl(GUEST_RIP) == b->ret_ip && vmcs_readl(GUEST_RSP) == b->ret_rsp;
}

void hvt_body_end(struct hvt_thread *b)
{
	b->trace = NULL;
	smp_store_release(&b->task, NULL);
}

/* 0, or 1: there are too many. Callers hold Linux's lock. */
u64 hvt_body_add(struct hvt_vcpu *v, struct hvt_trace *t)
{
	u32 i;

	for (i = 0; i < HVT_BODY_TRACES; i++) {
		if (!hvt_m.body_trace[i]) {
			smp_store_release(&hvt_m.body_trace[i], t);
			return 0;
		}
	}
	return 1;
}

/* Nobody is in one of its bodies any more. */
u64 hvt_body_del(struct hvt_vcpu *v, struct hvt_trace *t)
{
	u32 i;

	while (!hvt_stop_others(v))
		;
	for (i = 0; i < HVT_BODY_TRACES; i++)
		if (hvt_m.body_trace[i] == t)
			hvt_m.body_trace[i] = NULL;
	for (i = 0; i < hvt_m.ncpu; i++) {
		struct hvt_vcpu *o = hvt_m.vcpu[i];

		/* its CPU finds nobody to step */
		if (o && o->tr.thread && o->tr.thread->trace == t)
			o->tr.thread = NULL;
		if (o && o->tr.next && o->tr.next->trace == t)
			o->tr.next = NULL;
	}
	for (i = 0; i < HVT_BODIES; i++)
		if (hvt_m.body[i].trace == t)
			hvt_body_end(&hvt_m.body[i]);
	hvt_start_others(v);
	return 0;
}
