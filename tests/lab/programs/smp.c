/* cflags: -O2 -pthread */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads, one a CPU, that touch the same words at once with loads, stores, locked and
 * plain read-modify-writes; words in a line, over two lines, over two pages, and moves
 * between two pages in opposite directions. Each thread notes what it did and what it
 * saw; all notes go to FILE: the truth about every access to `area` (or `big`).
 * usage: smp [FILE mixed|rounds|word|big N THREADS [BEFORE AFTER]]
 *   mixed  N accesses by each thread all over `area`
 *   rounds N of those for each byte of standard input, until its end
 *   word   N by each to one word of it
 *   big    a store and a load on each page of `big`, dealt out to the threads
 * BEFORE and AFTER the threads' accesses these run in a shell, in its own memory; '' is none.
 * Without arguments it says where area and big are.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include "notes.h"

#define PAGE	4096
#define AREA	(4 * PAGE)
#define BIG	(64 << 20)
#define THREADS 8
#define ROUNDS	64

uint8_t area[AREA] __attribute__((aligned(PAGE)));
uint8_t big[BIG] __attribute__((aligned(PAGE)));

struct worker {
	pthread_t thread;
	uint32_t tid, count, room, index;
	struct note *note;
};

static struct worker worker[THREADS + 1]; /* the last is main */
static uint32_t nworkers;
static long n;
static pthread_barrier_t barrier; /* of the workers and main: at each round's begin and end */
static int another;		  /* round; main sets it before it begins */

