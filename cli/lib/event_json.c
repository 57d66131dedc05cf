/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One event as one JSON object. The members are described in hvtrace-script(1). Keys are
 * literals that go out with the punctuation around them.
 */
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "internal.h"
#include "json.h"
#include "label.h"
#include "line.h"
#include "origin.h"
#include "put.h"
#include "who.h"

/* Every object begins with its type, so each other member has a comma before it. */
#define KEY(l, key) hvt_line_lit(l, ",\"" key "\":")

static void null(struct hvt_line *l)
{
	hvt_line_lit(l, "null");
}

static void truth(struct hvt_line *l, bool v)
{
	if (v)
		hvt_line_lit(l, "true");
	else
		hvt_line_lit(l, "false");
}

static void hex(struct hvt_line *l, uint64_t v)
{
	hvt_line_char(l, '"');
	hvt_line_hex(l, v);
	hvt_line_char(l, '"');
}

static void bytes(struct hvt_line *l, const uint8_t *p, size_t len)
{
	hvt_line_char(l, '"');
	hvt_line_bytes(l, p, len);
	hvt_line_char(l, '"');
}

static void string(struct hvt_line *l, const char *s)
{
	if (!s) {
		null(l);
		return;
	}
	hvt_line_char(l, '"');
	hvt_json_escape(l, s, strlen(s));
	hvt_line_char(l, '"');
}

static void access_name(struct hvt_line *l, uint8_t access)
{
	static const char *const names[] = { "\"rmw\"", "\"read\"", "\"write\"", "\"rmw\"" };

	hvt_line_str(l, access & HVT_ACC_X ? "\"exec\"" : names[access & 3]);
}

static void value(struct hvt_line *l, const uint8_t *p, uint32_t len)
{
	if (!len || !p) {
		null(l);
		return;
	}
	if (len > 8) {
		bytes(l, p, len);
		return;
	}
	hex(l, hvt_load(p, len));
}

/* "name+0x1f"; known: what the name is in JSON, or NULL */
static void plus(struct hvt_line *l, const char *name, uint64_t off, const char *known, size_t len)
{
	if (!name) {
		null(l);
		return;
	}
	hvt_line_char(l, '"');
	if (known)
		hvt_line_put(l, known, len);
	else
		hvt_json_escape(l, name, strlen(name));
	hvt_line_char(l, '+');
	hvt_line_hex(l, off);
	hvt_line_char(l, '"');
}

static void symbol(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	plus(l, s->name, s->off, b ? b->bytes + b->text_len : NULL, b ? b->sym_len : 0);
}

static void raw_symbol(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	plus(l, s->raw, s->off, b ? b->bytes + b->text_len + b->sym_len : NULL, b ? b->raw_len : 0);
}

static void object(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	if (!b || !s->obj) {
		string(l, s->obj);
		return;
	}
	hvt_line_char(l, '"');
	hvt_line_put(l, b->bytes + b->text_len + b->sym_len + b->raw_len, b->obj_len);
	hvt_line_char(l, '"');
}

static void gpa(struct hvt_line *l, uint64_t v)
{
	if (v == HVT_GPA_NONE)
		null(l);
	else
		hex(l, v);
}

static void where(struct hvt_line *l, const struct hvt_event *ev)
{
	KEY(l, "addr");
	hex(l, ev->addr);
	KEY(l, "size");
	if (ev->size)
		hvt_line_dec(l, ev->size);
	else
		null(l);
	KEY(l, "gpa");
	gpa(l, ev->gpa);
	KEY(l, "old");
	value(l, ev->old, ev->val_len);
	KEY(l, "new");
	value(l, ev->new_, ev->val_len);
	if (ev->val_len && (ev->val_off || ev->val_len != ev->size)) {
		KEY(l, "value_off");
		hvt_line_dec(l, ev->val_off);
		KEY(l, "value_len");
		hvt_line_dec(l, ev->val_len);
	}
	KEY(l, "addr_sym");
	symbol(l, &ev->addr_sym);
	if (hvt_is_demangled(&ev->addr_sym)) {
		KEY(l, "addr_sym_raw");
		raw_symbol(l, &ev->addr_sym);
	}
	KEY(l, "addr_obj");
	object(l, &ev->addr_sym);
}

