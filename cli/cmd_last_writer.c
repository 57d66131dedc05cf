/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace last-writer: who wrote each byte of watched memory last, as far as the log tells. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyse/input.h"
#include "analyse/said.h"
#include "analyse/where.h"

enum { BEFORE, PROCESS, PHYS, FORMAT, QUIET, VERBOSE };

static const struct hvt_option options[] = {
	[BEFORE] = { "before", 'b', "EVENT", "... before this event, not at the log's end" },
	[PROCESS] = { "process", 'p', "PID", "whose memory it is; 0: the kernel's" },
	[PHYS] = { "phys", 0, NULL, "ADDR is physical" },
	[FORMAT] = HVT_OPT_FORMAT,
	[QUIET] = HVT_OPT_QUIET,
	[VERBOSE] = HVT_OPT_VERB,
	HVT_OPT_HELP,
	{ 0 },
};

struct last_writer {
	struct hvt_input input;
	struct hvt_where where;
	struct hvt_which before;
	struct hvt_memory *memory;
	struct hvt_said said;
	size_t sweep_at;
	bool as_json, until, reached;
};

static _Noreturn void no_memory(void)
{
	hvt_die(HVT_ERROR, "last-writer: no memory; try: a shorter LEN");
}

/* Forget the events that no byte refers to any more. */
static void sweep(struct last_writer *w)
{
	const struct hvt_byte *b = hvt_memory_bytes(w->memory);
	struct hvt_said_event *e;
	uint64_t i;

	for (i = 0; i < w->where.len; i++) {
		e = hvt_said_find(&w->said, b[i].by);
		if (e)
			e->used = true;
	}
	hvt_said_sweep(&w->said);
	w->sweep_at = 2 * w->said.n + 1024;
}

static void take(const struct hvt_event *ev, void *arg)
{
	struct last_writer *w = arg;
	bool ours;

	if (!w->memory) {
		hvt_where_find(&w->where, w->input.reader);
		w->memory = hvt_memory_new(w->input.reader, w->where.space, w->where.addr,
					   w->where.len);
		w->sweep_at = 1024;
	}
	if (!w->memory)
		no_memory();
	if (w->until && !w->reached && hvt_is_which(&w->before, ev, w->input.number)) {
		w->reached = true;
		if (hvt_memory_keep_before(w->memory, ev))
			no_memory();
	}
	ours = hvt_memory_take(w->memory, ev, w->input.number);
	if (w->reached || !ours)
		return;
	if (hvt_said_add(&w->said, ev, w->input.number, w->as_json))
		no_memory();
	if (w->said.n >= w->sweep_at)
		sweep(w);
}

static void span(const struct last_writer *w, const struct hvt_byte *b, uint64_t at, uint64_t n)
{
	static const char *const names[] = {
		[HVT_WRITER_NONE] = "none",
		[HVT_WRITER_EVENT] = "event",
		[HVT_WRITER_MAYBE] = "maybe",
		[HVT_WRITER_UNKNOWN] = "unknown",
	};
	static const char *const words[] = {
		[HVT_WRITER_NONE] = "no write in the log",
		[HVT_WRITER_EVENT] = "",
		[HVT_WRITER_MAYBE] = "perhaps ",
		[HVT_WRITER_UNKNOWN] = "not known: records are missing, or the page moved",
	};
	const struct hvt_said_event *e = b->writer ? hvt_said_find(&w->said, b->by) : NULL;
	bool covered = hvt_memory_covered(w->memory, at);

	if (w->as_json) {
		printf("{\"type\":\"last-writer\",\"addr\":\"0x%" PRIx64 "\",\"len\":%" PRIu64
		       ",\"writer\":\"%s\",\"all_seen\":%s,\"event\":",
		       w->where.addr + at, n, names[b->writer], covered ? "true" : "false");
		if (e)
			printf("%" PRIu64 ",\"by\":%s}\n", e->number, e->line);
		else
			puts("null,\"by\":null}");
		return;
	}
	printf("0x%" PRIx64 ",%-4" PRIu64 " %s%s", w->where.addr + at, n, words[b->writer],
	       covered	 ? "" :
	       b->writer ? "(not all writes are watched) " :
			   "");
	if (e)
		printf("%sevent %" PRIu64 ": %s", b->writer == HVT_WRITER_UNKNOWN ? " since " : "",
		       e->number, e->line);
	putchar('\n');
}

static void print(const struct last_writer *w, const struct hvt_byte *b)
{
	uint64_t first = 0, i;

	for (i = 1; i <= w->where.len; i++) {
		if (i < w->where.len && b[i].writer == b[first].writer && b[i].by == b[first].by &&
		    hvt_memory_covered(w->memory, i) == hvt_memory_covered(w->memory, first))
			continue;
		span(w, &b[first], first, i - first);
		first = i;
	}
}

static void take_option(struct last_writer *w, int o)
{
	if (o == BEFORE) {
		w->until = true;
		hvt_which_parse(&w->before, optarg);
	} else if (o == PHYS) {
		w->where.physical = true;
	} else if (o == FORMAT) {
		w->as_json = hvt_format_is_json(optarg);
	} else if (o == PROCESS) {
		hvt_where_pid(&w->where, optarg);
	} else {
		hvt_input_option(&w->input, options[o].name, optarg);
	}
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct last_writer w = { .where.pid = -1 };
	const struct hvt_byte *bytes = NULL;
	const char *path;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0)
		take_option(&w, o);
	if (optind == argc)
		hvt_die(HVT_USAGE, "last-writer: no ADDR; try: hvtrace last-writer 0x404010,8");
	hvt_where_parse(&w.where, argv[optind++]);
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	code = hvt_input_read(&w.input, path, take, &w);
	if (w.memory)
		bytes = w.until ? hvt_memory_kept(w.memory) : hvt_memory_bytes(w.memory);
	if (bytes)
		print(&w, bytes);
	else if (hvt_reader_header(w.input.reader))
		hvt_warn("last-writer: the log has no such event; try: hvtrace script --fields "
			 "event,seq");
	hvt_memory_free(w.memory);
	hvt_said_free(&w.said);
	hvt_reader_free(w.input.reader);
	return hvt_finish_output(bytes ? code : HVT_ERROR);
}

const struct hvt_command hvt_cmd_last_writer = {
	"last-writer", run, "show who wrote watched memory last", "[OPTION...] ADDR[,LEN] [FILE]",
	options,
};
