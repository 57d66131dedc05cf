/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of fields. Names are those of the JSON members where there is one; each puts
 * what it has, or nothing when that is not known or does not apply.
 */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "lib/line.h"
#include "lib/trace_lines.h"
#include "names.h"

struct source {
	const struct hvt_reader *reader;
	const struct hvt_event *ev;
	uint64_t number;
};

typedef void (*put_fn)(struct hvt_line *l, const struct source *s);

#define FIELD(name) static void put_##name(struct hvt_line *l, const struct source *s)

static void put_sym_off(struct hvt_line *l, const struct hvt_symbol *s)
{
	if (!s->name)
		return;
	hvt_put_escaped(l, s->name);
	hvt_line_char(l, '+');
	hvt_line_hex(l, s->off);
}

FIELD(event)
{
	hvt_line_dec(l, s->number);
}

FIELD(type)
{
	hvt_line_str(l, hvt_type_name(s->ev->type));
}

FIELD(time)
{
	hvt_put_seconds(l, s->ev->ns, 9);
}

FIELD(ns)
{
	hvt_line_dec(l, s->ev->ns);
}

FIELD(tsc)
{
	hvt_line_dec(l, s->ev->tsc);
}

FIELD(cpu)
{
	if (s->ev->type != HVT_EV_MARK)
		hvt_line_dec(l, s->ev->cpu);
}

FIELD(seq)
{
	if (s->ev->type != HVT_EV_MARK)
		hvt_line_dec(l, s->ev->seq);
}

FIELD(pid)
{
	if (s->ev->type != HVT_EV_LOST)
		hvt_line_dec(l, s->ev->pid);
}

FIELD(tid)
{
	if (s->ev->type != HVT_EV_LOST && s->ev->type != HVT_EV_MARK)
		hvt_line_dec(l, s->ev->tid);
}

FIELD(watch)
{
	if (s->ev->watch)
		hvt_line_dec(l, s->ev->watch);
}

/* a REMAP's page, too */
FIELD(addr)
{
	if (s->ev->type == HVT_EV_ACCESS || s->ev->type == HVT_EV_REMAP)
		hvt_line_hex(l, s->ev->addr);
}

FIELD(count)
{
	if (s->ev->type == HVT_EV_LOST)
		hvt_line_dec(l, s->ev->count);
	else if (s->ev->flags & HVT_RF_RUN)
		hvt_line_dec(l, s->ev->run_count);
}

FIELD(text)
{
	if (s->ev->type == HVT_EV_MARK)
		hvt_put_escaped(l, s->ev->mark);
}

FIELD(comm)
{
	hvt_put_escaped(l, s->ev->comm);
}

FIELD(access)
{
	hvt_line_str(l, hvt_access_name(s->ev->access));
}

FIELD(size)
{
	if (s->ev->size)
		hvt_line_dec(l, s->ev->size);
}

FIELD(gpa)
{
	if (s->ev->gpa != HVT_GPA_NONE)
		hvt_line_hex(l, s->ev->gpa);
}

FIELD(old)
{
	hvt_put_value(l, s->ev->old, s->ev->val_len);
}

FIELD(new)
{
	hvt_put_value(l, s->ev->new_, s->ev->val_len);
}

FIELD(value_off)
{
	if (s->ev->val_len)
		hvt_line_dec(l, s->ev->val_off);
}

FIELD(value_len)
{
	if (s->ev->val_len)
		hvt_line_dec(l, s->ev->val_len);
}

FIELD(addr_sym)
{
	put_sym_off(l, &s->ev->addr_sym);
}

FIELD(addr_obj)
{
	if (s->ev->addr_sym.obj)
		hvt_put_escaped(l, s->ev->addr_sym.obj);
}

FIELD(ip)
{
	if (s->ev->ip || s->ev->type != HVT_EV_FLOW)
		hvt_line_hex(l, s->ev->ip);
}

FIELD(sym)
{
	put_sym_off(l, &s->ev->ip_sym);
}

FIELD(obj)
{
	if (s->ev->ip_sym.obj)
		hvt_put_escaped(l, s->ev->ip_sym.obj);
}

