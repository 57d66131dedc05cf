/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Events as the kernel's mmiotrace writes them (Documentation/trace/mmiotrace.rst, version
 * 20070824), for the scripts that read those. A map is a watch. Bytes whose value is
 * known are R and W lines of 8, 4, 2 or 1 of them, the lowest address first; the rest of
 * an access is one UNKNOWN line.
 */
#include <hvtrace/hvtrace.h>

#include "line.h"

/* Seconds with six decimals, and a blank. */
static void put_time(struct hvt_line *l, uint64_t ns)
{
	uint64_t us = ns / 1000 % 1000000, digit;

	hvt_line_dec(l, ns / 1000000000);
	hvt_line_char(l, '.');
	for (digit = 100000; digit; digit /= 10)
		hvt_line_char(l, (char)('0' + us / digit % 10));
	hvt_line_char(l, ' ');
}

static void put_hex(struct hvt_line *l, uint64_t v)
{
	hvt_line_hex(l, v);
	hvt_line_char(l, ' ');
}

static void put_dec(struct hvt_line *l, uint64_t v)
{
	hvt_line_dec(l, v);
	hvt_line_char(l, ' ');
}

/* The end of every line but MARK: PC and PID. */
static void put_who(struct hvt_line *l, uint64_t pc, uint32_t pid)
{
	put_hex(l, pc);
	hvt_line_dec(l, pid);
	hvt_line_char(l, '\n');
}

static void put_maps(struct hvt_line *l, struct hvt_mmiotrace *m, const struct hvt_reader *r,
		     uint64_t ns)
{
	const struct hvt_watch_fact *w;
	bool phys;

	for (; (w = hvt_reader_watch(r, m->maps)); m->maps++) {
		phys = w->flags & HVT_WATCH_PHYS;
		hvt_line_str(l, "MAP ");
		put_time(l, ns);
		put_dec(l, w->id);
		put_hex(l, phys ? w->addr : 0);
		put_hex(l, phys ? 0 : w->addr);
		put_hex(l, w->len);
		put_who(l, 0, 0);
	}
}

static void put_unmaps(struct hvt_line *l, const struct hvt_mmiotrace *m,
		       const struct hvt_reader *r)
{
	size_t i;

	for (i = 0; i < m->maps; i++) {
		hvt_line_str(l, "UNMAP ");
		put_time(l, hvt_reader_stats(r)->last_ns);
		put_dec(l, hvt_reader_watch(r, i)->id);
		put_who(l, 0, 0);
	}
}

/* What cannot be said as R or W; the data are the first bytes of the instruction. */
static void put_unknown(struct hvt_line *l, const struct hvt_event *ev, uint64_t phys)
{
	int i;

	hvt_line_str(l, "UNKNOWN ");
	put_time(l, ev->ns);
	put_dec(l, ev->watch);
	put_hex(l, phys);
	for (i = 0; i < 3; i++) {
		hvt_line_hexn(l, i < ev->insn_len ? ev->insn[i] : 0, 2);
		hvt_line_char(l, i < 2 ? ',' : ' ');
	}
	put_who(l, ev->ip, ev->pid);
}

/* The widest that one line can say of n bytes at phys; a run keeps to its elements. */
static uint32_t width_of(const struct hvt_event *ev, uint32_t n)
{
	uint32_t width = 8, elem = ev->flags & HVT_RF_RUN ? ev->run_elem : 0;

	if (elem == 1 || elem == 2 || elem == 4)
		width = elem;
	while (width > n)
		width /= 2;
	return width;
}

static void put_values(struct hvt_line *l, const struct hvt_event *ev, char op,
		       const uint8_t *bytes)
{
	uint32_t at = 0, width, i;
	uint64_t v, phys = ev->gpa + ev->val_off;

	if (ev->val_off || !ev->val_len || !bytes)
		put_unknown(l, ev, ev->gpa);
	for (; bytes && at < ev->val_len; at += width) {
		width = width_of(ev, ev->val_len - at);
		for (v = 0, i = width; i; i--)
			v = v << 8 | bytes[at + i - 1];
		hvt_line_char(l, op);
		hvt_line_char(l, ' ');
		put_dec(l, width);
		put_time(l, ev->ns);
		put_dec(l, ev->watch);
		put_hex(l, phys + at);
		put_hex(l, v);
		put_who(l, ev->ip, ev->pid);
	}
	if (at && ev->val_off + at < ev->size)
		put_unknown(l, ev, phys + at);
}

static void put_access(struct hvt_line *l, const struct hvt_event *ev)
{
	if (ev->access & HVT_ACC_X)
		put_unknown(l, ev, ev->gpa);
	/* of a device the one value that is known is that of the last thing done to it */
	if (ev->access & HVT_ACC_R)
		put_values(l, ev, 'R', ev->old || ev->access & HVT_ACC_W ? ev->old : ev->new_);
	if (ev->access & HVT_ACC_W)
		put_values(l, ev, 'W', ev->new_);
}

static void put_mark(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_str(l, "MARK ");
	put_time(l, ev->ns);
	if (ev->type == HVT_EV_LOST) {
		hvt_line_str(l, "Lost ");
		hvt_line_dec(l, ev->count);
		hvt_line_str(l, " events on CPU ");
		hvt_line_dec(l, ev->cpu);
	} else if (ev->type == HVT_EV_MARK) {
		for (const char *c = ev->mark; *c; c++)
			hvt_line_char(l, *c >= ' ' && *c < 0x7f ? *c : '?');
	} else {
		hvt_line_str(l, "page ");
		hvt_line_hex(l, ev->addr);
		hvt_line_str(l, " of map ");
		hvt_line_dec(l, ev->watch);
		hvt_line_str(l, " moved");
	}
	hvt_line_char(l, '\n');
}

void hvt_event_mmiotrace(FILE *out, struct hvt_mmiotrace *m, const struct hvt_reader *r,
			 const struct hvt_event *ev)
{
	struct hvt_line *l = hvt_line_start();

	if (!m->begun)
		hvt_line_str(l, "VERSION 20070824\n");
	m->begun = true;
	put_maps(l, m, r, ev ? ev->ns : hvt_reader_stats(r)->last_ns);
	if (!ev)
		put_unmaps(l, m, r);
	else if (ev->type == HVT_EV_ACCESS)
		put_access(l, ev);
	else
		put_mark(l, ev);
	hvt_line_write(l, out);
}
