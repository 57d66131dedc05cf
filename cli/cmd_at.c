/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace at: what watched memory held at an event, as far as the log tells. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyse/input.h"
#include "analyse/where.h"

#define ROW 16

enum { PROCESS, PHYS, FORMAT, QUIET, VERBOSE };

static const struct hvt_option options[] = {
	[PROCESS] = { "process", 'p', "PID", "whose memory it is; 0: the kernel's" },
	[PHYS] = { "phys", 0, NULL, "ADDR is physical" },
	[FORMAT] = HVT_OPT_FORMAT,
	[QUIET] = HVT_OPT_QUIET,
	[VERBOSE] = HVT_OPT_VERB,
	HVT_OPT_HELP,
	{ 0 },
};

struct at {
	struct hvt_input input;
	struct hvt_where where;
	struct hvt_which which;
	struct hvt_memory *memory;
	bool as_json, found;
	uint64_t number, ns, seq;
	uint32_t cpu;
};

static void take(const struct hvt_event *ev, void *arg)
{
	struct at *a = arg;

	if (!a->memory) {
		hvt_where_find(&a->where, a->input.reader);
		a->memory = hvt_memory_new(a->input.reader, a->where.space, a->where.addr,
					   a->where.len);
	}
	if (!a->memory)
		hvt_die(HVT_ERROR, "at: no memory; try: a shorter LEN");
	hvt_memory_take(a->memory, ev, a->input.number);
	if (!hvt_is_which(&a->which, ev, a->input.number))
		return;
	if (hvt_memory_keep(a->memory))
		hvt_die(HVT_ERROR, "at: no memory; try: a shorter LEN");
	a->found = true;
	a->number = a->input.number;
	a->ns = ev->ns;
	a->cpu = ev->cpu;
	a->seq = ev->seq;
	if (!a->as_json) {
		printf("# event %" PRIu64 ": ", a->number);
		hvt_event_text(stdout, ev);
	}
}

static void text(const struct at *a, const struct hvt_byte *b)
{
	const char *dim = hvt_colours() ? "\033[2m" : "", *normal = *dim ? "\033[0m" : "";
	uint64_t i, k;

	if (hvt_memory_kept_in_loss(a->memory))
		puts("# records are missing around it: only what the event itself says is known");
	for (i = 0; i < a->where.len; i += ROW) {
		printf("%016" PRIx64 " ", a->where.addr + i);
		for (k = i; k < i + ROW; k++) {
			if (k == i + ROW / 2)
				putchar(' ');
			if (k >= a->where.len)
				fputs("   ", stdout);
			else if (b[k].known)
				printf(" %02x", b[k].value);
			else
				printf(" %s??%s", dim, normal);
		}
		fputs("  |", stdout);
		for (k = i; k < i + ROW && k < a->where.len; k++)
			putchar(!b[k].known			       ? '?' :
				b[k].value >= ' ' && b[k].value < 0x7f ? b[k].value :
									 '.');
		puts("|");
	}
}

static void json(const struct at *a, const struct hvt_byte *b)
{
	uint64_t i, known = 0;

	printf("{\"type\":\"memory\",\"event\":%" PRIu64 ",\"cpu\":%" PRIu32 ",\"seq\":%" PRIu64
	       ",\"ns\":%" PRIu64 ",\"addr\":\"0x%" PRIx64 "\",\"len\":%" PRIu64 ",\"pid\":%" PRId32
	       ",\"physical\":%s,\"bytes\":\"",
	       a->number, a->cpu, a->seq, a->ns, a->where.addr, a->where.len, a->where.space.pid,
	       a->where.space.physical ? "true" : "false");
	for (i = 0; i < a->where.len; i++) {
		known += b[i].known;
		if (b[i].known)
			printf("%02x", b[i].value);
		else
			fputs("??", stdout);
	}
	printf("\",\"known\":%" PRIu64 ",\"in_loss\":%s}\n", known,
	       hvt_memory_kept_in_loss(a->memory) ? "true" : "false");
}

static void take_option(struct at *a, int o)
{
	if (o == PHYS)
		a->where.physical = true;
	else if (o == FORMAT)
		a->as_json = hvt_format_is_json(optarg);
	else if (o == PROCESS)
		hvt_where_pid(&a->where, optarg);
	else
		hvt_input_option(&a->input, options[o].name, optarg);
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct at a = { .where.pid = -1 };
	const struct hvt_byte *bytes;
	const char *path;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0)
		take_option(&a, o);
	if (argc - optind < 2)
		hvt_die(HVT_USAGE, "at: no %s; try: hvtrace at 12 0x404010,8",
			optind < argc ? "ADDR" : "EVENT");
	hvt_which_parse(&a.which, argv[optind++]);
	hvt_where_parse(&a.where, argv[optind++]);
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	code = hvt_input_read(&a.input, path, take, &a);
	bytes = a.memory ? hvt_memory_kept(a.memory) : NULL;
	if (bytes && a.as_json)
		json(&a, bytes);
	else if (bytes)
		text(&a, bytes);
	else if (hvt_reader_header(a.input.reader))
		hvt_warn("at: the log has no such event; try: hvtrace script --fields event,seq");
	hvt_memory_free(a.memory);
	hvt_reader_free(a.input.reader);
	return hvt_finish_output(bytes ? code : HVT_ERROR);
}

const struct hvt_command hvt_cmd_at = {
	"at",
	run,
	"show what watched memory held at an event",
	"[OPTION...] EVENT ADDR[,LEN] [FILE]",
	options,
};
