/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads whose instructions do not depend on each other's pace: they wait for one another by
 * one call of the kernel each time, and share no lock. Each has a CPU of its own.
 * usage: trace_threads THREADS ROUNDS     (not more threads than CPUs)
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 8
#define STACK	65536

static int go[THREADS][2], done[THREADS][2];
static uint64_t result[THREADS];
static int there[THREADS]; /* -1, which the kernel clears when the thread has ended */
static int rounds;

/* No errno, no C library: the threads have main's thread pointer. */
static long call(long nr, long a, long b, long c)
{
	long value;

	asm volatile("syscall" : "=a"(value) : "a"(nr), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return value;
}

static uint64_t work(uint64_t seed)
{
	uint64_t buffer[32], x = seed, c;
	int i;
	void *d;

	for (i = 0; i < 32; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		buffer[i] = x & 1 ? x >> 9 : ~x;
	}
	for (i = 1; i < 32; i++)
		if (buffer[i] < buffer[i - 1])
			x += buffer[i] % 1000;
	c = 9 + seed % 5;
	d = buffer;
	asm volatile("rep stosq" : "+D"(d), "+c"(c) : "a"(x) : "memory");
	return x + buffer[seed % 32];
}

static __attribute__((noinline, noreturn)) void thread(long i)
{
	uint64_t x = (uint64_t)i + 1, cpu = 1ull << i;
	char byte;
	int n;

	call(SYS_sched_setaffinity, 0, sizeof(cpu), (long)&cpu);
	for (n = 0; n < rounds; n++) {
		call(SYS_read, go[i][0], (long)&byte, 1);
		x = work(x);
		call(SYS_write, done[i][1], (long)&byte, 1);
		x += work(x + 1);
	}
	result[i] = x;
	call(SYS_exit, 0, 0, 0);
	__builtin_unreachable();
}

static void start(long i, uint8_t *stack)
{
	register int *ended asm("r10") = &there[i];
	uint64_t *top = (uint64_t *)(stack + STACK);
	long tid;

	top[-2] = (uint64_t)i;
	asm volatile("syscall\n\t"
		     "testq %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xorl %%ebp, %%ebp\n\t"
		     "popq %%rdi\n\t"
		     "call *%5\n\t"
		     "1:"
		     : "=a"(tid)
		     : "a"(SYS_clone), "D"(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
					   CLONE_THREAD | CLONE_SYSVSEM |
					   CLONE_CHILD_CLEARTID),
		       "S"(top - 2), "d"(0), "r"(thread), "r"(ended)
		     : "rcx", "r11", "memory");
	if (tid < 0)
		abort();
}

/* One call of the kernel, whether the thread is there yet or not. */
static void wait_end(int i)
{
	register long none asm("r10") = 0;
	long value;

	asm volatile("syscall" : "=a"(value) : "a"(SYS_futex), "D"(&there[i]), "S"(0), "d"(-1), "r"(none)
		     : "rcx", "r11", "memory");
}

int main(int argc, char **argv)
{
	int n, i, count = argc > 1 ? atoi(argv[1]) : 2;
	uint64_t sum = 0;
	char byte = 0;

	rounds = argc > 2 ? atoi(argv[2]) : 10;
	if (count > THREADS)
		return 2;
	for (i = 0; i < count; i++) {
		uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (pipe(go[i]) || pipe(done[i]) || stack == MAP_FAILED)
			abort();
		there[i] = -1;
		start(i, stack);
	}
	for (n = 0; n < rounds; n++) {
		for (i = 0; i < count; i++)
			if (write(go[i][1], &byte, 1) != 1)
				abort();
		sum += work((uint64_t)n);
		for (i = 0; i < count; i++)
			if (read(done[i][0], &byte, 1) != 1)
				abort();
	}
	for (i = 0; i < count; i++) {
		wait_end(i);
		sum += result[i];
	}
	printf("%016lx\n", sum);
	return 0;
}
