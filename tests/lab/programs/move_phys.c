/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same mapping, another place: swapped out and in, migrated by compaction, collapsed
 * into a huge page and split again. usage: move_phys CASE
 */
#include "move.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#define POOL (32ul << 20)
#define KEPT 32 /* pages: one in so many */

static void swapped(void)
{
	unsigned long i;

	put(CELL, 0, 1);
	look("written", COMES);
	for (i = 1; i < 4; i++) {
		need(!madvise(arena, PAGE, MADV_PAGEOUT));
		look("swapped out", GOES);
		if (i == 2)
			get(CELL, i);
		else
			put(CELL, i, i + 1);
		look("swapped in", COMES);
		if (i == 2)
			put(CELL, i, i + 1);
	}
}

/* Shared with a child when it is swapped out: the first to write gets it back, or a copy. */
static void swapped_shared(void)
{
	struct baton child = baton(), parent = baton();
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	pid = fork();
	if (!pid) {
		be("child");
		pass(parent);
		await(child);
		put(CELL, 1, 100);
		_exit(0);
	}
	await(parent);
	need(!madvise(arena, PAGE, MADV_PAGEOUT));
	look("shared page", ANY);
	put(CELL, 1, 2);
	pass(child);
	reap(pid);
	get(CELL, 2);
}

/* Shared memory goes to the swap through the page cache. */
static void swapped_shmem(void)
{
	unsigned long i;

	need(mmap(arena, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == arena);
	put(CELL, 0, 1);
	look("written", COMES);
	for (i = 1; i < 3; i++) {
		need(!madvise(arena, PAGE, MADV_PAGEOUT));
		look("swapped out", GOES);
		get(CELL, i);
		put(CELL, i, i + 1);
		look("swapped in", COMES);
	}
}

/*
 * Compaction moves pages from the lower end of a zone to free ones at its upper end, in
 * blocks that are partly free. So the lowest of many pages is put under CELL, and of the
 * others a few are kept.
 */
static void compacted(void)
{
	static uint64_t entry[POOL / PAGE];
	char *pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int compact = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC);
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long i, low = 0;
	int tries;

	need(pool != MAP_FAILED && compact >= 0);
	need(pread(map, entry, sizeof(entry), (off_t)((uintptr_t)pool / PAGE * 8)) ==
	     sizeof(entry));
	for (i = 0; i < POOL / PAGE; i++)
		if (entry[i] < entry[low])
			low = i;
	*(unsigned long *)(pool + low * PAGE + CELL_OFFSET) = 1;
	move_pages(pool + low * PAGE, arena, PAGE);
	map_fresh(pool + low * PAGE);
	get(CELL, 1);
	look("in place", COMES);
	for (i = 0; i < POOL / PAGE; i += KEPT)
		need(!madvise(pool + i * PAGE, (KEPT - 1) * PAGE, MADV_DONTNEED));
	/* It leaves out a page that somebody holds for a moment. */
	for (tries = 0; tries < 10 && watched_frame() == frame_of(entry[low]); tries++)
		need(write(compact, "1", 1) == 1);
	look("migrated", MOVES);
	put(CELL, 1, 2);
	get(CELL, 2);
}

static void collapsed(void)
{
	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, HUGE, MADV_COLLAPSE));
	look("collapsed", MOVES);
	put(CELL, 1, 2);
	need(!madvise(arena + PAGE, PAGE, MADV_DONTNEED));
	look("split", STAYS);
	put(CELL, 2, 3);
	need(!madvise(arena, HUGE, MADV_COLLAPSE));
	look("collapsed again", MOVES);
	put(CELL, 3, 4);
	need(!mprotect(arena + PAGE, PAGE, PROT_READ));
	put(CELL, 4, 5);
	need(!madvise(arena, HUGE, MADV_DONTNEED));
	look("dropped", GOES);
	put(CELL, 0, 6);
}

static void huge_moves(void)
{
	char *to = arena + HUGE;

	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, HUGE, MADV_COLLAPSE));
	look("collapsed", MOVES);
	move_pages(arena, to, HUGE);
	look("moved away", GOES);
	put((volatile unsigned long *)(to + CELL_OFFSET), 1, 2);
	move_pages(to, arena, HUGE);
	look("moved back", COMES);
	get(CELL, 2);
	put(CELL, 2, 3);
}

