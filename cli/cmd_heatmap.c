/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace heatmap: which watched bytes were touched when, as a picture. */
#include "cli.h"
#include "logfile.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyse/heat.h"

#define SVG_ROWS 160
#define SVG_COLS 256

enum { OUTPUT, ROWS, COLS, NR_OPTIONS };

static const struct hvt_option options[] = {
	[OUTPUT] = { "output", 'o', "FILE.html|FILE.svg", "a picture with zoom, for a browser" },
	[ROWS] = { "rows", 0, "N", NULL },
	[COLS] = { "cols", 0, "N", "at most about so many" },
	[NR_OPTIONS] = HVT_OPT_INPUT,
	{ 0 },
};

struct heatmap {
	struct hvt_input input;
	struct hvt_heat heat;
	size_t rows, cols;
	bool begun;
};

static void begin(struct heatmap *m)
{
	if (!m->begun)
		hvt_heat_init(&m->heat, m->input.reader, &m->input, m->rows, m->cols);
	m->begun = true;
}

static void take(const struct hvt_event *ev, void *arg)
{
	struct heatmap *m = arg;

	begin(m);
	hvt_heat_take(&m->heat, m->input.reader, ev);
}

static bool ends_with(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && !strcmp(s + strlen(s) - strlen(end), end);
}

static int picture(const struct heatmap *m, const char *path)
{
	FILE *out = fopen(path, "we");
	bool bad;

	if (out) {
		hvt_heat_svg(&m->heat, out, ends_with(path, ".html"));
		bad = ferror(out);
		if (!fclose(out) && !bad)
			return HVT_OK;
	}
	hvt_warn("%s: %s; try: another FILE", path, strerror(errno));
	return HVT_ERROR;
}

static size_t take_number(int o)
{
	const char *end;
	uint64_t n;

	if (!hvt_parse_number(optarg, &n, &end) || *end || n < 2 || n > HVT_HEAT_ROWS_MAX)
		hvt_die(HVT_USAGE, "--%s %s: not a number from 2 to %d; try: 100", options[o].name,
			optarg, HVT_HEAT_ROWS_MAX);
	return (size_t)n;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct heatmap m = { 0 };
	const char *path, *output = NULL;
	unsigned int lines, columns = hvt_columns(&lines);
	int o, code;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == OUTPUT)
			output = optarg;
		else if (o == ROWS)
			m.rows = take_number(o);
		else if (o == COLS)
			m.cols = take_number(o);
		else
			hvt_input_option(&m.input, options[o].name, optarg);
	}
	if (output && !ends_with(output, ".html") && !ends_with(output, ".svg"))
		hvt_die(HVT_USAGE, "-o %s: neither .html nor .svg; try: -o heat.html", output);
	if (!m.rows)
		m.rows = output ? SVG_ROWS : lines - 4;
	if (!m.cols)
		m.cols = output ? SVG_COLS : columns > 48 ? columns - 28 : 20;
	path = hvt_log_operand(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	code = hvt_input_read(&m.input, path, take, &m);
	if (hvt_reader_header(m.input.reader)) {
		begin(&m);
		if (!output)
			hvt_page();
		if (!output)
			hvt_heat_text(&m.heat);
		else if (picture(&m, output))
			code = HVT_ERROR;
	}
	hvt_heat_free(&m.heat);
	hvt_reader_free(m.input.reader);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_heatmap = {
	"heatmap", run, "draw accesses over address and time", "[OPTION...] [FILE]", options,
};
