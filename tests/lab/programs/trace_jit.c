/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes code, runs it, and writes it anew: by a small compiler of random programs, each checked
 * by doing the same in C; in place, moved by some bytes, through a second mapping, and over
 * instructions that come next in the same line of execution.
 * usage: trace_jit ROUNDS
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE 8192

static uint64_t state = 88172645463325252u;
static uint8_t *at;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void emit(const char *bytes, size_t n)
{
	memcpy(at, bytes, n);
	at += n;
}

static void emit32(uint32_t x)
{
	memcpy(at, &x, 4);
	at += 4;
}

/* One step of a program: code of 1 to 11 bytes, and its effect. */
static uint64_t step(uint64_t x)
{
	uint32_t k = next();

	switch (next() % 10) {
	case 0:
		emit("\x48\x05", 2); /* ADD RAX, imm32 */
		emit32(k >> 1);
		return x + (k >> 1);
	case 1:
		emit("\x48\x35", 2); /* XOR RAX, imm32 */
		emit32(k >> 1);
		return x ^ (k >> 1);
	case 2:
		emit("\x48\x69\xc0", 3); /* IMUL RAX, RAX, imm32 */
		emit32(k >> 1);
		return x * (k >> 1);
	case 3:
		emit("\x48\xc1\xc0\x0d", 4); /* ROL RAX, 13 */
		return x << 13 | x >> 51;
	case 4:
		emit("\x48\xff\xc0", 3); /* INC RAX */
		return x + 1;
	case 5:
		emit("\x90\x66\x90\x0f\x1f\x44\x00\x00", 8); /* NOPs */
		return x;
	case 6:
		emit("\x50\x59\x48\x8d\x04\x48", 6); /* PUSH RAX; POP RCX; LEA RAX, [RAX + 2 * RCX] */
		return x * 3;
	case 7: /* CMP EAX, imm32; JA over INC RAX */
		emit("\x3d", 1);
		emit32(k);
		emit("\x77\x03\x48\xff\xc0", 5);
		return (uint32_t)x > k ? x : x + 1;
	case 8: /* MOV ECX, n; again: DEC RAX; LOOP again */
		emit("\xb9", 1);
		emit32(1 + k % 6);
		emit("\x48\xff\xc8\xe2\xfb", 5);
		return x - (1 + k % 6);
	default:
		emit("\xf3\x90\x48\xf7\xd0", 5); /* PAUSE; NOT RAX */
		return ~x;
	}
}

/* A program at code, through the mapping `through`; it is run at code. */
static int program(uint8_t *code, uint8_t *through, uint32_t off, int steps)
{
	uint64_t x = state, want = x, got;

	at = through + off;
	while (steps--)
		want = step(want);
	emit("\xc3", 1);
	if (through != code) /* other addresses: what was fetched ahead is stale */
		asm volatile("xorl %%eax, %%eax; cpuid" : : : "rax", "rbx", "rcx", "rdx");
	asm volatile("call *%1" : "=a"(got) : "r"(code + off), "a"(x) : "rcx", "cc", "memory");
	return got == want;
}

/* Each store changes an instruction right ahead of it. */
static int ahead(uint8_t *code, uint32_t value)
{
	uint32_t got;

	at = code;
	emit("\xc7\x05\x01\x00\x00\x00", 6); /* MOVL $value, 1(%rip) */
	emit32(value);
	emit("\xb8\xef\xbe\xad\xde", 5); /* MOV EAX: its operand is the one that is stored */
	emit("\x66\xc7\x05\x00\x00\x00\x00\x66\x90", 9); /* MOVW $0x9066, (%rip): UD2 becomes a NOP */
	emit("\x0f\x0b", 2);
	emit("\xc3", 1);
	asm volatile("call *%1" : "=a"(got) : "r"(code) : "cc", "memory");
	return got == value;
}

int main(int argc, char **argv)
{
	int i, good = 0, all = 0, rounds = argc > 1 ? atoi(argv[1]) : 1;
	int fd = memfd_create("code", 0);
	uint8_t *code, *twin, *run;

	if (ftruncate(fd, CODE))
		return 1;
	code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	twin = mmap(NULL, CODE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	run = mmap(NULL, CODE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	for (i = 0; i < rounds; i++) {
		good += program(code, code, 0, 12);
		good += program(code, code, next() % 16, 12);
		good += program(code, code, 4096 - 20, 12); /* instructions over the edge of a page */
		good += program(run, twin, next() % 16, 12);
		good += ahead(code, next());
		all += 5;
		if (i % 4 == 3) { /* another page at the same address */
			munmap(code, CODE);
			code = mmap(code, CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		}
		if (i % 4 == 1)
			mprotect(code, CODE, PROT_READ | PROT_EXEC),
			mprotect(code, CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	}
	printf("%d of %d\n", good, all);
	return good != all;
}
