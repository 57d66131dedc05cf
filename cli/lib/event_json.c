/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* One event as one JSON object. The members are described in hvtrace-script(1). */
#include <hvtrace/hvtrace.h>

#include "json.h"

static const char *access_name(uint8_t access)
{
	if (access & HVT_ACC_X)
		return "exec";
	switch (access & (HVT_ACC_R | HVT_ACC_W)) {
	case HVT_ACC_R:
		return "read";
	case HVT_ACC_W:
		return "write";
	default:
		return "rmw";
	}
}

static void value(struct hvt_json *j, const char *key, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;
	uint32_t i;

	if (!len || !bytes) {
		hvt_json_null(j, key);
		return;
	}
	if (len > 8) {
		hvt_json_bytes(j, key, bytes, len);
		return;
	}
	for (i = len; i; i--)
		v = v << 8 | bytes[i - 1];
	hvt_json_hex(j, key, v);
}

static void symbol(struct hvt_json *j, const char *key, const struct hvt_symbol *s)
{
	if (s->name)
		hvt_json_plus(j, key, s->name, s->off);
	else
		hvt_json_null(j, key);
}

static void gpa_member(struct hvt_json *j, const char *key, uint64_t gpa)
{
	if (gpa == HVT_GPA_NONE)
		hvt_json_null(j, key);
	else
		hvt_json_hex(j, key, gpa);
}

static void access_members(struct hvt_json *j, const struct hvt_event *ev)
{
	hvt_json_str(j, "comm", ev->comm);
	hvt_json_str(j, "access", access_name(ev->access));
	hvt_json_hex(j, "addr", ev->addr);
	if (ev->size)
		hvt_json_u64(j, "size", ev->size);
	else
		hvt_json_null(j, "size");
	gpa_member(j, "gpa", ev->gpa);
	value(j, "old", ev->old, ev->val_len);
	value(j, "new", ev->new_, ev->val_len);
	if (ev->val_len && (ev->val_off || ev->val_len != ev->size)) {
		hvt_json_u64(j, "value_off", ev->val_off);
		hvt_json_u64(j, "value_len", ev->val_len);
	}
	symbol(j, "addr_sym", &ev->addr_sym);
	hvt_json_str(j, "addr_obj", ev->addr_sym.obj);
	hvt_json_hex(j, "ip", ev->ip);
	symbol(j, "sym", &ev->ip_sym);
	hvt_json_str(j, "obj", ev->ip_sym.obj);
	if (ev->ip_sym.obj && !ev->ip_sym.kernel)
		hvt_json_hex(j, "obj_off", ev->ip_sym.obj_off);
	hvt_json_str(j, "insn", ev->text);
	if (ev->insn_len)
		hvt_json_bytes(j, "bytes", ev->insn, ev->insn_len);
	else
		hvt_json_null(j, "bytes");
	hvt_json_bool(j, "user", ev->flags & HVT_RF_USER);
	hvt_json_bool(j, "exact", ev->exact);
	if (ev->flags & HVT_RF_DELIVERY)
		hvt_json_u64(j, "vector", ev->vector);
	if (ev->flags & HVT_RF_WALK)
		hvt_json_bool(j, "walk", true);
	if (ev->flags & HVT_RF_DEVICE)
		hvt_json_bool(j, "device", true);
	if (ev->flags & HVT_RF_RUN) {
		hvt_json_open(j, "run");
		hvt_json_u64(j, "count", ev->run_count);
		hvt_json_u64(j, "elem", ev->run_elem);
		hvt_json_bool(j, "down", ev->run_down);
		hvt_json_close(j);
	}
	hvt_json_hex(j, "cr3", ev->cr3);
	hvt_json_u64(j, "order", ev->order);
	hvt_json_u64(j, "watch", ev->watch);
	hvt_json_u32s(j, "watches", ev->watches, ev->nr_watches);
}

void hvt_event_json(FILE *out, const struct hvt_event *ev)
{
	static const char *const types[] = {
		[HVT_EV_ACCESS] = "access", [HVT_EV_LOST] = "lost", [HVT_EV_REMAP] = "remap"
	};
	struct hvt_json j;

	hvt_json_begin(&j, out);
	hvt_json_str(&j, "type", types[ev->type]);
	hvt_json_u64(&j, "seq", ev->seq);
	hvt_json_u64(&j, "cpu", ev->cpu);
	hvt_json_u64(&j, "ns", ev->ns);
	hvt_json_u64(&j, "tsc", ev->tsc);
	if (ev->type == HVT_EV_LOST) {
		hvt_json_u64(&j, "count", ev->count);
		hvt_json_end(&j);
		return;
	}
	hvt_json_u64(&j, "pid", ev->pid);
	hvt_json_u64(&j, "tid", ev->tid);
	if (ev->type == HVT_EV_ACCESS) {
		access_members(&j, ev);
	} else {
		hvt_json_u64(&j, "watch", ev->watch);
		hvt_json_hex(&j, "va", ev->addr);
		gpa_member(&j, "old_gpa", ev->old_gpa);
		gpa_member(&j, "new_gpa", ev->new_gpa);
	}
	hvt_json_end(&j);
}
