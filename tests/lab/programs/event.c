/* cflags: -O2 -pthread */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Works on `cell` while something else happens at the same time or instead: interrupts,
 * signals, faults. What it notes about its own accesses goes to FILE (notes.h); what it
 * prints is the same every time.
 * usage: event FILE work N [DISTURBANCE...] | faults N
 * DISTURBANCE, by a second thread on the first CPU where it needs one:
 *   timer     interrupts on this CPU, one after the other
 *   signal    SIGALRM, often
 *   ipi       membarrier() interrupts this CPU
 *   disk      a disk's interrupts, on the CPU that Linux has for them
 *   nmi       the kernel asks all CPUs for a backtrace, the others with NMIs
 *   protect   the page goes read-only and comes back (work faults and tries again)
 *   unmap     other pages come and go: TLB shootdowns
 *   forget    the page is thrown away (stores only)
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include "notes_one.h"

#define PAGE 4096
#define AC   0x40000u
#define BENT 0x8000000000000000u /* not canonical */

/* Watched is page 0; page 1 is what the other operands of instructions fault on. */
uint64_t cell[2 * PAGE / 8] __attribute__((aligned(PAGE)));

static void handle(int sig, void (*action)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = action, .sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* --- work under disturbance */
static volatile sig_atomic_t alarms, segvs, ending;
static volatile int started;

static void on_alarm(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)si;
	(void)ctx;
	alarms++;
}

static void on_protected(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)si;
	(void)ctx;
	segvs++;
	sched_yield();
}

static void disturb_ipi(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/* How often a disturber has done what work waits for: on one CPU, or when it is slow, it would
 * come to its turn a few times only, or not at all. */
static volatile int rounds;
static volatile int signals; /* SIGALRM comes, again and again */

/* Without the page cache: each of these is an interrupt. */
static void disturb_disk(void)
{
	static uint8_t sector[PAGE] __attribute__((aligned(PAGE)));
	static int disk = -1;
	static off_t at;

	if (disk < 0)
		disk = open("/dev/sda", O_RDONLY | O_DIRECT);
	if (pread(disk, sector, PAGE, at) != PAGE)
		abort();
	at = (at + PAGE) % (1 << 20);
	rounds++;
}

/* The write returns when all CPUs have answered. */
static void disturb_nmi(void)
{
	static int trigger = -1;

	if (trigger < 0)
		trigger = open("/proc/sysrq-trigger", O_WRONLY);
	if (write(trigger, "l", 1) != 1)
		abort();
	rounds++;
}

static void wait_for_round(void)
{
	int before = rounds, came = alarms;

	while ((rounds && rounds == before) || (signals && alarms == came))
		sched_yield();
}

static void disturb_protect(void)
{
	mprotect(cell, PAGE, PROT_READ);
	sched_yield();
	mprotect(cell, PAGE, PROT_READ | PROT_WRITE);
	usleep(50);
}

static void disturb_unmap(void)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	munmap(p, PAGE);
}

static void disturb_forget(void)
{
	madvise(cell, PAGE, MADV_DONTNEED);
	usleep(50);
}

static void *disturber(void *arg)
{
	void (*disturb)(void) = (void (*)(void))arg;

	pin(0);
	do {
		disturb();
		started = 1;
	} while (!ending);
	return NULL;
}