FIELD(obj_off)
{
	if (s->ev->ip_sym.obj && !s->ev->ip_sym.kernel)
		hvt_line_hex(l, s->ev->ip_sym.obj_off);
}

FIELD(line)
{
	hvt_put_source(l, s->ev);
}

FIELD(insn)
{
	if (s->ev->text)
		hvt_put_escaped(l, s->ev->text);
}

FIELD(bytes)
{
	hvt_line_bytes(l, s->ev->insn, s->ev->insn_len);
}

FIELD(user)
{
	hvt_line_str(l, s->ev->flags & HVT_RF_USER ? "true" : "false");
}

FIELD(exact)
{
	hvt_line_str(l, s->ev->exact ? "true" : "false");
}

FIELD(spec)
{
	const char *spec = hvt_spec_of(s->reader, s->ev->watch);

	if (spec)
		hvt_put_escaped(l, spec);
}

FIELD(watches)
{
	uint32_t i;

	for (i = 0; i < s->ev->nr_watches; i++) {
		if (i)
			hvt_line_char(l, ' ');
		hvt_line_dec(l, s->ev->watches[i]);
	}
}

FIELD(cr3)
{
	hvt_line_hex(l, s->ev->cr3);
}

FIELD(order)
{
	hvt_line_dec(l, s->ev->order);
}

FIELD(body)
{
	if (s->ev->body)
		hvt_line_dec(l, s->ev->body);
}

FIELD(nest)
{
	hvt_line_dec(l, s->ev->nest);
}

FIELD(regs)
{
	hvt_put_registers(l, s->ev);
}

FIELD(mem)
{
	hvt_put_operands(l, s->ev);
}

FIELD(what)
{
	const char *name = hvt_flow_name(s->ev->what);

	if (name)
		hvt_line_str(l, name);
}

FIELD(vector)
{
	if (s->ev->type == HVT_EV_ACCESS ? s->ev->flags & HVT_RF_DELIVERY :
					   s->ev->vector != HVT_VECTOR_NONE)
		hvt_line_dec(l, s->ev->vector);
}

FIELD(number)
{
	hvt_line_dec(l, s->ev->number);
}

FIELD(name)
{
	if (s->ev->name)
		hvt_line_str(l, s->ev->name);
}

FIELD(args)
{
	int i;

	for (i = 0; i < 6; i++) {
		if (i)
			hvt_line_char(l, ' ');
		hvt_line_hex(l, s->ev->arg[i]);
	}
}

FIELD(to)
{
	if (s->ev->to)
		hvt_line_hex(l, s->ev->to);
}

FIELD(to_sym)
{
	put_sym_off(l, &s->ev->to_sym);
}

FIELD(to_obj)
{
	if (s->ev->to_sym.obj)
		hvt_put_escaped(l, s->ev->to_sym.obj);
}

/* Which events have a field. */
#define ACCESS (1u << HVT_EV_ACCESS)
#define INSN   (1u << HVT_EV_INSN)
#define FLOW   (1u << HVT_EV_FLOW)
#define CODE   (ACCESS | INSN | FLOW)
#define ALL    (~0u)

static const struct field {
	const char *name;
	put_fn put;
	unsigned int of;
} fields[] = {
	{ "event", put_event, ALL },
	{ "type", put_type, ALL },
	{ "time", put_time, ALL },
	{ "ns", put_ns, ALL },
	{ "tsc", put_tsc, ALL },
	{ "cpu", put_cpu, ALL },
	{ "seq", put_seq, ALL },
	{ "pid", put_pid, ALL },
	{ "tid", put_tid, ALL },
	{ "comm", put_comm, CODE },
	{ "access", put_access, ACCESS },
	{ "addr", put_addr, ALL },
	{ "size", put_size, ACCESS },
	{ "gpa", put_gpa, ACCESS },
	{ "old", put_old, ACCESS },
	{ "new", put_new, ACCESS },
	{ "value_off", put_value_off, ACCESS },
	{ "value_len", put_value_len, ACCESS },
	{ "addr_sym", put_addr_sym, ACCESS },
	{ "addr_obj", put_addr_obj, ACCESS },
	{ "ip", put_ip, CODE },
	{ "sym", put_sym, CODE },
	{ "obj", put_obj, CODE },
	{ "obj_off", put_obj_off, CODE },
	{ "line", put_line, CODE },
	{ "insn", put_insn, CODE },
	{ "bytes", put_bytes, CODE },
	{ "user", put_user, CODE },
	{ "exact", put_exact, ACCESS },
	{ "watch", put_watch, ALL },
	{ "watches", put_watches, ACCESS },
	{ "spec", put_spec, ALL },
	{ "cr3", put_cr3, ACCESS },
	{ "order", put_order, ACCESS },
	{ "count", put_count, ALL },
	{ "text", put_text, ALL },
	{ "body", put_body, INSN | FLOW },
	{ "nest", put_nest, INSN | FLOW },
	{ "regs", put_regs, INSN },
	{ "mem", put_mem, INSN },
	{ "what", put_what, FLOW },
	{ "vector", put_vector, ACCESS | FLOW },
	{ "number", put_number, FLOW },
	{ "name", put_name, FLOW },
	{ "args", put_args, FLOW },
	{ "to", put_to, FLOW },
	{ "to_sym", put_to_sym, FLOW },
	{ "to_obj", put_to_obj, FLOW },
};

