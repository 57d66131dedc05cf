/* cflags: -O1 */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one access costs: makes each kind COUNT times and prints "KIND MEDIAN", the median
 * step of the time-stamp counter over one. `cell` is what is touched; `others` is there
 * to be watched in many places. "near" touches the page of the watch, but not the watch.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT	 1001
#define ELEMENTS 16

uint64_t cell[512] __attribute__((aligned(4096)));
uint64_t others[10000][8] __attribute__((aligned(4096)));
static uint64_t took[COUNT];

static inline uint64_t now(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *kind, uint64_t accesses)
{
	qsort(took, COUNT, sizeof(took[0]), by_size);
	printf("%s %lu\n", kind, (unsigned long)(took[COUNT / 2] / accesses));
}

/* @insn finds &cell in RDI and @n in RCX, and may change both, and RAX. */
#define MEASURE(kind, insn, n)							\
	do {									\
		for (int i = 0; i < COUNT; i++) {				\
			uint64_t *at = cell, count = (n), since = now();	\
										\
			asm volatile(insn : "+D"(at), "+c"(count) : : "rax", "memory"); \
			took[i] = now() - since;				\
		}								\
		report(kind, n);						\
	} while (0)

int main(void)
{
	size_t i;

	for (i = 0; i < 10000; i++)
		*(volatile uint64_t *)others[i] = 1;
	*(volatile uint64_t *)cell = 1;
	MEASURE("read", "mov (%%rdi), %%rax", 1);
	MEASURE("write", "mov %%rax, (%%rdi)", 1);
	MEASURE("rmw", "addq $1, (%%rdi)", 1);
	MEASURE("locked", "lock addq $1, (%%rdi)", 1);
	MEASURE("rep-element", "xor %%eax, %%eax; rep stosq", ELEMENTS);
	MEASURE("near", "mov %%rax, 0x800(%%rdi)", 1);
	return 0;
}
