/* cflags: -O1 -pthread */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Known accesses to 8 bytes at CELL, in a shared page, by a thread, another thread and a
 * child process, by user code and by the kernel. Each is done before the next begins and is
 * a line of JSON: what happened is known without any tracing.
 *
 * Prints "PID TID CHILD PHYSICAL", then does what each line of its standard input says and
 * answers with a line:
 *   cells FILE     the accesses to the cell, the truth into FILE
 *   io             8 bytes into buffer by read(), out of it by write()
 *   runs           two runs of 16 bytes over buffer, upwards and downwards
 *   map            a page at LATER, 3 stores
 *   exec PROGRAM   becomes it
 * usage: filters CPU, where the second thread runs
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CELL  0x10000000ul
#define OTHER 0x10001000ul /* shared as well, and nobody's business */
#define LATER 0x20000000ul

static volatile uint64_t *const cell = (volatile uint64_t *)CELL;
static volatile uint64_t *const neighbour = (volatile uint64_t *)(CELL + 64);
static volatile uint64_t *const now = (volatile uint64_t *)OTHER; /* what the cell holds */
volatile char buffer[4096] __attribute__((aligned(4096)));

static int turn[2][2], done[2][2]; /* to and from the thread and the child */
static int five[2];		   /* a pipe with 5 bytes in it */
static char path[256];

static void said(const char *code, int user, const char *access, int size, uint64_t new)
{
	FILE *f = fopen(path, "a");
	char comm[17] = "";

	prctl(PR_GET_NAME, comm);
	fprintf(f,
		"{\"pid\":%d,\"tid\":%ld,\"comm\":\"%s\",\"cpu\":%d,\"user\":%s,\"access\":\"%s\","
		"\"size\":%d,\"old\":%llu,\"new\":%llu,\"code\":\"%s\"}\n",
		getpid(), syscall(SYS_gettid), comm, sched_getcpu(), user ? "true" : "false",
		access, size, (unsigned long long)*now, (unsigned long long)new, code);
	fclose(f);
	*now = new;
}

void __attribute__((noinline)) store(uint64_t v)
{
	__asm__ volatile("movq %1, %0" : "=m"(*cell) : "r"(v));
}

void __attribute__((noinline)) load(void)
{
	uint64_t v;

	__asm__ volatile("movq %1, %0" : "=r"(v) : "m"(*cell));
}

void __attribute__((noinline)) bump(void)
{
	__asm__ volatile("lock addq $1, %0" : "+m"(*cell));
}

/* The kernel's put_user and get_user of an int: one access of 4 bytes each. */
static void by_kernel(void)
{
	ioctl(five[0], FIONREAD, cell);
	said("put", 0, "write", 4, (*now & ~0xffffffffull) | 5);
	ioctl(five[0], FIONBIO, cell);
	said("get", 0, "read", 4, *now);
}

static void accesses(int n)
{
	int i;

	for (i = 1; i <= n; i++) {
		store((uint64_t)i * 100);
		said("store", 1, "write", 8, (uint64_t)i * 100);
		store((uint64_t)i * 100); /* no change */
		said("store", 1, "write", 8, (uint64_t)i * 100);
		load();
		said("load", 1, "read", 8, *now);
		bump();
		said("bump", 1, "rmw", 8, *now + 1);
		__asm__ volatile("movq $1, %0" : "=m"(*neighbour));
	}
	by_kernel();
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Does n rounds' worth each time it is its turn. */
static void serve(int who, int n)
{
	char c;

	while (read(turn[who][0], &c, 1) == 1) {
		accesses(n);
		if (write(done[who][1], &c, 1) != 1)
			return;
	}
}

static void give_turn(int who)
{
	char c = 0;

	if (write(turn[who][1], &c, 1) != 1 || read(done[who][0], &c, 1) != 1)
		exit(1);
}

static volatile int tid;

static void *second(void *cpu)
{
	pin(atoi(cpu));
	prctl(PR_SET_NAME, "second");
	tid = (int)syscall(SYS_gettid);
	serve(0, 4);
	return NULL;
}

static uint64_t physical(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	if (fd < 0 || pread(fd, &e, 8, CELL / 4096 * 8) != 8)
		return 0;
	close(fd);
	return (e & ((1ull << 55) - 1)) * 4096;
}

static void io(void)
{
	char bytes[8] = "12345678";
	int p[2];

	if (pipe(p) || write(p[1], bytes, 8) != 8 || read(p[0], (char *)buffer, 8) != 8 ||
	    write(p[1], (char *)buffer, 8) != 8)
		exit(1);
	close(p[0]);
	close(p[1]);
}

static void runs(void)
{
	void *at = (void *)buffer;
	unsigned long n = 16;

	__asm__ volatile("cld; rep stosb" : "+D"(at), "+c"(n) : "a"('u') : "memory");
	at = (void *)(buffer + 47);
	n = 16;
	__asm__ volatile("std; rep stosb; cld" : "+D"(at), "+c"(n) : "a"('d') : "memory");
}

static void map(void)
{
	volatile uint64_t *p = mmap((void *)LATER, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint64_t i;

	for (i = 1; i <= 3; i++)
		*p = i;
}

static void obey(char *line)
{
	if (!strncmp(line, "cells ", 6)) {
		snprintf(path, sizeof(path), "%s", line + 6);
		accesses(6);
		give_turn(0);
		give_turn(1);
	} else if (!strcmp(line, "io")) {
		io();
	} else if (!strcmp(line, "runs")) {
		runs();
	} else if (!strcmp(line, "map")) {
		map();
	} else if (!strncmp(line, "exec ", 5)) {
		execl(line + 5, line + 5, "0", (char *)NULL);
		exit(1);
	}
	puts("done");
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[300];
	int i, child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || mmap((void *)CELL, 8192, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return 1;
	*cell = *neighbour = *now = 0;
	for (i = 0; i < 2; i++)
		if (pipe(turn[i]) || pipe(done[i]))
			return 1;
	if (pipe(five) || write(five[1], "12345", 5) != 5)
		return 1;
	prctl(PR_SET_NAME, "first");
	child = fork();
	if (!child) {
		close(turn[1][1]); /* the parent's end ends it */
		pin(0);
		prctl(PR_SET_NAME, "child");
		store(0); /* both have the page */
		/* the truth goes where the parent says: it is in the shared page behind now */
		while (read(turn[1][0], line, 1) == 1) {
			snprintf(path, sizeof(path), "%s", (char *)(OTHER + 64));
			accesses(3);
			if (write(done[1][1], line, 1) != 1)
				break;
		}
		return 0;
	}
	buffer[0] = 0; /* its own again, after the fork */
	pin(0);
	if (pthread_create(&thread, NULL, second, argv[1]))
		return 1;
	while (!tid)
		usleep(1000);
	printf("%d %d %d 0x%llx\n", getpid(), tid, child, (unsigned long long)physical());
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "cells ", 6))
			strcpy((char *)(OTHER + 64), line + 6);
		obey(line);
	}
	return 0;
}
