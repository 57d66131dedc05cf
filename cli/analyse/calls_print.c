/* SPDX-License-Identifier: GPL-2.0-only */
/* Call trees as text and as JSON lines: see calls_print.h. */
#include "calls_print.h"

#include <inttypes.h>
#include <string.h>

#include "calls.h"
#include "cli.h"
#include "lib/json.h"
#include "lib/line.h"
#include "names.h"

static const char *const kinds[] = {
	[HVT_CALL_ROOT] = "thread",	    [HVT_CALL_FUNCTION] = "function",
	[HVT_CALL_TAIL] = "tail",	    [HVT_CALL_SYSCALL] = "syscall",
	[HVT_CALL_INTERRUPT] = "interrupt", [HVT_CALL_EXCEPTION] = "exception",
	[HVT_CALL_SIGNAL] = "signal",
};

static bool is_function(const struct hvt_call *n)
{
	return n->kind == HVT_CALL_FUNCTION || n->kind == HVT_CALL_TAIL;
}

void hvt_put_call(struct hvt_line *l, const struct hvt_call *n)
{
	if (is_function(n)) {
		hvt_put_place(l, &n->sym, n->entry);
		return;
	}
	hvt_line_str(l, kinds[n->kind]);
	hvt_line_char(l, ' ');
	if (n->sym.name && n->kind == HVT_CALL_SIGNAL)
		hvt_line_lit(l, "SIG");
	if (n->sym.name)
		hvt_put_escaped(l, n->sym.name);
	else
		hvt_line_dec(l, n->entry);
}

static void heading(FILE *out, const struct hvt_call_thread *t)
{
	const char *bold = hvt_colours() ? "\033[1m" : "";

	fprintf(out, "%s# ", bold);
	hvt_print_escaped(out, t->comm, SIZE_MAX);
	fprintf(out, " %" PRIu32 "/%" PRIu32, t->is.pid, t->is.tid);
	if (!t->is.tid)
		fprintf(out, " on CPU %" PRIu32, t->is.cpu);
	fprintf(out, ", trace %" PRIu32 ": %" PRIu64 " instructions\n", t->is.trace,
		t->root->total);
	fprintf(out, "# %7s %12s %12s %10s  %s%s\n", "share", "total", "self", "calls", "function",
		*bold ? "\033[0m" : "");
}

void hvt_calls_text(FILE *out, struct hvt_calls *c)
{
	const struct hvt_call_thread *t;
	const struct hvt_call *n;
	struct hvt_line *l;
	uint32_t depth;
	size_t i;

	for (i = 0; (t = hvt_calls_thread(c, i)); i++) {
		heading(out, t);
		for (n = t->root->child; n; n = hvt_call_after(n)) {
			fprintf(out, "%8.2f%% %12" PRIu64 " %12" PRIu64 " %10" PRIu64 "  ",
				t->root->total ? 100.0 * (double)n->total / (double)t->root->total :
						 0.0,
				n->total, n->self, n->calls);
			l = hvt_line_start();
			for (depth = 1; depth < n->depth; depth++)
				hvt_line_lit(l, "  ");
			hvt_put_call(l, n);
			if (n->kind == HVT_CALL_TAIL)
				hvt_line_lit(l, " (tail)");
			hvt_line_char(l, '\n');
			hvt_line_write(l, out);
		}
	}
}

static void node_json(FILE *out, const struct hvt_call_thread *t, const struct hvt_call *n)
{
	struct hvt_json j;
	char name[64];

	hvt_json_begin(&j, out);
	hvt_json_str(&j, "type", "call");
	hvt_json_u64(&j, "trace", t->is.trace);
	hvt_json_u64(&j, "pid", t->is.pid);
	hvt_json_u64(&j, "tid", t->is.tid);
	if (!t->is.tid)
		hvt_json_u64(&j, "cpu", t->is.cpu);
	hvt_json_str(&j, "comm", t->comm);
	hvt_json_u64(&j, "id", n->id);
	if (n->parent)
		hvt_json_u64(&j, "parent", n->parent->id);
	else
		hvt_json_null(&j, "parent");
	hvt_json_u64(&j, "depth", n->depth);
	hvt_json_str(&j, "kind", kinds[n->kind]);
	if (is_function(n)) {
		hvt_json_hex(&j, "addr", n->entry);
		hvt_json_str(&j, "sym", n->sym.name);
		hvt_json_str(&j, "obj", n->sym.obj);
		if (n->sym.obj && !n->sym.kernel)
			hvt_json_hex(&j, "obj_off", n->sym.obj_off);
		else
			hvt_json_null(&j, "obj_off");
	} else if (n->parent) {
		hvt_json_u64(&j, "nr", n->entry);
		snprintf(name, sizeof(name), "%s%s", n->kind == HVT_CALL_SIGNAL ? "SIG" : "",
			 n->sym.name ? n->sym.name : "");
		hvt_json_str(&j, "name", n->sym.name ? name : NULL);
	}
	hvt_json_u64(&j, "calls", n->calls);
	hvt_json_u64(&j, "self", n->self);
	hvt_json_u64(&j, "total", n->total);
	hvt_json_end(&j);
}

void hvt_calls_json(FILE *out, struct hvt_calls *c)
{
	const struct hvt_call_thread *t;
	const struct hvt_call *n;
	size_t i;

	for (i = 0; (t = hvt_calls_thread(c, i)); i++)
		for (n = t->root; n; n = hvt_call_after(n))
			node_json(out, t, n);
}
