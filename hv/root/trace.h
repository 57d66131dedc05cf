/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What root mode knows of traces: what was asked for, each traced thread, and what each
 * CPU does for the thread that is on it. trace.c has the machine that moves between them.
 */
#ifndef HVT_ROOT_TRACE_H
#define HVT_ROOT_TRACE_H

#include "types.h"
#include <hvtrace/uapi.h>
#include "insn.h"

#define HVT_BODIES	64	/* function bodies that are being traced at once */
#define HVT_BODY_TRACES	8	/* functions */
#define HVT_LAZY_TABLES	64	/* of a CPU's LAZY view */
#define HVT_ENTRY_PAGES	16	/* of Linux's entry code, at most */
#define HVT_TRAP_ENTRY	(~1ull)	/* as a page: all of the entry code's */
#define HVT_LEN_CACHE	512	/* instruction lengths that a CPU remembers */
#define HVT_MEM_MAX	64	/* value bytes kept of a traced instruction's operand */

/* What was asked for; read-only for root but for the counters, which are atomically added to. */
struct hvt_trace {
	u32 id;
	u32 flags;			/* HVT_TRACE_* */
	u8 session;
	u32 nr_only, nr_skip;
	u64 addr, len;			/* BODY */
	u64 from, to, after, count;
	bool by_watch;			/* a watch opens its windows */
	struct hvt_trace_range range[HVT_TRACE_RANGES];
	u64 instructions, unrecorded, windows;
	u64 bodies;			/* entered so far, those beyond the limit included */
	u64 bodies_done;
	u32 running;			/* threads whose last window has not closed */
};

enum hvt_window { HVT_WINDOW_CLOSED, HVT_WINDOW_OPEN, HVT_WINDOW_OVER };

/* A traced thread, or a body. Changed by the CPU that runs it, in root mode. */
struct hvt_thread {
	struct hvt_trace *trace;
	void *task;			/* struct task_struct; of a body NULL: free */
	u8 window;			/* enum hvt_window */
	bool flowing;			/* the last record said where it goes on */
	bool in_call;			/* a system call, whose ... */
	bool call32;
	bool fresh;			/* registers: the next record has all */
	bool asleep;			/* told to be off its CPU */
	bool unwanted;			/* its last user code, whatever the window */
	u8 nest;			/* exceptions of the kernel that are being handled */
	u8 away;			/* enum hvt_away: an interrupt is being handled */
	u64 away_rip, away_rsp;		/* ... of the kernel, where it goes back to */
	u32 nr;				/* ... number and ... */
	u64 call_ret;			/* ... return address these are */
	u64 seen;			/* wanted instructions of this window */
	/* of a body */
	u32 body;
	u64 ret_ip, ret_rsp;
};

enum hvt_away { HVT_HERE, HVT_AWAY_USER, HVT_AWAY_KERNEL };

/* What the CPU does for the thread on it. */
enum hvt_trace_mode {
	HVT_TRACE_OFF,			/* nothing */
	HVT_TRACE_WAIT,			/* the kernel runs; going back to user code is noticed */
	HVT_TRACE_FREE,			/* user code that is not wanted runs */
	HVT_TRACE_STEP,			/* one instruction a time */
	HVT_TRACE_INTR,			/* an interrupt is to be delivered to user code */
	HVT_TRACE_AWAY,			/* a handler runs; its return to traced kernel code is noticed */
	HVT_TRACE_NEAR,			/* ... and is stepped in the pages where that may be */
};

/* The instruction that runs next, as it is before that. */
struct hvt_trace_insn {
	u64 ip;				/* linear */
	u64 rip, rsp;
	u16 flags;			/* HVT_RF_USER, CODE32, CODE16, NOINSN */
	u8 got, len;			/* bytes read; its length or 0 */
	u8 insn[16];
	bool wanted;
	u64 gpr[16], rflags;		/* with REGS or MEM */
	bool mem_exact;
	struct hvt_insn dec;		/* with MEM */
	u16 old_len[HVT_INSN_OPS];
	u8 old[HVT_INSN_OPS][HVT_MEM_MAX];
};

struct hvt_len {
	u64 lo, hi;			/* the 15 bytes that were there; hi's last byte: bits */
	u8 len;
};

struct hvt_tracer {
	struct hvt_thread *thread;	/* on this CPU; NULL: none that is traced */
	struct hvt_thread *next;	/* which the scheduler has chosen, by ... */
	void *next_task;		/* ... this task; it is on the CPU ... */
	bool switching;			/* ... once that shows in `current` */
	u8 mode;			/* enum hvt_trace_mode */
	bool ready;			/* insn is about the next instruction */
	bool delivering;		/* the next MTF exit is the end of an event's delivery */
	bool lazy_stale;		/* LAZY's pages are another thread's, or another window's */
	bool intr;			/* an interrupt is pending: its delivery may come first */
	u64 page_va, page_gpa;		/* of the last user instruction; HVT_GPA_NONE: not known */
	struct hvt_trace_insn insn;
	struct hvt_len *len;		/* HVT_LEN_CACHE */
};

#endif
