// SPDX-License-Identifier: GPL-2.0-only
/*
 * See trace_oracle.h. Each rule is one of uapi.h's, or of trace.c's first comment:
 *  - with mode-based execute control, threads whose kernel code is not traced are noticed in
 *    user mode by their first fetch there; an interrupt before it is none of theirs;
 *  - an interrupt's handler is not traced: until the thread is back where it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "trace_oracle.h"

#define F(field) fake_vmcs[field]
#define VEC_PF	 14

struct oracle oracle[FAKE_TASKS];
u64 oracle_seen[20];
struct hvt_trace *oracle_body;
static u64 bodies;

void oracle_reset(void)
{
	u32 i;

	oracle_body = NULL;
	bodies = 0;
	for (i = 0; i < FAKE_TASKS; i++) {
		free(oracle[i].want);
		free(oracle[i].got);
		memset(&oracle[i], 0, sizeof(oracle[i]));
		oracle[i].want = calloc(ORACLE_MAX, sizeof(struct rec));
		oracle[i].got = calloc(ORACLE_MAX, sizeof(struct rec));
	}
}

/* As hv/threads.c's new_entry() and insert(). */
void oracle_begin(struct oracle *o, const struct hvt_trace *t)
{
	struct rec *want = o->want, *got = o->got;
	u32 nwant = o->nwant, ngot = o->ngot;
	bool open = !t->from && !t->by_watch;

	*o = (struct oracle){
		.trace = *t, .traced = true, .open = open, .windows = open, .begun = true,
		.kernel_wanted = true,
		.want = want, .got = got, .nwant = nwant, .ngot = ngot,
	};
	o->trace.running = 1;
	o->trace.windows = open;
	o->thread = (struct hvt_thread){
		.trace = &o->trace,
		.task = &fake_task[o - oracle],
		.window = open ? HVT_WINDOW_OPEN : HVT_WINDOW_CLOSED,
	};
	fake_task[o - oracle].thread = &o->thread;
}

void oracle_end(struct oracle *o)
{
	o->traced = false;
	fake_task[o - oracle].thread = NULL;
}

void oracle_end_bodies(void)
{
	u32 i;

	oracle_body = NULL;
	bodies = 0;
	for (i = 0; i < FAKE_TASKS; i++)
		oracle[i].traced = false;
}

/*
 * The first instruction of the function has retired, and whoever has called it was in none of
 * its bodies.
 */
static void enter_body(struct oracle *o, const struct fake_insn *x)
{
	struct rec *want = o->want, *got = o->got;
	u32 nwant = o->nwant, ngot = o->ngot, n = ++bodies;

	if (n <= oracle_body->after ||
	    (oracle_body->count && n > oracle_body->after + oracle_body->count))
		return;
	*o = (struct oracle){
		.trace = { .flags = HVT_TRACE_KERNEL }, .traced = true, .open = true,
		.kernel_wanted = true, .body = n, .ret_rsp = F(GUEST_RSP) + 8,
		.want = want, .got = got, .nwant = nwant, .ngot = ngot,
	};
	memcpy(&o->ret_ip, fake_at(F(GUEST_RSP)), 8);
	assert_int_equal(x->op, OP_NOP); /* the stack is as it was before it */
}

static bool has_returned(const struct oracle *o)
{
	return o->body && !o->away && F(GUEST_RIP) == o->ret_ip && F(GUEST_RSP) == o->ret_rsp;
}

static struct oracle *now(void)
{
	struct oracle *o = &oracle[fake_this() - fake_task];

	return o->traced && !o->over ? o : NULL;
}

static struct rec *expect(struct oracle *o, u8 type, u8 what)
{
	struct rec *r = &o->want[o->nwant++];

	assert_true(o->nwant < ORACLE_MAX);
	*r = (struct rec){ .type = type, .what = what, .vector = HVT_VECTOR_NONE, .nest = o->nest, .body = o->body };
	oracle_seen[what]++;
	return r;
}

static void flow(struct oracle *o, u8 what, u64 ip, u64 to)
{
	struct rec *r;

	if (!o->flowing)
		return;
	r = expect(o, HVT_REC_FLOW, what);
	r->ip = ip;
	r->to = to;
}

