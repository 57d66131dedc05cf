/* cflags: -O1 */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one access costs: makes each kind COUNT times and prints "KIND TICKS EXITS", the
 * median step of the time-stamp counter over one, and the VM exits on this machine's only
 * CPU for one. `cell` is what is touched, its first bytes and, as "near", its last ones.
 * "bench where" prints its address.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include "../../../include/hvtrace/uapi.h"

#define COUNT	 1001
#define ELEMENTS 16

uint64_t cell[512] __attribute__((aligned(4096)));
static uint64_t took[COUNT];

static inline uint64_t now(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static uint64_t exits(void)
{
	static int device = -1;
	struct hvt_cpu_status status = { .size = sizeof(status) };
	uint64_t sum = 0;

	if (device < 0)
		device = open(HVT_DEVICE, O_RDWR);
	if (device < 0 || ioctl(device, HVT_IOC_CPU_STATUS, &status)) {
		perror(HVT_DEVICE);
		exit(1);
	}
	for (int i = 0; i < HVT_EXIT_REASONS; i++)
		sum += status.exits[i];
	return sum;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *kind, uint64_t accesses, uint64_t all_exits)
{
	qsort(took, COUNT, sizeof(took[0]), by_size);
	printf("%s %lu %.2f\n", kind, (unsigned long)(took[COUNT / 2] / accesses),
	       (double)all_exits / (COUNT * accesses));
}

/* @insn finds &cell in RDI and @n in RCX, and may change both, and RAX. */
#define MEASURE(kind, insn, n)							\
	do {									\
		uint64_t before = exits();					\
										\
		for (int i = 0; i < COUNT; i++) {				\
			uint64_t *at = cell, count = (n), since = now();	\
										\
			asm volatile(insn : "+D"(at), "+c"(count) : : "rax", "memory"); \
			took[i] = now() - since;				\
		}								\
		report(kind, n, exits() - before);				\
	} while (0)

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		printf("%lu\n", (unsigned long)cell);
		return 0;
	}
	*(volatile uint64_t *)cell = 1;
	MEASURE("load", "mov (%%rdi), %%rax", 1);
	MEASURE("store", "mov %%rax, (%%rdi)", 1);
	MEASURE("rmw", "addq $1, (%%rdi)", 1);
	MEASURE("locked", "lock addq $1, (%%rdi)", 1);
	MEASURE("rep-element", "xor %%eax, %%eax; rep stosq", ELEMENTS);
	MEASURE("near", "mov %%rax, 0xff8(%%rdi)", 1);
	return 0;
}
