// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent status: what is attached, what is armed and by whom, how memory is
 * mapped, and what each CPU has exited for. One gathering, two ways to print it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/filter_text.h>
#include <hvtrace/words.h>

#include "agent.h"
#include "blocked.h"
#include "buf.h"
#include "device.h"
#include "exit_names.h"

typedef unsigned long long ull;

struct report {
	struct hvt_status st;
	struct hvt_watch_info *watch;
	struct hvt_filter *filter; /* of each watch; id 0: none */
	size_t nr_watches;
	struct hvt_trace_info *trace;
	size_t nr_traces;
	struct hvt_cpu_status *cpu;
	size_t nr_cpus;
};

static void gather_filter(const struct device *dev, uint32_t id, struct hvt_filter *f)
{
	memset(f, 0, sizeof(*f));
	f->size = sizeof(*f);
	f->id = id;
	/* its session may have ended in between */
	if (id && device_ioctl(dev, HVT_IOC_FILTER_INFO, f))
		f->id = 0;
}

static int gather_traces(const struct device *dev, struct report *r)
{
	struct hvt_trace_info info = { .size = sizeof(info) };
	int rc;

	while ((rc = device_ioctl(dev, HVT_IOC_TRACE_INFO, &info)) == 0) {
		r->trace = xrealloc(r->trace, (r->nr_traces + 1) * sizeof(info));
		r->trace[r->nr_traces++] = info;
		info = (struct hvt_trace_info){ .size = sizeof(info),
						.index = (uint32_t)r->nr_traces };
	}
	/* -ENOTTY: a module that has none */
	return rc == -ENOENT || rc == -ENOTTY ? AGENT_OK :
						module_complain(CALL_STATUS, "status: traces", rc);
}

static int gather(const struct device *dev, struct report *r)
{
	uint32_t i;
	int rc;

	memset(r, 0, sizeof(*r));
	r->st.size = sizeof(r->st);
	rc = device_ioctl(dev, HVT_IOC_STATUS, &r->st);
	if (rc)
		return module_complain(CALL_STATUS, "status", rc);

	for (i = 0; i < UINT32_MAX; i++) {
		struct hvt_watch_info info = { .size = sizeof(info), .index = i };

		rc = device_ioctl(dev, HVT_IOC_WATCH_INFO, &info);
		if (rc)
			break;
		r->watch = xrealloc(r->watch, (r->nr_watches + 1) * sizeof(info));
		r->filter = xrealloc(r->filter, (r->nr_watches + 1) * sizeof(*r->filter));
		r->watch[r->nr_watches] = info;
		gather_filter(dev, info.filter, &r->filter[r->nr_watches++]);
	}
	if (rc && rc != -ENOENT)
		return module_complain(CALL_STATUS, "status: watches", rc);

	rc = gather_traces(dev, r);
	if (rc)
		return rc;
	r->cpu = xrealloc(NULL, dev->hello.nr_cpus * sizeof(*r->cpu));
	for (i = 0; i < dev->hello.nr_cpus; i++) {
		struct hvt_cpu_status *c = &r->cpu[r->nr_cpus];

		memset(c, 0, sizeof(*c));
		c->size = sizeof(*c);
		c->cpu = i;
		/* Numbers without a CPU are errors here, not news. */
		if (device_ioctl(dev, HVT_IOC_CPU_STATUS, c) == 0)
			r->nr_cpus++;
	}
	return AGENT_OK;
}

static ull exits_of(const struct hvt_cpu_status *c)
{
	ull sum = 0;
	size_t i;

	for (i = 0; i < HVT_EXIT_REASONS; i++)
		sum += c->exits[i];
	return sum;
}

static void reason_text(unsigned int reason, char text[64])
{
	const char *name = exit_reason_name(reason);

	if (name)
		snprintf(text, 64, "%s", name);
	else
		snprintf(text, 64, "Reason %u", reason);
}

static double large_share(const struct hvt_status *st)
{
	if (!st->ram_bytes || st->ram_4k_bytes > st->ram_bytes)
		return 0;
	return 100.0 * (double)(st->ram_bytes - st->ram_4k_bytes) / (double)st->ram_bytes;
}

static void print_cpu(const struct hvt_cpu_status *c)
{
	char name[64];
	unsigned int i;

	printf("CPU %u: %s, %llu exits, %llu steps (%llu retired, %llu dropped), %llu lock retries\n",
	       c->cpu, c->attached ? "attached" : "not attached", exits_of(c), (ull)c->steps,
	       (ull)c->steps_retired, (ull)c->steps_dropped, (ull)c->lock_retries);
	for (i = 0; i < HVT_EXIT_REASONS; i++) {
		if (!c->exits[i])
			continue;
		reason_text(i, name);
		printf("  %12llu  %s\n", (ull)c->exits[i], name);
	}
}