static bool with_kernel(const struct oracle *o)
{
	return o->trace.flags & HVT_TRACE_KERNEL;
}

static bool is_stepped_in_kernel(const struct oracle *o)
{
	return with_kernel(o) || !(hvt_m.ept.mbec || hvt_m.entry_lo);
}

/* Without mode-based execute control: its way back through the entry code is stepped. */
static bool is_seen_leaving(const struct oracle *o)
{
	return !hvt_m.ept.mbec && hvt_m.entry_lo && (o->away == HVT_AWAY_USER || !with_kernel(o)) &&
	       o->away != HVT_AWAY_KERNEL;
}

static bool in(const struct hvt_trace_range *r, u32 n, u64 ip)
{
	while (n--)
		if (ip >= r[n].lo && ip < r[n].hi)
			return true;
	return false;
}

static bool is_chosen(const struct oracle *o, u64 ip)
{
	const struct hvt_trace *t = &o->trace;

	return (!t->nr_only || in(t->range, t->nr_only, ip)) &&
	       !in(t->range + t->nr_only, t->nr_skip, ip);
}

/* The next instruction is one of user code, at @ip. */
static void about_to_run(struct oracle *o, u64 ip)
{
	if (o->trace.from == ip && ip && !o->open) {
		o->open = true;
		o->windows++;
		o->wanted = o->recorded = 0;
	}
	if (o->flowing && !(o->open && is_chosen(o, ip))) {
		flow(o, HVT_FLOW_END, 0, ip);
		o->flowing = false;
	}
}

static void back_in_user(struct oracle *o)
{
	struct rec *r;

	o->arrived = true;
	o->away = HVT_HERE;
	o->nest = 0;
	if (o->flowing) {
		r = expect(o, HVT_REC_FLOW, HVT_FLOW_RESUME);
		r->to = F(GUEST_RIP);
		if (o->in_call && r->to == o->call_ret) {
			r->flags = HVT_RF_SYSRET | (o->call32 ? HVT_RF_CODE32 : 0);
			r->code = o->nr;
			r->arg = fake_v->regs.gpr[0];
		}
	}
	o->in_call = false;
}

void saw_fetch(u64 ip, bool user)
{
	struct oracle *o = now();

	if (!o)
		return;
	if (o->away == HVT_AWAY_KERNEL && !user && ip == o->away_rip &&
	    F(GUEST_RSP) == o->away_rsp) {
		o->away = HVT_HERE;
		flow(o, HVT_FLOW_RETURN, 0, ip);
	}
	if (!user)
		return;
	if (!o->arrived)
		back_in_user(o);
	about_to_run(o, ip);
}

static void count(struct oracle *o, const struct fake_insn *x, bool wanted)
{
	const struct hvt_trace *t = &o->trace;
	struct rec *r;

	if (!o->open)
		return;
	o->wanted += wanted;
	if (wanted && o->wanted > t->after) {
		if (!o->flowing) {
			o->flowing = true;
			flow(o, HVT_FLOW_BEGIN, 0, x->ip);
		}
		r = expect(o, HVT_REC_INSN, 0);
		r->ip = x->ip;
		r->len = x->len;
		r->flags = x->user ? HVT_RF_USER : 0;
		memcpy(r->insn, x->bytes, x->len);
		o->recorded++;
	}
	if ((t->to && x->ip == t->to) || (t->count && o->recorded == t->count)) {
		o->open = false;
		o->over = !((t->flags & HVT_TRACE_REPEAT) && (t->from || t->by_watch));
		/* INT3 is not behind itself before its exception is said */
		flow(o, HVT_FLOW_END, 0, x->op == OP_INT3 ? x->ip : F(GUEST_RIP));
		o->flowing = false;
	}
}

