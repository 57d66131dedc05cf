/* cflags: -O2 -pthread */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process held in the middle of an execve: Linux waits there for its other threads to be
 * gone, and one of them is its parent's to trace, and to reap. Prints the PID of the
 * process; when a byte comes on standard input, the execve goes on. The new program writes
 * 1 to 100 to `counter`, waits for another byte, writes 101 to 200 and ends with 0.
 * usage: exec_held
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

volatile unsigned long counter;
static int told[2];

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void wait_for_byte(void)
{
	char c;

	need(read(STDIN_FILENO, &c, 1) == 1, "standard input");
}

static void count(void)
{
	int i;

	for (i = 0; i < 100; i++)
		counter = counter + 1;
}

static void *traced(void *arg)
{
	pid_t tid = gettid();

	need(!ptrace(PTRACE_TRACEME, 0, NULL, NULL), "PTRACE_TRACEME");
	need(write(told[1], &tid, sizeof(tid)) == sizeof(tid), "pipe");
	return arg;
}

static void execute(void)
{
	pthread_t t;

	need(!pthread_create(&t, NULL, traced, NULL) && !pthread_join(t, NULL), "thread");
	execl("/proc/self/exe", "exec_held", "executed", NULL);
	need(0, "execve");
}

int main(int argc, char **argv)
{
	pid_t pid, tid;
	int status;

	(void)argv;
	if (argc > 1) {
		count();
		wait_for_byte();
		count();
		return 0;
	}
	need(!pipe(told), "pipe");
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid)
		execute();
	need(read(told[0], &tid, sizeof(tid)) == sizeof(tid), "pipe");
	printf("%d\n", (int)pid);
	fflush(stdout);
	wait_for_byte();
	need(waitpid(tid, &status, __WALL) == tid, "the thread");
	need(waitpid(pid, &status, 0) == pid, "the process");
	return WEXITSTATUS(status);
}
