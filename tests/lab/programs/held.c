/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs COMMAND held at both ends: stopped at its first instruction until a line comes
 * from the fifo HEAR, and again at its exit, while its memory is still there. Says its
 * PID, then "end", into the fifo SAY. usage: held SAY HEAR COMMAND [ARG...]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
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

int main(int argc, char **argv)
{
	int status, sig = 0;
	char word[16];
	pid_t pid;

	if (argc < 4)
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
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL))
		die("held");
	snprintf(word, sizeof(word), "%d", pid);
	say(argv[1], word);
	hear(argv[2]);
	for (;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, sig) || waitpid(pid, &status, 0) < 0)
			die("wait");
		if (!WIFSTOPPED(status))
			return 1;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			break;
		sig = WSTOPSIG(status);
	}
	say(argv[1], "end");
	hear(argv[2]);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ? 1 : WEXITSTATUS(status);
}
