// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the log of a program that is stepped with ptrace(2).
 * steplog [--regs] [--mem] LOG PROGRAM [ARGUMENT...]; its status is the program's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "stepper.h"

int main(int argc, char **argv)
{
	struct logbuild log = { 0 };
	struct stepper s = { .log = &log };
	const char *path;
	FILE *f;
	int bad;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++)
		s.trace_flags |= strcmp(argv[1], "--mem") ? HVT_TRACE_REGS : HVT_TRACE_MEM;
	if (argc < 3) {
		fputs("usage: steplog [--regs] [--mem] LOG PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	path = argv[1];
	if (!step_program(&s, argv + 2))
		return 1;
	f = fopen(path, "we");
	bad = !f || fwrite(log.bytes, 1, log.len, f) != log.len;
	if (!f || fclose(f) || bad) {
		perror(path);
		return 1;
	}
	lb_free(&log);
	return WIFEXITED(s.status) ? WEXITSTATUS(s.status) : 128 + WTERMSIG(s.status);
}
