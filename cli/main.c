/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace: the command table, and the options that belong to no command. Each command
 * lives in a file of its own.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct hvt_command *const commands[] = {
	&hvt_cmd_check,	  &hvt_cmd_attach, &hvt_cmd_detach,	 &hvt_cmd_status, &hvt_cmd_watch,
	&hvt_cmd_trace,	  &hvt_cmd_mark,   &hvt_cmd_script,	 &hvt_cmd_report, &hvt_cmd_stat,
	&hvt_cmd_heatmap, &hvt_cmd_at,	   &hvt_cmd_last_writer, &hvt_cmd_diff,	  &hvt_cmd_info,
	&hvt_cmd_verify,  &hvt_cmd_export,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct hvt_command *find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int help(void)
{
	size_t i;

	puts("usage: hvtrace COMMAND [OPTION...]  (or: help COMMAND, --help, --version)\n\n"
	     "Who touched this memory, when, from where? What did this thread execute?\n");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-12s  %s\n", commands[i]->name, commands[i]->summary);
	puts("  help          describe a command\n\nMore: man hvtrace");
	return hvt_finish_output(HVT_OK);
}

/* COMMAND OPTION ARGUMENT: for the manual's drift check and for shell completion. */
static int dump_options(void)
{
	const struct hvt_option *o;
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		for (o = commands[i]->options; o->name; o++) {
			printf("%s --%s%s%s\n", commands[i]->name, o->name, o->arg ? " " : "",
			       o->arg ? o->arg : "");
			if (o->letter)
				printf("%s -%c\n", commands[i]->name, o->letter);
		}
	return hvt_finish_output(HVT_OK);
}

static int help_on(int argc, char **argv)
{
	const struct hvt_command *cmd;

	if (argc < 3)
		return help();
	cmd = find(argv[2]);
	if (!cmd)
		hvt_die(HVT_USAGE, "help: %s: no such command; try: hvtrace --help", argv[2]);
	hvt_print_help(cmd);
	return hvt_finish_output(HVT_OK);
}

/* A closed fd 0-2 would be given to the next file opened, and be written to by mistake. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			_exit(HVT_ERROR);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct hvt_command *cmd;

	fill_standard_fds();
	if (argc < 2)
		hvt_die(HVT_USAGE, "no command; try: hvtrace --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("hvtrace " HVTRACE_VERSION);
		return hvt_finish_output(HVT_OK);
	}
	if (!strcmp(argv[1], "--dump-options"))
		return dump_options();
	if (!strcmp(argv[1], "help"))
		return help_on(argc, argv);
	cmd = find(argv[1]);
	if (!cmd && argv[1][0] == '-')
		hvt_die(HVT_USAGE, "%s: unknown option; try: hvtrace --help", argv[1]);
	if (!cmd)
		hvt_die(HVT_USAGE, "%s: no such command; try: hvtrace --help", argv[1]);
	return cmd->run(cmd, argc - 1, argv + 1);
}