static const struct word {
	uint16_t off;
	uint8_t size;
} words[] = {
	{ 0x040, 8 }, { 0x044, 4 }, { 0x046, 2 }, { 0x047, 1 }, /* one inside the other */
	{ 0x07c, 8 }, { 0x0bf, 2 }, { 0x0be, 4 },		 /* over two lines */
	{ 0xffc, 8 }, { 0xfff, 2 }, { 0xffe, 4 },		 /* over two pages */
	{ 0x200, 1 }, { 0x201, 1 }, { 0x202, 1 },		 /* neighbours */
	{ 0x100, 16 }, { 0xff8, 16 },				 /* CMPXCHG16B, MOVUPS over two pages */
	{ 0x1040, 8 },
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

static struct note *note(struct worker *w, const void *p, uint8_t size, uint8_t access)
{
	struct note *x = &w->note[w->count++];

	if (w->count > w->room)
		abort();
	x->addr = (uint32_t)(uintptr_t)p;
	x->size = size;
	x->access = access;
	return x;
}

static void knows(struct note *x, uint8_t known, uint64_t old, uint64_t new)
{
	x->known = known;
	x->old = old;
	x->new = new;
}

enum op { LOAD, STORE, XADD, CMPXCHG, XCHG, LOCKED_ADD, ADD, OPS };

/* Each op is one instruction on *p. */
#define WORD_OPS(name, type)                                                                  \
	static void name(struct worker *w, type *p, enum op op, type x, type guess)           \
	{                                                                                     \
		struct note *a = note(w, p, sizeof(*p),                                       \
				      op == LOAD ? R : op == STORE ? W : R | W);              \
		type old;                                                                     \
                                                                                              \
		switch (op) {                                                                 \
		case LOAD:                                                                    \
			asm volatile("mov %1, %0" : "=r"(old) : "m"(*p));                     \
			knows(a, OLD | NEW, old, old);                                        \
			break;                                                                \
		case STORE:                                                                   \
			asm volatile("mov %1, %0" : "=m"(*p) : "r"(x));                       \
			knows(a, NEW, 0, x);                                                  \
			break;                                                                \
		case XADD:                                                                    \
			old = x;                                                              \
			asm volatile("lock xadd %0, %1" : "+r"(old), "+m"(*p) : : "cc");      \
			knows(a, OLD | NEW, old, (type)(old + x));                            \
			break;                                                                \
		case CMPXCHG:                                                                 \
			old = guess;                                                          \
			asm volatile("lock cmpxchg %2, %1"                                    \
				     : "+a"(old), "+m"(*p) : "r"(x) : "cc");                  \
			knows(a, OLD | NEW, old, old == guess ? x : old);                     \
			break;                                                                \
		case XCHG:                                                                    \
			old = x;                                                              \
			asm volatile("xchg %0, %1" : "+r"(old), "+m"(*p));                    \
			knows(a, OLD | NEW, old, x);                                          \
			break;                                                                \
		case LOCKED_ADD:                                                              \
			asm volatile("lock add %1, %0" : "+m"(*p) : "r"(x) : "cc");           \
			break;                                                                \
		default:                                                                      \
			asm volatile("add %1, %0" : "+m"(*p) : "r"(x) : "cc");                \
		}                                                                             \
	}
WORD_OPS(op1, uint8_t)
WORD_OPS(op2, uint16_t)
WORD_OPS(op4, uint32_t)
WORD_OPS(op8, uint64_t)

static void op16(struct worker *w, void *p, enum op op, uint64_t x, uint64_t guess)
{
	uint64_t v[2] = { x, ~x }, lo = guess, hi = ~guess;

	if (((uintptr_t)p & 15) == 0 && op >= XADD) {
		struct note *a = note(w, p, 16, R | W);
		uint8_t same;

		asm volatile("lock cmpxchg16b (%5)"
			     : "+a"(lo), "+d"(hi), "=@ccz"(same)
			     : "b"(v[0]), "c"(v[1]), "r"(p) : "memory");
		knows(a, OLD | NEW, lo, same ? v[0] : lo);
	} else if (op & 1) {
		knows(note(w, p, 16, W), NEW, 0, x);
		asm volatile("movups %0, %%xmm1; movups %%xmm1, (%1)"
			     : : "m"(v), "r"(p) : "memory", "xmm1");
	} else {
		struct note *a = note(w, p, 16, R);

		asm volatile("movups (%1), %%xmm1; movups %%xmm1, %0"
			     : "=m"(v) : "r"(p) : "memory", "xmm1");
		knows(a, OLD | NEW, v[0], v[0]);
	}
}

/* Pages 2 and 3 of the area, from one to the other: both are locked, in either order. */
static void move(struct worker *w, uint64_t r)
{
	uint8_t *a = area + 2 * PAGE + 8 * (r & 7), *b = area + 3 * PAGE + 8 * (r >> 3 & 7);
	uint8_t *from = w->index & 1 ? b : a, *to = w->index & 1 ? a : b;

	note(w, from, 8, R)->moved = 1;
	note(w, to, 8, W);
	asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
}

static void one(struct worker *w, const struct word *word, enum op op, uint64_t x, uint64_t guess)
{
	void *p = area + word->off;

	switch (word->size) {
	case 1: op1(w, p, op, (uint8_t)x, (uint8_t)guess); break;
	case 2: op2(w, p, op, (uint16_t)x, (uint16_t)guess); break;
	case 4: op4(w, p, op, (uint32_t)x, (uint32_t)guess); break;
	case 8: op8(w, p, op, x, guess); break;
	default: op16(w, p, op, x, guess);
	}
}

static void mixed(struct worker *w)
{
	uint64_t r = 88172645463325252u + w->index + w->count, guess = 0;
	uint32_t end = w->count + (uint32_t)n;

	while (w->count + 2 <= end) {
		r ^= r << 13, r ^= r >> 7, r ^= r << 17;
		if (r % 8 == 0) {
			move(w, r >> 32);
			continue;
		}
		one(w, &words[(r >> 8) % NWORDS], (r >> 16) % OPS, r >> 3, guess);
		if (w->note[w->count - 1].known & NEW)
			guess = w->note[w->count - 1].new; /* now and then still there */
	}
}

static void word(struct worker *w)
{
	long i;

	for (i = 0; i < n; i++)
		one(w, &words[0], (enum op)(i % OPS), (uint64_t)i, 0);
}

static void pages(struct worker *w)
{
	uint64_t *p;
	uint32_t i;

	for (i = w->index; i < BIG / PAGE; i += nworkers) {
		p = (uint64_t *)(big + (size_t)i * PAGE + i % 509 * 8);
		op8(w, p, STORE, i, 0);
		op8(w, p, LOAD, 0, 0);
	}
}

static void (*job)(struct worker *);

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->index % (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	w->tid = (uint32_t)gettid();
	for (;;) {
		pthread_barrier_wait(&barrier);
		if (!another)
			return NULL;
		job(w);
		pthread_barrier_wait(&barrier);
	}
}

/* One round, or as many as are asked for. */
static void play(int ask)
{
	uint32_t round;
	char c;

	for (round = 0;; round++) {
		another = ask ? read(STDIN_FILENO, &c, 1) == 1 : !round;
		if (another && round == ROUNDS)
			abort(); /* there is no room for more notes */
		pthread_barrier_wait(&barrier);
		if (!another)
			return;
		pthread_barrier_wait(&barrier);
	}
}

static void save(const char *file)
{
	FILE *f = fopen(file, "w");
	uint32_t i, all = nworkers + 1;
	int bad = !f || fwrite(&all, sizeof(all), 1, f) != 1;

	for (i = 0; !bad && i < all; i++) {
		struct worker *w = &worker[i < nworkers ? i : THREADS];

		bad = save_notes(f, w->tid, w->note, w->count);
	}
	if (bad || fclose(f)) {
		perror(file);
		exit(1);
	}
}

static void make_worker(struct worker *w, uint32_t index, uint32_t room)
{
	w->index = index;
	w->room = room;
	w->note = calloc(room, sizeof(*w->note));
	if (!w->note)
		abort();
}

static int run(char *command)
{
	char *argv[] = { "sh", "-c", command, NULL };
	pid_t pid;
	int status;

	if (!*command)
		return 0;
	/* No fork: it would copy the page tables and change what is watched. */
	return posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) ||
	       waitpid(pid, &status, 0) != pid || status;
}

