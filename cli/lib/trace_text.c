/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Events of traces as lines for people, behind who and when. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "origin.h"
#include "trace_lines.h"

#define ERRNO_MAX 4095

/* How deep: a body's number, and a dot for each interrupt around it. */
static void depth(struct hvt_line *l, const struct hvt_event *ev)
{
	unsigned int i;

	if (ev->body) {
		hvt_line_char(l, '#');
		hvt_line_dec(l, ev->body);
		hvt_line_char(l, ' ');
	}
	for (i = 0; i < ev->nest; i++)
		hvt_line_lit(l, ". ");
}

static void regs(struct hvt_line *l, const struct hvt_event *ev)
{
	uint32_t mask = ev->delta_mask, i;

	for (i = 0; mask; mask &= mask - 1, i++) {
		hvt_line_char(l, ' ');
		hvt_line_str(l, hvt_delta_name((unsigned int)__builtin_ctz(mask)));
		hvt_line_char(l, '=');
		hvt_line_hex(l, ev->delta[i]);
	}
}

static void mem(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_operand_value *o = ev->mem;
	uint32_t i;

	for (i = 0; i < ev->nr_mem; i++, o++) {
		hvt_line_lit(l, " [");
		hvt_line_hex(l, o->addr);
		hvt_line_char(l, ',');
		hvt_line_dec(l, o->size);
		hvt_line_char(l, ']');
		hvt_line_str(l, o->access == HVT_ACC_W ? ":=" : "=");
		if (!o->len)
			hvt_line_char(l, '?');
		if (o->old)
			hvt_line_value(l, o->old, o->len);
		if (o->old && o->new_)
			hvt_line_lit(l, "->");
		if (o->new_)
			hvt_line_value(l, o->new_, o->len);
	}
	if (!ev->mem_known)
		hvt_line_lit(l, " [?]");
}

void hvt_insn_text(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_origin *o = ev->origin;
	size_t from;

	depth(l, ev);
	if (o)
		hvt_line_put(l, o->bytes, o->place_len);
	else
		hvt_text_place(l, ev);
	from = l->len;
	hvt_line_bytes(l, ev->insn, ev->insn_len);
	hvt_line_pad(l, from, 16);
	hvt_line_lit(l, "  ");
	from = l->len;
	if (o)
		hvt_line_put(l, o->bytes + o->place_len, o->insn_len);
	else
		hvt_text_insn(l, ev);
	if (ev->flags & (HVT_RF_DELTA | HVT_RF_MEM))
		hvt_line_pad(l, from, 40);
	if (ev->flags & HVT_RF_DELTA)
		regs(l, ev);
	if (ev->flags & HVT_RF_MEM)
		mem(l, ev);
	hvt_line_source(l, ev);
}

/* A number of a system call, whose kind is not known. */
static void argument(struct hvt_line *l, uint64_t v)
{
	if (v < 10000)
		hvt_line_dec(l, v);
	else
		hvt_line_hex(l, v);
}

static void named_number(struct hvt_line *l, const char *prefix, const char *name, uint32_t number)
{
	hvt_line_str(l, name ? prefix : "");
	if (name)
		hvt_line_str(l, name);
	else
		hvt_line_dec(l, number);
}

static void call(struct hvt_line *l, const struct hvt_event *ev)
{
	int i;

	hvt_line_lit(l, "syscall ");
	named_number(l, "", ev->name, ev->number);
	for (i = 0; i < 6; i++) {
		hvt_line_str(l, i ? ", " : "(");
		argument(l, ev->arg[i]);
	}
	hvt_line_char(l, ')');
}

static void result(struct hvt_line *l, const struct hvt_event *ev)
{
	uint64_t v = ev->arg[0];
	const char *name = NULL;

	named_number(l, "", ev->name, ev->number);
	hvt_line_lit(l, " = ");
	if (v >= (uint64_t)-ERRNO_MAX) {
		name = strerrorname_np((int)-v);
		hvt_line_char(l, '-');
		v = -v;
	}
	argument(l, v);
	if (name) {
		hvt_line_lit(l, " (");
		hvt_line_str(l, name);
		hvt_line_char(l, ')');
	}
}

static void exception(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_lit(l, "exception ");
	hvt_line_dec(l, ev->vector);
	hvt_line_lit(l, " error ");
	hvt_line_hex(l, ev->number);
	if (ev->vector == 14) {
		hvt_line_lit(l, " address ");
		hvt_line_hex(l, ev->arg[0]);
	}
	/* a trap comes behind its instruction; of a #DB ip is the next one (SDM vol. 3, 6.15) */
	if (ev->flags & HVT_RF_TRAP)
		hvt_line_str(l, ev->vector == 1 ? " before " : " behind ");
	else
		hvt_line_lit(l, " at ");
	hvt_line_named(l, &ev->ip_sym, ev->ip, 0);
	if (ev->text) {
		hvt_line_lit(l, ": ");
		hvt_line_str(l, ev->text);
	}
}

static void status(struct hvt_line *l, uint32_t number)
{
	int s = (int)number;

	if (WIFSIGNALED(s)) {
		hvt_line_lit(l, "exit by signal ");
		named_number(l, "SIG", sigabbrev_np(WTERMSIG(s)), (uint32_t)WTERMSIG(s));
		return;
	}
	hvt_line_lit(l, "exit ");
	hvt_line_dec(l, (uint32_t)WEXITSTATUS(s));
}

static void signal_line(struct hvt_line *l, const struct hvt_event *ev)
{
	hvt_line_lit(l, "signal ");
	named_number(l, "SIG", ev->name, ev->number);
	hvt_line_lit(l, " code ");
	hvt_line_int(l, (int32_t)ev->arg[0]);
	hvt_line_lit(l, " address ");
	hvt_line_hex(l, ev->arg[1]);
}

void hvt_flow_text(struct hvt_line *l, const struct hvt_event *ev)
{
	const char *name = hvt_flow_name(ev->what);

	depth(l, ev);
	hvt_line_lit(l, "--- ");
	switch (ev->what) {
	case HVT_FLOW_INTERRUPT:
		hvt_line_lit(l, "interrupt");
		if (ev->vector != HVT_VECTOR_NONE) {
			hvt_line_char(l, ' ');
			hvt_line_dec(l, ev->vector);
		}
		hvt_line_lit(l, " before ");
		hvt_line_named(l, &ev->ip_sym, ev->ip, 0);
		break;
	case HVT_FLOW_EXCEPTION:
		exception(l, ev);
		break;
	case HVT_FLOW_SYSCALL:
		call(l, ev);
		break;
	case HVT_FLOW_SIGNAL:
		signal_line(l, ev);
		break;
	case HVT_FLOW_EXIT:
		status(l, ev->number);
		break;
	case HVT_FLOW_SWITCH:
		hvt_line_str(l, ev->number ? "goes on" : "sleeps");
		break;
	case HVT_FLOW_RESUME:
		hvt_line_lit(l, "resume");
		if (ev->flags & HVT_RF_SYSRET) {
			hvt_line_char(l, ' ');
			result(l, ev);
		}
		break;
	default:
		named_number(l, "", name, ev->what);
	}
	if (!ev->to)
		return;
	hvt_line_lit(l, " to ");
	hvt_line_named(l, &ev->to_sym, ev->to, 0);
}
