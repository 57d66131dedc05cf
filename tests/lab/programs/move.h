/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of tests/lab/moves share: a page to be moved, and accesses to a word in
 * it that write down what a tracer has to report. The truth is /proc/PID/pagemap's: an
 * access counts when the frame it went to is the one that the watched process has at CELL.
 * Nothing here touches the arena but the access itself.
 *
 * The journal is in memory that all processes of a case share and that outlives an exec;
 * the watched process prints it. Lines:
 *   access ROLE OP OLD NEW @FRAME   to be reported; OP is R, W, A (both), k before the kernel's
 *   other ROLE OP OLD NEW           the same on a frame that is not watched: not to be reported
 *   frame @FRAME                    where CELL is now, 0: nowhere
 *   pid ROLE PID
 *   look ROLE ...                   the kernel's account of the page, and of faults on it
 */
#ifndef MOVE_H
#define MOVE_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	    4096ul
#define HUGE	    (2ul << 20)
#define SWAPPED	    (~0ul)
#define JOURNAL_FD  100
#define LINES	    400
#define CELL_OFFSET 0x7c8 /* in its page; the suite says arena+1992 */

struct journal {
	pid_t watched;
	unsigned long zero_frame;
	unsigned int lines;
	char line[LINES][120];
};

/* Two huge pages, so that one can be made of the middle of bss. */
char arena[2 * HUGE] __attribute__((aligned(HUGE)));
static char *page = arena; /* the one that is watched */
#define CELL ((volatile unsigned long *)(page + CELL_OFFSET))

static struct journal *journal;
static __thread char role[16];

#define need(what) \
	do { \
		if (!(what)) \
			failed(__FILE__, __LINE__, #what); \
	} while (0)

static inline void failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, strerror(errno));
	_exit(1);
}

__attribute__((format(printf, 1, 2))) static inline void say(const char *fmt, ...)
{
	unsigned int n = __atomic_fetch_add(&journal->lines, 1, __ATOMIC_SEQ_CST);
	va_list ap;

	need(n < LINES);
	va_start(ap, fmt);
	vsnprintf(journal->line[n], sizeof(journal->line[n]), fmt, ap);
	va_end(ap);
}

static inline unsigned long frame_of(uint64_t entry) /* of pagemap, of a page that is there */
{
	return entry & ((1ull << 55) - 1);
}

static inline unsigned long frame(pid_t pid, const volatile void *p)
{
	char path[40];
	uint64_t e = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &e, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		e = 0;
	close(fd);
	if (!(e >> 63))
		return e >> 62 ? SWAPPED : 0;
	return frame_of(e);
}

static inline unsigned long watched_frame(void)
{
	return frame(journal->watched, CELL);
}

/* Whose accesses follow, by this thread. */
static inline void be(const char *name)
{
	need(!prctl(PR_SET_NAME, name));
	snprintf(role, sizeof(role), "%s", name);
	say("pid %s %d", name, getpid());
}

static inline void attach_journal(void)
{
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED, JOURNAL_FD, 0);
	need(journal != MAP_FAILED);
}

/* By the process to be watched, first of all. */
static inline void start(void)
{
	int fd = memfd_create("journal", 0);
	char *fresh = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(fd >= 0 && dup2(fd, JOURNAL_FD) == JOURNAL_FD);
	close(fd);
	need(!ftruncate(JOURNAL_FD, sizeof(struct journal)));
	attach_journal();
	need(fresh != MAP_FAILED && !*(volatile char *)fresh);
	journal->zero_frame = frame(getpid(), fresh);
	journal->watched = getpid();
	be("main");
}

static inline int finish(void)
{
	unsigned int i;

	for (i = 0; i < journal->lines; i++)
		printf("%s\n", journal->line[i]);
	return 0;
}

/* --- accesses: `before` and `after` around what is done by @whose at @p */
struct before {
	unsigned long its, watched;
};

static inline struct before before(pid_t whose, const volatile void *p)
{
	return (struct before){ frame(whose, p), watched_frame() };
}

static inline void after(struct before b, pid_t whose, const volatile void *p, const char *op,
			 unsigned long old, unsigned long new)
{
	unsigned long its = frame(whose, p), watched = watched_frame();

	/* Copied on write: the kernel read the frame it was in. A zero page is not copied. */
	if (b.its && b.its != SWAPPED && b.its != journal->zero_frame && its != b.its &&
	    b.its == b.watched)
		say("access %s kR %#lx %#lx @%lx", role, old, old, b.its);
	if (its && its == watched)
		say("access %s %s %#lx %#lx @%lx", role, op, old, new, its);
	else
		say("other %s %s %#lx %#lx", role, op, old, new);
	say("frame @%lx", watched == SWAPPED ? 0 : watched);
}

