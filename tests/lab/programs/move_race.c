/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads, one on each of two CPUs if there are as many, increment a word while another
 * thread moves its page. Prints the final value and how often each process incremented: so
 * many writes are to be seen, each from where the one before left off.
 * usage: move_race CASE [MOVES]
 */
#include "move.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#define WRITERS 2
#define ROUND	150 /* increments of each writer for each move: what is to be looked at is bounded */

#define LIMIT	3000 /* of each of two processes */

static volatile unsigned long done[WRITERS], allowed;
static volatile int stop;
static int moves = 20;

static void pin(long n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)(n % sysconf(_SC_NPROCESSORS_ONLN)), &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

static void *writer(void *arg)
{
	long n = (long)arg;

	pin(n);
	while (!stop) {
		if (done[n] < allowed) {
			__atomic_add_fetch(CELL, 1, __ATOMIC_SEQ_CST);
			done[n]++;
		} else {
			sched_yield();
		}
	}
	return NULL;
}

/* The next round may begin: the writers run while this thread moves the page. */
static void begin_round(void)
{
	allowed += ROUND;
}

/* Each writer has met what the last move left. */
static void end_round(void)
{
	long i;

	for (i = 0; i < WRITERS; i++)
		while (done[i] < allowed)
			sched_yield();
}

static void race(void (*move)(int))
{
	pthread_t t[WRITERS];
	unsigned long moved = 0, was;
	long i;

	for (i = 0; i < WRITERS; i++)
		need(!pthread_create(&t[i], NULL, writer, (void *)i));
	pin(WRITERS - 1);
	for (i = 0; i < moves; i++) {
		was = frame(getpid(), CELL);
		begin_round();
		move((int)i);
		end_round();
		moved += frame(getpid(), CELL) != was;
	}
	stop = 1;
	for (i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
	need(*CELL >= done[0] + done[1]);
	printf("final %lu main %lu moved %lu\n", *CELL, done[0] + done[1], moved);
}

static void swap_out(int i)
{
	(void)i;
	need(!madvise(arena, PAGE, MADV_PAGEOUT));
}

/* The child shares the page until it ends: the writers' next stores copy it. */
static void fork_off(int i)
{
	pid_t pid = fork();

	(void)i;
	if (!pid) {
		/* What it sees stands still, whatever the writers do. */
		unsigned long seen = *CELL;
		int n;

		for (n = 0; n < 50; n++)
			sched_yield();
		_exit(*CELL != seen);
	}
	need(pid > 0);
	reap(pid);
}

static void collapse_or_split(int i)
{
	if (i % 2)
		need(!madvise(arena + PAGE, PAGE, MADV_DONTNEED));
	else /* EAGAIN and such: it may not get the page while it is written */
		while (madvise(arena, HUGE, MADV_COLLAPSE))
			need(errno == EAGAIN || errno == EBUSY || errno == EINVAL);
}

static void protect(int i)
{
	need(!mprotect(arena, PAGE, PROT_READ | PROT_WRITE | (i % 2 ? 0 : PROT_EXEC)));
}

/* Of shared memory: the entry goes, the page stays, the next store maps it again. */
static void unmap_entry(int i)
{
	(void)i;
	need(!madvise(arena, PAGE, MADV_DONTNEED));
}

static void share(void)
{
	need(mmap(arena, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == arena);
}

static void swapped(void)
{
	race(swap_out);
}

static void copied(void)
{
	race(fork_off);
}

static void collapsed(void)
{
	race(collapse_or_split);
}

static void protected(void)
{
	race(protect);
}

static void unmapped(void)
{
	share();
	race(unmap_entry);
}

/*
 * Another process increments the same memory, and unmaps and maps it at its own side; that
 * changes nothing at the watched one, at which every increment is seen.
 */
static void other_process(void)
{
	struct baton ready = baton();
	unsigned long n;
	pid_t pid;

	share();
	*CELL = 0; /* mapped; a write, but not an increment: 0 -> 0 */
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, "child");
		pin(1);
		pass(ready);
		for (n = 0; n < LIMIT; n++) {
			__atomic_add_fetch(CELL, 1, __ATOMIC_SEQ_CST);
			if (!(n % ROUND))
				unmap_entry(0);
		}
		_exit(0);
	}
	pin(0);
	await(ready);
	for (n = 0; n < LIMIT; n++)
		__atomic_add_fetch(CELL, 1, __ATOMIC_SEQ_CST);
	reap(pid);
	printf("final %lu main %d child %d\n", *CELL, LIMIT, LIMIT);
}

/*
 * Killed while both writers run. A child that shares the memory, and has it nowhere where
 * it is watched, says how far they came and writes there when the watched process is gone.
 */
static void killed(void)
{
	struct baton life = baton();
	pthread_t t;
	char byte;
	long i;

	share();
	if (!fork()) {
		close(life.fd[1]);
		need(read(life.fd[0], &byte, 1) == 0);
		printf("final %lu\n", *CELL);
		*CELL = 0;
		fflush(stdout);
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++)
		need(!pthread_create(&t, NULL, writer, (void *)i));
	pin(WRITERS - 1);
	for (i = 0; i < moves; i++) {
		begin_round();
		end_round();
	}
	allowed += 1000000;
	kill(getpid(), SIGKILL);
}

static const struct named_case cases[] = {
	{ "swapped", swapped },	    { "copied", copied },	{ "collapsed", collapsed },
	{ "protected", protected }, { "unmapped", unmapped },	{ "other-process", other_process },
	{ "killed", killed },	    { 0 },
};

int main(int argc, char **argv)
{
	const struct named_case *c = cases;

	need(argc > 1);
	if (argc > 2)
		moves = atoi(argv[2]);
	while (c->name && strcmp(c->name, argv[1]))
		c++;
	need(c->name);
	c->run();
	return 0;
}
