/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watched memory that others reach: a mapping that two processes share, a memfd that each
 * has elsewhere, and the kernel writing and reading on behalf of this process and of
 * another. usage: move_share CASE
 */
#include "move.h"

#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/uio.h>

#define ELSEWHERE  ((char *)0x30000000)
#define CELL_THERE ((volatile unsigned long *)(ELSEWHERE + CELL_OFFSET))

/* @main puts 1 and 3, the child 2 and 4, at the addresses that they have it at. */
static void alternate(volatile unsigned long *mine, volatile unsigned long *childs)
{
	struct baton child = baton(), parent = baton();
	pid_t pid = fork();

	if (!pid) {
		be("child");
		await(child);
		get(childs, 1);
		put(childs, 1, 2);
		pass(parent);
		await(child);
		put(childs, 3, 4);
		_exit(0);
	}
	put(mine, 0, 1);
	look("first", ANY);
	pass(child);
	await(parent);
	look("written by the child", STAYS);
	get(mine, 2);
	put(mine, 2, 3);
	pass(child);
	reap(pid);
	get(mine, 4);
}

static void anonymous(void)
{
	need(mmap(arena, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == arena);
	alternate(CELL, CELL);
}

static void memfd(void)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);

	need(fd >= 0 && !ftruncate(fd, PAGE));
	need(mmap(arena, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == arena);
	need(mmap(ELSEWHERE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	     ELSEWHERE);
	alternate(CELL, CELL_THERE);
}

/* System V; the child writes first and this process has it mapped but never touched. */
static void sysv(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
	pid_t pid;

	need(id >= 0 && shmat(id, arena, SHM_REMAP) == arena);
	pid = fork();
	if (!pid) {
		be("child");
		put(CELL, 0, 1); /* nowhere in the watched process yet */
		_exit(0);
	}
	reap(pid);
	get(CELL, 1);
	put(CELL, 1, 2);
	need(!shmdt(arena) && !shmctl(id, IPC_RMID, NULL));
	look("detached", ANY);
}

/* read(2) into it and write(2) from it */
static void system_calls(void)
{
	struct baton b = baton();
	unsigned long value = 1, got;
	struct before f;

	need(write(b.fd[1], &value, sizeof(value)) == sizeof(value));
	f = before(getpid(), CELL);
	need(read(b.fd[0], (void *)CELL, sizeof(value)) == sizeof(value)); /* faults it in */
	after(f, getpid(), CELL, "kW", 0, 1);
	look("read into", COMES);
	put(CELL, 1, 2);
	f = before(getpid(), CELL);
	need(write(b.fd[1], (void *)CELL, sizeof(value)) == sizeof(value));
	after(f, getpid(), CELL, "kR", 2, 2);
	need(read(b.fd[0], &got, sizeof(got)) == sizeof(got) && got == 2);
	value = 3;
	need(write(b.fd[1], &value, sizeof(value)) == sizeof(value));
	f = before(getpid(), CELL);
	need(read(b.fd[0], (void *)CELL, sizeof(value)) == sizeof(value));
	after(f, getpid(), CELL, "kW", 2, 3);
	get(CELL, 3);
}

/*
 * @write_word, called by a child, has the kernel write a word at CELL of the parent; the
 * first time that means a copy, since fork shares the page.
 */
static void by_a_child(void (*write_word)(pid_t whose, unsigned long value))
{
	pid_t whose = getpid(), pid;
	struct before f;
	unsigned long i;

	put(CELL, 0, 1);
	look("written", COMES);
	pid = fork();
	if (!pid) {
		be("child");
		for (i = 1; i < 4; i++) {
			f = before(whose, CELL);
			write_word(whose, i + 1);
			after(f, whose, CELL, "kW", i, i + 1);
		}
		_exit(0);
	}
	reap(pid);
	look("written by the child", MOVES);
	get(CELL, 4);
	put(CELL, 4, 5);
}

static void by_writev(pid_t whose, unsigned long value)
{
	struct iovec here = { &value, sizeof(value) }, there = { (void *)CELL, sizeof(value) };

	need(process_vm_writev(whose, &here, 1, &there, 1, 0) == sizeof(value));
}

static void by_mem(pid_t whose, unsigned long value)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", whose);
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0 && pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)CELL) ==
				sizeof(value));
	close(fd);
}

/* Nobody else traces the watched process, or this could not. */
static void by_poke(pid_t whose, unsigned long value)
{
	int status;

	need(!ptrace(PTRACE_ATTACH, whose, NULL, NULL));
	need(waitpid(whose, &status, 0) == whose && WIFSTOPPED(status));
	need(!ptrace(PTRACE_POKEDATA, whose, (void *)CELL, (void *)value));
	need(!ptrace(PTRACE_DETACH, whose, NULL, NULL));
}

static void vm_writev(void)
{
	by_a_child(by_writev);
}

static void proc_mem(void)
{
	by_a_child(by_mem);
}

static void poke(void)
{
	by_a_child(by_poke);
}

static const struct named_case cases[] = {
	{ "anonymous", anonymous },
	{ "memfd", memfd },
	{ "sysv", sysv },
	{ "system-calls", system_calls },
	{ "vm-writev", vm_writev },
	{ "proc-mem", proc_mem },
	{ "poke", poke },
	{ 0 },
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
