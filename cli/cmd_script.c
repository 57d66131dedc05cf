/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace script: a log's events, as lines for people or as JSON lines. */
#include "cli.h"
#include "logfile.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_FORMAT,
	HVT_OPT_HELP,
	{ 0 },
};

static void print_event(const struct hvt_event *ev, void *json)
{
	if (*(bool *)json)
		hvt_event_json(stdout, ev);
	else
		hvt_event_text(stdout, ev);
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	const char *path;
	struct hvt_reader *r;
	bool json = false;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0)
		json = hvt_format_is_json(optarg);
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	code = hvt_log_read(path, print_event, &json, &r);
	hvt_reader_free(r);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_script = {
	"script", run, "print the events of a log", "[OPTION...] [FILE]", options,
};