/* The first store to the page is the only one that may find the page not there. */
static void work(long n, int stores)
{
	uint64_t *p = cell, r;
	long i;

	note_at(p, 8, W, NEW, 0, 0);
	asm volatile("movq $0, %0" : "=m"(*p));
	for (i = 1; i <= n; i++) {
		if (i % (n / 16 + 1) == 0)
			wait_for_round();
		switch (stores ? 0 : i % 6) {
		case 0:
			note_at(p, 8, W, NEW, 0, (uint64_t)i);
			asm volatile("mov %1, %0" : "=m"(*p) : "r"(i));
			break;
		case 1:
			note_at(p, 8, R, OLD, (uint64_t)i - 1, 0);
			asm volatile("mov %1, %0" : "=r"(r) : "m"(*p));
			break;
		case 2:
			note_at(p, 8, R | W, OLD | NEW, (uint64_t)i - 2, (uint64_t)i - 1);
			asm volatile("incq %0" : "+m"(*p) : : "cc");
			break;
		case 3: {
			void *from = p, *to = p + 8;

			note_at(from, 8, R, OLD, (uint64_t)i - 2, 0);
			note_at(to, 8, W, NEW, 0, (uint64_t)i - 2);
			asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
			break;
		}
		case 4:
			note_at(p, 8, R, OLD, (uint64_t)i - 3, 0);
			asm volatile("pushq %1; popq %0" : "=r"(r) : "m"(*p));
			break;
		default:
			note_at(p, 8, R | W, OLD | NEW, (uint64_t)i - 4, 2 * ((uint64_t)i - 4));
			asm volatile("lock addq %1, %0" : "+m"(*p) : "r"(i - 4) : "cc");
		}
	}
}

static void arm_timer(void)
{
	struct itimerspec often = { { 0, 3000 }, { 0, 3000 } };

	if (timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &often, NULL))
		abort();
}

static void arm_signal(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec often = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;

	handle(SIGALRM, on_alarm);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) || timer_settime(timer, 0, &often, NULL))
		abort();
	signals = 1;
}

static int under(int argc, char **argv, long n)
{
	static const struct {
		const char *name;
		void (*disturb)(void);
	} by_thread[] = {
		{ "ipi", disturb_ipi }, { "protect", disturb_protect },
		{ "unmap", disturb_unmap }, { "forget", disturb_forget },
		{ "disk", disturb_disk }, { "nmi", disturb_nmi },
	};
	pthread_t thread[8];
	sigset_t alarm;
	int i, nthreads = 0, stores = 0, asked = 0;
	size_t k;

	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	handle(SIGSEGV, on_protected);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* not for the disturbers */
	for (i = 0; i < argc; i++)
		for (k = 0; k < sizeof(by_thread) / sizeof(by_thread[0]); k++) {
			if (strcmp(argv[i], by_thread[k].name))
				continue;
			stores |= by_thread[k].disturb == disturb_forget;
			started = 0;
			if (pthread_create(&thread[nthreads++], NULL, disturber,
					   (void *)by_thread[k].disturb))
				abort();
			while (!started)
				sched_yield();
		}
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "timer"))
			arm_timer();
		if (!strcmp(argv[i], "signal"))
			arm_signal(), asked = 1;
	}
	work(n, stores);
	ending = 1;
	while (nthreads)
		pthread_join(thread[--nthreads], NULL);
	printf("%ld, %s\n", n, asked && !alarms ? "without a signal" : "as asked");
	return 0;
}

/* --- faults: each either opens the way and runs again, or is skipped */
static volatile uint64_t resume;
static volatile int skip;
static int faults[32];

static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	(void)si;
	faults[sig]++;
	g[REG_EFL] &= ~(greg_t)AC;
	if (skip)
		g[REG_RIP] = (greg_t)resume;
	else if (sig == SIGSEGV)
		mprotect(cell, 2 * PAGE, PROT_READ | PROT_WRITE);
}

#define SKIPPED(insn, ...)                                                           \
	asm volatile("leaq 1f(%%rip), %%r11; movq %%r11, %[resume]; " insn "; 1:"   \
		     : [resume] "=m"(resume) : __VA_ARGS__ : "r11", "cc", "memory")