int main(int argc, char **argv)
{
	struct worker *me = &worker[THREADS];
	uint64_t sum = 0;
	uint32_t i, room;
	int rounds;

	if (argc < 5)
		return printf("%p %p\n", (void *)area, (void *)big) < 0;
	rounds = !strcmp(argv[2], "rounds");
	job = rounds || !strcmp(argv[2], "mixed") ? mixed : !strcmp(argv[2], "word") ? word : pages;
	n = atol(argv[3]);
	nworkers = (uint32_t)atoi(argv[4]);
	pthread_barrier_init(&barrier, NULL, nworkers + 1);
	make_worker(me, 0, 4 + AREA / 8);
	me->tid = (uint32_t)gettid();
	/* A page of its own each: read first it would be the zero page. */
	for (i = 0; i < AREA && job == mixed; i += PAGE)
		op8(me, (uint64_t *)(area + i), STORE, 0, 0);
	if (job == word) /* where its watches are not */
		*(volatile uint8_t *)(area + PAGE / 2) = 0;
	room = job == pages ? 2 * BIG / PAGE : (uint32_t)n * (rounds ? ROUNDS : 1);
	for (i = 0; i < nworkers; i++)
		make_worker(&worker[i], i, room);
	if (argc > 6 && run(argv[5]))
		return 3;
	for (i = 0; i < nworkers; i++)
		pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	play(rounds);
	for (i = 0; i < nworkers; i++)
		pthread_join(worker[i].thread, NULL);
	/* What is there in the end, by loads that are accesses as well. */
	for (i = 0; i < AREA && job == mixed; i += 8)
		if (i % PAGE <= 0x200 || i % PAGE >= 0xff0)
			op8(me, (uint64_t *)(area + i), LOAD, 0, 0);
	if (argc > 6 && run(argv[6]))
		return 3;
	for (i = 0; i < nworkers; i++)
		sum += worker[i].count;
	save(argv[1]);
	printf("%lu\n", (unsigned long)(sum + me->count));
	return 0;
}
