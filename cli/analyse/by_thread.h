/* SPDX-License-Identifier: GPL-2.0-only */
/* What an analysis keeps of each thread, found by the thread's events. */
#ifndef HVT_CLI_BY_THREAD_H
#define HVT_CLI_BY_THREAD_H

#include <hvtrace/hvtrace.h>

/* A thread, or one CPU's idle task: all of them are thread 0. */
struct hvt_thread {
	uint32_t trace, pid, tid, cpu; /* cpu: of tid 0 only */
};

/* Begins as zeros with the size of the user's struct, which begins with a struct hvt_thread. */
struct hvt_by_thread {
	size_t size;
	void **v; /* as they were met */
	size_t n, cap;
	struct hvt_thread *recent;
	void *by_key; /* tsearch(3) */
};

/*
 * The event's thread; trace is 0 where traces are not told apart. One that is met has zeros
 * behind its struct hvt_thread. NULL: out of memory.
 */
void *hvt_by_thread_find(struct hvt_by_thread *t, const struct hvt_event *ev, uint32_t trace);

/* Frees the users' structs, too. */
void hvt_by_thread_free(struct hvt_by_thread *t);

#endif
