/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hvtrace watch and hvtrace trace have in common: their options about the log and its
 * lines, and the order of the steps from a parsed command line to its end.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include <hvtrace/hvtrace.h>

#include "watch.h"

void hvt_recording_pass(struct hvt_recording *r, const char *format, ...)
{
	char **grown = realloc(r->args, (r->nr_args + 1) * sizeof(*grown));
	va_list ap;

	if (!grown)
		hvt_die(HVT_ERROR, "%s: %s; try: later", r->name, strerror(errno));
	r->args = grown;
	va_start(ap, format);
	if (vasprintf(&r->args[r->nr_args++], format, ap) < 0)
		hvt_die(HVT_ERROR, "%s: %s; try: later", r->name, strerror(errno));
	va_end(ap);
}

struct hvt_spec *hvt_recording_spec(struct hvt_recording *r)
{
	struct hvt_spec *grown = realloc(r->specs, (r->nr_specs + 1) * sizeof(*grown));

	if (!grown)
		hvt_die(HVT_ERROR, "%s: %s; try: later", r->name, strerror(errno));
	r->specs = grown;
	memset(&grown[r->nr_specs], 0, sizeof(*grown));
	return &grown[r->nr_specs++];
}

bool hvt_recording_option(struct hvt_recording *r, const char *option, const char *arg)
{
	if (!strcmp(option, "output"))
		r->output = arg;
	else if (!strcmp(option, "format"))
		r->format = hvt_format_of_events(arg);
	else if (!strcmp(option, "no-demangle"))
		r->reader_flags |= HVT_READER_NO_DEMANGLE;
	else if (!strcmp(option, "quiet"))
		r->quiet = true;
	else if (!strcmp(option, "fail-on-loss"))
		r->fail_on_loss = true;
	else
		return false;
	return true;
}

void hvt_recording_command(struct hvt_recording *r, int argc, char **argv)
{
	/* with operands returned in order, only -- leaves something behind */
	if (optind < argc)
		r->command = argv + optind;
	else if (!strcmp(argv[argc - 1], "--"))
		hvt_die(HVT_USAGE, "%s: no command behind --; try: -- COMMAND [ARG...]", r->name);
}

/* The signals that end it arrive through a descriptor. The mask from before in *old. */
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

/* The command, stopped where it can be named. False: it has ended already. */
static bool start_target(struct hvt_recording *r, struct hvt_live *live, const sigset_t *mask)
{
	hvt_target_start(&live->target, r->command, mask);
	hvt_target_map_libraries(&live->target, r->specs, r->nr_specs);
	if (!live->target.ended) {
		hvt_recording_pass(r, "-p");
		hvt_recording_pass(r, "%d", live->target.pid);
		return true;
	}
	hvt_tee_close(&live->tee);
	hvt_warn("%s: ended while it was being loaded; try: run it alone", r->command[0]);
	return false;
}

static void free_recording(struct hvt_recording *r)
{
	while (r->nr_args)
		free(r->args[--r->nr_args]);
	free(r->args);
	free(r->specs);
}

int hvt_recording_run(struct hvt_recording *r)
{
	static struct hvt_live live;
	sigset_t old;
	int code;

	hvt_agent_path(); /* no agent: say so before anything is started */
	hvt_tee_open(&live.tee, r->output);
	live.name = r->name;
	live.follow = r->follow;
	live.printer.format = r->format;
	live.quiet = r->quiet;
	live.lines = !(r->output && (r->quiet || !strcmp(r->output, "-")));
	live.printer.reader = hvt_reader_new(r->reader_flags);
	if (!live.printer.reader)
		hvt_die(HVT_ERROR, "%s: no memory or no capstone; try: later", r->name);
	live.signals = catch_signals(&old);
	if (r->command && !start_target(r, &live, &old))
		return hvt_target_code(&live.target);
	hvt_agent_start(&live.agent, r->name, r->args, r->nr_args);
	hvt_drop_privileges();
	code = hvt_live_run(&live);
	if (r->fail_on_loss && live.lost && !code)
		code = HVT_LOST;
	hvt_reader_free(live.printer.reader);
	free(live.printer.fields);
	free_recording(r);
	return code;
}
