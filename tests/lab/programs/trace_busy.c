/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Computes, and calls the kernel now and then: a process that nobody traces, beside one that is.
 * usage: trace_busy MILLIONS
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long i, j, n = argc > 1 ? atol(argv[1]) : 1;
	volatile uint64_t x = 1;

	for (i = 0; i < n * 10; i++) {
		for (j = 0; j < 100000; j++)
			x = x * 25214903917u + 11;
		syscall(SYS_getppid);
	}
	printf("%lu\n", (unsigned long)x);
	return 0;
}
