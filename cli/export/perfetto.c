/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON in the Trace Event Format, which Perfetto's and Chrome's viewers load. An access is an
 * instant on the track of its thread, a value that is stored is a counter of whose memory
 * it is. Nothing in a log lasts, so there are no slices.
 */
#include "export.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/trace_lines.h"

#define PROCESS UINT32_MAX /* the thread that stands for its process */

struct thread {
	uint32_t pid, tid;
	char comm[17];
};

struct perfetto {
	FILE *out;
	bool comma;
	void *threads; /* tsearch(3): those that were met */
};

static void *begin(FILE *out, int dir)
{
	struct perfetto *p = calloc(1, sizeof(*p));

	(void)dir;
	if (!p)
		return NULL;
	p->out = out;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
	return p;
}

static void open_event(struct perfetto *p, struct hvt_json *j, const char *phase, uint32_t pid,
		       uint32_t tid, uint64_t ns)
{
	if (p->comma)
		fputc(',', p->out);
	p->comma = true;
	hvt_json_begin(j, p->out);
	hvt_json_str(j, "ph", phase);
	hvt_json_u64(j, "pid", pid);
	hvt_json_u64(j, "tid", tid);
	hvt_json_micros(j, "ts", ns);
}

static void close_event(struct hvt_json *j)
{
	hvt_json_close(j);
	hvt_json_end(j);
}

