/* cflags: -O1 -fno-stack-protector */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs on a stack that is one of its globals, so that a watch on `area` covers every
 * push, call, return and signal frame, while a timer signal keeps arriving. Prints a
 * checksum that any lost or doubled write would change.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define SIZE (64 * 1024)

uint8_t area[SIZE] __attribute__((aligned(4096)));
static volatile sig_atomic_t signals;

static void on_alarm(int sig)
{
	(void)sig;
	signals++;
}

static __attribute__((noinline)) uint64_t fib(unsigned int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void *work(void *arg)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = { { 0, 0 }, { 0, 0 } };
	uint64_t sum = 0;
	unsigned int i;

	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < 4; i++)
		sum = sum * 31 + fib((unsigned int)(uintptr_t)arg);
	setitimer(ITIMER_REAL, &off, NULL);
	return (void *)sum;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t t;
	void *sum;

	signal(SIGALRM, on_alarm);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, area, sizeof(area));
	if (pthread_create(&t, &attr, work, (void *)(argc > 1 ? atol(argv[1]) : 12)))
		return 1;
	pthread_join(t, &sum);
	printf("%lu\n", (unsigned long)sum);
	return 0;
}