static void print_watch(const struct hvt_watch_info *w, const struct hvt_filter *f)
{
	char access[4], whose[32], filter[HVT_FILTER_TEXT];

	hvt_access_letters(w->access, access);
	if (w->flags & HVT_WATCH_PHYS)
		snprintf(whose, sizeof(whose), "physical memory");
	else if (w->pid)
		snprintf(whose, sizeof(whose), "PID %d", w->pid);
	else
		snprintf(whose, sizeof(whose), "the kernel");
	printf("  %u: 0x%llx,%llu %s of %s%s, armed by PID %d: %llu hits, %llu filtered, "
	       "%llu near, %llu remaps\n",
	       w->id, (ull)w->addr, (ull)w->len, access, whose,
	       w->flags & HVT_WATCH_COALESCE ? ", coalesced" : "", w->owner, (ull)w->hits,
	       (ull)w->filtered, (ull)w->near, (ull)w->remaps);
	if (!f->id)
		return;
	hvt_filter_text(f, filter);
	printf("     filter %u: %s, %llu passed\n", f->id, filter, (ull)f->passed);
}

static void print_trace(const struct hvt_trace_info *t)
{
	size_t i;

	if (t->flags & HVT_TRACE_BODY)
		printf("  %u: 0x%llx,%llu of the kernel", t->id, (ull)t->addr, (ull)t->len);
	else
		printf("  %u: %s %d", t->id, t->flags & HVT_TRACE_THREAD ? "TID" : "PID", t->pid);
	for (i = 0; i < HVT_NR_TRACE_FLAGS; i++) {
		if (t->flags & hvt_trace_flags[i].flag & ~(HVT_TRACE_BODY | HVT_TRACE_THREAD))
			printf(", %s", hvt_trace_flags[i].name);
	}
	printf(", begun by PID %d: %u threads, %llu instructions, %llu unrecorded, %llu %s%s\n",
	       t->owner, t->threads, (ull)t->instructions, (ull)t->unrecorded, (ull)t->windows,
	       t->flags & HVT_TRACE_BODY ? "entries" : "windows",
	       t->state & HVT_TRACE_OVER ? ", over" : "");
}

static void print_text(const struct report *r)
{
	const struct hvt_status *st = &r->st;
	char why[128];
	size_t i;

	if (st->flags & HVT_ST_BROKEN) {
		blocked_why(&st->blocked, why, sizeof(why));
		printf("broken: CPU %u: %s\n", st->blocked.cpu, why);
	}
	if (st->flags & HVT_ST_ATTACHED)
		printf("attached: %u CPUs%s\n", st->cpus_attached,
		       st->flags & HVT_ST_PERSIST ? ", until hvtrace detach" : "");
	else
		puts("not attached");
	printf("sessions: %u\nwatches: %u on %llu pages\n", st->sessions, st->watches,
	       (ull)st->pages_watched);
	for (i = 0; i < r->nr_watches; i++)
		print_watch(&r->watch[i], &r->filter[i]);
	printf("traces: %zu\n", r->nr_traces);
	for (i = 0; i < r->nr_traces; i++)
		print_trace(&r->trace[i]);
	if (!(st->flags & HVT_ST_ATTACHED))
		return;
	printf("EPT: %llu leaves of 1G, %llu of 2M, %llu of 4K; %.2f%% of %llu MiB RAM in large leaves\n",
	       (ull)st->leaves_1g, (ull)st->leaves_2m, (ull)st->leaves_4k, large_share(st),
	       (ull)st->ram_bytes >> 20);
	for (i = 0; i < r->nr_cpus; i++)
		print_cpu(&r->cpu[i]);
}

static void json_cpu(struct buf *b, const struct hvt_cpu_status *c)
{
	bool any = false;
	char name[64];
	unsigned int i;

	buf_printf(b, "{\"cpu\":%u,\"attached\":%s,\"exits\":{", c->cpu,
		   c->attached ? "true" : "false");
	for (i = 0; i < HVT_EXIT_REASONS; i++) {
		if (!c->exits[i])
			continue;
		reason_text(i, name);
		buf_puts(b, any ? "," : "");
		buf_json(b, name);
		buf_printf(b, ":%llu", (ull)c->exits[i]);
		any = true;
	}
	buf_printf(b,
		   "},\"exits_total\":%llu,\"steps\":%llu,\"steps_retired\":%llu,"
		   "\"steps_dropped\":%llu,\"lock_retries\":%llu,\"rendezvous\":%llu}",
		   exits_of(c), (ull)c->steps, (ull)c->steps_retired, (ull)c->steps_dropped,
		   (ull)c->lock_retries, (ull)c->rendezvous);
}

static void json_filter(struct buf *b, const struct hvt_filter *f)
{
	char text[HVT_FILTER_TEXT];

	if (!f->id) {
		buf_puts(b, "null");
		return;
	}
	hvt_filter_text(f, text);
	buf_printf(b, "{\"id\":%u,\"text\":", f->id);
	buf_json(b, text);
	buf_printf(b, ",\"passed\":%llu}", (ull)f->passed);
}

