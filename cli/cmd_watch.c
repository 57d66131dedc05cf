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

enum { ACCESS, PID, OUTPUT, FORMAT, QUIET, FAIL_ON_LOSS, RING_SLOTS };

static const struct hvt_option options[] = {
	[ACCESS] = { "access", 'a', "LETTERS",
		     "of r, w, x: for the SPECs that follow (default rw)" },
	[PID] = { "pid", 'p', "PID", "whose memory SPECs without kernel: mean" },
	[OUTPUT] = { "output", 'o', "FILE", "keep the log in FILE ('-': on standard output)" },
	[FORMAT] = HVT_OPT_FORMAT,
	[QUIET] = { "quiet", 'q', NULL, "no lines when there is -o, no summary" },
	[FAIL_ON_LOSS] = { "fail-on-loss", 0, NULL, "exit with 4 when events were lost" },
	[RING_SLOTS] = { "ring-slots", 0, "N", "64-byte slots per CPU, a power of two" },
	HVT_OPT_HELP,
	{ 0 },
};

struct request {
	struct hvt_spec *specs;
	size_t nr_specs;
	const char *access; /* in force for the next SPEC */
	size_t nr_access;   /* how many -a there were */
	bool access_last;   /* no SPEC came after the last -a */
	const char *pid, *output, *ring_slots;
	bool json, quiet, fail_on_loss;
	char **command; /* behind --, NULL: none */
};

static void take_spec(struct request *rq, const char *text)
{
	struct hvt_spec *spec = &rq->specs[rq->nr_specs++];
	const char *why = hvt_spec_parse(text, spec);

	if (why)
		hvt_die(HVT_USAGE, "%s: %s", *text ? text : "SPEC", why);
	spec->access = rq->access;
	rq->access_last = false;
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
	case PID:
		if (!hvt_number(optarg, INT32_MAX, &v))
			hvt_die(HVT_USAGE, "-p %s: not a process id; try: a positive number",
				optarg);
		rq->pid = optarg;
		break;
	case OUTPUT:
		rq->output = optarg;
		break;
	case FORMAT:
		rq->json = hvt_format_is_json(optarg);
		break;
	case QUIET:
		rq->quiet = true;
		break;
	case FAIL_ON_LOSS:
		rq->fail_on_loss = true;
		break;
	case RING_SLOTS:
		if (!hvt_number(optarg, 1u << 30, &v) || (v & (v - 1)))
			hvt_die(HVT_USAGE, "--ring-slots %s: not a power of two; try: 16384",
				optarg);
		rq->ring_slots = optarg;
		break;
	}
}

static void parse(struct request *rq, const struct hvt_command *cmd, int argc, char **argv)
{
	size_t i;
	int o;

	memset(rq, 0, sizeof(*rq));
	rq->access = "rw";
	rq->specs = calloc((size_t)argc, sizeof(*rq->specs));
	if (!rq->specs)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	while ((o = hvt_next_option(cmd, argc, argv, true)) != HVT_OPT_END) {
		if (o == HVT_OPT_OPERAND)
			take_spec(rq, optarg);
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

/* The agent's arguments: owned by the caller, the strings by argv and rq. */
static char **agent_args(const struct request *rq, const char *pid, size_t *n)
{
	const char **args = calloc(4 + 4 * rq->nr_specs, sizeof(*args));
	size_t i, k = 0;

	if (!args)
		hvt_die(HVT_ERROR, "watch: %s; try: later", strerror(errno));
	if (pid) {
		args[k++] = "-p";
		args[k++] = pid;
	}
	if (rq->ring_slots) {
		args[k++] = "--ring-slots";
		args[k++] = rq->ring_slots;
	}
	for (i = 0; i < rq->nr_specs; i++) {
		args[k++] = "--watch";
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
	live.json = rq.json;
	live.quiet = rq.quiet;
	live.lines = !(rq.output && (rq.quiet || !strcmp(rq.output, "-")));
	live.reader = hvt_reader_new(0);
	if (!live.reader)
		hvt_die(HVT_ERROR, "watch: no memory or no capstone; try: later");
	live.signals = catch_signals(&old);
	if (rq.command) {
		hvt_target_start(&live.target, rq.command, &old);
		hvt_target_map_libraries(&live.target, rq.specs, rq.nr_specs);
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
	hvt_reader_free(live.reader);
	free(rq.specs);
	return code;
}

const struct hvt_command hvt_cmd_watch = {
	"watch",
	run,
	"say who touches memory, as it happens",
	"[OPTION...] SPEC... [-- COMMAND [ARG...]]",
	options,
};
