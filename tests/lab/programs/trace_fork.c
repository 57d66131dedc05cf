/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes processes, which make processes and execute another program; each waits for its own
 * by one system call, so that nobody's instructions depend on another's pace.
 * usage: trace_fork PROGRAM [ARG...]
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t work(uint64_t x)
{
	int i;

	for (i = 0; i < 200; i++)
		x = x & 1 ? x * 3 + 1 : x >> 1 ^ 0x55;
	return x;
}

static int ended(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int generation(int n, uint64_t x)
{
	pid_t pid;
	int i, sum = 0;

	for (i = 0; i < 2; i++) {
		pid = (pid_t)syscall(SYS_fork);
		if (!pid) {
			x = work(x + (uint64_t)n);
			if (n)
				x += (uint64_t)generation(n - 1, x);
			_exit((int)(x & 63));
		}
		x = work(x);
		sum += ended(pid);
	}
	return sum & 63;
}

static int execute(char **argv, int how)
{
	pid_t pid = how ? vfork() : (pid_t)syscall(SYS_fork);

	if (!pid) {
		execv(argv[0], argv);
		_exit(99);
	}
	return ended(pid);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	printf("%d\n", generation(1, 7));
	printf("%d\n", execute(argv + 1, 0));
	printf("%d\n", execute(argv + 1, 1));
	fflush(stdout);
	work(3);
	/* what nobody waits for: in its own place */
	execv(argv[1], argv + 1);
	return 1;
}
