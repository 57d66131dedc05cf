// SPDX-License-Identifier: GPL-2.0-only
/*
 * busy.c: keeps one CPU busy with a computation whose result is known, with integer,
 * SSE and AVX registers live and timer signals coming in, until SIGTERM. Then it
 * says how many rounds went wrong; status 0: none did.
 * usage: busy CPU
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile sig_atomic_t ending, alarms;

static void on_signal(int signo)
{
	if (signo == SIGTERM)
		ending = 1;
	else
		alarms++;
}

typedef double vec __attribute__((vector_size(32)));

#define KERNEL(name, attribute)                                                     \
	attribute static uint64_t name(void)                                        \
	{                                                                           \
		uint64_t a = 1, b = 2, c = 3, d = 5, e = 7, f = 11, g = 13;         \
		vec x = { 1, 2, 3, 4 }, y = { 0.5, 0.25, 0.125, 0.0625 };           \
		union { double d; uint64_t u; } sum;                                \
		for (int i = 0; i < 20000; i++) {                                   \
			a = a * 6364136223846793005u + b;                           \
			b ^= c >> 7;                                                \
			c += a << 3;                                                \
			d = d * 31 + e;                                             \
			e ^= f << 5;                                                \
			f += g * a;                                                 \
			g = (g << 9 | g >> 55) ^ d;                                 \
			x = x * 0.75 + y;                                           \
			y = y * 0.5 + x * 0.125;                                    \
		}                                                                   \
		sum.d = x[0] + x[1] * 3 + x[2] * 5 + y[3] * 7;                      \
		return a ^ b ^ c ^ d ^ e ^ f ^ g ^ sum.u;                           \
	}
KERNEL(with_avx, __attribute__((target("avx"))))
KERNEL(with_sse, )

int main(int argc, char **argv)
{
	struct itimerval timer = { { 0, 5000 }, { 0, 5000 } };
	unsigned long rounds = 0, bad = 0;
	uint64_t (*work)(void) = __builtin_cpu_supports("avx") ? with_avx : with_sse;
	uint64_t right;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("busy: sched_setaffinity");
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGALRM, on_signal);
	right = with_sse();
	setitimer(ITIMER_REAL, &timer, NULL);
	while (!ending) {
		bad += work() != right;
		if (!rounds++) {
			puts("busy: begun");
			fflush(stdout);
		}
	}
	printf("busy: %lu rounds, %lu wrong, %d alarms\n", rounds, bad, (int)alarms);
	return bad || !rounds || !alarms;
}
