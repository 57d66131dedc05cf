/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One event as one line for people. Names come from strangers (comm, symbols, paths):
 * nothing that a terminal could act on goes out unescaped.
 */
#include <stdint.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "internal.h"
#include "label.h"
#include "line.h"
#include "origin.h"
#include "who.h"

void hvt_print_escaped(FILE *out, const char *s, size_t len)
{
	struct hvt_line *l = hvt_line_start();

	hvt_line_escaped(l, s, strnlen(s, len));
	hvt_line_write(l, out);
}

/* object:symbol+off */
static void named(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr, size_t width)
{
	size_t from = l->len;

	if (s->label)
		hvt_line_put(l, s->label->bytes, s->label->text_len);
	else
		hvt_label_text(l, s);
	if (!s->name) {
		hvt_line_hex(l, s->obj && !s->kernel ? s->obj_off : addr);
	} else if (s->off) {
		hvt_line_char(l, '+');
		hvt_line_hex(l, s->off);
	}
	hvt_line_pad(l, from, width);
}

void hvt_text_place(struct hvt_line *l, const struct hvt_event *ev)
{
	named(l, &ev->ip_sym, ev->ip, 28);
	hvt_line_lit(l, "  ");
}

void hvt_text_insn(struct hvt_line *l, const struct hvt_event *ev)
{
	/* the decoder's words, no stranger's */
	hvt_line_str(l, ev->text ? ev->text : ev->insn_len ? "(bad)" : "(no bytes)");
}

static void value(struct hvt_line *l, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;

	if (len > 8) {
		hvt_line_bytes(l, bytes, len);
		return;
	}
	memcpy(&v, bytes, len);
	hvt_line_hex(l, v);
}

static void values(struct hvt_line *l, const struct hvt_event *ev)
{
	if (ev->access & HVT_ACC_X)
		return;
	if (!ev->val_len) {
		hvt_line_char(l, '?');
		return;
	}
	if (ev->val_off || ev->val_len != ev->size) {
		hvt_line_lit(l, "[+");
		hvt_line_dec(l, ev->val_off);
		hvt_line_char(l, ',');
		hvt_line_dec(l, ev->val_len);
		hvt_line_lit(l, "] ");
	}
	if (!(ev->access & HVT_ACC_W)) {
		/* what was read; of a device that is all there is */
		value(l, ev->old ? ev->old : ev->new_, ev->val_len);
		return;
	}
	if (ev->old)
		value(l, ev->old, ev->val_len);
	else
		hvt_line_char(l, '?');
	hvt_line_lit(l, " -> ");
	value(l, ev->new_, ev->val_len);
}

static void head(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_dec_right(l, ev->ns / 1000000000, 6);
	hvt_line_char(l, '.');
	hvt_line_fixed(l, ev->ns / 1000 % 1000000, 6);
	hvt_line_lit(l, " [");
	if (ev->cpu < 1000)
		hvt_line_fixed(l, ev->cpu, 3);
	else
		hvt_line_dec(l, ev->cpu);
	hvt_line_lit(l, "] ");
}

static void who(struct hvt_line *l, const struct hvt_event *ev)
{
	size_t from = l->len;

	hvt_line_escaped(l, ev->comm, strlen(ev->comm));
	hvt_line_right(l, from, 16);
	hvt_line_char(l, ' ');
	hvt_line_dec_right(l, ev->pid, 7);
	hvt_line_char(l, '/');
	from = l->len;
	hvt_line_dec(l, ev->tid);
	hvt_line_pad(l, from, 7);
	hvt_line_char(l, ' ');
}

static void notes(struct hvt_line *l, const struct hvt_event *ev)
{
	if (ev->flags & HVT_RF_DELIVERY) {
		hvt_line_lit(l, "(delivery of vector ");
		hvt_line_dec(l, ev->vector);
		hvt_line_lit(l, ") ");
	}
	if (ev->flags & HVT_RF_WALK)
		hvt_line_lit(l, "(page walk) ");
}

static void origin(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_origin *o = ev->origin;

	if (o && !(ev->flags & (HVT_RF_DELIVERY | HVT_RF_WALK))) {
		hvt_line_put(l, o->bytes, o->place_len + o->insn_len);
		return;
	}
	hvt_text_place(l, ev);
	notes(l, ev);
	hvt_text_insn(l, ev);
}

static void access_line(struct hvt_line *l, const struct hvt_event *ev)
{
	static const char *const names[] = { "-  ", "R  ", "W  ", "RW " };
	static _Thread_local struct hvt_who known[HVT_WHO_SLOTS];
	size_t from;

	hvt_line_who(l, ev, known, who);
	hvt_line_put(l, ev->access & HVT_ACC_X ? "X  " : names[ev->access & 3], 3);
	from = l->len;
	if (ev->physical && !ev->addr_sym.name) {
		hvt_line_lit(l, "phys:");
		hvt_line_hex(l, ev->gpa);
	} else {
		named(l, &ev->addr_sym, ev->addr, 0);
	}
	hvt_line_pad(l, from, 24);
	hvt_line_char(l, ' ');
	if (ev->size)
		hvt_line_dec_right(l, ev->size, 2);
	else
		hvt_line_lit(l, " ?");
	hvt_line_lit(l, "  ");
	from = l->len;
	values(l, ev);
	hvt_line_pad(l, from, 24);
	hvt_line_lit(l, "  ");
	origin(l, ev);
	if (ev->flags & HVT_RF_RUN) {
		hvt_line_lit(l, " x");
		hvt_line_dec(l, ev->run_count);
		if (ev->run_down)
			hvt_line_lit(l, " downwards");
	}
}

static void gpa(struct hvt_line *l, uint64_t gpa)
{
	if (gpa == HVT_GPA_NONE) {
		hvt_line_lit(l, "unmapped");
		return;
	}
	hvt_line_lit(l, "gpa ");
	hvt_line_hex(l, gpa);
}

static void remap_line(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_lit(l, "remap of watch ");
	hvt_line_dec(l, ev->watch);
	hvt_line_lit(l, " page ");
	hvt_line_hex(l, ev->addr);
	hvt_line_lit(l, " by ");
	hvt_line_dec(l, ev->pid);
	hvt_line_char(l, '/');
	hvt_line_dec(l, ev->tid);
	hvt_line_lit(l, ": ");
	gpa(l, ev->old_gpa);
	hvt_line_lit(l, " -> ");
	gpa(l, ev->new_gpa);
}

void hvt_event_text(FILE *out, const struct hvt_event *ev)
{
	struct hvt_line *l;

	if (ev->type == HVT_EV_MARK) {
		hvt_mark_text(out, ev);
		return;
	}
	l = hvt_line_start();
	head(l, ev);
	switch (ev->type) {
	case HVT_EV_ACCESS:
		access_line(l, ev);
		break;
	case HVT_EV_LOST:
		hvt_line_lit(l, "lost ");
		hvt_line_dec(l, ev->count);
		hvt_line_lit(l, " events on CPU ");
		hvt_line_dec(l, ev->cpu);
		break;
	case HVT_EV_REMAP:
		remap_line(l, ev);
		break;
	case HVT_EV_MARK:
		break;
	}
	hvt_line_char(l, '\n');
	hvt_line_write(l, out);
}
