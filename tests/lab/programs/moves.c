/* cflags: -O1 */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes 1..9 to `cell` while its page moves between two writes: copy on write after a
 * fork (here and in the child), madvise, mremap away and a fresh mapping in its place,
 * protection changes. The child's writes are 100 and more, and go to its own copy.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

volatile unsigned long cell[PAGE / 8] __attribute__((aligned(PAGE)));

int main(void)
{
	int go[2], status;
	char byte;
	pid_t pid;

	cell[0] = 1;
	cell[0] = 2;
	if (pipe(go))
		return 1;
	pid = fork();
	if (!pid) { /* writes only after the parent has, so that the parent copies first */
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		cell[0] = 100;
		cell[0] = 101;
		_exit(0);
	}
	cell[0] = 3; /* copies: the child still has the page */
	if (write(go[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid || status)
		return 2;
	cell[0] = 4;
	pid = fork();
	if (!pid) {
		cell[0] = 102; /* the child copies */
		_exit(cell[0] != 102);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 3;
	cell[0] = 5;
	if (madvise((void *)cell, PAGE, MADV_DONTNEED) || cell[0])
		return 4;
	cell[0] = 6;
	if (mprotect((void *)cell, PAGE, PROT_READ) ||
	    mprotect((void *)cell, PAGE, PROT_READ | PROT_WRITE))
		return 5;
	cell[0] = 7;
	if (mremap((void *)cell, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x20000000) ==
	    MAP_FAILED)
		return 6;
	*(volatile unsigned long *)0x20000000 = 200; /* the page, at another address */
	if (mmap((void *)cell, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)cell)
		return 7;
	cell[0] = 8;
	cell[0] = 9;
	printf("%lu\n", cell[0]);
	return 0;
}