static int by_ids(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* The entry of a thread, new ones without a name; NULL: out of memory. */
static struct thread *find(struct perfetto *p, uint32_t pid, uint32_t tid)
{
	struct thread key = { .pid = pid, .tid = tid };
	struct thread **slot = tsearch(&key, &p->threads, by_ids), *t;

	if (!slot || *slot != &key)
		return slot ? *slot : NULL;
	t = malloc(sizeof(*t));
	if (!t) {
		tdelete(&key, &p->threads, by_ids);
		return NULL;
	}
	*t = key;
	*slot = t;
	return t;
}

/* A name is said when first met and when it changes: the last one counts. */
static void name(struct perfetto *p, const struct hvt_event *ev, struct thread *t, const char *what,
		 const char *comm)
{
	struct hvt_json j;

	if (!strcmp(t->comm, comm))
		return;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	open_event(p, &j, "M", ev->pid, ev->tid, ev->ns);
	hvt_json_str(&j, "name", what);
	hvt_json_open(&j, "args");
	hvt_json_str(&j, "name", comm);
	close_event(&j);
}

static void name_thread(struct perfetto *p, const struct hvt_event *ev)
{
	struct thread *t = find(p, ev->pid, ev->tid), *process = find(p, ev->pid, PROCESS);

	if (!t || !process)
		return;
	name(p, ev, t, "thread_name", ev->comm);
	/* that of its first thread, or of any before; the kernel's memory is that of 0 */
	if (ev->pid == ev->tid || !process->comm[0])
		name(p, ev, process, "process_name", ev->pid ? ev->comm : "kernel");
}

/* "name+0x1f" */
static void plus(struct hvt_json *j, const char *key, const char *name, uint64_t off)
{
	char *s;

	if (asprintf(&s, "%s+0x%" PRIx64, name, off) < 0)
		s = NULL;
	hvt_json_str(j, key, s ? s : name);
	free(s);
}

static void place(struct hvt_json *j, const char *key, const struct hvt_symbol *s, uint64_t addr)
{
	if (s->name && s->off)
		plus(j, key, s->name, s->off);
	else if (s->name)
		hvt_json_str(j, key, s->name);
	else if (s->obj && !s->kernel)
		plus(j, key, s->obj, s->obj_off);
	else
		hvt_json_hex(j, key, addr);
}

static uint64_t number(const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | bytes[len];
	return v;
}

static void value(struct hvt_json *j, const char *key, const uint8_t *bytes, uint32_t len)
{
	if (!bytes || !len)
		hvt_json_null(j, key);
	else if (len > 8)
		hvt_json_bytes(j, key, bytes, len);
	else
		hvt_json_hex(j, key, number(bytes, len));
}

/* What was stored, as a number: one series for each width. */
static void counter(struct perfetto *p, const struct hvt_reader *r, const struct hvt_event *ev)
{
	static const char *const widths[] = { NULL,  "u8",  "u16", "u24", "u32",
					      "u40", "u48", "u56", "u64" };
	const struct hvt_watch_fact *w = hvt_reader_find_watch(r, ev->watch);
	struct hvt_json j;

	if (!(ev->access & HVT_ACC_W) || !ev->new_ || !ev->val_len || ev->val_len > 8)
		return;
	open_event(p, &j, "C", w ? (uint32_t)w->pid : ev->pid, 0, ev->ns);
	place(&j, "name", &ev->addr_sym, ev->physical ? ev->gpa : ev->addr);
	hvt_json_open(&j, "args");
	hvt_json_u64(&j, widths[ev->val_len], number(ev->new_, ev->val_len));
	close_event(&j);
}

static void access_event(struct perfetto *p, const struct hvt_reader *r, const struct hvt_event *ev)
{
	static const char *const kinds[] = { [HVT_ACC_R] = "read",
					     [HVT_ACC_W] = "write",
					     [HVT_ACC_R | HVT_ACC_W] = "rmw",
					     [HVT_ACC_X] = "exec" };
	struct hvt_json j;

	name_thread(p, ev);
	open_event(p, &j, "i", ev->pid, ev->tid, ev->ns);
	hvt_json_str(&j, "s", "t");
	place(&j, "name", &ev->addr_sym, ev->physical ? ev->gpa : ev->addr);
	hvt_json_str(&j, "cat", kinds[hvt_export_access(ev)]);
	hvt_json_open(&j, "args");
	hvt_json_u64(&j, "cpu", ev->cpu);
	hvt_json_u64(&j, "seq", ev->seq);
	hvt_json_hex(&j, "addr", ev->addr);
	hvt_json_u64(&j, "size", ev->size);
	value(&j, "old", ev->old, ev->val_len);
	value(&j, "new", ev->new_, ev->val_len);
	place(&j, "from", &ev->ip_sym, ev->ip);
	hvt_json_str(&j, "obj", ev->ip_sym.obj);
	hvt_json_str(&j, "insn", ev->text);
	hvt_json_u64(&j, "watch", ev->watch);
	close_event(&j);
	counter(p, r, ev);
}

static void flow_event(struct perfetto *p, const struct hvt_event *ev)
{
	const char *what = hvt_flow_name(ev->what);
	struct hvt_json j;

	name_thread(p, ev);
	open_event(p, &j, "i", ev->pid, ev->tid, ev->ns);
	hvt_json_str(&j, "s", "t");
	hvt_json_str(&j, "name", ev->name ? ev->name : what ? what : "break");
	hvt_json_str(&j, "cat", what ? what : "break");
	hvt_json_open(&j, "args");
	hvt_json_u64(&j, "cpu", ev->cpu);
	hvt_json_u64(&j, "seq", ev->seq);
	place(&j, "from", &ev->ip_sym, ev->ip);
	place(&j, "to", &ev->to_sym, ev->to);
	hvt_json_u64(&j, "number", ev->number);
	hvt_json_u64(&j, "trace", ev->watch);
	close_event(&j);
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	static const char *const names[] = { [HVT_EV_LOST] = "lost", [HVT_EV_REMAP] = "remap" };
	struct perfetto *p = export;
	struct hvt_json j;

	if (ev->type == HVT_EV_ACCESS) {
		access_event(p, r, ev);
		return;
	}
	/* what a thread executes is no instant: there are far too many */
	if (ev->type == HVT_EV_INSN)
		return;
	if (ev->type == HVT_EV_FLOW) {
		flow_event(p, ev);
		return;
	}
	open_event(p, &j, "i", ev->pid, ev->tid, ev->ns);
	hvt_json_str(&j, "s", ev->type == HVT_EV_REMAP ? "p" : "g");
	hvt_json_str(&j, "name", ev->type == HVT_EV_MARK ? ev->mark : names[ev->type]);
	hvt_json_open(&j, "args");
	if (ev->type != HVT_EV_MARK) {
		hvt_json_u64(&j, "cpu", ev->cpu);
		hvt_json_u64(&j, "seq", ev->seq);
	}
	if (ev->type == HVT_EV_LOST)
		hvt_json_u64(&j, "count", ev->count);
	if (ev->type == HVT_EV_REMAP) {
		hvt_json_hex(&j, "va", ev->addr);
		hvt_json_hex(&j, "old_gpa", ev->old_gpa);
		hvt_json_hex(&j, "new_gpa", ev->new_gpa);
	}
	close_event(&j);
}

static int end(void *export, const struct hvt_reader *r)
{
	struct perfetto *p = export;

	(void)r;
	fputs("]}\n", p->out);
	tdestroy(p->threads, free);
	free(p);
	return 0;
}

const struct hvt_exporter hvt_export_perfetto = {
	.name = "perfetto",
	.begin = begin,
	.event = event,
	.end = end,
};
