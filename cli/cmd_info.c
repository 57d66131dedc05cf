/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace info: what a log holds: header, host, watches, counts, losses, is it whole. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <hvtrace/filter_text.h>
#include <hvtrace/words.h>

#include "lib/json.h"

enum { FORMAT };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_FORMAT,
	HVT_OPT_HELP,
	{ 0 },
};

static const char *const states[] = {
	[HVT_LOG_OPEN] = "open",       [HVT_LOG_COMPLETE] = "complete", [HVT_LOG_CUT] = "cut",
	[HVT_LOG_DAMAGED] = "damaged", [HVT_LOG_FOREIGN] = "foreign",	[HVT_LOG_NEWER] = "newer",
	[HVT_LOG_OLDER] = "older",
};

static const char *end_name(uint32_t reason)
{
	switch (reason) {
	case HVT_END_STOP:
		return "stopped";
	case HVT_END_TARGET:
		return "target exited";
	case HVT_END_BROKEN:
		return "hypervisor failed";
	case HVT_END_LIMIT:
		return "limit reached";
	default:
		return "unknown";
	}
}

static void text_traces(const struct hvt_reader *r)
{
	const struct hvt_trace_fact *t;
	size_t i, k;

	for (i = 0; (t = hvt_reader_trace(r, i)); i++) {
		printf("trace %-4" PRIu32 " ", t->id);
		hvt_print_escaped(stdout, t->spec, SIZE_MAX);
		if (t->flags & HVT_TRACE_BODY)
			printf(" at 0x%" PRIx64 ", %" PRIu64 " bytes", t->addr, t->len);
		if (t->pid)
			printf(", pid %" PRId32, t->pid);
		for (k = 0; k < HVT_NR_TRACE_FLAGS; k++)
			if (t->flags & hvt_trace_flags[k].flag)
				printf(", %s", hvt_trace_flags[k].name);
		if (t->from)
			printf(", from 0x%" PRIx64, t->from);
		if (t->to)
			printf(", to 0x%" PRIx64, t->to);
		if (t->after)
			printf(", after %" PRIu64, t->after);
		if (t->count)
			printf(", count %" PRIu64, t->count);
		if (t->on)
			printf(", on watch %" PRIu32, t->on);
		printf(", %" PRIu64 " instructions\n", t->instructions);
		for (k = 0; k < t->nr_only + t->nr_skip; k++)
			printf("  %s     0x%llx-0x%llx\n", k < t->nr_only ? "only" : "skip",
			       t->range[k].lo, t->range[k].hi);
	}
}

static void text(const struct hvt_reader *r)
{
	const struct hvt_log_header *h = hvt_reader_header(r);
	const struct hvt_reader_stats *s = hvt_reader_stats(r);
	const struct hvt_watch_fact *w;
	char letters[4], filter[HVT_FILTER_TEXT];
	size_t i;

	printf("log        version %" PRIu32 ", records %" PRIu32 ", %" PRIu32 " CPUs\n",
	       h->version, h->abi, h->nr_cpus);
	printf("state      %s\n",
	       hvt_reader_state(r) == HVT_LOG_COMPLETE ? "complete" : hvt_reader_why(r));
	if (s->end_reason)
		printf("ended      %s\n", end_name(s->end_reason));
	if (hvt_reader_host(r)) {
		fputs("host       ", stdout);
		hvt_print_escaped(stdout, hvt_reader_host(r), SIZE_MAX);
		putchar('\n');
	}
	for (i = 0; (w = hvt_reader_watch(r, i)); i++) {
		hvt_access_letters(w->access, letters);
		printf("watch %-4" PRIu32 " ", w->id);
		hvt_print_escaped(stdout, w->spec, SIZE_MAX);
		printf(" at 0x%" PRIx64 ", %" PRIu64 " bytes, %s", w->addr, w->len, letters);
		if (w->pid)
			printf(", pid %" PRId32, w->pid);
		printf("%s%s, %" PRIu64 " events\n", w->flags & HVT_WATCH_PHYS ? ", physical" : "",
		       w->flags & HVT_WATCH_COALESCE ? ", coalesced" : "", w->hits);
		if (w->filter) {
			hvt_filter_text(w->filter, filter);
			printf("  filter   %s\n", filter);
		}
	}
	text_traces(r);
	printf("events     %" PRIu64 " accesses, %" PRIu64 " remaps", s->accesses, s->remaps);
	if (hvt_reader_trace(r, 0))
		printf(", %" PRIu64 " instructions, %" PRIu64 " breaks of their sequence",
		       s->instructions, s->flows);
	putchar('\n');
	printf("records    %" PRIu64 ", %" PRIu64 " of them near a watch only, %" PRIu64
	       " filtered by their values\n",
	       s->records, s->near, s->filtered);
	printf("lost       %" PRIu64 " reported, %" PRIu64 " missing without a report\n", s->lost,
	       s->gaps);
	if (s->have_stat)
		printf("agent      %" PRIu64 " records produced, %" PRIu64 " lost\n",
		       s->agent_produced, s->agent_lost);
	if (s->last_ns)
		printf("time       %" PRIu64 ".%06" PRIu64 " to %" PRIu64 ".%06" PRIu64 " s\n",
		       s->first_ns / 1000000000, s->first_ns / 1000 % 1000000,
		       s->last_ns / 1000000000, s->last_ns / 1000 % 1000000);
	printf("size       %" PRIu64 " bytes in %" PRIu64 " sections", s->bytes, s->sections);
	if (s->records)
		printf("; %.1f for each of the records",
		       (double)s->event_bytes / (double)s->records);
	putchar('\n');
}

