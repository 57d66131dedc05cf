// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent: the small privileged program between the module and the log.
 * This file is the command table; each command lives in a file of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "watch", cmd_watch, "write a log of the accesses to memory on stdout" },
	{ "trace", cmd_trace, "write a log of the instructions of threads on stdout" },
	{ "attach", cmd_attach, "put the machine under the hypervisor" },
	{ "detach", cmd_detach, "take it out again" },
	{ "status", cmd_status, "say what is attached and armed" },
	{ "check", cmd_check, "say whether this machine can attach" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	size_t i;

	puts("usage: hvtrace-agent COMMAND [OPTION...]\n"
	     "Started by hvtrace(1); people want that one.\n");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	puts("\nwatch [-p PID] [--ring-slots N] [--control-fd N] [FILTER...] [--coalesce]\n"
	     "  (--watch SPEC --access LETTERS | --phys SPEC --access LETTERS)...\n"
	     "  FILTER: --pid|tid|comm|cpu LIST --user --kernel --ip CODE --changed\n"
	     "          --value 'OP N' --every N --limit N\n"
	     "trace (-p PID | -t TID | --function SYMBOL|LO-HI) [--follow] [--kernel]\n"
	     "  [--from SPEC | --on SPEC [--access LETTERS]] [--to SPEC] [--count N] [--after N]\n"
	     "  [--repeat] [--only CODE]... [--skip CODE]... [--regs] [--mem] [--ring-slots N]\n"
	     "  [--control-fd N]\n"
	     "attach | detach | status | check [--format text|json]");
	return finish_output(AGENT_OK);
}

/* A closed fd 0-2 would be given to the next file opened: the log, or the device. */
static int fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -1;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	size_t i;

	if (fill_standard_fds())
		return AGENT_ERROR;
	/* A reader that went away is an error of write(), not a death. */
	signal(SIGPIPE, SIG_IGN);

	if (argc < 2)
		return complain(AGENT_USAGE, "hvtrace-agent: no command; "
					     "try: hvtrace-agent --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "--version")) {
		puts("hvtrace-agent " HVTRACE_VERSION);
		return finish_output(AGENT_OK);
	}
	for (i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	return complain(AGENT_USAGE, "%s: no such command; try: hvtrace-agent --help", argv[1]);
}