static void json_watch(struct buf *b, const struct hvt_watch_info *w, const struct hvt_filter *f)
{
	char access[4];

	hvt_access_letters(w->access, access);
	buf_printf(b,
		   "{\"id\":%u,\"access\":\"%s\",\"pid\":%d,\"owner\":%d,\"addr\":\"0x%llx\","
		   "\"len\":%llu,\"physical\":%s,\"coalesced\":%s,\"pages_mapped\":%llu,"
		   "\"hits\":%llu,\"filtered\":%llu,\"near\":%llu,\"remaps\":%llu,\"filter\":",
		   w->id, access, w->pid, w->owner, (ull)w->addr, (ull)w->len,
		   w->flags & HVT_WATCH_PHYS ? "true" : "false",
		   w->flags & HVT_WATCH_COALESCE ? "true" : "false", (ull)w->pages_mapped,
		   (ull)w->hits, (ull)w->filtered, (ull)w->near, (ull)w->remaps);
	json_filter(b, f);
	buf_puts(b, "}");
}

static void json_trace(struct buf *b, const struct hvt_trace_info *t)
{
	size_t i;

	buf_printf(b, "{\"id\":%u,\"pid\":%d,\"owner\":%d,\"addr\":\"0x%llx\",\"len\":%llu", t->id,
		   t->pid, t->owner, (ull)t->addr, (ull)t->len);
	for (i = 0; i < HVT_NR_TRACE_FLAGS; i++)
		buf_printf(b, ",\"%s\":%s", hvt_trace_flags[i].name,
			   t->flags & hvt_trace_flags[i].flag ? "true" : "false");
	buf_printf(b,
		   ",\"threads\":%u,\"instructions\":%llu,\"unrecorded\":%llu,\"windows\":%llu,"
		   "\"over\":%s}",
		   t->threads, (ull)t->instructions, (ull)t->unrecorded, (ull)t->windows,
		   t->state & HVT_TRACE_OVER ? "true" : "false");
}

static void print_json(const struct report *r)
{
	const struct hvt_status *st = &r->st;
	struct buf b = { 0 };
	char why[128] = "";
	size_t i;

	buf_printf(&b, "{\"type\":\"status\",\"attached\":%s,\"persist\":%s,\"broken\":%s",
		   st->flags & HVT_ST_ATTACHED ? "true" : "false",
		   st->flags & HVT_ST_PERSIST ? "true" : "false",
		   st->flags & HVT_ST_BROKEN ? "true" : "false");
	if (st->flags & HVT_ST_BROKEN) {
		blocked_why(&st->blocked, why, sizeof(why));
		buf_printf(&b, ",\"broken_cpu\":%u,\"broken_why\":", st->blocked.cpu);
		buf_json(&b, why);
	}
	buf_printf(&b, ",\"cpus_attached\":%u,\"sessions\":%u,\"watches\":[", st->cpus_attached,
		   st->sessions);
	for (i = 0; i < r->nr_watches; i++) {
		buf_puts(&b, i ? "," : "");
		json_watch(&b, &r->watch[i], &r->filter[i]);
	}
	buf_puts(&b, "],\"traces\":[");
	for (i = 0; i < r->nr_traces; i++) {
		buf_puts(&b, i ? "," : "");
		json_trace(&b, &r->trace[i]);
	}
	buf_printf(
		&b,
		"],\"pages_watched\":%llu,\"ram_bytes\":%llu,\"ram_4k_bytes\":%llu,"
		"\"leaves_1g\":%llu,\"leaves_2m\":%llu,\"leaves_4k\":%llu,\"large_percent\":%.4f",
		(ull)st->pages_watched, (ull)st->ram_bytes, (ull)st->ram_4k_bytes,
		(ull)st->leaves_1g, (ull)st->leaves_2m, (ull)st->leaves_4k, large_share(st));
	buf_puts(&b, ",\"cpus\":[");
	for (i = 0; i < r->nr_cpus; i++) {
		buf_puts(&b, i ? "," : "");
		json_cpu(&b, &r->cpu[i]);
	}
	buf_puts(&b, "]}\n");
	fwrite(b.p, 1, b.len, stdout);
	buf_free(&b);
}

int cmd_status(int argc, char **argv)
{
	struct device dev = { .fd = -1 };
	struct report r = { 0 };
	bool json;
	int rc;

	rc = machine_options(argc, argv, &json);
	if (rc == AGENT_OK)
		rc = require_root("status");
	if (rc == AGENT_OK)
		rc = device_open(&dev);
	if (rc)
		return rc;
	rc = gather(&dev, &r);
	if (rc == AGENT_OK) {
		if (json)
			print_json(&r);
		else
			print_text(&r);
		rc = finish_output(AGENT_OK);
	}
	free(r.watch);
	free(r.filter);
	free(r.trace);
	free(r.cpu);
	device_close(&dev);
	return rc;
}
