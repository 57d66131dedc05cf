// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: iterations of one REP string instruction that a coalescing watch hears of as a
 * single record. They are gathered while step.c goes from iteration to iteration
 * without leaving the step, and said when that ends, whatever ends it.
 */
#include "root_fn.h"

static bool extends(const struct hvt_run *run, const struct hvt_prov *p, u8 sessions)
{
	if (run->sessions != sessions || run->access != p->access || run->elem != p->size ||
	    run->flags != p->flags)
		return false;
	return run->down ? p->gla + p->size == run->gla : p->gla == run->gla + run->size;
}

static void start(struct hvt_run *run, const struct hvt_prov *p, u8 sessions, bool down,
		  const struct hvt_verdict *who)
{
	u32 m;

	run->sessions = sessions;
	run->access = p->access;
	run->flags = p->flags;
	run->elem = p->size;
	run->down = down;
	run->gla = p->gla + (down ? p->size : 0);
	run->size = run->count = 0;
	run->len = 0;
	for (m = sessions; m; m &= m - 1)
		run->watch[__builtin_ctz(m)] = who->watch[__builtin_ctz(m)];
}

/* Make room for @n bytes in front; what no longer fits is dropped at the end. */
static u32 shift(u8 *b, u32 len, u32 n)
{
	u32 keep = len + n > HVT_VALUE_MAX ? HVT_VALUE_MAX - n : len, i;

	for (i = keep; i--;)
		b[i + n] = b[i];
	return keep + n;
}

static void append(struct hvt_run *run, const struct hvt_prov *p, const struct hvt_values *val)
{
	u32 n = p->size;

	if (val->len != n) {
		if (run->down)
			run->len = 0; /* the first bytes in memory are not known now */
		return;
	}
	if (run->down) {
		shift(run->old, run->len, n);
		hvt_copy(run->old, val->old, n);
		run->len = shift(run->new, run->len, n);
		hvt_copy(run->new, val->new, n);
	} else if (run->len == run->size && run->len + n <= HVT_VALUE_MAX) {
		hvt_copy(run->old + run->len, val->old, n);
		hvt_copy(run->new + run->len, val->new, n);
		run->len += n;
	}
}

/*
 * Take the sessions that coalesce out of @who and into a run. The caller has announced
 * records of the sessions of all runs (hvt_emit_begin), and @tsc is from that.
 */
void hvt_run_add(struct hvt_vcpu *v, const struct hvt_prov *p, const struct hvt_values *val,
		 struct hvt_verdict *who, u64 tsc)
{
	struct hvt_run *run = &v->run[p->op];
	u8 mine = who->sessions & ~who->plain;

	if (p->op >= HVT_RUNS || !mine)
		return;
	if (run->sessions && !extends(run, p, mine)) {
		hvt_emit_run(v, run, tsc);
		run->sessions = 0;
	}
	if (!run->sessions)
		start(run, p, mine, v->step.down, who);
	append(run, p, val);
	if (run->down || !run->count)
		run->gpa = p->gpa;
	if (run->down)
		run->gla = p->gla;
	run->size += p->size;
	run->count++;
	run->order = p->page->order;
	who->sessions &= ~mine;
}

u8 hvt_run_sessions(const struct hvt_vcpu *v)
{
	u8 sessions = 0;
	u32 i;

	for (i = 0; i < HVT_RUNS; i++)
		sessions |= v->run[i].sessions;
	return sessions;
}

/* The instruction is over, or something came in between. */
void hvt_run_end(struct hvt_vcpu *v)
{
	u8 sessions = hvt_run_sessions(v);
	u64 tsc;
	u32 i;

	if (!sessions)
		return;
	tsc = hvt_emit_begin(v, sessions);
	for (i = 0; i < HVT_RUNS; i++) {
		if (v->run[i].sessions)
			hvt_emit_run(v, &v->run[i], tsc);
		v->run[i].sessions = 0;
	}
	hvt_emit_end(v, sessions);
}