#define NR_FIELDS  (sizeof(fields) / sizeof(fields[0]))
#define FIELDS_MAX 64

struct hvt_fields {
	const struct field *v[FIELDS_MAX];
	size_t n;
};

static const struct field *find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NR_FIELDS; i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len))
			return &fields[i];
	return NULL;
}

struct hvt_fields *hvt_fields_new(const char *list)
{
	struct hvt_fields *f = calloc(1, sizeof(*f));
	const char *at = list;
	size_t len;

	if (!f)
		hvt_die(HVT_ERROR, "--fields: no memory; try: later");
	for (; !list && f->n < NR_FIELDS; f->n++)
		f->v[f->n] = &fields[f->n];
	for (; at; at = at[len] ? at + len + 1 : NULL) {
		len = strcspn(at, ",");
		if (f->n == FIELDS_MAX)
			hvt_die(HVT_USAGE, "--fields: more than %d; try: fewer", FIELDS_MAX);
		f->v[f->n] = find(at, len);
		if (!f->v[f->n++])
			hvt_die(HVT_USAGE,
				"--fields %.*s: no such field; try: man hvtrace-script for all",
				(int)(len < 64 ? len : 64), at);
	}
	return f;
}

bool hvt_fields_have(const struct hvt_fields *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (!strcmp(f->v[i]->name, name))
			return true;
	return false;
}

void hvt_fields_head(const struct hvt_fields *f, FILE *out)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		fprintf(out, "%s%s", i ? "," : "", f->v[i]->name);
	putc('\n', out);
}

/* What was put since `from` is one cell: quoted when it has to be. */
static void quote(struct hvt_line *l, size_t from)
{
	size_t len = l->len - from, i;
	char *copy;

	if (!memchr(l->p + from, ',', len) && !memchr(l->p + from, '"', len))
		return;
	copy = malloc(len);
	if (!copy)
		return;
	memcpy(copy, l->p + from, len);
	l->len = from;
	hvt_line_char(l, '"');
	for (i = 0; i < len; i++) {
		if (copy[i] == '"')
			hvt_line_char(l, '"');
		hvt_line_char(l, copy[i]);
	}
	hvt_line_char(l, '"');
	free(copy);
}

void hvt_fields_put(const struct hvt_fields *f, FILE *out, bool csv, const struct hvt_reader *r,
		    const struct hvt_event *ev, uint64_t number)
{
	const unsigned int of = ev->type == HVT_EV_MARK ? ALL & ~CODE : 1u << ev->type;
	const struct source s = { r, ev, number };
	struct hvt_line *l = hvt_line_start();
	size_t i, from;

	for (i = 0; i < f->n; i++) {
		if (i)
			hvt_line_char(l, csv ? ',' : '\t');
		from = l->len;
		if (f->v[i]->of & of)
			f->v[i]->put(l, &s);
		if (csv && l->len > from)
			quote(l, from);
		else if (!csv && l->len == from)
			hvt_line_char(l, '-');
	}
	hvt_line_char(l, '\n');
	hvt_line_write(l, out);
}
