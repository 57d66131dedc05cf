// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a trace wants of a thread, against a second reading of what uapi.h says of struct
 * hvt_trace_add, one that asks everything of every instruction, over random traces and
 * random ways through a few pages of code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "window.h"

#define BASE   0x7000u
#define PAGE   4096u
#define NPAGES 6u
#define TRACES 20000

static u64 seed;

static u64 rnd(u64 below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

/* Addresses that meet each other, and the ends of pages, often. */
static u64 random_ip(void)
{
	static const u32 off[] = { 0, 1, 2, 0x7fe, 0x800, 0xffe, 0xfff };

	return BASE + rnd(NPAGES) * PAGE + off[rnd(sizeof(off) / sizeof(off[0]))];
}

static struct hvt_trace random_trace(void)
{
	struct hvt_trace t = { .nr_only = rnd(3) ? 0 : rnd(4), .nr_skip = rnd(3) ? 0 : rnd(4) };
	u32 i;

	for (i = 0; i < t.nr_only + t.nr_skip; i++) {
		t.range[i].lo = rnd(4) ? random_ip() : BASE + rnd(NPAGES) * PAGE;
		t.range[i].hi = rnd(2) ? t.range[i].lo + 1 + rnd(3) : random_ip();
		if (t.range[i].hi <= t.range[i].lo)
			t.range[i].hi = t.range[i].lo + 1 + rnd(3 * PAGE);
	}
	if (rnd(2))
		t.from = random_ip();
	if (rnd(2))
		t.to = random_ip();
	if (rnd(3) == 0)
		t.after = rnd(5);
	if (rnd(2))
		t.count = 1 + rnd(6);
	t.by_watch = !rnd(4);
	t.flags = rnd(2) ? HVT_TRACE_REPEAT : 0;
	if (!rnd(8)) {
		t = (struct hvt_trace){
			.flags = HVT_TRACE_BODY, .after = rnd(4), .count = rnd(4),
		};
	}
	return t;
}

static struct hvt_thread begin(struct hvt_trace *t)
{
	return (struct hvt_thread){
		.trace = t,
		.window = t->from || t->by_watch ? HVT_WINDOW_CLOSED : HVT_WINDOW_OPEN,
	};
}

/* ------------------------------------------------------------------ */
/* The second reading */

struct slow {
	const struct hvt_trace *t;
	bool open, over;
	u64 windows, wanted, recorded; /* the latter two of this window */
};

static struct slow slow_begin(const struct hvt_trace *t)
{
	/* "a window that is open from the start; with from or on it opens there" */
	bool open = t->from == 0 && !t->by_watch;

	return (struct slow){ .t = t, .open = open, .windows = open };
}

static bool slow_in(const struct hvt_trace *t, u32 first, u32 n, u64 ip)
{
	bool in = false;
	u32 i;

	for (i = first; i < first + n; i++)
		in = in || !(ip < t->range[i].lo || ip >= t->range[i].hi);
	return in;
}

/* "only code in these, first; never in those, behind" */
static bool slow_chosen(const struct hvt_trace *t, u64 ip)
{
	bool only = t->nr_only == 0 || slow_in(t, 0, t->nr_only, ip);

	return only && !slow_in(t, t->nr_only, t->nr_skip, ip);
}

/* "Closed, it opens again only with REPEAT" */
static bool slow_open(struct slow *s)
{
	if (s->open || s->over)
		return false;
	s->open = true;
	s->windows++;
	s->wanted = s->recorded = 0;
	return true;
}

/* The instruction at @ip executes. True: it is recorded. */
static bool slow_step(struct slow *s, u64 ip, bool user)
{
	const struct hvt_trace *t = s->t;
	bool record;

	if (user && t->from && ip == t->from)
		slow_open(s);
	if (!s->open)
		return false;
	record = !user || slow_chosen(t, ip);
	if (t->flags & HVT_TRACE_BODY)
		return record; /* "count and after count bodies" */
	if (record) {
		s->wanted++;
		record = s->wanted > t->after; /* "the first so many of each window" */
	}
	s->recorded += record;
	/* "closes behind to, or when count instructions were recorded" */
	if ((t->to && ip == t->to) || (t->count && s->recorded == t->count)) {
		s->open = false;
		s->over = !((t->flags & HVT_TRACE_REPEAT) && (t->from || t->by_watch));
	}
	return record;
}

/* ------------------------------------------------------------------ */

/* As trace.c has it. */
static bool step(struct hvt_thread *t, u64 *windows, u64 ip, bool user)
{
	bool wanted;

	if (user && t->trace->from && ip == t->trace->from)
		*windows += hvt_window_open(t);
	wanted = hvt_window_wants(t, ip, user);
	return hvt_window_take(t, ip, wanted);
}

static void assert_same(const struct hvt_thread *t, const struct slow *s)
{
	assert_int_equal(t->window == HVT_WINDOW_OPEN, s->open);
	assert_int_equal(t->window == HVT_WINDOW_OVER, s->over);
}

static u64 next_ip(const struct hvt_trace *t, u64 ip)
{
	switch (rnd(6)) {
	case 0:
		return t->from ? t->from : random_ip();
	case 1:
		return t->to ? t->to : random_ip();
	case 2:
		return random_ip();
	default:
		return ip + 1 + rnd(3);
	}
}

static void same_reading(void **state)
{
	u64 recorded = 0, repeated = 0, over = 0;
	u32 round, i;

	(void)state;
	for (round = 0; round < TRACES; round++) {
		struct hvt_trace tr = random_trace();
		struct hvt_thread t = begin(&tr);
		struct slow s = slow_begin(&tr);
		u64 ip = random_ip(), windows = s.windows;

		assert_same(&t, &s);
		for (i = 0; i < 60; i++) {
			bool user = rnd(8);

			ip = next_ip(&tr, ip);
			if (tr.by_watch && !rnd(10)) {
				bool opened = hvt_window_open(&t);

				windows += opened;
				assert_int_equal(opened, slow_open(&s));
			}
			assert_int_equal(step(&t, &windows, ip, user), slow_step(&s, ip, user));
			assert_same(&t, &s);
			assert_int_equal(windows, s.windows);
			recorded += s.recorded;
		}
		repeated += windows > 1;
		over += s.over;
		if (!(tr.flags & HVT_TRACE_REPEAT))
			assert_true(windows <= 1);
	}
	/* The ways were long enough to say something. */
	assert_true(recorded > TRACES && repeated > TRACES / 20 && over > TRACES / 5);
}

/*
 * Can one user instruction in @page be recorded or change the window, on some way through that page
 * alone? A wanted one is, after others like it, so that it is enough to ask each once.
 */
static bool of_interest(const struct slow *from, u64 page)
{
	u64 ip;

	for (ip = page; ip < page + PAGE; ip++) {
		struct slow s = *from;
		bool was = s.open;

		if (s.t->from == ip && slow_open(&s))
			return true;
		if (!s.open)
			continue;
		s.wanted = s.t->after; /* so many were before it */
		if (slow_step(&s, ip, true) || s.open != was)
			return true;
	}
	return false;
}

static void bored_is_safe(void **state)
{
	u32 round, i, bored = 0, all = 0, page;

	(void)state;
	for (round = 0; round < TRACES / 10; round++) {
		struct hvt_trace tr = random_trace();
		struct hvt_thread t = begin(&tr);
		struct slow s = slow_begin(&tr);
		u64 ip = random_ip(), windows = 0;
		bool is[NPAGES], any = false;

		if (tr.flags & HVT_TRACE_BODY)
			continue; /* no user code */
		for (i = rnd(30); i--;) {
			if (tr.by_watch && !rnd(10)) {
				hvt_window_open(&t);
				slow_open(&s);
			}
			ip = next_ip(&tr, ip);
			step(&t, &windows, ip, true);
			slow_step(&s, ip, true);
		}
		assert_same(&t, &s);
		for (page = 0; page < NPAGES; page++) {
			u64 first = BASE + page * PAGE;

			is[page] = of_interest(&s, first);
			any |= is[page];
			all++;
			for (i = 0; i < PAGE - HVT_INSN_MAX; i += 1000) {
				if (hvt_window_bored(&t, first + i)) {
					bored++;
					assert_false(is[page]);
				} else if (!is[page] && t.window != HVT_WINDOW_OPEN) {
					fail_msg("a closed window is bored by such a page");
				}
			}
		}
		/* An instruction at a page's end has more of its bytes in the next one. */
		for (page = 0; page + 1 < NPAGES; page++)
			for (i = 1; i < HVT_INSN_MAX; i++)
				if (hvt_window_bored(&t, BASE + (page + 1) * PAGE - i))
					assert_false(is[page] || is[page + 1]);
		if (hvt_window_bored_everywhere(&t))
			assert_false(any);
	}
	assert_true(bored > all / 3);
}

/* What is bored needs not be all that could be, but whole pages that are out of it are. */
static void bored_is_useful(void **state)
{
	struct hvt_trace tr = { .nr_only = 1, .nr_skip = 1 };
	struct hvt_thread t = begin(&tr);

	(void)state;
	tr.range[0] = (struct hvt_trace_range){ BASE + PAGE + 4, BASE + 4 * PAGE };
	tr.range[1] = (struct hvt_trace_range){ BASE + 2 * PAGE, BASE + 3 * PAGE };
	assert_true(hvt_window_bored(&t, BASE + PAGE - HVT_INSN_MAX));
	assert_false(hvt_window_bored(&t, BASE + PAGE - 1));
	assert_false(hvt_window_bored(&t, BASE + PAGE));
	assert_true(hvt_window_bored(&t, BASE + 2 * PAGE));
	assert_false(hvt_window_bored(&t, BASE + 3 * PAGE));
	assert_true(hvt_window_bored(&t, BASE + 4 * PAGE));
	assert_false(hvt_window_bored_everywhere(&t));
	t.window = HVT_WINDOW_OVER;
	assert_true(hvt_window_bored(&t, BASE + PAGE) && hvt_window_bored_everywhere(&t));
	t.window = HVT_WINDOW_CLOSED;
	assert_true(hvt_window_bored(&t, BASE + PAGE) && hvt_window_bored_everywhere(&t));
	tr.from = BASE + PAGE + 8;
	assert_false(hvt_window_bored(&t, BASE + PAGE) || hvt_window_bored_everywhere(&t));
	assert_true(hvt_window_bored(&t, BASE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_reading),
		cmocka_unit_test(bored_is_safe),
		cmocka_unit_test(bored_is_useful),
	};

	return cmocka_run_group_tests_name("root: windows", tests, NULL, NULL);
}
