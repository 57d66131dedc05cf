/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel in a program's memory: system calls that read and write it, signal frames.
 * How the kernel copies is its own business: see .call in table.h.
 */
#define ARENA_PAGES 80
#include "table.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

/* Raw system calls: the C library must not touch the memory. */
#define SYS(nr, ...)                                                                           \
	do {                                                                                   \
		if (syscall(SYS_##nr, __VA_ARGS__) < 0)                                        \
			die(#nr);                                                              \
	} while (0)
#define KERNEL(id, ...)                                                                        \
	static void call_##id(uint8_t *at);                                                    \
	ENTRY(id, .call = call_##id, __VA_ARGS__)                                              \
	static void call_##id(uint8_t *at)

static int files[2]; /* what a file has is no secret to the reader: 0, 1, 2, ... */
static int pipes[2];
static char pattern[8192];

__attribute__((constructor)) static void make_files(void)
{
	for (unsigned int i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 3 + (i >> 8));
	files[0] = memfd_create("pattern", 0);
	files[1] = memfd_create("sink", 0);
	if (files[0] < 0 || files[1] < 0 || pipe(pipes) ||
	    write(files[0], pattern, sizeof(pattern)) != sizeof(pattern))
		die("files");
}

/* --- copy_to_user: short, long, to an odd address, over pages, a watched part of it */
#define READ(id, n, ...)                                                                       \
	KERNEL(read_##id, ACC(WR(0, n)), __VA_ARGS__)                                          \
	{                                                                                      \
		SYS(pread64, files[0], at, n, 0);                                              \
	}
READ(1, 1, .pages = 1)
READ(7, 7, .pages = 1)
READ(8, 8, .at = AT + 3)
READ(63, 63, .pages = 1)
READ(64, 64, .pages = 1)
READ(100, 100, .at = AT + 1)
READ(4096, 4096, .pages = 2, .at = 8)
READ(5000, 5000, .pages = 3, .at = PAGE - 77)
READ(part, 600, .watch = { { AT + 100, AT + 116 } })
READ(over, 600, .watch = { { PAGE, PAGE + 40 } }, .pages = 2, .at = PAGE - 500)

KERNEL(read_zero, ACC(WR(0, 200)))
{
	int fd = open("/dev/zero", O_RDONLY);

	SYS(read, fd, at, 200); /* clear_user() */
	close(fd);
}

KERNEL(read_pipe, ACC(WR(0, 77)))
{
	SYS(write, pipes[1], pattern, 77);
	SYS(read, pipes[0], at, 100);
}

KERNEL(readv, ACC(WR(0, 10), WR(100, 20)))
{
	struct iovec v[2] = { { at, 10 }, { at + 100, 20 } };

	SYS(preadv, files[0], v, 2, 0, 0);
}

/* --- copy_from_user */
#define WRITE(id, n, ...)                                                                      \
	KERNEL(write_##id, ACC(RD(0, n)), __VA_ARGS__)                                         \
	{                                                                                      \
		SYS(pwrite64, files[1], at, n, 0);                                             \
	}
WRITE(1, 1, .pages = 1)
WRITE(8, 8, .at = AT + 5)
WRITE(65, 65, .pages = 1)
WRITE(4096, 4096, .pages = 2, .at = 24)
WRITE(5000, 5000, .pages = 3, .at = PAGE - 77)
WRITE(part, 600, .watch = { { AT + 500, AT + 503 } })

KERNEL(write_pipe, ACC(RD(0, 90)))
{
	char to[90];

	SYS(write, pipes[1], at, 90);
	SYS(read, pipes[0], to, 90);
}

/* Is not looked at by the driver, and so by nobody. */
KERNEL(write_null, .pages = 1)
{
	int fd = open("/dev/null", O_WRONLY);

	SYS(write, fd, at, 200);
	close(fd);
}

/* "/dev/null" */
KERNEL(open_path, ACC(RD(0, 10)), .mem = { { 0, V(0x6c756e2f7665642f) }, { 8, V(0x6c) } })
{
	close((int)syscall(SYS_openat, AT_FDCWD, at, O_RDONLY));
}

/* --- what system calls take and give */
KERNEL(uname, ACC(WR(0, 6), WR(65, 2), WR(130, 4), WR(260, 7)))
{
	SYS(uname, at);
}

KERNEL(pipe2, ACC(WR(0, 8)))
{
	SYS(pipe2, at, 0);
}

KERNEL(socketpair, ACC(WR(0, 8)))
{
	SYS(socketpair, AF_UNIX, SOCK_STREAM, 0, at);
}

KERNEL(getcwd, ACC(WR(0, 2)))
{
	SYS(getcwd, at, 100);
}

KERNEL(gettimeofday, .varies = true, ACC(WR(0, 16)))
{
	SYS(gettimeofday, at, 0);
}

KERNEL(clock_gettime, .varies = true, ACC(WR(0, 16)))
{
	SYS(clock_gettime, CLOCK_MONOTONIC, at);
}

KERNEL(nanosleep, .mem = { { 0, V(0) }, { 8, V(1000) } }, ACC(RD(0, 16)))
{
	SYS(nanosleep, at, 0);
}

KERNEL(prlimit, .mem = { { 0, V(0) }, { 8, V(0) } }, ACC(RD(0, 16), WR(64, 16)))
{
	SYS(prlimit64, 0, RLIMIT_CORE, at, at + 64);
}

KERNEL(fstat, .varies = true, ACC(WR(0, 144)))
{
	SYS(fstat, 0, at);
}

KERNEL(getrusage, .varies = true, ACC(WR(0, 144)))
{
	SYS(getrusage, RUSAGE_CHILDREN, at);
}

KERNEL(sigaction, ACC(WR(0, 32)))
{
	SYS(rt_sigaction, SIGUSR2, 0, at, 8);
}

KERNEL(sigprocmask, ACC(RD(0, 8), WR(32, 8)), .mem = { { 0, V(0) } })
{
	SYS(rt_sigprocmask, SIG_SETMASK, at, at + 32, 8);
}

KERNEL(getresuid, ACC(WR(0, 4), WR(8, 4), WR(16, 4)))
{
	SYS(getresuid, at, at + 8, at + 16);
}

KERNEL(futex_wait, ACC(RD(0, 4)), .mem = { { 0, V(7) } })
{
	syscall(SYS_futex, at, 0, 8, NULL, NULL, 0); /* is not 8: EAGAIN */
}

KERNEL(futex_op, ACC(RW(64, 4)), .mem = { { 64, V(7) } })
{
	/* FUTEX_WAKE_OP: adds 1 to the second word, by a locked instruction */
	SYS(futex, at, 5, 1, 1, at + 64, 1 << 28 | 1 << 12);
}

/* --- a signal frame on a stack that is watched; the handler runs on it, too */
static volatile int signals;

static void on_signal(int sig, siginfo_t *si, void *context)
{
	(void)si;
	(void)context;
	signals += sig;
}

static void signal_on(uint8_t *stack, size_t size)
{
	stack_t ss = { .ss_sp = stack, .ss_size = size }, off = { .ss_flags = SS_DISABLE };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	int before = signals;

	if (sigaltstack(&ss, NULL) || sigaction(SIGUSR1, &sa, NULL) || raise(SIGUSR1) ||
	    sigaltstack(&off, NULL) || signals != before + SIGUSR1)
		die("signal");
}

KERNEL(signal_frame, .at = PAGE, .pages = 4, .varies = true)
{
	signal_on(at, 3 * PAGE);
}

KERNEL(signal_frame_part, .at = PAGE, .pages = 4, .varies = true,
       .watch = { { 3 * PAGE + 1024, 4 * PAGE } })
{
	signal_on(at, 3 * PAGE);
}
