/* SPDX-License-Identifier: GPL-2.0-only */
/* Which event means what for the stack of its thread: see calls.h. */
#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callstack.h"
#include "lib/internal.h"

#define BIT(kind)  (1u << (kind))
#define IN_KERNEL  (BIT(HVT_CALL_SYSCALL) | BIT(HVT_CALL_INTERRUPT) | BIT(HVT_CALL_EXCEPTION))
#define INTERRUPTS (BIT(HVT_CALL_INTERRUPT) | BIT(HVT_CALL_EXCEPTION))

struct thread {
	struct hvt_call_thread told;
	struct hvt_callstack stack;
	uint64_t losses;  /* of all that there were: those it knows of */
	uint32_t body;	  /* that it is in */
	bool ends_signal; /* in the system call that returns from a handler */
	uint64_t handler; /* of a signal that was delivered; 0: it has begun */
};

struct hvt_calls {
	struct hvt_calltree tree;
	struct hvt_by_thread threads;
	uint64_t losses;
	bool summed;
};

struct hvt_calls *hvt_calls_new(void)
{
	struct hvt_calls *c = calloc(1, sizeof(*c));

	if (c)
		c->threads.size = sizeof(struct thread);
	return c;
}

void hvt_calls_free(struct hvt_calls *c)
{
	struct thread *t;
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->threads.n; i++) {
		t = c->threads.v[i];
		free(t->stack.v);
	}
	hvt_by_thread_free(&c->threads);
	hvt_calltree_free(&c->tree);
	free(c);
}

static struct thread *thread_of(struct hvt_calls *c, const struct hvt_event *ev)
{
	struct thread *t = hvt_by_thread_find(&c->threads, ev, ev->watch);

	if (!t || t->told.root)
		return t;
	t->told.root = hvt_calltree_child(&c->tree, NULL, HVT_CALL_ROOT, t->told.is.tid, NULL);
	t->stack.tree = &c->tree;
	t->stack.root = t->told.root;
	return t->told.root ? t : NULL;
}

/* Interrupts whose end was lost. */
static void to_nesting(struct hvt_callstack *s, unsigned int nest)
{
	while (hvt_callstack_depth(s, INTERRUPTS) > nest)
		hvt_callstack_close(s, INTERRUPTS);
}

static int add_insn(struct thread *t, const struct hvt_event *ev)
{
	struct hvt_callstack *s = &t->stack;
	struct hvt_call *node;
	int rc;

	if (ev->flags & HVT_RF_USER) {
		while (hvt_callstack_close(s, IN_KERNEL))
			;
	} else if (ev->body) {
		to_nesting(s, ev->nest);
	}
	rc = hvt_callstack_arrive(s, ev->ip, &ev->ip_sym);
	if (!rc)
		rc = hvt_callstack_node(s, &node);
	if (rc)
		return rc;
	node->self++;
	s->flow.known = ev->insn_len && !(ev->flags & HVT_RF_NOINSN);
	s->flow.branch = hvt_branch_of(ev->insn, ev->insn_len, ev->flags);
	s->flow.ip = ev->ip;
	s->flow.next = ev->ip + ev->insn_len;
	return 0;
}

/* Does this trace begin a window there, and not come back to where it was? */
static bool opens_window(const struct hvt_reader *r, const struct hvt_event *ev)
{
	const struct hvt_trace_fact *f;
	size_t i;

	for (i = 0; r && (f = hvt_reader_trace(r, i)); i++)
		if (f->id == ev->watch)
			return f->from && f->from == ev->to;
	return false;
}

static int begin(struct thread *t, const struct hvt_reader *r, const struct hvt_event *ev)
{
	if (ev->body != t->body || opens_window(r, ev))
		hvt_callstack_clear(&t->stack);
	t->body = ev->body;
	t->stack.flow.known = false;
	return 0;
}

/*
 * To code that is not wanted: what was called there is a leaf, until a return or its own
 * calls bring the thread back. To nowhere: the window is closed.
 */
static int end(struct thread *t, const struct hvt_event *ev)
{
	const struct hvt_callflow f = t->stack.flow;
	bool jump = f.branch == HVT_BRANCH_JUMP && ev->to_sym.name && !ev->to_sym.off;
	int rc = 0;

	if (!ev->to)
		hvt_callstack_clear(&t->stack);
	else if (f.known && (f.branch == HVT_BRANCH_CALL || jump))
		rc = hvt_callstack_arrive(&t->stack, ev->to, &ev->to_sym);
	t->stack.flow.known = false;
	return rc;
}

static void end_signal(struct thread *t)
{
	if (t->ends_signal)
		hvt_callstack_close(&t->stack, BIT(HVT_CALL_SIGNAL));
	t->ends_signal = false;
}

