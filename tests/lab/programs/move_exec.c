/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watch is on a process and an address: it goes on when the process executes another
 * image, by its leader or by another thread, and when the leader ends before the others.
 * The image is this program, not position-independent: CELL is where it was.
 * usage: move_exec CASE
 */
#include "move.h"

#include <pthread.h>

#define IMAGES 3

/* @n: images executed before this one */
static void execute(int n)
{
	char number[2] = { (char)('1' + n), '\0' };

	execl("/proc/self/exe", "move_exec", "image", number, NULL);
	need(0);
}

static int image(int n)
{
	char name[16];

	attach_journal();
	snprintf(name, sizeof(name), "image%d", n);
	be(name);
	look("nothing yet", STAYS);
	get(CELL, 0);
	put(CELL, 0, 10);
	put(CELL, 10, 11);
	look("written", COMES);
	if (n < IMAGES)
		execute(n);
	return finish();
}

static void by_leader(void)
{
	put(CELL, 0, 1);
	put(CELL, 1, 2);
	look("written", COMES);
	need(execl("/proc/self/exe/none", "none", NULL) < 0);
	put(CELL, 2, 3);
	execute(0);
}

static void *thread(void *arg)
{
	(void)arg;
	be("thread");
	put(CELL, 1, 2);
	execute(0);
	return NULL;
}

static void by_thread(void)
{
	pthread_t t;

	put(CELL, 0, 1);
	look("written", COMES);
	need(!pthread_create(&t, NULL, thread, NULL));
	pthread_join(t, NULL);
}

static void *survivor(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
	journal->watched = gettid(); /* the leader's /proc entries are gone */
	be("survivor");
	put(CELL, 1, 2);
	need(!madvise(arena, PAGE, MADV_DONTNEED));
	put(CELL, 0, 3);
	get(CELL, 3);
	exit(finish());
}

static void leader_ends(void)
{
	static pthread_t leader;
	pthread_t t;

	leader = pthread_self();
	put(CELL, 0, 1);
	look("written", COMES);
	need(!pthread_create(&t, NULL, survivor, &leader));
	pthread_exit(NULL);
}

static const struct named_case cases[] = {
	{ "by-leader", by_leader },
	{ "by-thread", by_thread },
	{ "leader-ends", leader_ends },
	{ 0 },
};

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "image"))
		return image(atoi(argv[2]));
	return run_case(cases, argc, argv);
}
