/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a trace's instructions and flow to calls: a stack for each thread, kept by what its
 * CALLs and RETs did. What else moves control (signals, longjmp, exceptions of C++, tail
 * calls, windows of a trace) is told by where the thread went.
 */
#ifndef HVT_CLI_CALLS_H
#define HVT_CLI_CALLS_H

#include <hvtrace/hvtrace.h>

#include "by_thread.h"
#include "calltree.h"

/* A thread in one trace. */
struct hvt_call_thread {
	struct hvt_thread is;
	char comm[17]; /* the last one */
	struct hvt_call *root;
};

struct hvt_calls;

struct hvt_calls *hvt_calls_new(void);
void hvt_calls_free(struct hvt_calls *c);

/* The next event of the log, of any type; r may be NULL. 0 or -ENOMEM. */
int hvt_calls_add(struct hvt_calls *c, const struct hvt_reader *r, const struct hvt_event *ev);

/* When all were added: the i-th thread as they were met, NULL behind the last. */
const struct hvt_call_thread *hvt_calls_thread(struct hvt_calls *c, size_t i);

#endif
