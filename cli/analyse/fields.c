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
	if (s->ev->type == HVT_EV_ACCESS || s->ev->type == HVT_EV_REMAP)
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
	const struct hvt_watch_fact *w = hvt_watch_of(s->reader, s->ev->watch);

	if (w)
		hvt_put_escaped(l, w->spec);
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

static const struct field {
	const char *name;
	put_fn put;
	bool all_types; /* losses and remaps have it, too */
} fields[] = {
	{ "event", put_event, true },
	{ "type", put_type, true },
	{ "time", put_time, true },
	{ "ns", put_ns, true },
	{ "tsc", put_tsc, true },
	{ "cpu", put_cpu, true },
	{ "seq", put_seq, true },
	{ "pid", put_pid, true },
	{ "tid", put_tid, true },
	{ "comm", put_comm, false },
	{ "access", put_access, false },
	{ "addr", put_addr, true },
	{ "size", put_size, false },
	{ "gpa", put_gpa, false },
	{ "old", put_old, false },
	{ "new", put_new, false },
	{ "value_off", put_value_off, false },
	{ "value_len", put_value_len, false },
	{ "addr_sym", put_addr_sym, false },
	{ "addr_obj", put_addr_obj, false },
	{ "ip", put_ip, false },
	{ "sym", put_sym, false },
	{ "obj", put_obj, false },
	{ "obj_off", put_obj_off, false },
	{ "insn", put_insn, false },
	{ "bytes", put_bytes, false },
	{ "user", put_user, false },
	{ "exact", put_exact, false },
	{ "watch", put_watch, true },
	{ "watches", put_watches, false },
	{ "spec", put_spec, true },
	{ "cr3", put_cr3, false },
	{ "order", put_order, false },
	{ "count", put_count, true },
	{ "text", put_text, true },
};

#define NR_FIELDS  (sizeof(fields) / sizeof(fields[0]))
#define FIELDS_MAX 64

struct hvt_fields {
	const struct field *v[FIELDS_MAX];
	size_t n;
};

const char *hvt_field_name(size_t i)
{
	return i < NR_FIELDS ? fields[i].name : NULL;
}

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
	const struct source s = { r, ev, number };
	struct hvt_line *l = hvt_line_start();
	size_t i, from;

	for (i = 0; i < f->n; i++) {
		if (i)
			hvt_line_char(l, csv ? ',' : '\t');
		from = l->len;
		if (f->v[i]->all_types || ev->type == HVT_EV_ACCESS)
			f->v[i]->put(l, &s);
		if (csv && l->len > from)
			quote(l, from);
		else if (!csv && l->len == from)
			hvt_line_char(l, '-');
	}
	hvt_line_char(l, '\n');
	hvt_line_write(l, out);
}
