/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace stat: a log in numbers: totals, per CPU, per watch, rates over time. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/grid.h"
#include "analyse/input.h"
#include "analyse/names.h"
#include "lib/json.h"

#define INTERVALS 16
#define BAR	  32

enum { FORMAT, NR_OPTIONS };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_FORMAT,
	[NR_OPTIONS] = HVT_OPT_INPUT,
	{ 0 },
};

struct counts {
	uint64_t accesses, reads, writes, rmws, execs; /* each access is one of the last four */
	uint64_t bytes;				       /* touched, as far as sizes are known */
	uint64_t instructions, flows;
	uint64_t remaps, lost;
	uint64_t first_ns, last_ns;
};

struct by_id {
	uint32_t id;
	struct counts c;
};

struct stat {
	struct hvt_input input;
	struct counts total;
	struct by_id *cpus, *watches, *traces;
	size_t nr_cpus, nr_watches, nr_traces, last_watch, last_trace;
	struct hvt_grid grid;
};

static void add(struct counts *c, const struct hvt_event *ev)
{
	if (!c->first_ns)
		c->first_ns = ev->ns;
	c->last_ns = ev->ns;
	if (ev->type == HVT_EV_LOST)
		c->lost += ev->count;
	c->remaps += ev->type == HVT_EV_REMAP;
	c->instructions += ev->type == HVT_EV_INSN;
	c->flows += ev->type == HVT_EV_FLOW;
	if (ev->type != HVT_EV_ACCESS)
		return;
	c->accesses++;
	c->bytes += ev->size;
	if (ev->access & HVT_ACC_X)
		c->execs++;
	else if ((ev->access & (HVT_ACC_R | HVT_ACC_W)) == HVT_ACC_R)
		c->reads++;
	else if (ev->access == HVT_ACC_W)
		c->writes++;
	else
		c->rmws++;
}

/* The counts of this id: they come in few ids and in runs, *last is where it was. */
static struct counts *find(struct by_id **v, size_t *n, size_t *last, uint32_t id)
{
	struct by_id *grown;
	size_t i;

	if (*last < *n && (*v)[*last].id == id)
		return &(*v)[*last].c;
	for (i = 0; i < *n && (*v)[i].id != id; i++)
		;
	if (i == *n) {
		grown = realloc(*v, (*n + 1) * sizeof(**v));
		if (!grown)
			hvt_die(HVT_ERROR, "stat: no memory; try: later");
		*v = grown;
		memset(&grown[(*n)++], 0, sizeof(*grown));
		grown[i].id = id;
	}
	*last = i;
	return &(*v)[i].c;
}

static void count(const struct hvt_event *ev, void *arg)
{
	struct stat *s = arg;
	size_t last = ev->cpu; /* mostly in the order of their first events */
	uint32_t i;

	if (ev->type == HVT_EV_MARK)
		return;
	add(&s->total, ev);
	add(find(&s->cpus, &s->nr_cpus, &last, ev->cpu), ev);
	for (i = 0; i < ev->nr_watches; i++)
		add(find(&s->watches, &s->nr_watches, &s->last_watch, ev->watches[i]), ev);
	if (ev->type == HVT_EV_REMAP)
		add(find(&s->watches, &s->nr_watches, &s->last_watch, ev->watch), ev);
	if (ev->type == HVT_EV_INSN || ev->type == HVT_EV_FLOW)
		add(find(&s->traces, &s->nr_traces, &s->last_trace, ev->watch), ev);
	if (ev->type == HVT_EV_ACCESS || ev->type == HVT_EV_INSN)
		hvt_grid_count(&s->grid, 0, 0, ev->ns, ev->access, 0);
}

static int by_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static double per_second(uint64_t n, uint64_t ns)
{
	return ns ? (double)n * 1e9 / (double)ns : 0;
}

static void counts_line(const char *what, uint32_t id, const struct counts *c)
{
	printf("%-5s %5" PRIu32 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64
	       " %8" PRIu64,
	       what, id, c->accesses, c->reads, c->writes, c->rmws, c->execs, c->lost);
}

static void intervals(const struct stat *s)
{
	uint64_t most = 1, n, from;
	size_t i;

	for (i = 0; i < s->grid.used; i++)
		if (hvt_cell_sum(hvt_grid_at(&s->grid, 0, i)) > most)
			most = hvt_cell_sum(hvt_grid_at(&s->grid, 0, i));
	printf("\n%16s %10s %12s\n", "from", s->total.instructions ? "events" : "accesses",
	       "per second");
	for (i = 0; i < s->grid.used; i++) {
		n = hvt_cell_sum(hvt_grid_at(&s->grid, 0, i));
		from = s->grid.start_ns + i * s->grid.width_ns;
		printf("%6" PRIu64 ".%09" PRIu64 " %10" PRIu64 " %12.0f%s%.*s\n", from / 1000000000,
		       from % 1000000000, n, per_second(n, s->grid.width_ns), n ? "  " : "",
		       (int)((n * BAR + most - 1) / most), "################################");
	}
}

/* Of a log of traces: what was executed where, and of which trace. */
static void traces(const struct stat *s)
{
	const char *spec;
	size_t i;

	printf("\n%11s %12s %10s %8s\n", "", "instructions", "breaks", "lost");
	for (i = 0; i < s->nr_cpus; i++)
		printf("cpu   %5" PRIu32 " %12" PRIu64 " %10" PRIu64 " %8" PRIu64 "\n",
		       s->cpus[i].id, s->cpus[i].c.instructions, s->cpus[i].c.flows,
		       s->cpus[i].c.lost);
	for (i = 0; i < s->nr_traces; i++) {
		printf("trace %5" PRIu32 " %12" PRIu64 " %10" PRIu64 " %8" PRIu64 "  ",
		       s->traces[i].id, s->traces[i].c.instructions, s->traces[i].c.flows,
		       s->traces[i].c.lost);
		spec = hvt_spec_of(s->input.reader, s->traces[i].id);
		hvt_print_escaped(stdout, spec ? spec : "?", SIZE_MAX);
		putchar('\n');
	}
}

