/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace report: who, from where, how often: accesses or instructions counted by what they have in common. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyse/calls.h"
#include "analyse/calls_print.h"
#include "analyse/input.h"
#include "analyse/keys.h"
#include "analyse/tally.h"
#include "lib/json.h"
#include "lib/line.h"

#define COLUMN_MAX 60 /* no key makes its column wider */

enum { SORT, ACCESSES, CALLS, LIMIT, FORMAT, NR_OPTIONS };

static const struct hvt_option options[] = {
	[SORT] = { "sort", 's', "KEY[,KEY]", "such as process,symbol (the default)" },
	[ACCESSES] = { "accesses", 0, NULL, "of a trace, too: count accesses" },
	[CALLS] = { "calls", 'c', NULL, "of a trace: who called whom, how often" },
	[LIMIT] = { "limit", 'n', "N", "print the N most frequent" },
	[FORMAT] = HVT_OPT_FORMAT,
	[NR_OPTIONS] = HVT_OPT_INPUT,
	{ 0 },
};

struct report {
	struct hvt_input input;
	struct hvt_keys keys;
	struct hvt_tally tally;
	struct hvt_calls *calls; /* NULL: not asked for */
	enum hvt_event_type of;	 /* what is counted; 0: not decided */
	uint64_t events, limit;
	uint64_t first_ns, last_ns;
};

static void count(const struct hvt_event *ev, void *arg)
{
	struct report *p = arg;
	struct hvt_line *l;

	/* a log of a trace is about instructions: what it watches only opens its window */
	if (!p->of)
		p->of = hvt_reader_trace(p->input.reader, 0) ? HVT_EV_INSN : HVT_EV_ACCESS;
	if (ev->type != p->of)
		return;
	l = hvt_line_start();
	hvt_keys_put(&p->keys, l, p->input.reader, ev);
	if (hvt_tally_add(&p->tally, l->p, l->len, ev->access, ev->ns) < 0)
		hvt_die(HVT_ERROR, "report: no memory for %zu rows; try: fewer keys", p->tally.n);
	if (!p->events++)
		p->first_ns = ev->ns;
	p->last_ns = ev->ns;
}

static void add_call(const struct hvt_event *ev, void *arg)
{
	struct report *p = arg;

	if (hvt_calls_add(p->calls, p->input.reader, ev))
		hvt_die(HVT_ERROR, "report: no memory for the calls; try: --time, --pid");
}

/* The next key of a row, NUL-terminated in place of its tab; advances *at. */
static char *next_key(char **at)
{
	char *key = *at, *tab = strchr(key, '\t');

	*tab = '\0';
	*at = tab + 1;
	return key;
}

static void text_rows(const struct report *p)
{
	size_t width[HVT_KEYS_MAX] = { 0 }, i, k, len;
	const struct hvt_tally_row *row;
	const char *at, *bold = hvt_colours() ? "\033[1m" : "";
	char *key;

	for (k = 0; k < p->keys.n; k++)
		width[k] = strlen(hvt_keys_name(&p->keys, k));
	for (i = 0; i < p->tally.n && i < p->limit; i++)
		for (k = 0, at = p->tally.rows[i].key; k < p->keys.n; k++, at += len + 1) {
			len = strcspn(at, "\t");
			if (len > width[k])
				width[k] = len < COLUMN_MAX ? len : COLUMN_MAX;
		}
	printf("%s# %7s %10s %12s %12s", bold, "share", "count", "first", "last");
	for (k = 0; k < p->keys.n; k++)
		printf("  %-*s", k + 1 < p->keys.n ? (int)width[k] : 0, hvt_keys_name(&p->keys, k));
	printf("%s\n", *bold ? "\033[0m" : "");
	for (i = 0; i < p->tally.n && i < p->limit; i++) {
		row = &p->tally.rows[i];
		printf("%8.2f%% %10" PRIu64 " %5" PRIu64 ".%06" PRIu64 " %5" PRIu64 ".%06" PRIu64,
		       100.0 * (double)row->count / (double)p->events, row->count,
		       row->first_ns / 1000000000, row->first_ns / 1000 % 1000000,
		       row->last_ns / 1000000000, row->last_ns / 1000 % 1000000);
		key = row->key;
		for (k = 0; k < p->keys.n; k++)
			printf("  %-*s", k + 1 < p->keys.n ? (int)width[k] : 0, next_key(&key));
		putchar('\n');
	}
}

static void text(const struct report *p)
{
	const struct hvt_reader_stats *s = hvt_reader_stats(p->input.reader);

	printf("# %" PRIu64 " %s, %" PRIu64 " records lost, %zu rows\n", p->events,
	       p->of == HVT_EV_INSN ? "instructions" : "accesses", s->lost + s->gaps, p->tally.n);
	text_rows(p);
}

static void json(const struct report *p)
{
	const struct hvt_tally_row *row;
	struct hvt_json j;
	size_t i, k;
	char *key;

	for (i = 0; i < p->tally.n && i < p->limit; i++) {
		row = &p->tally.rows[i];
		hvt_json_begin(&j, stdout);
		hvt_json_str(&j, "type", "report");
		hvt_json_u64(&j, "count", row->count);
		hvt_json_u64(&j, "total", p->events);
		hvt_json_u64(&j, "reads", row->reads);
		hvt_json_u64(&j, "writes", row->writes);
		hvt_json_u64(&j, "execs", row->execs);
		hvt_json_u64(&j, "first_ns", row->first_ns);
		hvt_json_u64(&j, "last_ns", row->last_ns);
		key = row->key;
		for (k = 0; k < p->keys.n; k++)
			hvt_json_str(&j, hvt_keys_name(&p->keys, k), next_key(&key));
		hvt_json_end(&j);
	}
}

static int report_calls(struct report *p, const char *path, bool as_json)
{
	int code;

	p->calls = hvt_calls_new();
	if (!p->calls)
		hvt_die(HVT_ERROR, "report: out of memory; try: later");
	code = hvt_input_read(&p->input, path, add_call, p);
	hvt_page();
	if (as_json)
		hvt_calls_json(stdout, p->calls);
	else
		hvt_calls_text(stdout, p->calls);
	hvt_calls_free(p->calls);
	hvt_reader_free(p->input.reader);
	return hvt_finish_output(code);
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct report p = { .limit = UINT64_MAX };
	bool as_json = false, calls = false;
	const char *path, *end;
	int o, code;

	hvt_keys_parse(&p.keys, "process,symbol");
	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == SORT)
			hvt_keys_parse(&p.keys, optarg);
		else if (o == ACCESSES)
			p.of = HVT_EV_ACCESS;
		else if (o == CALLS)
			calls = true;
		else if (o == FORMAT)
			as_json = hvt_format_is_json(optarg);
		else if (o != LIMIT)
			hvt_input_option(&p.input, options[o].name, optarg);
		else if (!hvt_parse_number(optarg, &p.limit, &end) || *end || !p.limit)
			hvt_die(HVT_USAGE, "--limit %s: not a number of rows; try: 20", optarg);
	}
	if (hvt_keys_have(&p.keys, "line"))
		hvt_input_lines(&p.input, "--sort line");
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (calls)
		return report_calls(&p, path, as_json);
	code = hvt_input_read(&p.input, path, count, &p);
	hvt_tally_sort(&p.tally);
	hvt_page();
	if (hvt_reader_header(p.input.reader)) {
		if (as_json)
			json(&p);
		else
			text(&p);
	}
	hvt_tally_free(&p.tally);
	hvt_reader_free(p.input.reader);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_report = {
	"report", run, "count accesses or instructions by who and where", "[OPTION...] [FILE]",
	options,
};
