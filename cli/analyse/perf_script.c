/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An access or an instruction as `perf script -F comm,pid,tid,cpu,time,event,addr,ip,sym,symoff,dso` prints
 * a sample with a call chain (process_event() in the kernel's tools/perf/builtin-script.c):
 * the form that the readers of its text know. The chain has one entry, the instruction.
 */
#include "fields.h"

#include <string.h>

#include "lib/line.h"
#include "names.h"

/* Readers split at blanks: a name may have them inside only where perf's may. */
static void put_name(struct hvt_line *l, const char *s, bool blanks)
{
	size_t from = l->len, i, n = 0;

	hvt_put_escaped(l, s);
	for (i = from; i < l->len; i++)
		n += l->p[i] == ' ';
	if (!n || (blanks && l->p[from] != ' '))
		return;
	for (i = from; i < l->len; i++)
		if (l->p[i] == ' ')
			l->p[i] = '_';
}

static void put_hex16(struct hvt_line *l, uint64_t v)
{
	size_t from = l->len;
	int digits = 1;

	while (digits < 16 && v >> 4 * digits)
		digits++;
	hvt_line_hexn(l, v, digits);
	hvt_line_right(l, from, 16);
}

static void put_sample(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_symbol *s = &ev->ip_sym;
	bool insn = ev->type == HVT_EV_INSN;
	int digit;

	if (ev->comm[0])
		put_name(l, ev->comm, true);
	else
		hvt_line_str(l, ":-1");
	hvt_line_char(l, ' ');
	hvt_line_dec(l, ev->pid);
	hvt_line_char(l, '/');
	hvt_line_dec(l, ev->tid);
	hvt_line_put(l, " [", 2);
	for (digit = 100; digit; digit /= 10)
		hvt_line_char(l, (char)('0' + ev->cpu / (unsigned int)digit % 10));
	hvt_line_put(l, "] ", 2);
	hvt_put_seconds(l, ev->ns, 6);
	hvt_line_str(l, ": hvtrace:");
	hvt_line_str(l, insn ? "insn" : hvt_access_name(ev->access));
	hvt_line_put(l, ": ", 2);
	put_hex16(l, insn ? ev->ip : ev->addr);
	hvt_line_put(l, "\n\t", 2);
	put_hex16(l, ev->ip);
	hvt_line_char(l, ' ');
	if (s->name) {
		put_name(l, s->name, true);
		hvt_line_char(l, '+');
		hvt_line_hex(l, s->off);
	} else {
		hvt_line_str(l, "[unknown]");
	}
	hvt_line_put(l, " (", 2);
	if (!s->obj)
		hvt_line_str(l, "[unknown]");
	else if (s->kernel && !strcmp(s->obj, "[kernel]"))
		hvt_line_str(l, "[kernel.kallsyms]");
	else
		put_name(l, s->obj, false);
	hvt_line_put(l, ")\n\n", 3);
}

void hvt_perf_script(FILE *out, const struct hvt_event *ev)
{
	struct hvt_line *l = hvt_line_start();

	if (ev->type == HVT_EV_ACCESS || ev->type == HVT_EV_INSN) {
		put_sample(l, ev);
	} else {
		hvt_line_str(l, "# ");
		hvt_put_seconds(l, ev->ns, 6);
		hvt_line_char(l, ' ');
		hvt_line_str(l, hvt_type_name(ev->type));
		if (ev->type == HVT_EV_MARK) {
			hvt_line_char(l, ' ');
			hvt_put_escaped(l, ev->mark);
		} else if (ev->type == HVT_EV_LOST) {
			hvt_line_char(l, ' ');
			hvt_line_dec(l, ev->count);
		}
		hvt_line_char(l, '\n');
	}
	hvt_line_write(l, out);
}
