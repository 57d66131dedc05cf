/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace script: a log's events, as lines for people, for scripts, or for other tools. */
#include "cli.h"
#include "logfile.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "analyse/fields.h"
#include "analyse/input.h"

#define OUTPUT_BUFFER (64u << 10)

enum { FORMAT, FIELDS, LINES, RAW, NR_OPTIONS };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_EVENTS,
	[FIELDS] = { "fields", 0, "LIST", "these columns, of text or csv: time,comm,addr" },
	[LINES] = { "lines", 0, NULL, "lines of source, where there is debug information" },
	[RAW] = HVT_OPT_RAW,
	[NR_OPTIONS] = HVT_OPT_INPUT,
	{ 0 },
};

struct script {
	struct hvt_input input;
	struct hvt_printer printer;
};

static void print_event(const struct hvt_event *ev, void *arg)
{
	struct script *s = arg;

	s->printer.reader = s->input.reader;
	s->printer.number = s->input.number;
	hvt_print_event(&s->printer, ev);
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct script s = { .printer = { .format = HVT_TEXT } };
	const char *path;
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == FORMAT)
			s.printer.format = hvt_format_of_events(optarg);
		else if (o == FIELDS)
			s.printer.fields = hvt_fields_new(optarg);
		else if (o == LINES)
			hvt_input_lines(&s.input, "--lines");
		else if (o == RAW)
			s.input.reader_flags |= HVT_READER_NO_DEMANGLE;
		else
			hvt_input_option(&s.input, options[o].name, optarg);
	}
	if (s.printer.fields && s.printer.format != HVT_TEXT && s.printer.format != HVT_CSV)
		hvt_die(HVT_USAGE, "--fields: this format has its own; try: --format csv");
	if (s.printer.fields && hvt_fields_have(s.printer.fields, "line"))
		hvt_input_lines(&s.input, "--fields line");
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	hvt_page();
	/* stdio's own would be written every few lines, and there is one thread */
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	__fsetlocking(stdout, FSETLOCKING_BYCALLER);
	code = hvt_input_read(&s.input, path, print_event, &s);
	s.printer.reader = s.input.reader;
	if (hvt_reader_header(s.printer.reader))
		hvt_print_event(&s.printer, NULL);
	hvt_reader_free(s.printer.reader);
	free(s.printer.fields);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_script = {
	"script", run, "print the events of a log", "[OPTION...] [FILE]", options,
};
