/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forks, starts threads, executes itself, faults, and has signals sent to all of them, for so
 * many millions of ticks of the TSC, which are instructions in the simulator; each part checks
 * what it computes. Prints how much there was of it.
 * usage: trace_torture MILLIONS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static volatile sig_atomic_t signals, traps, faults;
static uint8_t *closed;

static uint64_t work(uint64_t x, int n)
{
	while (n--)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void on_trap(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)si;
	(void)ctx;
	traps++;
}

static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	faults++;
	mprotect((void *)((uintptr_t)si->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

/* Under timers and other threads' signals: the sum has to be right all the same. */
static void *thread(void *arg)
{
	uint64_t x = (uint64_t)arg, sum = 0;
	uint8_t *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	for (i = 0; i < 8; i++) {
		p[i * PAGE] = (uint8_t)i;
		sum += p[i * PAGE];
		x = work(x, 200);
		kill(getpid(), SIGUSR1);
		asm volatile("int3");
	}
	munmap(p, 8 * PAGE);
	return (void *)(x ^ sum);
}

static int threads(uint64_t seed)
{
	pthread_t t[3];
	void *got;
	int i, bad = 0;

	for (i = 0; i < 3; i++)
		bad |= pthread_create(&t[i], NULL, thread, (void *)(seed + (uint64_t)i));
	for (i = 0; i < 3; i++) {
		bad |= pthread_join(t[i], &got);
		bad |= (uint64_t)got != (work(seed + (uint64_t)i, 1600) ^ 28);
	}
	return bad;
}

static int faulting(void)
{
	int before = faults;

	mprotect(closed, PAGE, PROT_NONE);
	*(volatile uint8_t *)closed = 1;
	return faults != before + 1;
}

/* Every instruction of this is stepped by itself. */
static int stepping(void)
{
	uint64_t x;
	int before = traps;

	asm volatile("pushfq; orl $0x100, (%%rsp); popfq; movl $5, %%eax; imull $7, %%eax; nop\n\t"
		     "pushfq; andl $~0x100, (%%rsp); popfq"
		     : "=a"(x) : : "cc", "memory");
	return x != 35 || traps < before + 6;
}

static int child(char **argv, int how)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
		if (how % 3 == 0)
			execl(argv[0], argv[0], "leaf", (char *)NULL);
		if (how % 3 == 1)
			kill(getpid(), SIGKILL);
		_exit(threads((uint64_t)how) ? 1 : 7);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return how % 3 == 1 ? !WIFSIGNALED(status) : !WIFEXITED(status) || WEXITSTATUS(status) != 7;
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0, bad = 0;
	uint64_t end;

	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "leaf"))
		return work(1, 500) ? 7 : 0;
	signal(SIGUSR1, on_signal);
	signal(SIGALRM, on_signal);
	sigaction(SIGTRAP, &(struct sigaction){ .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO }, NULL);
	sigaction(SIGSEGV, &(struct sigaction){ .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, NULL);
	closed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 10000 }, { 0, 10000 } }, NULL);
	end = __builtin_ia32_rdtsc() + (uint64_t)atol(argv[1]) * 1000000;
	do {
		bad += (unsigned long)threads(rounds);
		bad += (unsigned long)faulting();
		bad += (unsigned long)stepping();
		bad += (unsigned long)child(argv, (int)rounds++);
	} while (__builtin_ia32_rdtsc() < end);
	printf("%lu rounds, %lu bad, %s\n", rounds, bad, signals ? "signals came" : "no signal");
	return bad != 0;
}
