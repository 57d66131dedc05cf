/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page shared after fork: copied when the parent writes first, when the child does, not
 * passed on at all, wiped; and vfork, where the child runs in the watched memory until it
 * executes. usage: move_fork CASE
 */
#include "move.h"

static void parent_first(void)
{
	struct baton child = baton(), parent = baton();
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	pid = fork();
	if (!pid) {
		be("child");
		get(CELL, 1);
		pass(parent);
		await(child);
		get(CELL, 1);
		put(CELL, 1, 100);
		put(CELL, 100, 101);
		pass(parent);
		await(child);
		_exit(0);
	}
	await(parent);
	look("shared with the child", STAYS);
	get(CELL, 1);
	put(CELL, 1, 2);
	look("copied by the parent", MOVES);
	pass(child);
	await(parent);
	get(CELL, 2);
	put(CELL, 2, 3);
	look("the child has its own", STAYS);
	pass(child);
	reap(pid);
	put(CELL, 3, 4);
	look("the child is gone", STAYS);
}

static void child_first(void)
{
	struct baton child = baton(), parent = baton();
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	pid = fork();
	if (!pid) {
		be("child");
		put(CELL, 1, 100); /* the kernel reads the watched frame for the copy */
		get(CELL, 100);
		pass(parent);
		await(child);
		get(CELL, 100);
		put(CELL, 100, 101);
		_exit(0);
	}
	await(parent);
	look("copied by the child", STAYS);
	get(CELL, 1);
	put(CELL, 1, 2);
	look("written by the parent", STAYS);
	pass(child);
	reap(pid);
	put(CELL, 2, 3);
}

static void not_inherited(void)
{
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, PAGE, MADV_DONTFORK));
	pid = fork();
	if (!pid) {
		be("child");
		map_fresh(arena);
		put(CELL, 0, 100);
		get(CELL, 100);
		_exit(0);
	}
	put(CELL, 1, 2);
	reap(pid);
	look("not shared", STAYS);
	get(CELL, 2);
}

static void wiped(void)
{
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	need(!madvise(arena, PAGE, MADV_WIPEONFORK));
	pid = fork();
	if (!pid) {
		be("child");
		put(CELL, 0, 100);
		get(CELL, 100);
		_exit(0);
	}
	put(CELL, 1, 2);
	reap(pid);
	look("not shared", STAYS);
	get(CELL, 2);
}

/* Until it executes the child is another process in the same memory. */
static void vfork_exec(void)
{
	pid_t pid;

	put(CELL, 0, 1);
	look("written", COMES);
	pid = vfork();
	if (!pid) {
		be("vforked");
		put(CELL, 1, 2);
		execl("/proc/self/exe", "move_fork", "executed", NULL);
		_exit(1);
	}
	be("main");
	look("another image in the child", STAYS);
	get(CELL, 2);
	put(CELL, 2, 3);
	reap(pid);
	look("the child is gone", STAYS);
}

static void executed(void)
{
	attach_journal();
	be("executed");
	put(CELL, 0, 100);
	get(CELL, 100);
}

static const struct named_case cases[] = {
	{ "parent-first", parent_first },
	{ "child-first", child_first },
	{ "not-inherited", not_inherited },
	{ "wiped", wiped },
	{ "vfork-exec", vfork_exec },
	{ 0 },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "executed")) {
		executed();
		return 0;
	}
	return run_case(cases, argc, argv);
}
