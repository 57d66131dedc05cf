/* cflags: -O2 */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same instructions on `cell` again and again, until the timer has interrupted the
 * program in front of each of them, and between the iterations of the one with REP, at
 * least ENOUGH times (hvt_between counts). What it notes about its accesses goes to FILE
 * (notes.h); it prints "OFFSET COUNT" of each boundary.
 * usage: event_between FILE
 */
#define _GNU_SOURCE
#include <string.h>
#include "notes_one.h"

#define RANGE  "/sys/module/hvt_between/parameters/range"
#define ENOUGH 3
#define REPS   3
#define ROUNDS 30000 /* so many notes are kept */

uint64_t cell[512] __attribute__((aligned(4096)));

/* An instruction whose address is among the boundaries. */
#define AT(insn) "771:\t" insn "\n\t.pushsection boundaries, \"a\"; .quad 771b; .popsection\n\t"

extern const uint64_t __start_boundaries[], __stop_boundaries[];
extern const char first_insn[], string_insn[], last_insn[];

static void __attribute__((noinline, noipa)) instructions(uint64_t *p, uint64_t i)
{
	void *from = p, *to = p + 5;
	unsigned long n = REPS;
	uint64_t a = 0x5555, b = i; /* a: never what is there */

	/* clang-format off */
	asm volatile("first_insn:\t"
		     AT("movq %[i], (%[p])")
		     AT("movq (%[p]), %[b]")
		     AT("incq (%[p])")
		     AT("pushq (%[p])")
		     AT("popq 8(%[p])")
		     AT("xchgq %[b], 16(%[p])")
		     AT("lock xaddq %[i], 24(%[p])")
		     AT("lock cmpxchgq %[i], 24(%[p])")
		     AT("addq %[i], 24(%[p])")
		     AT("movups (%[p]), %%xmm0")
		     AT("movups %%xmm0, 56(%[p])")
		     "string_insn:\t"
		     AT("rep movsb")
		     AT("movsq")
		     AT("btsq $1, 80(%[p])")
		     "last_insn:\t"
		     AT("nop")
		     : "+&S"(from), "+&D"(to), "+&c"(n), "+&a"(a), [b] "+&r"(b), [i] "+&r"(i)
		     : [p] "r"(p) : "xmm0", "cc", "memory");
	/* clang-format on */
}

/* What is in the cell by what was done to it. */
static uint8_t model[sizeof(cell)];

static uint64_t held(unsigned int at)
{
	uint64_t v;

	memcpy(&v, model + at, sizeof(v));
	return v;
}

static void read_at(unsigned int at, uint8_t size)
{
	uint64_t old = held(at);

	note_at((uint8_t *)cell + at, size, R, OLD, size < 8 ? old & 0xff : old, 0);
}

static void write_at(unsigned int at, uint8_t size, uint8_t access, const void *bytes)
{
	uint64_t old = held(at), new;

	memcpy(model + at, bytes, size);
	new = held(at);
	if (size < 8)
		old &= 0xff, new &= 0xff;
	note_at((uint8_t *)cell + at, size, access, OLD | NEW, old, new);
}

static void store(unsigned int at, uint8_t access, uint64_t v)
{
	write_at(at, sizeof(v), access, &v);
}

/* What instructions() does. */
static void note_round(uint64_t i)
{
	uint64_t b = i, sum = held(24);
	uint8_t bytes[16];
	unsigned int k;

	store(0, W, i);
	read_at(0, 8);
	store(0, R | W, i + 1);
	read_at(0, 8);
	store(8, W, i + 1);
	store(16, R | W, b);
	store(24, R | W, sum + i);
	store(24, R | W, sum + i); /* not exchanged */
	store(24, R | W, sum + i + sum);
	read_at(0, 16);
	memcpy(bytes, model, sizeof(bytes));
	write_at(56, sizeof(bytes), W, bytes);
	for (k = 0; k < REPS; k++) {
		read_at(k, 1);
		write_at(40 + k, 1, W, model + k);
	}
	read_at(REPS, 8);
	store(40 + REPS, W, held(REPS));
	store(80, R | W, held(80) | 2);
}

/* How often each boundary was interrupted; is it enough everywhere? */
static int enough(int say)
{
	size_t n = (size_t)(__stop_boundaries - __start_boundaries), i;
	int all = 1, count[256] = { 0 }, left[REPS + 1] = { 0 }, at, times;
	char line[64];
	FILE *f = fopen(RANGE, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "rep %d %d", &at, &times) == 2 && at <= REPS)
			left[at] = times;
		else if (sscanf(line, "%d %d", &at, &times) == 2 && at < 256)
			count[at] = times;
	}
	if (!f || fclose(f))
		abort();
	for (i = 0; i < n; i++) {
		at = (int)(__start_boundaries[i] - __start_boundaries[0]);
		all &= count[at] >= ENOUGH;
		if (say)
			printf("%d %d\n", at, count[at]);
	}
	for (at = 1; at <= REPS; at++) {
		all &= left[at] >= ENOUGH;
		if (say)
			printf("rep %d %d\n", at, left[at]);
	}
	return all;
}

int main(int argc, char **argv)
{
	uint64_t i;
	volatile unsigned int k;
	FILE *f = fopen(RANGE, "w");

	if (argc != 2 || !f)
		return 2;
	fprintf(f, "%lx %lx %lx\n", (unsigned long)first_insn, (unsigned long)last_insn + 1,
		(unsigned long)string_insn);
	if (fclose(f))
		return 2;
	for (i = 1; i <= ROUNDS; i++) {
		note_round(i);
		instructions(cell, i);
		for (k = 0; k < i * 37 % 1009; k++) /* the next round, at another time */
			;
		if (i % 256 == 0 && enough(0))
			break;
	}
	enough(1);
	printf("%lu rounds\n", (unsigned long)i);
	return save(argv[1]);
}