static void exception(struct oracle *o, const struct fake_insn *x, u8 vector, u32 error, bool trap)
{
	struct rec *r;

	if (o->flowing) {
		r = expect(o, HVT_REC_FLOW, HVT_FLOW_EXCEPTION);
		r->ip = x->ip;
		r->len = x->len;
		r->vector = vector;
		r->code = error;
		r->arg = vector == VEC_PF ? fake_cr2 : 0;
		r->flags = (x->user ? HVT_RF_USER : 0) | (trap ? HVT_RF_TRAP : 0);
		memcpy(r->insn, x->bytes, x->len);
	}
	o->nest++;
}

static void into_kernel(struct oracle *o, const struct fake_insn *x)
{
	struct rec *r;

	o->kernel_wanted = is_chosen(o, x->ip);
	if (!is_stepped_in_kernel(o))
		o->arrived = false;
	if (x->op != OP_SYSCALL && x->op != OP_INT80) {
		exception(o, x, 3, 0, true);
		return;
	}
	o->call32 = x->op == OP_INT80;
	o->in_call = true;
	o->nr = fake_v->regs.gpr[0];
	o->call_ret = x->ip + x->len;
	if (!o->flowing)
		return;
	r = expect(o, HVT_REC_FLOW, HVT_FLOW_SYSCALL);
	r->ip = x->ip;
	r->code = o->nr;
	r->arg = o->call32 ? (u32)fake_v->regs.gpr[3] : fake_v->regs.gpr[7];
	r->flags = o->call32 ? HVT_RF_CODE32 : 0;
}

static void retired_in_kernel(struct oracle *o, const struct fake_insn *x)
{
	if (fake_user() && is_seen_leaving(o)) {
		back_in_user(o);
		about_to_run(o, F(GUEST_RIP));
		return;
	}
	if (o->away || !is_stepped_in_kernel(o))
		return;
	if (with_kernel(o))
		count(o, x, o->kernel_wanted);
	if (o->over)
		return;
	if (fake_user()) {
		back_in_user(o);
		about_to_run(o, F(GUEST_RIP));
	} else if (x->op == OP_IRET && o->nest && with_kernel(o)) {
		o->nest--;
		flow(o, HVT_FLOW_RETURN, x->ip, F(GUEST_RIP));
	}
}

void saw_retired(const struct fake_insn *x)
{
	struct oracle *o = now();
	bool told = fake_told, looked = fake_kicked, begun;

	fake_told = fake_kicked = false;
	if (!o && oracle_body && x->ip == kernel.function &&
	    hvt_m.session[0].ignored != (u32)fake_current->tgid) {
		o = &oracle[fake_this() - fake_task];
		enter_body(o, x);
	}
	if (!o || !o->traced)
		return;
	begun = o->begun;
	o->begun = false;
	if (begun && looked)
		return; /* by this VMCALL */
	if (told && o->open)
		flow(o, fake_v->call_flow.what, 0, fake_v->call_flow.to);
	if (!x->user) {
		retired_in_kernel(o, x);
		if (has_returned(o)) {
			flow(o, HVT_FLOW_END, 0, F(GUEST_RIP));
			o->traced = o->flowing = false;
		}
		return;
	}
	assert_true(o->arrived && !o->away);
	count(o, x, o->open && is_chosen(o, x->ip));
	if (o->over)
		return;
	if (!fake_user())
		into_kernel(o, x);
	else
		about_to_run(o, F(GUEST_RIP));
}

void saw_interrupt(u32 vector)
{
	struct oracle *o = now();
	struct rec *r;

	if (!o || o->away || (fake_user() ? !o->arrived : !with_kernel(o)))
		return;
	if (o->flowing) {
		r = expect(o, HVT_REC_FLOW, HVT_FLOW_INTERRUPT);
		r->ip = F(GUEST_RIP);
		r->vector = vector;
	}
	o->arrived = false;
	if (fake_user() && !hvt_m.ept.mbec && !hvt_m.entry_lo) {
		o->kernel_wanted = is_chosen(o, F(GUEST_RIP));
		return; /* stepped through the handler */
	}
	o->away = fake_user() ? HVT_AWAY_USER : HVT_AWAY_KERNEL;
	o->away_rip = F(GUEST_RIP);
	o->away_rsp = F(GUEST_RSP);
}

