// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of a thread's instructions are wanted, pure: windows and code ranges. What counts
 * is what uapi.h says of struct hvt_trace_add.
 */
#include "window.h"

#define PAGE 4096u

static u64 page_of(u64 ip)
{
	return ip & ~(u64)(PAGE - 1);
}

static bool in_ranges(const struct hvt_trace_range *r, u32 n, u64 ip)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (ip >= r[i].lo && ip < r[i].hi)
			return true;
	return false;
}

static bool is_chosen(const struct hvt_trace *t, u64 ip)
{
	return (!t->nr_only || in_ranges(t->range, t->nr_only, ip)) &&
	       !in_ranges(t->range + t->nr_only, t->nr_skip, ip);
}

bool hvt_window_open(struct hvt_thread *t)
{
	if (t->window != HVT_WINDOW_CLOSED)
		return false;
	t->window = HVT_WINDOW_OPEN;
	t->seen = 0;
	return true;
}

bool hvt_window_wants(const struct hvt_thread *t, u64 ip, bool user)
{
	return t->window == HVT_WINDOW_OPEN && (!user || is_chosen(t->trace, ip));
}

static void close(struct hvt_thread *t)
{
	const struct hvt_trace *tr = t->trace;
	bool again = (tr->flags & HVT_TRACE_REPEAT) && (tr->from || tr->by_watch);

	t->window = again ? HVT_WINDOW_CLOSED : HVT_WINDOW_OVER;
}

bool hvt_window_take(struct hvt_thread *t, u64 ip, bool wanted)
{
	const struct hvt_trace *tr = t->trace;
	bool record = false;

	if (t->window != HVT_WINDOW_OPEN)
		return false;
	if (tr->flags & HVT_TRACE_BODY)
		return wanted; /* its bodies are counted */
	if (wanted)
		record = ++t->seen > tr->after;
	if ((tr->to && ip == tr->to) ||
	    (record && tr->count && t->seen - tr->after >= tr->count))
		close(t);
	return record;
}

static bool is_boring_page(const struct hvt_thread *t, u64 ip)
{
	const struct hvt_trace *tr = t->trace;
	u64 lo = page_of(ip), hi = lo + PAGE;
	u32 i;

	switch (t->window) {
	case HVT_WINDOW_OVER:
		return true;
	case HVT_WINDOW_CLOSED:
		return !tr->from || page_of(tr->from) != lo;
	}
	if (tr->to && page_of(tr->to) == lo)
		return false;
	for (i = tr->nr_only; i < tr->nr_only + tr->nr_skip; i++)
		if (tr->range[i].lo <= lo && tr->range[i].hi >= hi)
			return true;
	for (i = 0; i < tr->nr_only; i++)
		if (tr->range[i].lo < hi && tr->range[i].hi > lo)
			return false;
	return tr->nr_only;
}

/* An instruction at a page's end may be continued in the next one. */
bool hvt_window_bored(const struct hvt_thread *t, u64 ip)
{
	return is_boring_page(t, ip) && is_boring_page(t, ip + HVT_INSN_MAX - 1);
}

bool hvt_window_bored_everywhere(const struct hvt_thread *t)
{
	return t->window == HVT_WINDOW_OVER ||
	       (t->window == HVT_WINDOW_CLOSED && !t->trace->from);
}
