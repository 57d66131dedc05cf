/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace watch: who reads, writes or executes this memory. What the user wrote is checked
 * here; the rest is that of every command that records.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "watch.h"

/* From PHYS on an option is the agent's: it goes there as it is. */
enum {
	ACCESS,
	PROCESS,
	OUTPUT,
	FORMAT,
	RAW,
	QUIET,
	FAIL_ON_LOSS,
	PHYS,
	RING_SLOTS,
	COALESCE,
	PID,
	TID,
	COMM,
	CPU,
	USER,
	KERNEL,
	IP,
	CHANGED,
	VALUE,
	EVERY,
	LIMIT,
	NR_OPTIONS
};

static const struct hvt_option options[] = {
	[ACCESS] = { "access", 'a', "LETTERS",
		     "of r, w, x: for the SPECs that follow (default rw)" },
	[PROCESS] = { "process", 'p', "PID", "whose memory SPECs without kernel: mean" },
	[OUTPUT] = { "output", 'o', "FILE", "keep the log in FILE ('-': on standard output)" },
	[FORMAT] = HVT_OPT_EVENTS,
	[RAW] = HVT_OPT_RAW,
	[QUIET] = { "quiet", 'q', NULL, "no lines when there is -o, no summary" },
	[FAIL_ON_LOSS] = { "fail-on-loss", 0, NULL, "exit with 4 when events were lost" },
	[PHYS] = { "phys", 0, "ADDR[,LEN]", "watch physical memory, RAM or a device's" },
	[RING_SLOTS] = { "ring-slots", 0, "N", "64-byte slots per CPU, a power of two" },
	[COALESCE] = { "coalesce", 0, NULL, "one event for each run of a REP instruction" },
	[PID] = { "pid", 0, "LIST", NULL },
	[TID] = { "tid", 0, "LIST", NULL },
	[COMM] = { "comm", 0, "LIST", "only accesses by processes, threads, names" },
	[CPU] = { "cpu", 0, "LIST", "... on these CPUs: 0,2-3" },
	[USER] = { "user", 0, NULL, NULL },
	[KERNEL] = { "kernel", 0, NULL, "... by user code, by the kernel" },
	[IP] = { "ip", 0, "CODE", "... by code: 0xLO-0xHI, ADDR,LEN, SYMBOL, OBJECT" },
	[CHANGED] = { "changed", 0, NULL, "... that change a watched byte" },
	[VALUE] = { "value", 0, "'OP N'", "... that leave '>= 5', or by == != < <= > &" },
	[EVERY] = { "every", 0, "N", NULL },
	[LIMIT] = { "limit", 0, "N", "only each N-th of them, end after N" },
	[NR_OPTIONS] = HVT_OPT_HELP,
	{ 0 },
};

/* A SPEC waits for an -a that may come behind all of them. */
struct request {
	struct hvt_recording rec;
	struct {
		const char *text, *access;
		bool physical;
	} * specs;
	size_t nr_specs;
	const char *access; /* in force for the next SPEC */
	size_t nr_access;   /* how many -a there were */
	bool access_last;   /* no SPEC came after the last -a */
	const char *pid;
};

static void take_spec(struct request *rq, const char *text, bool physical)
{
	struct hvt_spec spec = { 0 };
	const char *why = physical ? NULL : hvt_spec_parse(text, &spec);

	if (why)
		hvt_die(HVT_USAGE, "%s: %s", *text ? text : "SPEC", why);
	if (!physical)
		*hvt_recording_spec(&rq->rec) = spec;
	rq->specs[rq->nr_specs].text = text;
	rq->specs[rq->nr_specs].physical = physical;
	rq->specs[rq->nr_specs++].access = rq->access;
	rq->access_last = false;
}

/* An option that the agent judges, as it is. */
static void pass_on(struct request *rq, int o)
{
	struct hvt_spec library;

	hvt_recording_pass(&rq->rec, "--%s%s%s", options[o].name, options[o].arg ? "=" : "",
			   options[o].arg ? optarg : "");
	if (o == IP && hvt_spec_library(optarg, &library))
		*hvt_recording_spec(&rq->rec) = library;
}

static void take_option(struct request *rq, int o)
{
	const char *why;
	uint64_t v;

	switch (o) {
	case ACCESS:
		why = hvt_access_check(optarg);
		if (why)
			hvt_die(HVT_USAGE, "-a %s: %s", optarg, why);
		rq->access = optarg;
		rq->nr_access++;
		rq->access_last = true;
		break;
	case PROCESS:
		if (!hvt_number(optarg, INT32_MAX, &v))
			hvt_die(HVT_USAGE, "-p %s: not a process id; try: a positive number",
				optarg);
		rq->pid = optarg;
		break;
	case PHYS:
		take_spec(rq, optarg, true);
		break;
	default:
		if (!hvt_recording_option(&rq->rec, options[o].name, optarg))
			pass_on(rq, o);
	}
}

static void parse(struct request *rq, const struct hvt_command *cmd, int argc, char **argv)
{
	size_t i;
	int o;

	memset(rq, 0, sizeof(*rq));
	rq->rec.name = "watch";
	rq->access = "rw";
	rq->specs = calloc((size_t)argc, sizeof(*rq->specs));
	if (!rq->specs)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	while ((o = hvt_next_option(cmd, argc, argv, true)) != HVT_OPT_END) {
		if (o == HVT_OPT_OPERAND)
			take_spec(rq, optarg, false);
		else
			take_option(rq, o);
	}
	hvt_recording_command(&rq->rec, argc, argv);
	if (!rq->nr_specs)
		hvt_die(HVT_USAGE, "watch: no SPEC; try: hvtrace watch jiffies_64");
	if (rq->rec.command && rq->pid)
		hvt_die(HVT_USAGE, "watch: -p and -- COMMAND are two targets; try: one of them");
	if (rq->access_last && rq->nr_access > 1)
		hvt_die(HVT_USAGE, "-a %s: no SPEC follows it; try: -a before its SPECs",
			rq->access);
	for (i = 0; rq->access_last && i < rq->nr_specs; i++)
		rq->specs[i].access = rq->access;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct request rq;
	size_t i;

	parse(&rq, cmd, argc, argv);
	if (rq.pid) {
		hvt_recording_pass(&rq.rec, "-p");
		hvt_recording_pass(&rq.rec, "%s", rq.pid);
	}
	for (i = 0; i < rq.nr_specs; i++) {
		hvt_recording_pass(&rq.rec, rq.specs[i].physical ? "--phys" : "--watch");
		hvt_recording_pass(&rq.rec, "%s", rq.specs[i].text);
		hvt_recording_pass(&rq.rec, "--access");
		hvt_recording_pass(&rq.rec, "%s", rq.specs[i].access);
	}
	free(rq.specs);
	return hvt_recording_run(&rq.rec);
}

const struct hvt_command hvt_cmd_watch = {
	"watch",
	run,
	"say who touches memory, as it happens",
	"[OPTION...] SPEC... [-- COMMAND [ARG...]]",
	options,
};
