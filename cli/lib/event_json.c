/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One event as one JSON object. The members are described in hvtrace-script(1).
 */
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "internal.h"
#include "json_line.h"
#include "origin.h"
#include "trace_lines.h"
#include "who.h"

static void gpa(struct hvt_line *l, uint64_t v)
{
	if (v == HVT_GPA_NONE)
		json_null(l);
	else
		json_hex(l, v);
}

static void where(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "addr");
	json_hex(l, ev->addr);
	JSON_KEY(l, "size");
	if (ev->size)
		hvt_line_dec(l, ev->size);
	else
		json_null(l);
	JSON_KEY(l, "gpa");
	gpa(l, ev->gpa);
	JSON_KEY(l, "old");
	json_value(l, ev->old, ev->val_len);
	JSON_KEY(l, "new");
	json_value(l, ev->new_, ev->val_len);
	if (ev->val_len && (ev->val_off || ev->val_len != ev->size)) {
		JSON_KEY(l, "value_off");
		hvt_line_dec(l, ev->val_off);
		JSON_KEY(l, "value_len");
		hvt_line_dec(l, ev->val_len);
	}
	JSON_KEY(l, "addr_sym");
	json_symbol(l, &ev->addr_sym);
	if (hvt_is_demangled(&ev->addr_sym)) {
		JSON_KEY(l, "addr_sym_raw");
		json_raw_symbol(l, &ev->addr_sym);
	}
	JSON_KEY(l, "addr_obj");
	json_object(l, &ev->addr_sym);
}

void hvt_json_origin(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "ip");
	json_hex(l, ev->ip);
	JSON_KEY(l, "sym");
	json_symbol(l, &ev->ip_sym);
	if (hvt_is_demangled(&ev->ip_sym)) {
		JSON_KEY(l, "sym_raw");
		json_raw_symbol(l, &ev->ip_sym);
	}
	JSON_KEY(l, "obj");
	json_object(l, &ev->ip_sym);
	if (ev->ip_sym.obj && !ev->ip_sym.kernel) {
		JSON_KEY(l, "obj_off");
		json_hex(l, ev->ip_sym.obj_off);
	}
	json_code(l, ev);
}

static void run(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "run");
	hvt_line_lit(l, "{\"count\":");
	hvt_line_dec(l, ev->run_count);
	JSON_KEY(l, "elem");
	hvt_line_dec(l, ev->run_elem);
	JSON_KEY(l, "down");
	json_truth(l, ev->run_down);
	hvt_line_char(l, '}');
}

static void access_members(struct hvt_line *l, const struct hvt_event *ev)
{
	uint32_t i;

	JSON_KEY(l, "access");
	json_access_name(l, ev->access);
	where(l, ev);
	json_from(l, ev);
	JSON_KEY(l, "user");
	json_truth(l, ev->flags & HVT_RF_USER);
	JSON_KEY(l, "exact");
	json_truth(l, ev->exact);
	if (ev->flags & HVT_RF_DELIVERY) {
		JSON_KEY(l, "vector");
		hvt_line_dec(l, ev->vector);
	}
	if (ev->flags & HVT_RF_WALK)
		hvt_line_lit(l, ",\"walk\":true");
	if (ev->flags & HVT_RF_DEVICE)
		hvt_line_lit(l, ",\"device\":true");
	if (ev->flags & HVT_RF_RUN)
		run(l, ev);
	JSON_KEY(l, "cr3");
	json_hex(l, ev->cr3);
	JSON_KEY(l, "order");
	hvt_line_dec(l, ev->order);
	JSON_KEY(l, "watch");
	hvt_line_dec(l, ev->watch);
	JSON_KEY(l, "watches");
	for (i = 0; i < ev->nr_watches; i++) {
		hvt_line_char(l, i ? ',' : '[');
		hvt_line_dec(l, ev->watches[i]);
	}
	if (i)
		hvt_line_char(l, ']');
	else
		hvt_line_lit(l, "[]");
}

static void remap_members(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "watch");
	hvt_line_dec(l, ev->watch);
	JSON_KEY(l, "va");
	json_hex(l, ev->addr);
	JSON_KEY(l, "old_gpa");
	gpa(l, ev->old_gpa);
	JSON_KEY(l, "new_gpa");
	gpa(l, ev->new_gpa);
}

void hvt_event_json(FILE *out, const struct hvt_event *ev)
{
	static const char *const types[] = {
		[HVT_EV_ACCESS] = "{\"type\":\"access\"", [HVT_EV_LOST] = "{\"type\":\"lost\"",
		[HVT_EV_REMAP] = "{\"type\":\"remap\"",	  [HVT_EV_INSN] = "{\"type\":\"insn\"",
		[HVT_EV_FLOW] = "{\"type\":\"flow\"",
	};
	static _Thread_local struct hvt_who known[HVT_WHO_SLOTS];
	struct hvt_line *l;

	if (ev->type == HVT_EV_MARK) {
		hvt_mark_json(out, ev);
		return;
	}
	l = hvt_line_start();
	hvt_line_str(l, types[ev->type]);
	JSON_KEY(l, "seq");
	hvt_line_dec(l, ev->seq);
	JSON_KEY(l, "cpu");
	hvt_line_dec(l, ev->cpu);
	JSON_KEY(l, "ns");
	hvt_line_dec(l, ev->ns);
	JSON_KEY(l, "tsc");
	hvt_line_dec(l, ev->tsc);
	switch (ev->type) {
	case HVT_EV_ACCESS:
		hvt_line_who(l, ev, known, json_who);
		access_members(l, ev);
		break;
	case HVT_EV_LOST:
		JSON_KEY(l, "count");
		hvt_line_dec(l, ev->count);
		break;
	case HVT_EV_REMAP:
		json_task(l, ev);
		remap_members(l, ev);
		break;
	case HVT_EV_INSN:
		hvt_line_who(l, ev, known, json_who);
		hvt_insn_json(l, ev);
		break;
	case HVT_EV_FLOW:
		hvt_line_who(l, ev, known, json_who);
		hvt_flow_json(l, ev);
		break;
	case HVT_EV_MARK:
		break;
	}
	hvt_line_lit(l, "}\n");
	hvt_line_write(l, out);
}
