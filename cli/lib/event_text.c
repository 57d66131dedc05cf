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
#include "put.h"
#include "trace_lines.h"
#include "who.h"

void hvt_print_escaped(FILE *out, const char *s, size_t len)
{
	struct hvt_line *l = hvt_line_start();

	hvt_line_escaped(l, s, strnlen(s, len));
	hvt_line_write(l, out);
}

/* More than any piece takes that has no name and no long value in it. */
#define ROOM (96 + HVT_PUT_BEYOND)

static void end(struct hvt_line *l, const char *at)
{
	l->len = (size_t)(at - l->p);
}

/*
 * Where the line goes on behind pieces that were put by functions of the line. Without the
 * memory they are left out: there was ROOM where they begin, at `from`.
 */
static char *go_on(struct hvt_line *l, size_t from)
{
	if (!hvt_line_room(l, ROOM))
		l->len = from;
	return l->p + l->len;
}

/* object:symbol+off. Needs ROOM and leaves it, as the others that take and give a place. */
static char *named(struct hvt_line *l, char *at, const struct hvt_symbol *s, uint64_t addr,
		   size_t width)
{
	size_t from = (size_t)(at - l->p);

	l->len = from;
	if (!s->label)
		hvt_label_text(l, s);
	else if (hvt_line_room(l, s->label->text_len + ROOM))
		end(l, hvt_put_copy(l->p + from, s->label->bytes, s->label->text_len));
	at = go_on(l, from);
	if (!s->name) {
		at = hvt_put_hex(at, s->obj && !s->kernel ? s->obj_off : addr);
	} else if (s->off) {
		*at++ = '+';
		at = hvt_put_hex(at, s->off);
	}
	at = hvt_put_pad(at, l->p + from, width);
	end(l, at);
	return go_on(l, from);
}

void hvt_line_named(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr, size_t width)
{
	if (hvt_line_room(l, ROOM))
		end(l, named(l, l->p + l->len, s, addr, width));
}

void hvt_text_place(struct hvt_line *l, const struct hvt_event *ev)
{
	if (hvt_line_room(l, ROOM))
		end(l, hvt_put_lit(named(l, l->p + l->len, &ev->ip_sym, ev->ip, 28), "  "));
}

void hvt_text_insn(struct hvt_line *l, const struct hvt_event *ev)
{
	/* the decoder's words, no stranger's */
	hvt_line_str(l, ev->text ? ev->text : ev->insn_len ? "(bad)" : "(no bytes)");
}

static char *value(struct hvt_line *l, char *at, const uint8_t *bytes, uint32_t len)
{
	size_t from = (size_t)(at - l->p);

	if (len > 8) {
		l->len = from;
		hvt_line_bytes(l, bytes, len);
		return go_on(l, from);
	}
	return hvt_put_hex(at, hvt_load(bytes, len));
}

void hvt_line_value(struct hvt_line *l, const uint8_t *bytes, uint32_t len)
{
	if (hvt_line_room(l, ROOM))
		end(l, value(l, l->p + l->len, bytes, len));
}

static char *values(struct hvt_line *l, char *at, const struct hvt_event *ev)
{
	if (ev->access & HVT_ACC_X)
		return at;
	if (!ev->val_len)
		return hvt_put_lit(at, "?");
	if (ev->val_off || ev->val_len != ev->size) {
		at = hvt_put_lit(at, "[+");
		at = hvt_put_dec(at, ev->val_off);
		*at++ = ',';
		at = hvt_put_dec(at, ev->val_len);
		at = hvt_put_lit(at, "] ");
	}
	if (!(ev->access & HVT_ACC_W)) {
		/* what was read; of a device that is all there is */
		return value(l, at, ev->old ? ev->old : ev->new_, ev->val_len);
	}
	if (ev->old)
		at = value(l, at, ev->old, ev->val_len);
	else
		*at++ = '?';
	at = hvt_put_lit(at, " -> ");
	return value(l, at, ev->new_, ev->val_len);
}

