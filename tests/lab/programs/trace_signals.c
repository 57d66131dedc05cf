/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals of all kinds, the same each time: faults that are mended and tried again, faults that
 * are stepped over, handlers within handlers, two at once, on another stack, left by longjmp.
 * usage: trace_signals ROUNDS
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static uint64_t sum;
static uint8_t *closed; /* a page that handlers open */
static uint8_t *file;	/* one behind the end of its file */
static int fd;
static volatile int depth;
static sigjmp_buf out;

static void add(uint64_t x)
{
	sum = (sum << 7 | sum >> 57) ^ x;
}

static void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &sa, NULL);
}

static void opens(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	add((uint64_t)sig << 8 | (uint64_t)si->si_code);
	if (sig == SIGBUS) {
		if (ftruncate(fd, PAGE))
			_exit(3);
		return;
	}
	mprotect((void *)((uintptr_t)si->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

/* What faulted has two bytes. */
static void steps_over(int sig, siginfo_t *si, void *ctx)
{
	greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	add((uint64_t)sig << 8 | (uint64_t)si->si_code);
	g[REG_RIP] += 2;
	g[REG_RAX] = 7;
}

static void counts(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	add((uint64_t)sig << 8 | (uint64_t)(si->si_code & 0xff));
	add((uint64_t)si->si_value.sival_int);
}

static void nests(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	(void)si;
	add((uint64_t)sig);
	if (++depth < 5)
		raise(sig);
	add((uint64_t)depth--);
}

static void leaves(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	(void)si;
	add((uint64_t)sig);
	siglongjmp(out, sig);
}

static void faults(void)
{
	uint64_t n = PAGE / 2, x = 3;
	void *to;

	handle(SIGSEGV, opens, 0);
	handle(SIGBUS, opens, SA_ONSTACK);
	mprotect(closed, 2 * PAGE, PROT_NONE);
	asm volatile("movq (%1), %0" : "=r"(x) : "r"(closed + 8));
	add(x);
	mprotect(closed, PAGE, PROT_READ);
	asm volatile("incq (%0)" : : "r"(closed + 8) : "memory", "cc");
	mprotect(closed, PAGE, PROT_NONE); /* a string that runs into a closed page */
	to = closed - PAGE / 8;
	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(5) : "memory");
	mprotect(closed, 2 * PAGE, PROT_NONE); /* over the edge: two faults of one instruction */
	asm volatile("vmovups %%ymm1, (%0); vzeroupper" : : "r"(closed + PAGE - 16) : "memory");
	if (ftruncate(fd, 0))
		_exit(3);
	asm volatile("movq %1, (%0)" : : "r"(file), "r"(x) : "memory");

	handle(SIGSEGV, steps_over, 0);
	handle(SIGFPE, steps_over, SA_NODEFER);
	handle(SIGILL, steps_over, SA_ONSTACK);
	asm volatile("xorl %%ecx, %%ecx; .byte 0xf7, 0xf1" : "=a"(x) : "a"(1), "d"(0) : "rcx", "cc"); /* DIV ECX */
	add(x);
	asm volatile("ud2" : "=a"(x));
	add(x);
	asm volatile("hlt; nop" : "=a"(x)); /* #GP */
	add(x);
	asm volatile("xorl %%ecx, %%ecx; .byte 0x88, 0x01" : "=a"(x) : "a"(1) : "rcx", "cc"); /* MOV to 0 */
	add(x);
	asm volatile("movabsq $0x8000000000000000, %%rcx; .byte 0x8a, 0x01" : "=a"(x) : : "rcx"); /* not canonical */
	add(x);
}

static void traps(void)
{
	handle(SIGTRAP, counts, SA_NODEFER); /* blocked, a step by ptrace() would take the handler away */
	asm volatile("int3; nop; int3");
	raise(SIGTRAP);
	asm volatile("int3");
}

static void blocked(void)
{
	sigset_t two, none;
	siginfo_t si;

	sigemptyset(&none);
	sigemptyset(&two);
	sigaddset(&two, SIGUSR1);
	sigaddset(&two, SIGUSR2);
	handle(SIGUSR1, counts, 0);
	handle(SIGUSR2, counts, SA_ONSTACK | SA_RESTART);
	sigprocmask(SIG_BLOCK, &two, NULL);
	raise(SIGUSR1);
	raise(SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &two, NULL); /* both handlers at once */
	sigprocmask(SIG_BLOCK, &two, NULL);
	raise(SIGUSR2);
	sigsuspend(&none);
	raise(SIGUSR1);
	add((uint64_t)sigwaitinfo(&two, &si));
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
	sigprocmask(SIG_UNBLOCK, &two, NULL);
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGURG); /* ignored by default */
	handle(SIGUSR1, counts, SA_RESETHAND);
	raise(SIGUSR1);
}

/* SIGCHLD comes while it is blocked, so that it is known where its handler runs. */
static void child(void)
{
	sigset_t chld;
	pid_t pid;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	handle(SIGCHLD, counts, 0);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = (pid_t)syscall(SYS_fork);
	if (!pid)
		syscall(SYS_exit_group, 4);
	waitpid(pid, &status, 0);
	add((uint64_t)status);
	sigprocmask(SIG_UNBLOCK, &chld, NULL);
}

int main(int argc, char **argv)
{
	static uint8_t other[1 << 16] __attribute__((aligned(16)));
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	volatile int i;

	sigaltstack(&(stack_t){ .ss_sp = other, .ss_size = sizeof(other) }, NULL);
	closed = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	closed += PAGE;
	fd = memfd_create("file", 0);
	file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (i = 0; i < rounds; i++) {
		faults();
		traps();
		blocked();
		child();
		handle(SIGUSR1, nests, SA_NODEFER);
		raise(SIGUSR1);
		handle(SIGUSR2, nests, SA_NODEFER | SA_ONSTACK);
		raise(SIGUSR2);
		handle(SIGUSR1, leaves, i & 1 ? SA_ONSTACK : 0);
		if (!sigsetjmp(out, 1))
			raise(SIGUSR1);
	}
	printf("%016lx\n", sum);
	return 0;
}
