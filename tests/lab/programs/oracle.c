/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's end of tests/lab/oracle/session.py: tells the simulator's debugger, by
 * magic breakpoints with arguments in registers, which physical bytes to watch and when.
 *
 *	oracle watch PID ADDR,LEN...	make these bytes of the process present and its
 *					own, print "ADDR PHYSICAL LEN" per page, arm them
 *	oracle where PID ADDR,LEN...	print them only
 *	oracle physical ADDR,LEN...	the same as watch, for what is at ADDR in memory
 *	oracle begin NAME hits|all	watch; "all": have each access described in full
 *	oracle end
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE	4096ul
#define PRESENT (1ull << 63)
#define PFN	((1ull << 55) - 1)

static int pagemap;

static void magic(char verb, uint64_t a, uint64_t b)
{
	asm volatile("xchgw %%bx, %%bx"
		     : : "a"((uint64_t)verb), "d"(0x68767472ul), "D"(a), "S"(b) : "memory");
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void own(pid_t pid, unsigned long addr)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { (void *)addr, 1 };

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != 1 ||
	    process_vm_writev(pid, &here, 1, &there, 1, 0) != 1)
		die("memory of the process");
}

static unsigned long physical(unsigned long addr)
{
	uint64_t entry;

	if (pread(pagemap, &entry, 8, (off_t)(addr / PAGE * 8)) != 8)
		die("pagemap");
	if (!(entry & PRESENT)) {
		fprintf(stderr, "0x%lx: not present\n", addr);
		exit(1);
	}
	return (entry & PFN) * PAGE + addr % PAGE;
}

/* One piece for each page of "ADDR,LEN". */
static void pieces(const char *verb, pid_t pid, const char *range)
{
	char *end;
	unsigned long addr = strtoul(range, &end, 0), len, part, at;

	if (*end != ',')
		exit(2);
	for (len = strtoul(end + 1, NULL, 0); len; addr += part, len -= part) {
		part = PAGE - addr % PAGE < len ? PAGE - addr % PAGE : len;
		if (*verb == 'w' && verb[1] == 'a')
			own(pid, addr);
		at = pid ? physical(addr) : addr;
		printf("0x%lx 0x%lx %lu\n", addr, at, part);
		if (strcmp(verb, "where"))
			magic('W', at, part);
	}
}

int main(int argc, char **argv)
{
	char name[8] = "", path[64];
	uint64_t word;
	pid_t pid = 0;
	int i = 2;

	if (argc == 2 && !strcmp(argv[1], "end")) {
		magic('E', 0, 0);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "begin")) {
		memcpy(name, argv[2], strnlen(argv[2], sizeof(name)));
		memcpy(&word, name, sizeof(word));
		magic('B', word, !strcmp(argv[3], "all"));
		return 0;
	}
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "physical")) {
		pid = atoi(argv[i++]);
		snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
		pagemap = open(path, O_RDONLY);
		if (pagemap < 0)
			die(path);
	}
	for (; i < argc; i++)
		pieces(argv[1], pid, argv[i]);
	return 0;
}
