/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Executes the same instructions each time it runs: what compilers make, string instructions of
 * all kinds and directions, SSE and AVX, recursion, jumps through tables, system calls, faults
 * on fresh memory. The first trace test compares all of them.
 * usage: trace_long ROUNDS [waits]     (about 25,000 instructions each)
 *   waits  for a byte of standard input first
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t sum;
static uint8_t from[4096] __attribute__((aligned(64))), to[4096] __attribute__((aligned(64)));

static __attribute__((noinline)) void add(uint64_t x)
{
	sum = (sum << 7 | sum >> 57) ^ x;
}

static long call(long nr, long a, long b, long c)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return result;
}

/* --- string instructions: INSN on COUNT elements of SIZE bytes, forwards and backwards */
#define STRING(insn, size, n)                                                                 \
	do {                                                                                  \
		const void *s = from + 64, *d = to + 64;                                      \
		uint64_t c = (n), a = 0x0101010101010101;                                     \
		asm volatile(insn : "+S"(s), "+D"(d), "+c"(c), "+a"(a) : : "cc", "memory");   \
		add((uint64_t)s + (uint64_t)d + c + a);                                       \
		s = from + 1024, d = to + 1024, c = (n);                                      \
		asm volatile("std; " insn "; cld" : "+S"(s), "+D"(d), "+c"(c), "+a"(a)        \
			     : : "cc", "memory");                                             \
		add((uint64_t)s + (uint64_t)d + c + a);                                       \
	} while (0)

static __attribute__((noinline)) void strings(void)
{
	STRING("rep movsb", 1, 77);
	STRING("rep movsw", 2, 31);
	STRING("rep movsl", 4, 20);
	STRING("rep movsq", 8, 9);
	STRING("rep movsb", 1, 0);
	STRING("rep movsq", 8, 1);
	STRING("rep stosb", 1, 40);
	STRING("rep stosq", 8, 12);
	STRING("rep lodsb", 1, 13);
	STRING("repne scasb", 1, 200);
	STRING("repe scasb", 1, 200);
	STRING("repe cmpsb", 1, 300);
	STRING("repne cmpsl", 4, 20);
	STRING("movsb; stosw; lodsl; scasq; cmpsb", 1, 5);
}

/* --- vectors */
static __attribute__((noinline)) void vectors(void)
{
	float f[16] __attribute__((aligned(64)));
	int i;

	for (i = 0; i < 16; i++)
		f[i] = (float)i * 0.5f;
	asm volatile("movaps (%0), %%xmm0; mulps 16(%0), %%xmm0; sqrtps %%xmm0, %%xmm1\n\t"
		     "addps %%xmm1, %%xmm0; movups %%xmm0, 4(%0)\n\t"
		     "movdqu 20(%0), %%xmm2; pshufb %%xmm0, %%xmm2; pmulld %%xmm2, %%xmm2\n\t"
		     "pcmpestri $0, %%xmm2, %%xmm0; ptest %%xmm2, %%xmm0; movq %%xmm2, 40(%0)\n\t"
		     "vmovups (%0), %%ymm3; vaddps 32(%0), %%ymm3, %%ymm4; vperm2f128 $1, %%ymm3, %%ymm4, %%ymm5\n\t"
		     "vpaddd %%ymm5, %%ymm4, %%ymm4; vpermq $27, %%ymm4, %%ymm4; vmovdqu %%ymm4, 8(%0)\n\t"
		     "vfmadd231ps %%ymm3, %%ymm4, %%ymm5; vpbroadcastd %%xmm3, %%ymm6\n\t"
		     "vpcmpeqd %%ymm7, %%ymm7, %%ymm7; vpxor %%xmm8, %%xmm8, %%xmm8\n\t"
		     "vpgatherdd %%ymm7, (%0,%%ymm8,4), %%ymm9; vmaskmovps %%ymm9, %%ymm8, (%0)\n\t"
		     "vzeroupper"
		     : : "r"(f) : "memory", "rcx", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
		       "xmm6", "xmm7", "xmm8", "xmm9");
	asm volatile("fldpi; fldl2e; fmulp; fsin; fstpl (%0); fninit" : : "r"(f) : "memory");
	for (i = 0; i < 16; i++)
		add((uint64_t)(f[i] > 1));
}