/* Not to be executed to the end: the access to cell must not be reported. */
static void failing(void)
{
	skip = 1;
	SKIPPED("movsq", "S"(cell), "D"(BENT));				/* #GP behind the read */
	SKIPPED("divq (%1)", "r"(cell + 2), "a"(7ul), "d"(0ul));	/* #DE: 0 was read */
	SKIPPED("lock cmpxchg16b 8(%1)", "r"(cell), "a"(0ul), "d"(0ul), "b"(1ul), "c"(1ul));
	SKIPPED("movaps %%xmm0, 8(%1)", "r"(cell));			/* #GP: not aligned */
	SKIPPED("ud1 (%1), %%eax", "r"(cell));				/* #UD */
	asm volatile("movq %%rsp, %%r10; leaq 1f(%%rip), %%r11; movq %%r11, %0; movq %2, %%rsp;"
		     "pushq (%1); 1: movq %%r10, %%rsp" /* #SS: the stack is nowhere */
		     : "=m"(resume) : "r"(cell), "r"(BENT + 64) : "r10", "r11", "cc", "memory");
	skip = 0;
}

static void *fresh;

static void retried(uint64_t i)
{
	void *from, *to;
	uint64_t r = i;

	note_at(cell, 8, W, NEW, 0, i);
	asm volatile("movq %1, %0" : "=m"(cell[0]) : "r"(i));
	/* the destination faults: with SIGSEGV, then inside the kernel */
	mprotect(cell + PAGE / 8, PAGE, PROT_NONE);
	note_at(cell, 8, R, OLD, i, 0);
	from = cell, to = cell + PAGE / 8;
	asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
	madvise(fresh, PAGE, MADV_DONTNEED);
	note_at(cell, 8, R, OLD, i, 0);
	asm volatile("movq %%rsp, %%r10; movq %1, %%rsp; pushq %0; movq %%r10, %%rsp"
		     : : "m"(cell[0]), "r"((uint64_t *)fresh + 8) : "r10", "memory");
	/* the source faults */
	mprotect(cell + PAGE / 8, PAGE, PROT_NONE);
	note_at(cell + 3, 8, W, NEW, 0, i);
	from = cell + PAGE / 8, to = cell + 3;
	asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
	/* its second half faults */
	mprotect(cell + PAGE / 8, PAGE, PROT_NONE);
	note_at((uint8_t *)cell + PAGE - 4, 8, W, 0, 0, 0);
	asm volatile("movq %0, (%1)" : : "r"(i), "r"((uint8_t *)cell + PAGE - 4) : "memory");
	/* read and written, but it may only be read */
	mprotect(cell, PAGE, PROT_READ);
	note_at(cell, 8, R | W, OLD | NEW, i, i + 1);
	asm volatile("lock incq %0" : "+m"(cell[0]) : : "cc");
	/* both watched, one closed */
	mprotect(cell, PAGE, PROT_NONE);
	note_at(cell, 8, R, OLD, i + 1, 0);
	note_at(cell + 4, 8, W, NEW, 0, i + 1);
	from = cell, to = cell + 4;
	asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
	/* #AC, once */
	note_at((uint8_t *)cell + 1, 4, R, 0, 0, 0);
	asm volatile("pushfq; orl %2, (%%rsp); popfq; movl (%1), %k0; pushfq; andl %3, (%%rsp); popfq"
		     : "=&r"(r) : "r"((uint8_t *)cell + 1), "i"(AC), "i"(~AC) : "cc", "memory");
}

static void with_faults(long n)
{
	stack_t ss = { .ss_size = 1 << 16 };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static const int sigs[] = { SIGSEGV, SIGFPE, SIGBUS, SIGILL };
	long i;

	ss.ss_sp = malloc(ss.ss_size);
	sigaltstack(&ss, NULL);
	for (i = 0; i < 4; i++)
		sigaction(sigs[i], &sa, NULL);
	fresh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < n; i++) {
		retried((uint64_t)i);
		failing();
	}
	printf("SEGV %d FPE %d BUS %d ILL %d\n", faults[SIGSEGV], faults[SIGFPE], faults[SIGBUS],
	       faults[SIGILL]);
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[3]) : 0;

	if (argc > 3 && !strcmp(argv[2], "work"))
		under(argc - 4, argv + 4, n);
	else if (argc > 3 && !strcmp(argv[2], "faults"))
		with_faults(n);
	else
		return 2;
	return save(argv[1]);
}
