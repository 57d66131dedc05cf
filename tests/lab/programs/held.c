/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs COMMAND held at both ends: stopped at its first instruction until a line comes
 * from the fifo HEAR, and again at its exit, while its memory is still there. -t: it is
 * a program of tests/lab/table, held while its arena is in place, which is from its
 * first madvise() to its next munmap(). Says its PID, then "end", into the fifo SAY.
 * usage: held [-t] SAY HEAR COMMAND [ARG...]
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(const char *fifo, const char *word)
{
	FILE *f = fopen(fifo, "w");

	if (!f || fprintf(f, "%s\n", word) < 0 || fclose(f))
		die(fifo);
}

static void hear(const char *fifo)
{
	FILE *f = fopen(fifo, "r");

	if (!f || getc(f) == EOF || fclose(f))
		die(fifo);
}

static int status; /* of the last stop */

/* Lets it go on until it stops again, with the signal that it has stopped for, if any. */
static void resume(pid_t pid, int how)
{
	int sig = WSTOPSIG(status);

	if (sig == SIGTRAP || sig == (SIGTRAP | 0x80))
		sig = 0;
	if (ptrace(how, pid, NULL, sig) || waitpid(pid, &status, 0) < 0)
		die("wait");
	if (!WIFSTOPPED(status))
		exit(1);
}

/* Until it is where system call @nr begins, or has returned. */
static void run_to(pid_t pid, unsigned long nr, bool returned)
{
	struct __ptrace_syscall_info info;
	unsigned long current = -1;

	for (;;) {
		resume(pid, PTRACE_SYSCALL);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
			die("held");
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			current = info.entry.nr;
		if (current == nr && returned == (info.op == PTRACE_SYSCALL_INFO_EXIT))
			return;
	}
}

int main(int argc, char **argv)
{
	bool table = argc > 1 && !strcmp(argv[1], "-t");
	char word[16];
	pid_t pid;

	argv += table;
	if (argc - table < 4)
		return 2;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		die("held");
	if (table)
		run_to(pid, SYS_madvise, true);
	snprintf(word, sizeof(word), "%d", pid);
	say(argv[1], word);
	hear(argv[2]);
	if (table) {
		run_to(pid, SYS_munmap, false);
	} else {
		do
			resume(pid, PTRACE_CONT);
		while (status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8));
	}
	say(argv[1], "end");
	hear(argv[2]);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ? 1 : WEXITSTATUS(status);
}