static bool is_sigreturn(const struct hvt_event *ev)
{
	if (ev->flags & HVT_RF_CODE32)
		return ev->number == 119 || ev->number == 173;
	return ev->number == 15;
}

static int open_named(struct thread *t, enum hvt_call_kind kind, const struct hvt_event *ev)
{
	int rc = hvt_callstack_open(&t->stack, kind, ev->number);

	return rc ? rc : hvt_callstack_count(&t->stack, ev->name);
}

static int begin_signal(struct thread *t, const struct hvt_event *ev)
{
	while (hvt_callstack_close(&t->stack, IN_KERNEL))
		;
	end_signal(t);
	t->handler = ev->to;
	if (open_named(t, HVT_CALL_SIGNAL, ev))
		return -ENOMEM;
	if (!ev->to) /* nobody handles it: it ends the thread, or stops it */
		hvt_callstack_close(&t->stack, BIT(HVT_CALL_SIGNAL));
	return 0;
}

static void resume(struct thread *t, uint64_t to)
{
	struct hvt_callstack *s = &t->stack;

	if (t->handler && t->handler == to) {
		hvt_callstack_uncover(s, BIT(HVT_CALL_SIGNAL));
	} else {
		if (t->handler) /* nobody runs it: it was ignored */
			hvt_callstack_close(s, BIT(HVT_CALL_SIGNAL));
		while (hvt_callstack_close(s, IN_KERNEL))
			;
		end_signal(t);
	}
	t->handler = 0;
}

/*
 * What breaks in tells where: the last instruction may have gone there, and nothing else
 * has been seen of it.
 */
static int break_in(struct thread *t, enum hvt_call_kind kind, const struct hvt_event *ev)
{
	struct hvt_callstack *s = &t->stack;

	if (ev->ip && !(ev->flags & HVT_RF_TRAP)) {
		if (hvt_callstack_arrive(s, ev->ip, &ev->ip_sym))
			return -ENOMEM;
		s->flow = (struct hvt_callflow){ true, HVT_BRANCH_NONE, ev->ip, ev->ip };
	}
	return hvt_callstack_open(s, kind, ev->vector);
}

static int add_flow(struct thread *t, const struct hvt_reader *r, const struct hvt_event *ev)
{
	switch ((enum hvt_flow)ev->what) {
	case HVT_FLOW_BEGIN:
		return begin(t, r, ev);
	case HVT_FLOW_END:
		return end(t, ev);
	case HVT_FLOW_INTERRUPT:
		return break_in(t, HVT_CALL_INTERRUPT, ev);
	case HVT_FLOW_EXCEPTION:
		return break_in(t, HVT_CALL_EXCEPTION, ev);
	case HVT_FLOW_SYSCALL:
		t->ends_signal = is_sigreturn(ev);
		return open_named(t, HVT_CALL_SYSCALL, ev);
	case HVT_FLOW_RESUME:
		resume(t, ev->to);
		return 0;
	case HVT_FLOW_SIGNAL:
		return begin_signal(t, ev);
	case HVT_FLOW_EXEC:
		hvt_callstack_clear(&t->stack);
		t->ends_signal = false;
		t->handler = 0;
		return 0;
	case HVT_FLOW_RETURN:
		hvt_callstack_close(&t->stack, INTERRUPTS);
		return 0;
	case HVT_FLOW_SWITCH:
		if (ev->number)
			t->stack.flow.known = false;
		return 0;
	case HVT_FLOW_EXIT:
		return 0;
	}
	return 0;
}

int hvt_calls_add(struct hvt_calls *c, const struct hvt_reader *r, const struct hvt_event *ev)
{
	struct thread *t;

	if (ev->type == HVT_EV_LOST)
		c->losses++;
	if (ev->type != HVT_EV_INSN && ev->type != HVT_EV_FLOW)
		return 0;
	t = thread_of(c, ev);
	if (!t)
		return -ENOMEM;
	memcpy(t->told.comm, ev->comm, sizeof(t->told.comm));
	if (t->losses != c->losses) {
		t->losses = c->losses;
		t->stack.flow.known = false;
	}
	return ev->type == HVT_EV_INSN ? add_insn(t, ev) : add_flow(t, r, ev);
}

const struct hvt_call_thread *hvt_calls_thread(struct hvt_calls *c, size_t i)
{
	const struct thread *t;

	if (!c->summed)
		hvt_calltree_sum(&c->tree);
	c->summed = true;
	if (i >= c->threads.n)
		return NULL;
	t = c->threads.v[i];
	return &t->told;
}
