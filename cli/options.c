/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Option tables: one place says what an option is called, what it takes and what it
 * does; getopt_long's tables and the help text are made from it here.
 */
#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32

int hvt_next_option(const struct hvt_command *cmd, int argc, char **argv, bool in_order)
{
	struct option longs[OPTIONS_MAX + 1] = { 0 };
	char shorts[2 * OPTIONS_MAX + 4];
	const struct hvt_option *o;
	int n = 0, at = 0, c, index = -1;

	if (in_order)
		shorts[at++] = '-';
	shorts[at++] = ':';
	for (o = cmd->options; o->name && n < OPTIONS_MAX; o++, n++) {
		longs[n].name = o->name;
		longs[n].has_arg = o->arg ? required_argument : no_argument;
		longs[n].val = 256 + n;
		if (o->letter) {
			shorts[at++] = o->letter;
			if (o->arg)
				shorts[at++] = ':';
		}
	}
	shorts[at] = '\0';
	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == -1)
		return HVT_OPT_END;
	if (c == 1 && in_order)
		return HVT_OPT_OPERAND;
	if (c == ':')
		hvt_die(HVT_USAGE, "%s: %s: its argument is missing; try: hvtrace %s --help",
			cmd->name, argv[optind - 1], cmd->name);
	if (c >= 256)
		index = c - 256;
	for (n = 0; index < 0 && cmd->options[n].name; n++)
		if (cmd->options[n].letter == c)
			index = n;
	if (index >= 0 && !strcmp(cmd->options[index].name, "help")) {
		hvt_print_help(cmd);
		exit(hvt_finish_output(HVT_OK));
	}
	if (index >= 0)
		return index;
	/* getopt stays on a cluster of letters until it is done with it: name the letter */
	if (optopt && optopt < 256)
		hvt_die(HVT_USAGE, "%s: -%c: unknown option; try: hvtrace %s --help", cmd->name,
			optopt, cmd->name);
	hvt_die(HVT_USAGE, "%s: %s: unknown or misused option; try: hvtrace %s --help", cmd->name,
		argv[optind - 1], cmd->name);
}

/* "-a, --access LETTERS"; the names that share a line follow each other. */
static const struct hvt_option *print_option(const struct hvt_option *o)
{
	char left[80];
	size_t at = 0;

	for (;; o++) {
		if (o->letter || !at)
			at += (size_t)snprintf(left + at, sizeof(left) - at, "%c%c%s",
					       o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
					       o->letter ? ", " : "  ");
		at += (size_t)snprintf(left + at, sizeof(left) - at, "--%s", o->name);
		if (o->arg && (o->help || strcmp(o->arg, o[1].arg ? o[1].arg : "") != 0))
			at += (size_t)snprintf(left + at, sizeof(left) - at, " %s", o->arg);
		if (o->help)
			break;
		at += (size_t)snprintf(left + at, sizeof(left) - at, ", ");
	}
	printf("  %-26s  %s\n", left, o->help);
	return o + 1;
}

void hvt_print_help(const struct hvt_command *cmd)
{
	const struct hvt_option *o = cmd->options;

	printf("usage: hvtrace %s%s%s\n\n%s.\n\n", cmd->name, cmd->operands[0] ? " " : "",
	       cmd->operands, cmd->summary);
	while (o->name)
		o = print_option(o);
	printf("\nMore: man hvtrace-%s\n", cmd->name);
}

enum hvt_format hvt_format_of_events(const char *arg)
{
	static const char *const names[] = {
		[HVT_TEXT] = "text",
		[HVT_JSON] = "json",
		[HVT_CSV] = "csv",
		[HVT_MMIOTRACE] = "mmiotrace",
		[HVT_PERF_SCRIPT] = "perf-script",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arg, names[i]))
			return (enum hvt_format)i;
	hvt_die(HVT_USAGE, "--format %s: no such format; try: one of %s", arg, HVT_FORMATS);
}

bool hvt_format_is_json(const char *arg)
{
	if (!strcmp(arg, "json"))
		return true;
	if (strcmp(arg, "text"))
		hvt_die(HVT_USAGE, "--format %s: no such format; try: text or json", arg);
	return false;
}