static char *head(char *at, const struct hvt_event *ev)
{
	uint64_t s = ev->ns / 1000000000;

	at = s < HVT_TEN8 ? hvt_put_right(at, (uint32_t)s, 6) : hvt_put_dec(at, s);
	*at++ = '.';
	at = hvt_put_fixed(at, (uint32_t)(ev->ns / 1000 % 1000000), 6);
	at = hvt_put_lit(at, " [");
	at = ev->cpu < 1000 ? hvt_put_fixed(at, ev->cpu, 3) : hvt_put_dec(at, ev->cpu);
	return hvt_put_lit(at, "] ");
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

void hvt_line_source(struct hvt_line *l, const struct hvt_event *ev)
{
	if (!ev->src_file)
		return;
	hvt_line_lit(l, "  ");
	hvt_line_escaped(l, ev->src_file, strlen(ev->src_file));
	hvt_line_char(l, ':');
	hvt_line_dec(l, ev->src_line);
}

/* What was touched, and its values. */
static char *target(struct hvt_line *l, char *at, const struct hvt_event *ev)
{
	static const char *const names[] = { "-  ", "R  ", "W  ", "RW " };
	size_t from;

	memcpy(at, ev->access & HVT_ACC_X ? "X  " : names[ev->access & 3], 3);
	at += 3;
	if (ev->physical && !ev->addr_sym.name) {
		from = (size_t)(at - l->p);
		at = hvt_put_hex(hvt_put_lit(at, "phys:"), ev->gpa);
		at = hvt_put_pad(at, l->p + from, 24);
	} else {
		at = named(l, at, &ev->addr_sym, ev->addr, 24);
	}
	*at++ = ' ';
	if (!ev->size)
		at = hvt_put_lit(at, " ?");
	else
		at = ev->size < HVT_TEN8 ? hvt_put_right(at, ev->size, 2) :
					   hvt_put_dec(at, ev->size);
	at = hvt_put_lit(at, "  ");
	end(l, at);
	from = l->len;
	at = values(l, go_on(l, from), ev);
	return hvt_put_lit(hvt_put_pad(at, l->p + from, 24), "  ");
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

	if (!o || ev->flags & (HVT_RF_DELIVERY | HVT_RF_WALK)) {
		hvt_text_place(l, ev);
		notes(l, ev);
		hvt_text_insn(l, ev);
	} else if (hvt_line_room(l, o->place_len + o->insn_len + HVT_PUT_BEYOND)) {
		end(l, hvt_put_copy(l->p + l->len, o->bytes, o->place_len + o->insn_len));
	}
}

static void access_line(struct hvt_line *l, const struct hvt_event *ev)
{
	if (hvt_line_room(l, ROOM))
		end(l, target(l, l->p + l->len, ev));
	origin(l, ev);
	if (ev->flags & HVT_RF_RUN) {
		hvt_line_lit(l, " x");
		hvt_line_dec(l, ev->run_count);
		if (ev->run_down)
			hvt_line_lit(l, " downwards");
	}
	hvt_line_source(l, ev);
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
	static _Thread_local struct hvt_who known[HVT_WHO_SLOTS];
	struct hvt_line *l;

	if (ev->type == HVT_EV_MARK) {
		hvt_mark_text(out, ev);
		return;
	}
	l = hvt_line_start();
	if (hvt_line_room(l, ROOM))
		end(l, head(l->p, ev));
	switch (ev->type) {
	case HVT_EV_ACCESS:
		hvt_line_who(l, ev, known, who);
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
	case HVT_EV_INSN:
		hvt_line_who(l, ev, known, who);
		hvt_insn_text(l, ev);
		break;
	case HVT_EV_FLOW:
		hvt_line_who(l, ev, known, who);
		hvt_flow_text(l, ev);
		break;
	case HVT_EV_MARK:
		break;
	}
	hvt_line_char(l, '\n');
	hvt_line_write(l, out);
}