/* Of accesses. */
static void watches(const struct stat *s)
{
	const char *spec;
	size_t i;

	printf("\n%11s %10s %10s %10s %10s %8s %8s\n", "", "accesses", "read", "write",
	       "read+write", "execute", "lost");
	for (i = 0; i < s->nr_cpus; i++) {
		counts_line("cpu", s->cpus[i].id, &s->cpus[i].c);
		putchar('\n');
	}
	for (i = 0; i < s->nr_watches; i++) {
		counts_line("watch", s->watches[i].id, &s->watches[i].c);
		fputs("  ", stdout);
		spec = hvt_spec_of(s->input.reader, s->watches[i].id);
		hvt_print_escaped(stdout, spec ? spec : "?", SIZE_MAX);
		putchar('\n');
	}
}

static void text(const struct stat *s)
{
	const struct counts *t = &s->total;
	uint64_t span = t->last_ns - t->first_ns;
	bool accesses = t->accesses || !s->nr_traces;

	if (accesses) {
		printf("accesses   %" PRIu64 ": %" PRIu64 " read, %" PRIu64 " write, %" PRIu64
		       " read and write, %" PRIu64 " execute\n",
		       t->accesses, t->reads, t->writes, t->rmws, t->execs);
		printf("bytes      %" PRIu64 "\n", t->bytes);
	}
	if (s->nr_traces)
		printf("traced     %" PRIu64 " instructions, %" PRIu64
		       " breaks of their sequence\n",
		       t->instructions, t->flows);
	printf("lost       %" PRIu64 " records\n", t->lost);
	if (accesses)
		printf("remaps     %" PRIu64 "\n", t->remaps);
	printf("time       %" PRIu64 ".%09" PRIu64 " s\n", span / 1000000000, span % 1000000000);
	if (accesses)
		printf("rate       %.0f accesses per second\n", per_second(t->accesses, span));
	if (s->nr_traces)
		printf("rate       %.0f instructions per second\n",
		       per_second(t->instructions, span));
	if (accesses)
		watches(s);
	if (s->nr_traces)
		traces(s);
	if (s->grid.used)
		intervals(s);
}

static void json_counts(struct hvt_json *j, const struct counts *c)
{
	hvt_json_u64(j, "accesses", c->accesses);
	hvt_json_u64(j, "reads", c->reads);
	hvt_json_u64(j, "writes", c->writes);
	hvt_json_u64(j, "rmws", c->rmws);
	hvt_json_u64(j, "execs", c->execs);
	hvt_json_u64(j, "bytes", c->bytes);
	hvt_json_u64(j, "instructions", c->instructions);
	hvt_json_u64(j, "flows", c->flows);
	hvt_json_u64(j, "remaps", c->remaps);
	hvt_json_u64(j, "lost", c->lost);
	hvt_json_u64(j, "first_ns", c->first_ns);
	hvt_json_u64(j, "last_ns", c->last_ns);
	hvt_json_end(j);
}

static void json_by_id(const char *type, const struct by_id *v, size_t n)
{
	struct hvt_json j;
	size_t i;

	for (i = 0; i < n; i++) {
		hvt_json_begin(&j, stdout);
		hvt_json_str(&j, "type", type);
		hvt_json_u64(&j, "id", v[i].id);
		json_counts(&j, &v[i].c);
	}
}

static void json(const struct stat *s)
{
	struct hvt_json j;
	size_t i;

	hvt_json_begin(&j, stdout);
	hvt_json_str(&j, "type", "total");
	json_counts(&j, &s->total);
	json_by_id("cpu", s->cpus, s->nr_cpus);
	json_by_id("watch", s->watches, s->nr_watches);
	json_by_id("trace", s->traces, s->nr_traces);
	for (i = 0; i < s->grid.used; i++) {
		hvt_json_begin(&j, stdout);
		hvt_json_str(&j, "type", "interval");
		hvt_json_u64(&j, "from_ns", s->grid.start_ns + i * s->grid.width_ns);
		hvt_json_u64(&j, "ns", s->grid.width_ns);
		hvt_json_u64(&j, "accesses", hvt_cell_sum(hvt_grid_at(&s->grid, 0, i)));
		hvt_json_end(&j);
	}
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct stat s = { 0 };
	bool as_json = false;
	const char *path;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == FORMAT)
			as_json = hvt_format_is_json(optarg);
		else
			hvt_input_option(&s.input, options[o].name, optarg);
	}
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (hvt_grid_init(&s.grid, 1, INTERVALS))
		hvt_die(HVT_ERROR, "stat: no memory; try: later");
	code = hvt_input_read(&s.input, path, count, &s);
	if (s.nr_cpus)
		qsort(s.cpus, s.nr_cpus, sizeof(*s.cpus), by_id);
	if (s.nr_traces)
		qsort(s.traces, s.nr_traces, sizeof(*s.traces), by_id);
	if (s.nr_watches)
		qsort(s.watches, s.nr_watches, sizeof(*s.watches), by_id);
	hvt_page();
	if (hvt_reader_header(s.input.reader)) {
		if (as_json)
			json(&s);
		else
			text(&s);
	}
	free(s.cpus);
	free(s.watches);
	free(s.traces);
	hvt_grid_free(&s.grid);
	hvt_reader_free(s.input.reader);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_stat = {
	"stat",	 run, "a log in numbers: per CPU, per watch, over time", "[OPTION...] [FILE]",
	options,
};
