/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace as Linux sees it; which threads are in it is threads.c's. */
#ifndef HVT_TRACE_H
#define HVT_TRACE_H

#include "arm.h"

struct hvt_traced {
	struct list_head node;		/* hvt_file.traces */
	struct list_head all;		/* hvt_traces */
	struct hvt_trace t;
	struct list_head threads;	/* threads.c */
	u32 nthreads;
	bool ending;			/* no thread is added any more */
	s32 pid, owner;
	struct hvt_inst *gate;		/* BODY: notices the function's first instruction */
	struct hvt_file *file;
};

/* threads.c: under hvt_lock */
int hvt_threads_get(void);
void hvt_threads_put(void);
int hvt_threads_add(struct hvt_traced *tr, struct task_struct *task);
void hvt_threads_del_all(struct hvt_traced *tr);
u32 hvt_threads_count(const struct hvt_traced *tr);
void hvt_threads_bodies(int by);

#endif