/* So far, by this thread; twice, since the first may fault on the stack itself. */
static inline long page_faults(void)
{
	struct rusage u;

	need(!getrusage(RUSAGE_THREAD, &u) && !getrusage(RUSAGE_THREAD, &u));
	return u.ru_minflt + u.ru_majflt;
}

/* By thread id: of a leader that has ended /proc says nothing, though others go on. */
static inline void put(volatile unsigned long *p, unsigned long old, unsigned long new)
{
	struct before b = before(gettid(), p);
	long faults = page_faults();

	*p = new;
	faults = page_faults() - faults;
	after(b, gettid(), p, "W", old, new);
	say("look %s %ld faults", role, faults);
}

static inline void get(volatile unsigned long *p, unsigned long value)
{
	struct before b = before(gettid(), p);
	long faults = page_faults();
	unsigned long got = *p;

	faults = page_faults() - faults;
	need(got == value);
	after(b, gettid(), p, "R", value, value);
	say("look %s %ld faults", role, faults);
}

/* --- the kernel's account of CELL's page, the same with a watch and without */
static inline unsigned long mappings(unsigned long pfn)
{
	uint64_t n = 0;
	int fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && pread(fd, &n, 8, (off_t)pfn * 8) == 8);
	close(fd);
	return n;
}

/* Fields of smaps for the mapping that holds CELL, and VmPin. */
static inline void smaps(char *out, size_t size)
{
	static const char *const fields[] = { "Rss", "Pss", "Shared_Clean", "Shared_Dirty",
					      "Private_Clean", "Private_Dirty", "Anonymous",
					      "AnonHugePages", "Swap", "Locked", "VmPin" };
	static const char *const files[] = { "/proc/self/smaps", "/proc/self/status" };
	unsigned long lo, hi, n;
	char line[512], name[64];
	size_t i, at = 0, k;
	int inside;
	FILE *f;

	for (k = 0; k < 2; k++) {
		inside = k;
		f = fopen(files[k], "re");
		need(f);
		while (fgets(line, sizeof(line), f)) {
			if (!k && sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
				inside = lo <= (uintptr_t)CELL && (uintptr_t)CELL < hi;
			else if (inside && sscanf(line, "%63[^:]: %lu", name, &n) == 2)
				for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
					if (!strcmp(name, fields[i]))
						at += (size_t)snprintf(out + at, size - at, " %lu",
								       n);
		}
		fclose(f);
	}
}

/*
 * No CPU's batch of pages for the LRU holds a reference to CELL's page any more: a page that another CPU
 * still has there is neither written in place nor swapped out. move_pages(2) empties them all; the page
 * is on that node already.
 */
static inline void settle(void)
{
	void *p = page;
	int node = 0, status;

	need(syscall(SYS_move_pages, 0, 1ul, &p, &node, &status, MPOL_MF_MOVE) >= 0);
}

enum moved { STAYS, MOVES, GOES, COMES, ANY };

/*
 * CELL's page since the last look: as @want says, or the case was not made. Says what the
 * kernel counts: mappings of the frame, and smaps.
 */
static inline void look(const char *what, enum moved want)
{
	static unsigned long last;
	unsigned long now = watched_frame();
	int there = now && now != SWAPPED, was = last && last != SWAPPED;
	char account[100];

	if ((want == STAYS && now != last) || (want == MOVES && (!there || !was || now == last)) ||
	    (want == GOES && (there || !was)) || (want == COMES && (!there || was))) {
		fprintf(stderr, "%s: the page went from %lx to %lx\n", what, last, now);
		_exit(3);
	}
	account[0] = '\0';
	smaps(account, sizeof(account));
	say("look %s %s: %s, %lu mappings,%s", role, what, there ? "there" : now ? "swapped" : "nowhere", there ? mappings(now) : 0, account);
	say("frame @%lx", there ? now : 0);
	last = now;
	settle();
}

/* --- turns between processes */
struct baton {
	int fd[2];
};

static inline struct baton baton(void)
{
	struct baton b;

	need(!pipe(b.fd));
	return b;
}

static inline void pass(struct baton b)
{
	need(write(b.fd[1], "x", 1) == 1);
}

static inline void await(struct baton b)
{
	char byte;

	need(read(b.fd[0], &byte, 1) == 1);
}

static inline void reap(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && !status);
}

static inline void map_fresh(void *at)
{
	need(mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == at);
}

static inline void move_pages(char *from, char *to, size_t size)
{
	need(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
}

struct named_case {
	const char *name;
	void (*run)(void);
};

/* main of a program whose first argument is a case */
static inline int run_case(const struct named_case *c, int argc, char **argv)
{
	need(argc > 1);
	for (; c->name; c++) {
		if (!strcmp(c->name, argv[1])) {
			start();
			c->run();
			return finish();
		}
	}
	fprintf(stderr, "%s: no such case\n", argv[1]);
	return 2;
}

#endif