/* --- calls */
static __attribute__((noinline)) uint64_t ackermann(uint64_t m, uint64_t n)
{
	if (!m)
		return n + 1;
	return n ? ackermann(m - 1, ackermann(m, n - 1)) : ackermann(m - 1, 1);
}

static uint64_t odd(uint64_t x) { return x * 3 + 1; }
static uint64_t even(uint64_t x) { return x / 2; }
static uint64_t (*volatile const steps[2])(uint64_t) = { even, odd };

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static __attribute__((noinline)) int choose(unsigned int x)
{
	switch (x % 9) {
	case 0: return 17;
	case 1: add(1); return 3;
	case 2: return (int)x * 5;
	case 3: add(x); return 9;
	case 4: return -1;
	case 5: return (int)(x >> 2);
	case 6: add(6); add(7); return 0;
	case 7: return 88;
	default: return 1;
	}
}

static __attribute__((noinline)) void calls(unsigned int round)
{
	uint32_t list[64];
	char text[200];
	jmp_buf back;
	uint64_t n;
	int i;

	add(ackermann(2, 3));
	for (n = 27 + round; n > 1; n = steps[n & 1](n))
		add(n);
	for (i = 0; i < 64; i++)
		list[i] = (uint32_t)i * 2654435761u + round;
	qsort(list, 64, sizeof(list[0]), order);
	for (i = 0; i < 64; i++)
		add((uint64_t)choose(list[i]));
	snprintf(text, sizeof(text), "%u %s %-8x|%.3f|%c", round, "twelve", list[3], round / 7.0, 'x');
	add(strlen(text) + (uint64_t)(strchr(text, '|') - text));
	memcpy(to + round % 64, from, 1000);
	memset(from + 2000, (int)round, 333);
	add((uint64_t)(memcmp(from, to, 100) > 0));
	if (!setjmp(back))
		longjmp(back, 1);
	asm volatile("movl $5, %%ecx\n1:\tloop 1b\n\tjrcxz 2f\n\tud2\n2:\tcall 3f\n3:\taddq $8, %%rsp\n\t"
		     "enter $32, $0; leave; pushq $4f; ret\n\tud2\n4:\tbtl $3, %%ecx; cmovcl %%ecx, %%eax"
		     : : : "rcx", "rax", "cc", "memory");
}

/* --- the kernel: calls of it, and faults */
static __attribute__((noinline)) void kernel(unsigned int round)
{
	uint8_t *fresh;
	uint64_t n;
	int i;

	add((uint64_t)(call(SYS_getpid, 0, 0, 0) > 0));
	add((uint64_t)call(SYS_write, -1, 0, 0));
	add((uint64_t)call(SYS_lseek, 99, 5, 0));
	add((uint64_t)call(999, 1, 2, 3));
	asm volatile("int $0x80" : "=a"(n) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
	add(n > 0);
	fresh = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fresh == MAP_FAILED)
		abort();
	for (i = 0; i < 4; i++)
		fresh[i * 4096]++;
	*(volatile uint64_t *)(fresh + 5 * 4096 - 4) = round; /* two fresh pages at once */
	{
		void *d = fresh + 7 * 4096 - 50, *s = fresh + 12 * 4096 - 30;
		uint64_t c = 100;

		asm volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(c) : : "memory");
	}
	asm volatile("vmovups %%ymm0, (%0); vzeroupper" : : "r"(fresh + 14 * 4096 - 16) : "memory");
	madvise(fresh, 8 * 4096, MADV_DONTNEED);
	add(fresh[100]);
	munmap(fresh, 16 * 4096);
}

int main(int argc, char **argv)
{
	unsigned int round, rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;

	if (argc > 2)
		call(SYS_read, 0, (long)to, 1);
	for (round = 0; round < rounds; round++) {
		strings();
		vectors();
		calls(round);
		kernel(round);
		asm volatile("xorl %%eax, %%eax; cpuid" : : : "rax", "rbx", "rcx", "rdx");
	}
	printf("%016lx\n", sum);
	return 0;
}
