/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One event as one line for people. Names come from strangers (comm, symbols, paths):
 * nothing that a terminal could act on goes out unescaped.
 */
#include <stdint.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "line.h"

static void escaped(struct hvt_line *l, const char *s, size_t len)
{
	unsigned char c;

	for (; len && *s; s++, len--) {
		c = (unsigned char)*s;
		if (c == '\\') {
			hvt_line_put(l, "\\\\", 2);
		} else if (c >= 0x20 && c < 0x7f) {
			hvt_line_char(l, (char)c);
		} else {
			hvt_line_put(l, "\\x", 2);
			hvt_line_hexn(l, c, 2);
		}
	}
}

void hvt_print_escaped(FILE *out, const char *s, size_t len)
{
	struct hvt_line *l = hvt_line_start();

	escaped(l, s, len);
	hvt_line_write(l, out);
}

/* object:symbol+off; the kernel itself needs no object, an unknown address is bare */
static void named(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr, size_t width)
{
	size_t from = l->len;

	if (s->obj && !(s->kernel && !strcmp(s->obj, "[kernel]") && s->name)) {
		escaped(l, s->obj, SIZE_MAX);
		hvt_line_char(l, s->name ? ':' : '+');
	}
	if (s->name) {
		escaped(l, s->name, SIZE_MAX);
		if (s->off) {
			hvt_line_char(l, '+');
			hvt_line_hex(l, s->off);
		}
	} else {
		hvt_line_hex(l, s->obj && !s->kernel ? s->obj_off : addr);
	}
	hvt_line_pad(l, from, width);
}

static void value(struct hvt_line *l, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;
	uint32_t i;

	if (len > 8) {
		hvt_line_bytes(l, bytes, len);
		return;
	}
	for (i = len; i; i--)
		v = v << 8 | bytes[i - 1];
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
		hvt_line_put(l, "[+", 2);
		hvt_line_dec(l, ev->val_off);
		hvt_line_char(l, ',');
		hvt_line_dec(l, ev->val_len);
		hvt_line_put(l, "] ", 2);
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
	hvt_line_put(l, " -> ", 4);
	value(l, ev->new_, ev->val_len);
}

/* v in decimal, right-aligned, with zeros or spaces before it */
static void column(struct hvt_line *l, uint64_t v, size_t width)
{
	size_t from = l->len;

	hvt_line_dec(l, v);
	hvt_line_right(l, from, width);
}

static void zeros(struct hvt_line *l, uint64_t v, size_t width)
{
	size_t from = l->len, i;

	column(l, v, width);
	for (i = from; i < l->len && l->p[i] == ' '; i++)
		l->p[i] = '0';
}

static void head(struct hvt_line *l, const struct hvt_event *ev)
{
	column(l, ev->ns / 1000000000, 6);
	hvt_line_char(l, '.');
	zeros(l, ev->ns / 1000 % 1000000, 6);
	hvt_line_put(l, " [", 2);
	zeros(l, ev->cpu, 3);
	hvt_line_put(l, "] ", 2);
}

static void access_line(struct hvt_line *l, const struct hvt_event *ev)
{
	static const char *const names[] = { "- ", "R ", "W ", "RW" };
	size_t from = l->len;

	escaped(l, ev->comm, SIZE_MAX);
	hvt_line_right(l, from, 16);
	hvt_line_char(l, ' ');
	column(l, ev->pid, 7);
	hvt_line_char(l, '/');
	from = l->len;
	hvt_line_dec(l, ev->tid);
	hvt_line_pad(l, from, 7);
	hvt_line_char(l, ' ');
	hvt_line_str(l, ev->access & HVT_ACC_X ? "X " : names[ev->access & 3]);
	hvt_line_char(l, ' ');
	from = l->len;
	if (ev->physical && !ev->addr_sym.name) {
		hvt_line_put(l, "phys:", 5);
		hvt_line_hex(l, ev->gpa);
	} else {
		named(l, &ev->addr_sym, ev->addr, 0);
	}
	hvt_line_pad(l, from, 24);
	hvt_line_char(l, ' ');
	if (ev->size)
		column(l, ev->size, 2);
	else
		hvt_line_put(l, " ?", 2);
	hvt_line_put(l, "  ", 2);
	from = l->len;
	values(l, ev);
	hvt_line_pad(l, from, 24);
	hvt_line_put(l, "  ", 2);
	named(l, &ev->ip_sym, ev->ip, 28);
	hvt_line_put(l, "  ", 2);
	if (ev->flags & HVT_RF_DELIVERY) {
		hvt_line_str(l, "(delivery of vector ");
		hvt_line_dec(l, ev->vector);
		hvt_line_put(l, ") ", 2);
	}
	if (ev->flags & HVT_RF_WALK)
		hvt_line_str(l, "(page walk) ");
	escaped(l, ev->text ? ev->text : ev->insn_len ? "(bad)" : "(no bytes)", SIZE_MAX);
	if (ev->flags & HVT_RF_RUN) {
		hvt_line_put(l, " x", 2);
		hvt_line_dec(l, ev->run_count);
		if (ev->run_down)
			hvt_line_str(l, " downwards");
	}
}

static void gpa(struct hvt_line *l, uint64_t gpa)
{
	if (gpa == HVT_GPA_NONE) {
		hvt_line_str(l, "unmapped");
		return;
	}
	hvt_line_str(l, "gpa ");
	hvt_line_hex(l, gpa);
}

static void remap_line(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_str(l, "remap of watch ");
	hvt_line_dec(l, ev->watch);
	hvt_line_str(l, " page ");
	hvt_line_hex(l, ev->addr);
	hvt_line_str(l, " by ");
	hvt_line_dec(l, ev->pid);
	hvt_line_char(l, '/');
	hvt_line_dec(l, ev->tid);
	hvt_line_put(l, ": ", 2);
	gpa(l, ev->old_gpa);
	hvt_line_put(l, " -> ", 4);
	gpa(l, ev->new_gpa);
}

void hvt_event_text(FILE *out, const struct hvt_event *ev)
{
	struct hvt_line *l = hvt_line_start();

	head(l, ev);
	switch (ev->type) {
	case HVT_EV_ACCESS:
		access_line(l, ev);
		break;
	case HVT_EV_LOST:
		hvt_line_str(l, "lost ");
		hvt_line_dec(l, ev->count);
		hvt_line_str(l, " events on CPU ");
		hvt_line_dec(l, ev->cpu);
		break;
	case HVT_EV_REMAP:
		remap_line(l, ev);
		break;
	}
	hvt_line_char(l, '\n');
	hvt_line_write(l, out);
}