static void json_watches(struct hvt_json *j, const struct hvt_reader *r)
{
	const struct hvt_watch_fact *w;
	char letters[4], key[24], filter[HVT_FILTER_TEXT];
	size_t i;

	hvt_json_open(j, "watches");
	for (i = 0; (w = hvt_reader_watch(r, i)); i++) {
		hvt_access_letters(w->access, letters);
		snprintf(key, sizeof(key), "%" PRIu32, w->id);
		hvt_json_open(j, key);
		hvt_json_str(j, "spec", w->spec);
		hvt_json_hex(j, "addr", w->addr);
		hvt_json_u64(j, "len", w->len);
		hvt_json_str(j, "access", letters);
		hvt_json_u64(j, "pid", (uint64_t)(w->pid > 0 ? w->pid : 0));
		hvt_json_bool(j, "physical", w->flags & HVT_WATCH_PHYS);
		hvt_json_bool(j, "coalesced", w->flags & HVT_WATCH_COALESCE);
		if (w->filter)
			hvt_filter_text(w->filter, filter);
		hvt_json_str(j, "filter", w->filter ? filter : NULL);
		hvt_json_u64(j, "events", w->hits);
		hvt_json_close(j);
	}
	hvt_json_close(j);
}

static void json_traces(struct hvt_json *j, const struct hvt_reader *r)
{
	const struct hvt_trace_fact *t;
	char key[24];
	size_t i, k;

	hvt_json_open(j, "traces");
	for (i = 0; (t = hvt_reader_trace(r, i)); i++) {
		snprintf(key, sizeof(key), "%" PRIu32, t->id);
		hvt_json_open(j, key);
		hvt_json_str(j, "spec", t->spec);
		hvt_json_u64(j, "pid", (uint64_t)(t->pid > 0 ? t->pid : 0));
		for (k = 0; k < HVT_NR_TRACE_FLAGS; k++)
			hvt_json_bool(j, hvt_trace_flags[k].name,
				      t->flags & hvt_trace_flags[k].flag);
		hvt_json_hex(j, "addr", t->addr);
		hvt_json_u64(j, "len", t->len);
		hvt_json_hex(j, "from", t->from);
		hvt_json_hex(j, "to", t->to);
		hvt_json_u64(j, "after", t->after);
		hvt_json_u64(j, "count", t->count);
		hvt_json_u64(j, "on", t->on);
		hvt_json_u64(j, "instructions", t->instructions);
		hvt_json_close(j);
	}
	hvt_json_close(j);
}

static void json(const struct hvt_reader *r)
{
	const struct hvt_log_header *h = hvt_reader_header(r);
	const struct hvt_reader_stats *s = hvt_reader_stats(r);
	struct hvt_json j;

	hvt_json_begin(&j, stdout);
	hvt_json_str(&j, "type", "info");
	hvt_json_u64(&j, "version", h->version);
	hvt_json_u64(&j, "abi", h->abi);
	hvt_json_u64(&j, "cpus", h->nr_cpus);
	hvt_json_str(&j, "state", states[hvt_reader_state(r)]);
	hvt_json_str(&j, "ended", s->end_reason ? end_name(s->end_reason) : NULL);
	hvt_json_str(&j, "host", hvt_reader_host(r)); /* JSON text of the log, as a string */
	json_watches(&j, r);
	json_traces(&j, r);
	hvt_json_u64(&j, "instructions", s->instructions);
	hvt_json_u64(&j, "flows", s->flows);
	hvt_json_u64(&j, "accesses", s->accesses);
	hvt_json_u64(&j, "remaps", s->remaps);
	hvt_json_u64(&j, "records", s->records);
	hvt_json_u64(&j, "near", s->near);
	hvt_json_u64(&j, "filtered", s->filtered);
	hvt_json_u64(&j, "lost", s->lost);
	hvt_json_u64(&j, "gaps", s->gaps);
	hvt_json_u64(&j, "agent_produced", s->agent_produced);
	hvt_json_u64(&j, "agent_lost", s->agent_lost);
	hvt_json_u64(&j, "first_ns", s->first_ns);
	hvt_json_u64(&j, "last_ns", s->last_ns);
	hvt_json_u64(&j, "bytes", s->bytes);
	hvt_json_u64(&j, "sections", s->sections);
	hvt_json_u64(&j, "event_bytes", s->event_bytes);
	hvt_json_end(&j);
}

static void ignore(const struct hvt_event *ev, void *arg)
{
	(void)ev;
	(void)arg;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct hvt_reader *r;
	const char *path;
	bool as_json = false;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0)
		as_json = hvt_format_is_json(optarg);
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	code = hvt_log_read(path, 0, ignore, NULL, &r);
	if (hvt_reader_header(r)) {
		if (as_json)
			json(r);
		else
			text(r);
	}
	hvt_reader_free(r);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_info = {
	"info", run, "say what a log holds and whether it is whole", "[OPTION...] [FILE]", options,
};
