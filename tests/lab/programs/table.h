/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h: what the programs of tests/lab/table share. A case is a piece of assembly, the
 * registers and memory it starts from, and the accesses that the SDM says it makes. Each
 * has pages of its own in `arena`, and nothing but its code touches them:
 *
 * - `PROGRAM watch` prints what to watch, as arguments of hvtrace watch;
 * - `PROGRAM FILE` runs all cases twice at the same addresses: in a child, whose memory is
 *   its own and not watched, and here. What the child's memory holds afterwards is the
 *   truth about values. FILE gets one JSON object a case: the accesses to expect.
 *
 * The arena is a file in memory that is written before it is mapped at its place and
 * compared after it is unmapped, so that there is no access but those of the cases.
 */
#ifndef TABLE_H
#define TABLE_H

#define _GNU_SOURCE
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define AT   0x400	/* where a case's RDI points in its pages */
#define MAX_ACC 160
#define FIRST 1		/* page: the first one is left to those who look for an ELF header */

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, FLAGS, REGS };
enum { ACC_R = 1, ACC_W = 2, ACC_X = 4 };

/* A start value: a number, an address in the case's pages, or what lies there (8 bytes). */
struct start {
	uint64_t v;
	enum { UNSET, NUMBER, PLACE, MEMORY } how;
};
#define V(x) { (uint64_t)(x), NUMBER }
#define P(x) { (uint64_t)(x), PLACE }		/* relative to AT, as all offsets are */
#define M(x) { (uint64_t)(x), MEMORY }

/*
 * An access. @step numbers the iterations of a REP; @known: the value it leaves is @val;
 * @may: allowed, not demanded.
 */
struct acc {
	int off;
	unsigned int size;
	unsigned char kind;
	bool known;
	int step;
	uint64_t val;
	bool may;
};
#define RD(off, size) { (off), (size), ACC_R, 0, 0, 0, 0 }
#define WR(off, size) { (off), (size), ACC_W, 0, 0, 0, 0 }
#define RW(off, size) { (off), (size), ACC_R | ACC_W, 0, 0, 0, 0 }
#define MAY(off, size, kind) { (off), (size), (kind), 0, 0, 0, true }

struct tcase {
	const char *name;
	const char *code, *code_end;
	int pages;			/* default 1 */
	int at;				/* default AT */
	struct { int lo, hi; } watch[3]; /* bytes of the pages; default all */
	struct start reg[REGS];
	struct { int off; struct start is; } mem[8];
	void (*fill)(const struct tcase *, uint8_t *at);
	/* The accesses, or who computes them from the memory before. */
	struct acc acc[48];
	int (*model)(const struct tcase *, const uint8_t *at, struct acc *);
	struct { char op, rep; int elem; } string; /* for a model */
	/*
	 * Every byte once, with the right values, however it is cut into events: where the
	 * SDM does not say how an instruction (or the kernel) goes about it.
	 */
	bool bytes;
	bool exec;			/* the code runs in the case's pages */
	/*
	 * Why the events cannot tell the bytes: then they have to say so, be on every page
	 * that is accessed, and what they have of values has to be right.
	 */
	const char *inexact;
	const char *simulator;		/* what the simulated CPU does otherwise than the SDM */
	/*
	 * Instead of code: a function that makes the kernel touch the case's pages. Replayed
	 * over what was there before, the events have to give what is there afterwards, and
	 * what @acc demands has to be among them. @varies: the result may differ next time.
	 */
	void (*call)(uint8_t *at);
	bool varies;
};

#define ARG(...) __VA_ARGS__
#define ACC(...) .acc = { __VA_ARGS__ }
#define REG(...) .reg = { __VA_ARGS__ }

#define ENTRY(id, ...)                                                                         \
	static const struct tcase case_##id = { .name = #id, __VA_ARGS__ };                    \
	static const struct tcase *const entry_##id __attribute__((section("cases"), used)) = \
		&case_##id;

