/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A watched address whose mapping changes: moved away and back, replaced, removed and made
 * again, protected, emptied, of files. usage: move_map CASE
 */
#include "move.h"

#define ELSEWHERE  ((char *)0x30000000)
#define CELL_THERE ((volatile unsigned long *)(ELSEWHERE + CELL_OFFSET))
#define LATER	   ((char *)0x20000000)
#define DISK	   "/tmp/disk/file" /* the suite mounts a file system with pages to write back */

/* The watch is on the address: the page is not watched where it goes. */
static void remapped(void)
{
	put(CELL, 0, 1);
	look("written", COMES);
	move_pages(arena, ELSEWHERE, PAGE);
	look("moved away", GOES);
	get(CELL_THERE, 1);
	put(CELL_THERE, 1, 2);
	map_fresh(arena);
	put(CELL, 0, 10);
	look("another in its place", COMES);
	put(CELL_THERE, 2, 3);
	need(!munmap(arena, PAGE));
	move_pages(ELSEWHERE, arena, PAGE);
	look("moved back", MOVES);
	get(CELL, 3);
	put(CELL, 3, 4);
}

/* Three watched pages: each is moved onto the next, the last is gone. */
static void shifted(void)
{
	unsigned long i;

	for (i = 0; i < 3; i++) {
		page = arena + i * PAGE;
		put(CELL, 0, i + 1);
	}
	move_pages(arena + PAGE, arena + 2 * PAGE, PAGE);
	move_pages(arena, arena + PAGE, PAGE);
	map_fresh(arena);
	for (i = 0; i < 3; i++) {
		page = arena + i * PAGE;
		get(CELL, i);
		put(CELL, i, i + 10);
	}
	move_pages(arena, arena + PAGE, PAGE);
	get(CELL, 12);
	page = arena + PAGE;
	get(CELL, 10);
}

static void replaced(void)
{
	put(CELL, 0, 1);
	look("written", COMES);
	map_fresh(arena);
	look("mapped over", GOES);
	get(CELL, 0);
	look("the zero page", COMES);
	put(CELL, 0, 2);
	look("a page of its own", MOVES);
	need(!munmap(arena, PAGE));
	look("unmapped", GOES);
	map_fresh(arena);
	put(CELL, 0, 3);
	look("mapped again", COMES);
}

static void protect(void)
{
	put(CELL, 0, 1);
	look("written", COMES);
	need(!mprotect(arena, PAGE, PROT_READ));
	get(CELL, 1);
	need(!mprotect(arena, PAGE, PROT_NONE));
	look("no access", ANY);
	need(!mprotect(arena, PAGE, PROT_READ | PROT_WRITE));
	look("access again", ANY);
	put(CELL, 1, 2);
	need(!mprotect(arena, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	put(CELL, 2, 3);
	get(CELL, 3);
}

static void emptied(void)
{
	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, PAGE, MADV_DONTNEED));
	look("dropped", GOES);
	put(CELL, 0, 2);
	look("written again", COMES);
	need(!madvise(arena, PAGE, MADV_DONTNEED));
	need(!madvise(arena, PAGE, MADV_POPULATE_WRITE));
	get(CELL, 0);
	put(CELL, 0, 3);
	look("populated", ANY);
}

static void map_file(int fd, int prot, int flags)
{
	need(mmap(arena, PAGE, prot, flags | MAP_FIXED, fd, 0) == arena);
}

/* The program's own file, from the disk: a page of the page cache, then a copy of it. */
static void private_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned long value;

	need(fd >= 0 && pread(fd, &value, sizeof(value), CELL_OFFSET) == sizeof(value));
	map_file(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	get(CELL, value);
	look("page cache", COMES);
	put(CELL, value, 1);
	look("copied", MOVES);
	get(CELL, 1);
	need(!madvise(arena, PAGE, MADV_DONTNEED));
	get(CELL, value);
	look("page cache again", MOVES);
}

/* write(2) and read(2) of the file reach the watched page in the page cache. */
static void file_write(int fd, unsigned long old, unsigned long new)
{
	struct before b = before(getpid(), CELL);

	need(pwrite(fd, &new, sizeof(new), CELL_OFFSET) == sizeof(new));
	after(b, getpid(), CELL, "kW", old, new);
}

static void file_read(int fd, unsigned long value)
{
	struct before b = before(getpid(), CELL);
	unsigned long got;

	need(pread(fd, &got, sizeof(got), CELL_OFFSET) == sizeof(got) && got == value);
	after(b, getpid(), CELL, "kR", value, value);
}

static void shared_file(void)
{
	int fd = open(DISK, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0 && !ftruncate(fd, PAGE));
	map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	put(CELL, 0, 1);
	look("dirty", COMES);
	file_write(fd, 1, 2);
	file_read(fd, 2);
	get(CELL, 2);
	need(!ftruncate(fd, 0));
	look("truncated", GOES);
	need(!ftruncate(fd, PAGE));
	put(CELL, 0, 3);
	look("made longer", COMES);
	need(!munmap(arena, PAGE));
	file_write(fd, 3, 4); /* in the page cache, but at no watched address */
	map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	get(CELL, 4);
	put(CELL, 4, 5);
}

/* Written back: clean and protected, so that the next store is noticed; then evicted. */
static void evicted(void)
{
	int fd = open(DISK, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned long value;

	need(fd >= 0 && !ftruncate(fd, PAGE));
	map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	put(CELL, 0, 1);
	look("dirty", COMES);
	need(!madvise(arena, PAGE, MADV_PAGEOUT));
	need(!fsync(fd));
	need(!madvise(arena, PAGE, MADV_PAGEOUT));
	look("evicted", GOES);
	need(pread(fd, &value, sizeof(value), CELL_OFFSET) == sizeof(value) && value == 1);
	get(CELL, 1);
	look("read again", COMES);
	put(CELL, 1, 2);
}

static void written_back(void)
{
	int fd = open(DISK, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct before b;
	unsigned long i;

	need(fd >= 0 && !ftruncate(fd, PAGE));
	map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (i = 0; i < 3; i++) {
		put(CELL, i, i + 1);
		b = before(getpid(), CELL);
		need(!msync(arena, PAGE, MS_SYNC)); /* a RAM disk: this CPU copies */
		after(b, getpid(), CELL, "kR", i + 1, i + 1);
	}
	get(CELL, 3);
	look("written back", ANY);
}

/* The suite watches LATER + CELL_OFFSET from the start, when nothing is there. */
static void later(void)
{
	page = LATER;
	look("nothing", STAYS);
	map_fresh(LATER);
	put(CELL, 0, 1);
	look("mapped", COMES);
	need(!munmap(LATER, PAGE));
	look("unmapped", GOES);
	need(mmap(LATER, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == LATER);
	put(CELL, 0, 2);
	get(CELL, 2);
	look("mapped again", COMES);
}

static const struct named_case cases[] = {
	{ "remapped", remapped },
	{ "shifted", shifted },
	{ "replaced", replaced },
	{ "protect", protect },
	{ "emptied", emptied },
	{ "private-file", private_file },
	{ "shared-file", shared_file },
	{ "evicted", evicted },
	{ "written-back", written_back },
	{ "later", later },
	{ 0 },
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
