// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a command some times, its output thrown away, and prints the least CPU time that it
 * took, in milliseconds, and the most memory it held at a time, in KiB: other work on the
 * machine only adds to the one, and the other is the same each time. usage: cost TIMES COMMAND...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double milliseconds(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

static void run(char **command)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[1]) : 0, status;
	double least = -1, took;
	struct rusage use;
	long most = 0;
	pid_t pid;

	if (times < 1)
		return 2;
	while (times--) {
		pid = fork();
		if (!pid)
			run(argv + 2);
		if (pid < 0 || wait4(pid, &status, 0, &use) != pid || status) {
			fprintf(stderr, "cost: %s failed\n", argv[2]);
			return 1;
		}
		took = milliseconds(&use.ru_utime) + milliseconds(&use.ru_stime);
		if (least < 0 || took < least)
			least = took;
		if (use.ru_maxrss > most)
			most = use.ru_maxrss;
	}
	printf("%.1f %ld\n", least, most);
	return 0;
}
