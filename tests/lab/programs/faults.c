/* cflags: -O1 -fno-stack-protector */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that touch `cell` and then fault on something else: each is run again by
 * a signal handler that removes the reason, so each access counts once, when it retires.
 * Prints how many signals came and what `cell` holds.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096

uint64_t cell[PAGE / 8] __attribute__((aligned(PAGE)));
static uint8_t *closed;
static int faults, divides;

static void on_segv(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)si;
	(void)ctx;
	faults++;
	mprotect(closed, PAGE, PROT_READ | PROT_WRITE);
}

/* The division by cell, which was 0, runs again with 7. */
static void on_fpe(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)si;
	(void)ctx;
	divides++;
	cell[0] = 7;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
	uint64_t q = 21, r = 0, i;

	closed = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &sa, NULL);
	sa.sa_sigaction = on_fpe;
	sigaction(SIGFPE, &sa, NULL);

	for (i = 1; i <= 3; i++) {
		cell[0] = i; /* a write, then a read whose destination faults once */
		mprotect(closed, PAGE, PROT_NONE);
		asm volatile("movsq" : : "S"(cell), "D"(closed) : "memory");
		mprotect(closed, PAGE, PROT_NONE);
		asm volatile("pushq (%1); popq %0" : "=r"(r) : "r"(cell) : "memory");
	}
	*(volatile uint64_t *)cell = 0;
	asm volatile("divq %2" : "+a"(q), "=d"(r) : "m"(cell[0]), "1"(0ul) : "memory");
	printf("%d %d %lu %lu\n", faults, divides, (unsigned long)q, (unsigned long)cell[0]);
	return 0;
}
