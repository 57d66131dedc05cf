/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Members of the JSON objects of traces, which hvtrace-script(1) describes. */
#include "json_line.h"
#include "trace_lines.h"

const char *hvt_flow_name(uint8_t what)
{
	static const char *const names[] = {
		[HVT_FLOW_BEGIN] = "begin",	    [HVT_FLOW_END] = "end",
		[HVT_FLOW_INTERRUPT] = "interrupt", [HVT_FLOW_EXCEPTION] = "exception",
		[HVT_FLOW_SYSCALL] = "syscall",	    [HVT_FLOW_RESUME] = "resume",
		[HVT_FLOW_SIGNAL] = "signal",	    [HVT_FLOW_EXEC] = "exec",
		[HVT_FLOW_EXIT] = "exit",	    [HVT_FLOW_RETURN] = "return",
		[HVT_FLOW_SWITCH] = "switch",
	};

	return what < sizeof(names) / sizeof(*names) ? names[what] : NULL;
}

const char *hvt_delta_name(unsigned int bit)
{
	static const char *const names[] = { "rax", "rcx", "rdx", "rbx", "rsp",	  "rbp",
					     "rsi", "rdi", "r8",  "r9",	 "r10",	  "r11",
					     "r12", "r13", "r14", "r15", "rflags" };

	return bit < sizeof(names) / sizeof(*names) ? names[bit] : "";
}

static void regs(struct hvt_line *l, const struct hvt_event *ev)
{
	uint32_t mask = ev->delta_mask, i;

	JSON_KEY(l, "regs");
	hvt_line_char(l, '{');
	for (i = 0; mask; mask &= mask - 1, i++) {
		hvt_line_str(l, i ? ",\"" : "\"");
		hvt_line_str(l, hvt_delta_name((unsigned int)__builtin_ctz(mask)));
		hvt_line_lit(l, "\":");
		json_hex(l, ev->delta[i]);
	}
	hvt_line_char(l, '}');
}

static void mem(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_operand_value *o = ev->mem;
	uint32_t i;

	JSON_KEY(l, "mem");
	hvt_line_char(l, '[');
	for (i = 0; i < ev->nr_mem; i++, o++) {
		hvt_line_str(l, i ? ",{\"addr\":" : "{\"addr\":");
		json_hex(l, o->addr);
		JSON_KEY(l, "size");
		hvt_line_dec(l, o->size);
		JSON_KEY(l, "access");
		json_access_name(l, o->access);
		JSON_KEY(l, "old");
		json_value(l, o->old, o->len);
		JSON_KEY(l, "new");
		json_value(l, o->new_, o->len);
		hvt_line_char(l, '}');
	}
	hvt_line_char(l, ']');
	JSON_KEY(l, "mem_known");
	json_truth(l, ev->mem_known);
}

static void depth(struct hvt_line *l, const struct hvt_event *ev)
{
	if (ev->body) {
		JSON_KEY(l, "body");
		hvt_line_dec(l, ev->body);
	}
	if (ev->nest) {
		JSON_KEY(l, "nest");
		hvt_line_dec(l, ev->nest);
	}
}

void hvt_insn_json(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "trace");
	hvt_line_dec(l, ev->watch);
	json_from(l, ev);
	JSON_KEY(l, "user");
	json_truth(l, ev->flags & HVT_RF_USER);
	depth(l, ev);
	if (ev->flags & HVT_RF_DELTA)
		regs(l, ev);
	if (ev->flags & HVT_RF_MEM)
		mem(l, ev);
}

static void address(struct hvt_line *l, uint64_t addr)
{
	if (addr)
		json_hex(l, addr);
	else
		json_null(l);
}

static void vector(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "vector");
	if (ev->vector == HVT_VECTOR_NONE)
		json_null(l);
	else
		hvt_line_dec(l, ev->vector);
}

static void exception(struct hvt_line *l, const struct hvt_event *ev)
{
	vector(l, ev);
	JSON_KEY(l, "error");
	hvt_line_dec(l, ev->number);
	JSON_KEY(l, "trap");
	json_truth(l, ev->flags & HVT_RF_TRAP);
	if (ev->vector == 14) {
		JSON_KEY(l, "fault_addr");
		json_hex(l, ev->arg[0]);
	}
	json_code(l, ev);
}

static void call(struct hvt_line *l, const struct hvt_event *ev)
{
	int i;

	JSON_KEY(l, "nr");
	hvt_line_dec(l, ev->number);
	JSON_KEY(l, "name");
	json_string(l, ev->name);
	if (ev->what == HVT_FLOW_RESUME) {
		JSON_KEY(l, "result");
		json_hex(l, ev->arg[0]);
		return;
	}
	JSON_KEY(l, "args");
	for (i = 0; i < 6; i++) {
		hvt_line_char(l, i ? ',' : '[');
		json_hex(l, ev->arg[i]);
	}
	hvt_line_char(l, ']');
}

static void signal_members(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "signal");
	hvt_line_dec(l, ev->number);
	JSON_KEY(l, "name");
	if (ev->name) {
		hvt_line_lit(l, "\"SIG");
		hvt_line_str(l, ev->name);
		hvt_line_char(l, '"');
	} else {
		json_null(l);
	}
	JSON_KEY(l, "si_code");
	hvt_line_int(l, (int32_t)ev->arg[0]);
	JSON_KEY(l, "si_addr");
	json_hex(l, ev->arg[1]);
}

void hvt_flow_json(struct hvt_line *l, const struct hvt_event *ev)
{
	const char *what = hvt_flow_name(ev->what);

	JSON_KEY(l, "trace");
	hvt_line_dec(l, ev->watch);
	JSON_KEY(l, "what");
	json_string(l, what);
	JSON_KEY(l, "ip");
	address(l, ev->ip);
	JSON_KEY(l, "to");
	address(l, ev->to);
	JSON_KEY(l, "to_sym");
	json_symbol(l, &ev->to_sym);
	if (hvt_is_demangled(&ev->to_sym)) {
		JSON_KEY(l, "to_sym_raw");
		json_raw_symbol(l, &ev->to_sym);
	}
	JSON_KEY(l, "to_obj");
	json_object(l, &ev->to_sym);
	JSON_KEY(l, "user");
	json_truth(l, ev->flags & HVT_RF_USER);
	depth(l, ev);
	switch (ev->what) {
	case HVT_FLOW_INTERRUPT:
		vector(l, ev);
		break;
	case HVT_FLOW_EXCEPTION:
		exception(l, ev);
		break;
	case HVT_FLOW_SYSCALL:
		call(l, ev);
		break;
	case HVT_FLOW_RESUME:
		if (ev->flags & HVT_RF_SYSRET)
			call(l, ev);
		break;
	case HVT_FLOW_SIGNAL:
		signal_members(l, ev);
		break;
	case HVT_FLOW_EXIT:
		JSON_KEY(l, "status");
		hvt_line_dec(l, ev->number);
		break;
	case HVT_FLOW_SWITCH:
		JSON_KEY(l, "on");
		json_truth(l, ev->number);
		break;
	default:
		break;
	}
}
