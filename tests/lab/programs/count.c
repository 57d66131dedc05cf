/* cflags: -O2 -pthread */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes `counter` N times from each of T threads, each pinned to its own CPU.
 * T = 1: plain stores of 1..N. More: locked increments, so that the sum tells
 * whether any was disturbed. Sleeps U microseconds between two. Prints the final
 * value. usage: count [N [T [U]]]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

volatile unsigned long counter;
static long n;
static int threads;
static unsigned int pause_us;

static void *work(void *arg)
{
	cpu_set_t set;
	long i;

	CPU_ZERO(&set);
	CPU_SET((long)arg, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (i = 1; i <= n; i++) {
		if (threads == 1)
			counter = i;
		else
			__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[8];
	long i;

	n = argc > 1 ? atol(argv[1]) : 100000;
	threads = argc > 2 ? atoi(argv[2]) : 1;
	pause_us = argc > 3 ? (unsigned int)atoi(argv[3]) : 0;
	for (i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	for (i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("%lu\n", counter);
	return 0;
}
