/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A watch as Linux sees it. Its part in one address space is an hvt_inst: it has one,
 * and while its process executes another program a second, in the coming address space.
 */
#ifndef HVT_ARM_H
#define HVT_ARM_H

#include "hv.h"

struct hvt_inst {
	struct hvt_watch w;
	struct mm_struct *mm;		/* a reference that keeps its top-level table; or NULL */
	u64 npages, ntables;		/* given to root when it was armed */
	struct hvt_call_range range;	/* argument blocks, in the direct map */
	struct hvt_supply supply;
};

struct hvt_armed {
	struct list_head node;		/* hvt_file.watches */
	struct list_head all;		/* hvt_watches */
	struct hvt_inst *now;
	struct hvt_inst *next;		/* exec.c */
	struct hvt_change *change;	/* exec.c */
	struct pid *process;		/* whose memory; NULL: no process's */
	s32 pid;
	s32 owner;
	u32 flags;			/* HVT_WATCH_* */
	u64 hits, filtered, near, remaps; /* of address spaces that are gone */
};

struct hvt_armed *hvt_watch_find(struct hvt_file *f, u32 id);

extern struct list_head hvt_watches;	/* of all fds, in the order of arming; under hvt_lock */

/* arm.c */
struct hvt_inst *hvt_inst_create(const struct hvt_watch *like, struct mm_struct *mm, int *rc);
void hvt_inst_disarm(struct hvt_inst *i);
void hvt_inst_unlink(struct hvt_inst *i);
int hvt_inst_link(struct hvt_inst *i);
void hvt_inst_free(struct hvt_inst *i);
u64 hvt_inst_near(const struct hvt_inst *i);
u64 hvt_call_root(u64 nr, void *arg);

/* exec.c: under hvt_lock */
int hvt_exec_get(void);
void hvt_exec_put(void);
void hvt_exec_forget(struct hvt_armed *a);
void hvt_exec_settle(void);

#endif
