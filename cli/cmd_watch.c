/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace watch: who reads, writes or executes this memory. Checks what the user wrote,
 * starts the target (stopped) and the agent, gives up privileges, and runs the live loop.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

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

struct request {
	struct hvt_spec *specs;
	size_t nr_specs;
	struct hvt_spec *code; /* libraries that --ip names */
	size_t nr_code;
	char **pass; /* the agent's own options */
	size_t nr_pass;
	const char *access; /* in force for the next SPEC */
	size_t nr_access;   /* how many -a there were */
	bool access_last;   /* no SPEC came after the last -a */
	const char *pid, *output;
	enum hvt_format format;
	unsigned int reader_flags; /* HVT_READER_* */
	bool quiet, fail_on_loss;
	char **command; /* behind --, NULL: none */
};

static void take_spec(struct request *rq, const char *text, bool physical)
{
	struct hvt_spec *spec = &rq->specs[rq->nr_specs++];
	const char *why = physical ? NULL : hvt_spec_parse(text, spec);

	if (why)
		hvt_die(HVT_USAGE, "%s: %s", *text ? text : "SPEC", why);
	spec->text = text;
	spec->physical = physical;
	spec->access = rq->access;
	rq->access_last = false;
}

/* An option that the agent judges, as it is. */
static void pass_on(struct request *rq, int o)
{
	if (asprintf(&rq->pass[rq->nr_pass++], "--%s%s%s", options[o].name,
		     options[o].arg ? "=" : "", options[o].arg ? optarg : "") < 0)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	if (o == IP && hvt_spec_library(optarg, &rq->code[rq->nr_code]))
		rq->nr_code++;
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
	case OUTPUT:
		rq->output = optarg;
		break;
	case FORMAT:
		rq->format = hvt_format_of_events(optarg);
		break;
	case RAW:
		rq->reader_flags |= HVT_READER_NO_DEMANGLE;
		break;
	case QUIET:
		rq->quiet = true;
		break;
	case FAIL_ON_LOSS:
		rq->fail_on_loss = true;
		break;
	case PHYS:
		take_spec(rq, optarg, true);
		break;
	default:
		pass_on(rq, o);
	}
}

static void parse(struct request *rq, const struct hvt_command *cmd, int argc, char **argv)
{
	size_t i;
	int o;

	memset(rq, 0, sizeof(*rq));
	rq->access = "rw";
	/* the libraries of --ip behind the SPECs */
	rq->specs = calloc(2 * (size_t)argc, sizeof(*rq->specs));
	rq->code = calloc((size_t)argc, sizeof(*rq->code));
	rq->pass = calloc((size_t)argc, sizeof(*rq->pass));
	if (!rq->specs || !rq->code || !rq->pass)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	while ((o = hvt_next_option(cmd, argc, argv, true)) != HVT_OPT_END) {
		if (o == HVT_OPT_OPERAND)
			take_spec(rq, optarg, false);
		else
			take_option(rq, o);
	}
	/* with operands returned in order, only -- leaves something behind */
	if (optind < argc)
		rq->command = argv + optind;
	else if (!strcmp(argv[argc - 1], "--"))
		hvt_die(HVT_USAGE, "watch: no command behind --; try: -- COMMAND [ARG...]");
	if (!rq->nr_specs)
		hvt_die(HVT_USAGE, "watch: no SPEC; try: hvtrace watch jiffies_64");
	if (rq->command && rq->pid)
		hvt_die(HVT_USAGE, "watch: -p and -- COMMAND are two targets; try: one of them");
	if (rq->access_last && rq->nr_access > 1)
		hvt_die(HVT_USAGE, "-a %s: no SPEC follows it; try: -a before its SPECs",
			rq->access);
	for (i = 0; rq->access_last && i < rq->nr_specs; i++)
		rq->specs[i].access = rq->access;
}

static void free_request(struct request *rq)
{
	while (rq->nr_pass)
		free(rq->pass[--rq->nr_pass]);
	free(rq->pass);
	free(rq->code);
	free(rq->specs);
}

/* The agent's arguments: owned by the caller, the strings by argv and rq. */
static char **agent_args(const struct request *rq, const char *pid, size_t *n)
{
	const char **args = calloc(2 + rq->nr_pass + 4 * rq->nr_specs, sizeof(*args));
	size_t i, k = 0;

	if (!args)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	if (pid) {
		args[k++] = "-p";
		args[k++] = pid;
	}
	for (i = 0; i < rq->nr_pass; i++)
		args[k++] = rq->pass[i];
	for (i = 0; i < rq->nr_specs; i++) {
		args[k++] = rq->specs[i].physical ? "--phys" : "--watch";
		args[k++] = rq->specs[i].text;
		args[k++] = "--access";
		args[k++] = rq->specs[i].access;
	}
	*n = k;
	return (char **)args;
}

/* The signals that end a watch arrive through a descriptor. The mask from before in *old. */
static int catch_signals(sigset_t *old)
{
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	signal(SIGCHLD, SIG_DFL); /* ignored, children would vanish unreaped */
	signal(SIGPIPE, SIG_IGN);
	fd = sigprocmask(SIG_BLOCK, &mask, old) ? -1 : signalfd(-1, &mask, SFD_CLOEXEC);
	if (fd < 0)
		hvt_die(HVT_ERROR, "signalfd: %s; try: close some programs", strerror(errno));
	return fd;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	static struct hvt_live live;
	struct request rq;
	char target_pid[16];
	const char *pid;
	sigset_t old;
	char **args;
	size_t nargs;
	int code;

	parse(&rq, cmd, argc, argv);
	pid = rq.pid;
	hvt_agent_path(); /* no agent: say so before anything is started */
	hvt_tee_open(&live.tee, rq.output);
	live.printer.format = rq.format;
	live.quiet = rq.quiet;
	live.lines = !(rq.output && (rq.quiet || !strcmp(rq.output, "-")));
	live.printer.reader = hvt_reader_new(rq.reader_flags);
	if (!live.printer.reader)
		hvt_die(HVT_ERROR, "watch: no memory or no capstone; try: later");
	live.signals = catch_signals(&old);
	if (rq.command) {
		hvt_target_start(&live.target, rq.command, &old);
		memcpy(rq.specs + rq.nr_specs, rq.code, rq.nr_code * sizeof(*rq.code));
		hvt_target_map_libraries(&live.target, rq.specs, rq.nr_specs + rq.nr_code);
		if (live.target.ended) {
			hvt_tee_close(&live.tee);
			hvt_warn("%s: ended while it was being loaded; try: run it alone",
				 rq.command[0]);
			return hvt_target_code(&live.target);
		}
		snprintf(target_pid, sizeof(target_pid), "%d", live.target.pid);
		pid = target_pid;
	}
	args = agent_args(&rq, pid, &nargs);
	hvt_agent_start(&live.agent, args, nargs);
	free(args);
	hvt_drop_privileges();
	code = hvt_live_run(&live);
	if (rq.fail_on_loss && live.lost && !code)
		code = HVT_LOST;
	hvt_reader_free(live.printer.reader);
	free(live.printer.fields);
	free_request(&rq);
	return code;
}

const struct hvt_command hvt_cmd_watch = {
	"watch",
	run,
	"say who touches memory, as it happens",
	"[OPTION...] SPEC... [-- COMMAND [ARG...]]",
	options,
};
