/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call tree as folded stacks, which flame graphs are drawn from: for each path that
 * executed instructions of its own a line "command;caller;callee N".
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyse/calls.h"
#include "analyse/calls_print.h"
#include "analyse/names.h"
#include "cli.h"
#include "lib/line.h"

struct folded {
	FILE *out;
	struct hvt_calls *calls;
};

static void *begin(FILE *out, int dir)
{
	struct folded *f = calloc(1, sizeof(*f));

	(void)dir;
	if (!f)
		return NULL;
	f->out = out;
	f->calls = hvt_calls_new();
	if (!f->calls) {
		free(f);
		return NULL;
	}
	return f;
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct folded *f = export;

	if (hvt_calls_add(f->calls, r, ev))
		hvt_die(HVT_ERROR, "export: no memory for the calls; try: a shorter trace");
}

/* A name must not end its field. */
static void no_separator(struct hvt_line *l, size_t from)
{
	for (; from < l->len; from++)
		if (l->p[from] == ';')
			l->p[from] = ':';
}

/* A function's name is enough: what draws them cuts long ones. */
static void put_name(struct hvt_line *l, const struct hvt_call *n)
{
	if (n->sym.name && n->sym.obj)
		hvt_put_escaped(l, n->sym.name);
	else
		hvt_put_call(l, n);
}

static void put_path(struct hvt_line *l, const struct hvt_call_thread *t, const struct hvt_call *n)
{
	const struct hvt_call *path[HVT_CALL_DEPTH + 2];
	size_t depth = 0, from = l->len;

	for (; n->parent; n = n->parent)
		path[depth++] = n;
	hvt_put_escaped(l, t->comm);
	no_separator(l, from);
	while (depth) {
		hvt_line_char(l, ';');
		from = l->len;
		put_name(l, path[--depth]);
		no_separator(l, from);
	}
}

static int end(void *export, const struct hvt_reader *r)
{
	struct folded *f = export;
	const struct hvt_call_thread *t;
	const struct hvt_call *n;
	struct hvt_line *l;
	size_t i;

	(void)r;
	for (i = 0; (t = hvt_calls_thread(f->calls, i)); i++)
		for (n = t->root->child; n; n = hvt_call_after(n)) {
			if (!n->self)
				continue;
			l = hvt_line_start();
			put_path(l, t, n);
			hvt_line_char(l, ' ');
			hvt_line_dec(l, n->self);
			hvt_line_char(l, '\n');
			hvt_line_write(l, f->out);
		}
	hvt_calls_free(f->calls);
	free(f);
	return 0;
}

const struct hvt_exporter hvt_export_folded = {
	.name = "folded",
	.instructions = true,
	.begin = begin,
	.event = event,
	.end = end,
};