#define CASE(id, text, ...)                                                                    \
	asm(".pushsection .text\ncode_" #id ": " text "\nret\ncode_end_" #id ":\n"            \
	    ".popsection");                                                                    \
	extern const char code_##id[], code_end_##id[];                                        \
	ENTRY(id, .code = code_##id, .code_end = code_end_##id, __VA_ARGS__)

/* Code on the stack that RSP of the case says; it may end anywhere in there. */
#define STACK(id, text, ...)                                                                   \
	CASE(id, "mov %rsp, table_sp(%rip)\nmov table_in+8*4(%rip), %rsp\n" text               \
		 "\nmov %rsp, table_out+8*4(%rip)\nmov table_sp(%rip), %rsp", __VA_ARGS__)

extern const struct tcase *const __start_cases[], *const __stop_cases[];
#define NCASES (__stop_cases - __start_cases)

#ifndef WATCHED
#define WATCHED (ACC_R | ACC_W)	/* kinds of access */
#endif
#ifndef ARENA_PAGES
#define ARENA_PAGES 256
#endif
uint8_t arena[ARENA_PAGES * PAGE] __attribute__((aligned(PAGE)));
uint64_t table_in[REGS], table_out[REGS], table_sp;
const void *table_code;
uint8_t table_vec[8][64] __attribute__((aligned(64)));	/* ZMM0-7 before and after */
int table_vectors;	/* what there is: 0, 512 */

struct result {
	uint64_t reg[REGS];
	uint8_t vec[8][64];
	bool begun;
};
static struct result *results[2]; /* the child's, ours */

/* Registers from table_in, the code, registers to table_out. */
void table_run(void);
asm(".pushsection .text\n"
    "table_run:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "cmpl $0, table_vectors(%rip)\n je 1f\n"
    ".irp n, 0,1,2,3,4,5,6,7\n vmovdqu64 table_vec+64*\\n(%rip), %zmm\\n\n .endr\n"
    "1: pushq table_in+8*16(%rip)\n popf\n"
    "mov table_in(%rip), %rax\n mov table_in+8*1(%rip), %rcx\n mov table_in+8*2(%rip), %rdx\n"
    "mov table_in+8*3(%rip), %rbx\n mov table_in+8*5(%rip), %rbp\n"
    "mov table_in+8*6(%rip), %rsi\n mov table_in+8*7(%rip), %rdi\n"
    ".irp n, 8,9,10,11,12,13,14,15\n mov table_in+8*\\n(%rip), %r\\n\n .endr\n"
    "call *table_code(%rip)\n"
    ".irp n, 8,9,10,11,12,13,14,15\n mov %r\\n, table_out+8*\\n(%rip)\n .endr\n"
    "mov %rax, table_out(%rip)\n mov %rcx, table_out+8*1(%rip)\n mov %rdx, table_out+8*2(%rip)\n"
    "mov %rbx, table_out+8*3(%rip)\n mov %rbp, table_out+8*5(%rip)\n"
    "mov %rsi, table_out+8*6(%rip)\n mov %rdi, table_out+8*7(%rip)\n"
    "pushf\n popq table_out+8*16(%rip)\n cld\n"
    "cmpl $0, table_vectors(%rip)\n je 1f\n"
    ".irp n, 0,1,2,3,4,5,6,7\n vmovdqu64 %zmm\\n, table_vec+64*\\n(%rip)\n .endr\n"
    "1: pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
    ".popsection");

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int pages_of(const struct tcase *t)
{
	return t->pages ? t->pages : 1;
}

static int at_of(const struct tcase *t)
{
	return t->at ? t->at : AT;
}

static uint64_t start_value(const struct start *s, const uint8_t *before, uint64_t place)
{
	uint64_t v = s->v;

	if (s->how == PLACE)
		return place + v;
	if (s->how == MEMORY)
		memcpy(&v, before + (int64_t)s->v, 8);
	return v;
}

static void run_all(const uint8_t *before, struct result *result)
{
	static const uint64_t usual[REGS] = {
		0x1122334455667788, 0x99aabbccddeeff03, 0xd0d1d2d3d4d5d6d7, 0xb0b1b2b3b4b5b6b7,
		0, 0, 0, 0, 0x0808080808080801, 0x0909090909090902, 0x1010101010101003,
		0x1111111111111104, 0x1212121212121205, 0x1313131313131306, 0x1414141414141407,
		0x1515151515151508, 0x202,
	};
	size_t page = FIRST;

	for (int i = 0; i < NCASES; i++) {
		const struct tcase *t = __start_cases[i];
		uint8_t *at = arena + page * PAGE + at_of(t);

		page += pages_of(t);
		result[i].begun = true;
		if (t->call) {
			t->call(at);
			continue;
		}
		memcpy(table_in, usual, sizeof(table_in));
		table_in[RDI] = (uintptr_t)at;
		table_in[RSI] = (uintptr_t)at + 0x100;
		table_in[RBP] = (uintptr_t)at + 0x180;
		table_in[RSP] = (uintptr_t)at + 0x200;
		for (int r = 0; r < REGS; r++)
			if (t->reg[r].how)
				table_in[r] = start_value(&t->reg[r], before + (at - arena),
							  (uintptr_t)at);
		for (unsigned int n = 0; n < sizeof(table_vec); n++)
			table_vec[n / 64][n % 64] = n * 5 + 1;
		memcpy(table_out, table_in, sizeof(table_out));
		table_code = t->exec ? (void *)at : t->code;
		table_run();
		memcpy(result[i].reg, table_out, sizeof(table_out));
		memcpy(result[i].vec, table_vec, sizeof(table_vec));
	}
}

static void fill(uint8_t *memory)
{
	uint32_t x = 0x9e3779b9;
	size_t page = FIRST;

	for (size_t i = 0; i < sizeof(arena); i += 4, x = x * 1664525 + 1013904223)
		memcpy(memory + i, (uint32_t[]){ x ^ x >> 15 }, 4);
	for (int i = 0; i < NCASES; i++) {
		const struct tcase *t = __start_cases[i];
		uint64_t off = page * PAGE + at_of(t);

		page += pages_of(t);
		if (t->fill)
			t->fill(t, memory + off);
		if (t->exec)
			memcpy(memory + off, t->code, t->code_end - t->code);
		for (int n = 0; n < 8 && t->mem[n].is.how; n++) {
			uint64_t v = start_value(&t->mem[n].is, memory + off, (uintptr_t)arena + off);

			memcpy(memory + off + t->mem[n].off, &v, 8);
		}
	}
}

static bool is_watched(const struct tcase *t, int lo, int hi, int kind)
{
	bool all = true;

	if (!(kind & WATCHED))
		return false;
	for (int i = 0; i < 3; i++) {
		if (t->watch[i].hi)
			all = false;
		if (t->watch[i].lo < hi && t->watch[i].hi > lo)
			return true;
	}
	return all;
}

/* Neighbouring ranges become one. */
static void print_watches(void)
{
	size_t page = FIRST, lo = 0, hi = 0;

	for (int i = 0; i <= NCASES; i++) {
		const struct tcase *t = i < NCASES ? __start_cases[i] : NULL;

		for (int n = 0; n < 3 && (!n || t); n++) {
			bool all = t && !n && !t->watch[0].hi;
			size_t from = page * PAGE + (t ? t->watch[n].lo : 0);
			size_t to = page * PAGE + (!t ? 0 : all ? pages_of(t) * PAGE : t->watch[n].hi);

			if (n && !t->watch[n].hi)
				break;
			if (hi && from == hi) {
				hi = to;
				continue;
			}
			if (hi > lo)
				printf("arena+%zu,%zu\n", lo, hi - lo);
			lo = from;
			hi = to;
		}
		if (t)
			page += pages_of(t);
	}
	if (hi > lo)
		printf("arena+%zu,%zu\n", lo, hi - lo);
	printf("-a %s%s%s\n", WATCHED & ACC_R ? "r" : "", WATCHED & ACC_W ? "w" : "",
	       WATCHED & ACC_X ? "x" : "");
}

static void print_bytes(FILE *out, const char *key, const uint8_t *p, unsigned int n)
{
	fprintf(out, ",\"%s\":\"", key);
	while (n--)
		fprintf(out, "%02x", *p++);
	fprintf(out, "\"");
}

/* @before becomes what the accesses of the case make of it. */
static void print_case(FILE *out, const struct tcase *t, size_t off, uint8_t *before,
		       const uint8_t *truth, const uint8_t *ours, int i)
{
	static struct acc acc[MAX_ACC];
	size_t len = (size_t)pages_of(t) * PAGE;
	uint8_t *at = before + at_of(t);
	const char *sep = "";
	int n = 0;

	if (t->model)
		n = t->model(t, at, acc);
	else
		for (; n < 48 && t->acc[n].size; n++)
			acc[n] = t->acc[n];
	fprintf(out, "{\"case\":\"%s\",\"lo\":%lu,\"hi\":%lu,\"code\":[%lu,%lu],\"how\":\"%s\",",
		t->name, (unsigned long)arena + off, (unsigned long)(arena + off + len),
		(unsigned long)(t->exec ? (uintptr_t)arena + off : (uintptr_t)t->code),
		(unsigned long)(t->exec ? (uintptr_t)arena + off + len : (uintptr_t)t->code_end),
		t->call ? "replay" : t->inexact ? "inexact" : t->bytes ? "bytes" : "list");
	if (t->call) {
		fprintf(out, "\"varies\":%s", t->varies ? "true" : "false");
		print_bytes(out, "before", before, len);
		print_bytes(out, "after", ours, len);
		fprintf(out, ",\"watch\":[");
		for (int k = 0; k < 3 && (!k || t->watch[k].hi); k++)
			fprintf(out, "%s[%lu,%lu]", k ? "," : "",
				(unsigned long)(arena + off + t->watch[k].lo),
				(unsigned long)(arena + off + (t->watch[k].hi ? t->watch[k].hi : (int)len)));
		fprintf(out, "],");
		memcpy(before, ours, len);
	}
	if (t->inexact)
		fprintf(out, "\"inexact\":\"%s\",", t->inexact);
	if (t->simulator)
		fprintf(out, "\"simulator\":\"%s\",", t->simulator);
	fprintf(out, "\"expect\":[");
	for (int k = 0; k < n; k++) {
		int lo = at_of(t) + acc[k].off;
		unsigned int size = acc[k].size;
		static uint8_t old[4 * PAGE];

		memcpy(old, before + lo, size);
		if (acc[k].kind & ACC_W)
			memcpy(before + lo, acc[k].known ? (uint8_t *)&acc[k].val : truth + lo, size);
		if (!is_watched(t, lo, lo + (int)size, acc[k].kind))
			continue;
		fprintf(out, "%s{\"step\":%d,\"may\":%s,\"addr\":%lu,\"size\":%u,\"access\":\"%s\"", sep,
			acc[k].step, acc[k].may ? "true" : "false",
			(unsigned long)(arena + off + lo), size,
			acc[k].kind & ACC_X ? "exec" : (const char *[]){ "", "read", "write",
									"rmw" }[acc[k].kind]);
		if (t->call || (acc[k].kind & ACC_X))
			size = 0; /* no values, or they are in before and after */
		print_bytes(out, "old", old, size);
		print_bytes(out, "new", before + lo, size);
		fprintf(out, "}");
		sep = ",";
	}
	/* The table and the CPU agree, and the CPU with itself. */
	fprintf(out, "],\"model\":%s,\"memory\":%s,\"registers\":%s}\n",
		!t->call && memcmp(before, truth, len) ? "false" : "true",
		!t->call && memcmp(ours, truth, len) ? "false" : "true",
		memcmp(&results[0][i], &results[1][i], sizeof(**results)) ? "false" : "true");
}

/* A file with @content; *fd is it. */
static uint8_t *file_of(const uint8_t *content, int *fd)
{
	uint8_t *view;

	*fd = memfd_create("arena", 0);
	if (*fd < 0 || ftruncate(*fd, sizeof(arena)))
		die("memfd_create");
	view = mmap(NULL, sizeof(arena), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (view == MAP_FAILED)
		die("mmap");
	memcpy(view, content, sizeof(arena));
	return view;
}

/* Mapped, its page-table entries made, none of its bytes touched. */
static void place(int fd, bool exec)
{
	int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);

	if (mmap(arena, sizeof(arena), prot, MAP_SHARED | MAP_FIXED, fd, 0) != arena ||
	    madvise(arena, sizeof(arena), MADV_POPULATE_WRITE))
		die("mmap at the arena");
}

int main(int argc, char **argv)
{
	uint8_t *before = malloc(sizeof(arena)), *truth, *ours;
	size_t size = NCASES * sizeof(struct result), page = FIRST;
	int fd[2], status;
	bool exec = false;
	cpu_set_t cpu;
	FILE *out;

	for (int i = 0; i < NCASES; i++) {
		exec |= __start_cases[i]->exec;
		page += pages_of(__start_cases[i]);
	}
	if (page > ARENA_PAGES) {
		fprintf(stderr, "ARENA_PAGES is %d, %zu are needed\n", ARENA_PAGES, page);
		return 2;
	}
	if (argc == 2 && !strcmp(argv[1], "watch")) {
		print_watches();
		return 0;
	}
	out = argc == 2 ? fopen(argv[1], "w") : NULL;
	if (!out)
		die("usage: PROGRAM watch|FILE");
	fill(before);
	truth = file_of(before, &fd[0]);
	ours = file_of(before, &fd[1]);
	munmap(ours, sizeof(arena));
	for (int i = 0; i < 2; i++)
		results[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CPU_ZERO(&cpu);
	/* Tables of the CPU, its GDT say, are the same each time. */
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die("sched_setaffinity");
	if (!fork()) {
		place(fd[0], exec);
		run_all(before, results[0]);
		_exit(0);
	}
	if (wait(&status) < 0 || status) {
		int last = NCASES - 1;

		while (last && !results[0][last].begun)
			last--;
		fprintf(stderr, "%s: wait status 0x%x\n", __start_cases[last]->name, status);
		return 1;
	}
	place(fd[1], exec);
	run_all(before, results[1]);
	page = FIRST;
	munmap(arena, sizeof(arena));
	ours = mmap(NULL, sizeof(arena), PROT_READ, MAP_SHARED, fd[1], 0);
	for (int i = 0; i < NCASES; i++) {
		const struct tcase *t = __start_cases[i];

		print_case(out, t, page * PAGE, before + page * PAGE, truth + page * PAGE,
			   ours + page * PAGE, i);
		page += pages_of(t);
	}
	return fclose(out) != 0;
}

#endif
