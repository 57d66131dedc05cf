/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace trace: every instruction of a process, of a thread, of a command, of a kernel
 * function. What the user wrote is checked here; the rest is that of every command that
 * records.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "watch.h"

/* From REPEAT on an option is the agent's: it goes there as it is. */
enum {
	PROCESS,
	THREAD,
	FOLLOW,
	KERNEL,
	FROM,
	TO,
	ON,
	ACCESS,
	COUNT,
	AFTER,
	ONLY,
	SKIP,
	OUTPUT,
	FORMAT,
	RAW,
	QUIET,
	FAIL_ON_LOSS,
	REPEAT,
	REGS,
	MEM,
	RING_SLOTS,
	NR_OPTIONS
};

static const struct hvt_option options[] = {
	[PROCESS] = { "process", 'p', "PID", NULL },
	[THREAD] = { "thread", 't', "TID", "all threads that it has; this one" },
	[FOLLOW] = { "follow", 'f', NULL, "and the threads and processes that they make" },
	[KERNEL] = { "kernel", 'k', NULL, "the kernel, too; or the function SYMBOL, 0xLO-0xHI" },
	[FROM] = { "from", 0, "SPEC", NULL },
	[TO] = { "to", 0, "SPEC", "begin at this instruction, end behind this one" },
	[ON] = { "on", 0, "SPEC", "begin when this memory is accessed" },
	[ACCESS] = { "access", 'a', "LETTERS",
		     "... in one of these ways: of r, w, x (default rw)" },
	[COUNT] = { "count", 0, "N", NULL },
	[AFTER] = { "after", 0, "N", "end after N instructions, leave out the first N" },
	[ONLY] = { "only", 0, "CODE", NULL },
	[SKIP] = { "skip", 0, "CODE", "only, never in 0xLO-0xHI, ADDR,LEN, SYMBOL, OBJECT" },
	[OUTPUT] = { "output", 'o', "FILE", "keep the log in FILE ('-': on standard output)" },
	[FORMAT] = HVT_OPT_EVENTS,
	[RAW] = HVT_OPT_RAW,
	[QUIET] = { "quiet", 'q', NULL, "no lines when there is -o, no summary" },
	[FAIL_ON_LOSS] = { "fail-on-loss", 0, NULL, "exit with 4 when events were lost" },
	[REPEAT] = { "repeat", 0, NULL, "begin again at --from or --on" },
	[REGS] = { "regs", 0, NULL, NULL },
	[MEM] = { "mem", 0, NULL, "with the registers it changed, with its operands" },
	[RING_SLOTS] = { "ring-slots", 0, "N", "64-byte slots per CPU, a power of two" },
	[NR_OPTIONS] = HVT_OPT_HELP,
	{ 0 },
};

struct request {
	struct hvt_recording rec;
	const char *function;
	bool kernel, on, access;
	int targets;
};

static void take_place(struct request *rq, int o)
{
	struct hvt_spec spec;
	const char *why = hvt_spec_parse(optarg, &spec);

	if (why)
		hvt_die(HVT_USAGE, "--%s %s: %s", options[o].name, optarg, why);
	*hvt_recording_spec(&rq->rec) = spec;
	hvt_recording_pass(&rq->rec, "--%s=%s", options[o].name, optarg);
}

/* The libraries in a list of code. */
static void take_code(struct request *rq, int o)
{
	char *list = strdup(optarg), *part, *rest = list;
	struct hvt_spec library;

	if (!list)
		hvt_die(HVT_ERROR, "trace: no memory; try: later");
	while ((part = strsep(&rest, ",")))
		if (hvt_spec_library(part, &library))
			*hvt_recording_spec(&rq->rec) = library;
	free(list);
	hvt_recording_pass(&rq->rec, "--%s=%s", options[o].name, optarg);
}

static void take_number(struct request *rq, int o, uint64_t max)
{
	uint64_t v;

	if (!hvt_number(optarg, max, &v))
		hvt_die(HVT_USAGE, "--%s %s: not a positive number; try: --%s 1000",
			options[o].name, optarg, options[o].name);
	hvt_recording_pass(&rq->rec, "--%s=%s", options[o].name, optarg);
}

static void take_option(struct request *rq, int o)
{
	const char *why;

	switch (o) {
	case PROCESS:
	case THREAD:
		take_number(rq, o, INT32_MAX);
		rq->targets++;
		break;
	case FOLLOW:
		rq->rec.follow = true;
		hvt_recording_pass(&rq->rec, "--follow");
		break;
	case KERNEL:
		rq->kernel = true;
		break;
	case ON:
		rq->on = true;
		/* fall through */
	case FROM:
	case TO:
		take_place(rq, o);
		break;
	case ACCESS:
		why = hvt_access_check(optarg);
		if (why)
			hvt_die(HVT_USAGE, "-a %s: %s", optarg, why);
		rq->access = true;
		hvt_recording_pass(&rq->rec, "--access=%s", optarg);
		break;
	case COUNT:
	case AFTER:
		take_number(rq, o, UINT64_MAX);
		break;
	case ONLY:
	case SKIP:
		take_code(rq, o);
		break;
	default:
		if (!hvt_recording_option(&rq->rec, options[o].name, optarg))
			hvt_recording_pass(&rq->rec, "--%s%s%s", options[o].name,
					   options[o].arg ? "=" : "", options[o].arg ? optarg : "");
	}
}

static void parse(struct request *rq, const struct hvt_command *cmd, int argc, char **argv)
{
	int o;

	memset(rq, 0, sizeof(*rq));
	rq->rec.name = "trace";
	while ((o = hvt_next_option(cmd, argc, argv, true)) != HVT_OPT_END) {
		if (o >= 0)
			take_option(rq, o);
		else if (rq->function)
			hvt_die(HVT_USAGE, "%s: a second function; try: one of them", optarg);
		else
			rq->function = optarg;
	}
	hvt_recording_command(&rq->rec, argc, argv);
	rq->targets += !!rq->rec.command;
	if (rq->function && !rq->kernel)
		hvt_die(HVT_USAGE, "%s: an operand; try: --kernel %s, or -- %s", rq->function,
			rq->function, rq->function);
	if (rq->function && rq->targets)
		hvt_die(HVT_USAGE,
			"--kernel %s: a function is traced whoever enters it; try: "
			"without -p, -t and --",
			rq->function);
	if (!rq->targets && !rq->function)
		hvt_die(HVT_USAGE, "trace: no target; try: -p PID, -t TID, -- COMMAND or --kernel "
				   "FUNCTION");
	if (rq->targets > 1)
		hvt_die(HVT_USAGE, "trace: %d targets; try: one of them", rq->targets);
	if (rq->access && !rq->on)
		hvt_die(HVT_USAGE, "-a: of what memory; try: --on SPEC");
	if (rq->function)
		hvt_recording_pass(&rq->rec, "--function=%s", rq->function);
	else if (rq->kernel)
		hvt_recording_pass(&rq->rec, "--kernel");
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct request rq;

	parse(&rq, cmd, argc, argv);
	return hvt_recording_run(&rq.rec);
}

const struct hvt_command hvt_cmd_trace = {
	"trace",
	run,
	"every instruction of threads or of a kernel function",
	"[OPTION...] (-p PID | -t TID | -k SYMBOL | -- COMMAND...)",
	options,
};
