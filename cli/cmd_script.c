/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace script: a log's events, as lines for people, for scripts, or for other tools. */
#include "cli.h"
#include "logfile.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_BUFFER (256u << 10)

enum { FORMAT, RAW };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_EVENTS,
	[RAW] = HVT_OPT_RAW,
	HVT_OPT_HELP,
	{ 0 },
};

static void print_event(const struct hvt_event *ev, void *printer)
{
	hvt_print_event(printer, ev);
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct hvt_printer printer = { .format = HVT_TEXT };
	unsigned int flags = 0;
	const char *path;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == RAW)
			flags |= HVT_READER_NO_DEMANGLE;
		else
			printer.format = hvt_format_of_events(optarg);
	}
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	/* stdio's own would be written every few lines */
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	code = hvt_log_read(path, flags, print_event, &printer, &printer.reader);
	if (hvt_reader_header(printer.reader))
		hvt_print_event(&printer, NULL);
	hvt_reader_free(printer.reader);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_script = {
	"script", run, "print the events of a log", "[OPTION...] [FILE]", options,
};