void hvt_json_origin(struct hvt_line *l, const struct hvt_event *ev)
{
	KEY(l, "ip");
	hex(l, ev->ip);
	KEY(l, "sym");
	symbol(l, &ev->ip_sym);
	if (hvt_is_demangled(&ev->ip_sym)) {
		KEY(l, "sym_raw");
		raw_symbol(l, &ev->ip_sym);
	}
	KEY(l, "obj");
	object(l, &ev->ip_sym);
	if (ev->ip_sym.obj && !ev->ip_sym.kernel) {
		KEY(l, "obj_off");
		hex(l, ev->ip_sym.obj_off);
	}
	KEY(l, "insn");
	if (ev->text) { /* the decoder's words, no stranger's */
		hvt_line_char(l, '"');
		hvt_line_str(l, ev->text);
		hvt_line_char(l, '"');
	} else {
		null(l);
	}
	KEY(l, "bytes");
	if (ev->insn_len)
		bytes(l, ev->insn, ev->insn_len);
	else
		null(l);
}

static void run(struct hvt_line *l, const struct hvt_event *ev)
{
	KEY(l, "run");
	hvt_line_lit(l, "{\"count\":");
	hvt_line_dec(l, ev->run_count);
	KEY(l, "elem");
	hvt_line_dec(l, ev->run_elem);
	KEY(l, "down");
	truth(l, ev->run_down);
	hvt_line_char(l, '}');
}

static void access_members(struct hvt_line *l, const struct hvt_event *ev)
{
	uint32_t i;

	KEY(l, "access");
	access_name(l, ev->access);
	where(l, ev);
	if (ev->origin)
		hvt_line_put(l, ev->origin->bytes + ev->origin->place_len + ev->origin->insn_len,
			     ev->origin->json_len);
	else
		hvt_json_origin(l, ev);
	KEY(l, "user");
	truth(l, ev->flags & HVT_RF_USER);
	KEY(l, "exact");
	truth(l, ev->exact);
	if (ev->flags & HVT_RF_DELIVERY) {
		KEY(l, "vector");
		hvt_line_dec(l, ev->vector);
	}
	if (ev->flags & HVT_RF_WALK)
		hvt_line_lit(l, ",\"walk\":true");
	if (ev->flags & HVT_RF_DEVICE)
		hvt_line_lit(l, ",\"device\":true");
	if (ev->flags & HVT_RF_RUN)
		run(l, ev);
	KEY(l, "cr3");
	hex(l, ev->cr3);
	KEY(l, "order");
	hvt_line_dec(l, ev->order);
	KEY(l, "watch");
	hvt_line_dec(l, ev->watch);
	KEY(l, "watches");
	for (i = 0; i < ev->nr_watches; i++) {
		hvt_line_char(l, i ? ',' : '[');
		hvt_line_dec(l, ev->watches[i]);
	}
	if (i)
		hvt_line_char(l, ']');
	else
		hvt_line_lit(l, "[]");
}

static void task(struct hvt_line *l, const struct hvt_event *ev)
{
	KEY(l, "pid");
	hvt_line_dec(l, ev->pid);
	KEY(l, "tid");
	hvt_line_dec(l, ev->tid);
}

static void who(struct hvt_line *l, const struct hvt_event *ev)
{
	task(l, ev);
	KEY(l, "comm");
	string(l, ev->comm);
}

static void remap_members(struct hvt_line *l, const struct hvt_event *ev)
{
	KEY(l, "watch");
	hvt_line_dec(l, ev->watch);
	KEY(l, "va");
	hex(l, ev->addr);
	KEY(l, "old_gpa");
	gpa(l, ev->old_gpa);
	KEY(l, "new_gpa");
	gpa(l, ev->new_gpa);
}

void hvt_event_json(FILE *out, const struct hvt_event *ev)
{
	static const char *const types[] = {
		[HVT_EV_ACCESS] = "{\"type\":\"access\"",
		[HVT_EV_LOST] = "{\"type\":\"lost\"",
		[HVT_EV_REMAP] = "{\"type\":\"remap\"",
	};
	static _Thread_local struct hvt_who known[HVT_WHO_SLOTS];
	struct hvt_line *l;

	if (ev->type == HVT_EV_MARK) {
		hvt_mark_json(out, ev);
		return;
	}
	l = hvt_line_start();
	hvt_line_str(l, types[ev->type]);
	KEY(l, "seq");
	hvt_line_dec(l, ev->seq);
	KEY(l, "cpu");
	hvt_line_dec(l, ev->cpu);
	KEY(l, "ns");
	hvt_line_dec(l, ev->ns);
	KEY(l, "tsc");
	hvt_line_dec(l, ev->tsc);
	switch (ev->type) {
	case HVT_EV_ACCESS:
		hvt_line_who(l, ev, known, who);
		access_members(l, ev);
		break;
	case HVT_EV_LOST:
		KEY(l, "count");
		hvt_line_dec(l, ev->count);
		break;
	case HVT_EV_REMAP:
		task(l, ev);
		remap_members(l, ev);
		break;
	case HVT_EV_MARK:
		break;
	}
	hvt_line_lit(l, "}\n");
	hvt_line_write(l, out);
}