/* A huge page shared by fork is split, and one page of it copied. */
static void huge_forked(void)
{
	struct baton child = baton(), parent = baton();
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, HUGE, MADV_COLLAPSE));
	look("collapsed", MOVES);
	pid = fork();
	if (!pid) {
		be("child");
		pass(parent);
		await(child);
		get(CELL, 1);
		put(CELL, 1, 100);
		_exit(0);
	}
	await(parent);
	put(CELL, 1, 2);
	look("copied", MOVES);
	pass(child);
	reap(pid);
	put(CELL, 2, 3);
}

/* Of the pool that the suite reserves; the child's copy is of the whole. */
static void hugetlb(void)
{
	struct baton child = baton(), parent = baton();
	pid_t pid;

	need(mmap(arena, HUGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0) == arena);
	put(CELL, 0, 1);
	look("written", COMES);
	pid = fork();
	if (!pid) {
		be("child");
		get(CELL, 1);
		pass(parent);
		await(child);
		put(CELL, 1, 100);
		_exit(0);
	}
	await(parent);
	put(CELL, 1, 2);
	look("copied", MOVES);
	pass(child);
	reap(pid);
	put(CELL, 2, 3);
	need(!madvise(arena, HUGE, MADV_DONTNEED));
	look("dropped", GOES);
	put(CELL, 0, 4);
	need(!munmap(arena, HUGE));
	map_fresh(arena);
	put(CELL, 0, 5);
}

/*
 * Merged with a page of the same contents, and parted again by a store. The merging thread
 * reads the page as often as it likes: only writes are watched.
 */
static void merged(void)
{
	int fd = open("/sys/kernel/mm/ksm/run", O_WRONLY | O_CLOEXEC);

	memcpy(arena + PAGE + CELL_OFFSET, &(unsigned long){ 1 }, sizeof(long));
	put(CELL, 0, 1);
	look("written", COMES);
	need(fd >= 0 && !madvise(arena, 2 * PAGE, MADV_MERGEABLE) && write(fd, "1", 1) == 1);
	while (frame(getpid(), arena) != frame(getpid(), arena + PAGE))
		sched_yield();
	need(write(fd, "0", 1) == 1);
	put(CELL, 1, 2);
	look("parted", ANY);
	need(frame(getpid(), arena) != frame(getpid(), arena + PAGE));
}

static void *serve(void *arg)
{
	static char source[PAGE] __attribute__((aligned(PAGE)));
	struct uffdio_copy copy = { (uintptr_t)arena, (uintptr_t)source, PAGE, 0, 0 };
	int fd = *(int *)arg;
	struct uffd_msg msg;
	unsigned long i;

	for (i = 1; i <= 2; i++) {
		memcpy(source + CELL_OFFSET, &(unsigned long){ 10 * i }, sizeof(i));
		need(read(fd, &msg, sizeof(msg)) == sizeof(msg) && msg.event == UFFD_EVENT_PAGEFAULT);
		need(!ioctl(fd, UFFDIO_COPY, &copy));
	}
	return NULL;
}

/* Another thread says what is in the page when it is first touched. */
static void supplied(void)
{
	struct uffdio_api api = { UFFD_API, 0, 0 };
	struct uffdio_register range = { { (uintptr_t)arena, PAGE },
					 UFFDIO_REGISTER_MODE_MISSING, 0 };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	pthread_t t;

	need(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &range));
	need(!pthread_create(&t, NULL, serve, &fd));
	get(CELL, 10);
	look("supplied", COMES);
	put(CELL, 10, 11);
	need(!madvise(arena, PAGE, MADV_DONTNEED));
	put(CELL, 20, 21);
	get(CELL, 21);
	pthread_join(t, NULL);
}

static const struct named_case cases[] = {
	{ "swapped", swapped },
	{ "swapped-shared", swapped_shared },
	{ "swapped-shmem", swapped_shmem },
	{ "compacted", compacted },
	{ "collapsed", collapsed },
	{ "huge-moves", huge_moves },
	{ "huge-forked", huge_forked },
	{ "hugetlb", hugetlb },
	{ "merged", merged },
	{ "supplied", supplied },
	{ 0 },
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