void saw_fault(u32 vector, u32 error)
{
	struct oracle *o = now();
	struct fake_insn x;

	if (!o || o->away || (!fake_user() && !with_kernel(o)))
		return;
	fake_decode(F(GUEST_RIP), fake_user(), &x);
	exception(o, &x, vector, error, false);
	if (!fake_user())
		return;
	o->kernel_wanted = is_chosen(o, x.ip);
	if (!is_stepped_in_kernel(o))
		o->arrived = false;
}

void saw_switch(struct fake_task *from, struct fake_task *to)
{
	struct oracle *a = &oracle[from - fake_task], *b = &oracle[to - fake_task];

	if (a->traced && !a->over && with_kernel(a) && !a->away && a->open) {
		flow(a, HVT_FLOW_SWITCH, 0, 0);
		a->asleep = true;
	}
	if (b->traced && !b->over && with_kernel(b) && !b->away && b->asleep) {
		flow(b, HVT_FLOW_SWITCH, 0, F(GUEST_RIP));
		if (b->flowing)
			b->want[b->nwant - 1].code = 1;
		b->asleep = false;
	}
}

/* ------------------------------------------------------------------ */

void saw_record(const struct hvt_rec *h)
{
	const struct hvt_rec_insn *x = (const void *)h;
	const struct hvt_rec_flow *f = (const void *)h;
	u32 i = (h->type == HVT_REC_INSN ? x->tid : f->tid) - fake_task[0].task.pid;
	struct oracle *o;
	struct rec *r;

	assert_true(i < FAKE_TASKS);
	o = &oracle[i];
	r = &o->got[o->ngot++];
	assert_true(o->ngot < ORACLE_MAX);
	r->type = h->type;
	r->flags = h->flags;
	if (h->type == HVT_REC_INSN) {
		r->ip = x->ip;
		r->len = x->insn_len;
		r->nest = x->nest;
		r->body = x->body;
		r->vector = HVT_VECTOR_NONE;
		memcpy(r->insn, x->insn, 15);
		return;
	}
	r->what = f->what;
	r->ip = f->ip;
	r->to = f->to;
	r->code = f->code;
	r->vector = f->vector;
	r->nest = f->nest;
	r->body = f->body;
	r->arg = f->arg[0];
	if (f->what == HVT_FLOW_EXCEPTION) {
		r->len = f->insn_len;
		memcpy(r->insn, f->insn, f->insn_len);
	}
}

static void show(const char *name, const struct rec *r)
{
	static const char *const whats[] = { "insn",	"begin",   "end",    "interrupt", "exception",
					     "syscall", "resume",  "signal", "exec",	  "exit",
					     "return",	"switch" };

	printf("  %s %-9s ip %llx to %llx vector %u code %x nest %u flags %x arg %llx len %u\n",
	       name, whats[r->what], (unsigned long long)r->ip, (unsigned long long)r->to,
	       r->vector, r->code, r->nest, r->flags, (unsigned long long)r->arg, r->len);
}

void oracle_compare(const char *about)
{
	u32 i, k, n;

	for (i = 0; i < FAKE_TASKS; i++) {
		struct oracle *o = &oracle[i];

		n = o->nwant < o->ngot ? o->nwant : o->ngot;
		for (k = 0; k < n && !memcmp(&o->want[k], &o->got[k], sizeof(struct rec)); k++)
			;
		if (k == o->nwant && k == o->ngot)
			continue;
		printf("%s: task %u, record %u of %u, %u came; flags %x from %llx to %llx only %u skip %u\n",
		       about, i, k, o->nwant, o->ngot, o->trace.flags,
		       (unsigned long long)o->trace.from, (unsigned long long)o->trace.to,
		       o->trace.nr_only, o->trace.nr_skip);
		for (n = k < 8 ? 0 : k - 8; n < k + 4; n++) {
			if (n < o->nwant)
				show(n < k ? "    " : "want", &o->want[n]);
			if (n >= k && n < o->ngot)
				show("got ", &o->got[n]);
		}
		fail_msg("%s: the trace is not what happened", about);
	}
}
