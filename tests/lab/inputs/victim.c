/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program to be watched, that counts in `counter` for as long as it lives and does
 * what its first argument says:
 *   exit N     counts to 100, ends with status N
 *   raise N    counts to 100, dies of signal N
 *   fork N     N children count to 100 each in their own copy and stay; the parent
 *              counts to 100 and ends at once
 *   run        counts until SIGUSR1: ends with 0; SIGUSR2: executes the rest of its arguments
 *   thread     as run, with a second thread that sleeps
 * `other` is a second variable, written once for each 10 times.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile unsigned long counter;
volatile unsigned long other __attribute__((aligned(4096)));

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

static void count(unsigned long n)
{
	unsigned long i;

	for (i = 1; i <= n; i++) {
		counter = counter + 1;
		if (i % 10 == 0)
			other = other + 1;
	}
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "exit";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	pthread_t t;

	if (!strcmp(what, "run") || !strcmp(what, "thread")) {
		signal(SIGUSR1, on_signal);
		signal(SIGUSR2, on_signal);
		if (what[0] == 't' && pthread_create(&t, NULL, idle, NULL))
			return 1;
		while (!got) {
			count(10);
			usleep(1000);
		}
		if (got == SIGUSR2)
			execv(argv[2], argv + 2);
		return got == SIGUSR2;
	}
	if (!strcmp(what, "fork")) {
		while (n-- > 0) {
			if (!fork()) {
				count(100);
				idle(NULL);
			}
		}
		n = 0;
	}
	count(100);
	if (!strcmp(what, "raise"))
		raise(n);
	return n;
}
