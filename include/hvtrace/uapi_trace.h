/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The part of uapi.h, which includes it, that is about traces: of instructions, and of what
 * breaks their sequence.
 */
#ifndef HVTRACE_UAPI_TRACE_H
#define HVTRACE_UAPI_TRACE_H

#include "uapi.h"

/*
 * Whose instructions are recorded. Each thread of the machine is in one trace at most.
 * A trace is a window that is open from the start; with from or on it opens there, and
 * closes behind to, or when count instructions were recorded. Closed, it opens again only
 * with REPEAT. While it is closed, and in code that is not wanted, threads run at full
 * speed as far as pages without wanted code tell (with MBEC; else they are stepped, and
 * nothing is recorded).
 */
#define HVT_TRACE_THREAD (1u << 0) /* pid is a thread: that one alone, not all of its process */
#define HVT_TRACE_FOLLOW (1u << 1) /* and those that they make: threads, processes */
#define HVT_TRACE_KERNEL (1u << 2) /* what they execute at CPL 0, too */
#define HVT_TRACE_REGS	 (1u << 3) /* with the registers that each instruction changed */
#define HVT_TRACE_MEM	 (1u << 4) /* with its memory operands and their values */
#define HVT_TRACE_REPEAT (1u << 5) /* a window may open again */
/*
 * pid is 0: whoever enters the kernel code [addr, addr + len) at addr, until it returns to
 * its caller; interrupts and recursion within are part of it (nest, body). count and after
 * count bodies.
 */
#define HVT_TRACE_BODY	 (1u << 6)

#define HVT_TRACE_RANGES 64

struct hvt_trace_range {
	__u64 lo, hi;		/* [lo, hi): address of the instruction */
};

struct hvt_trace_add {
	__u32 size;
	__u32 flags;		/* HVT_TRACE_* */
	__s32 pid;
	__u32 id;		/* out: machine-wide, from the numbers of watches */
	__u64 addr, len;	/* with BODY */
	__u64 from, to;		/* addresses of instructions; 0: none */
	__u64 after;		/* leave out the first so many of each window */
	__u64 count;		/* instructions of a window; 0: no limit */
	__u32 on;		/* id of a watch of the same fd whose accesses open the window */
	__u32 nr_only, nr_skip;	/* of range[]: only user code in these, first; none in those, behind.
				 * What unwanted code has the kernel do is not wanted, either */
	__u32 threads;		/* out: how many are traced now */
	struct hvt_trace_range range[HVT_TRACE_RANGES];
};

#define HVT_TRACE_OVER (1u << 0) /* nothing will be recorded any more: all threads have
				  * exited, or the last window has closed */

struct hvt_trace_info {
	__u32 size;
	__u32 index;		/* in: 0, 1, ... until -ENOENT */
	__u32 id, flags;	/* HVT_TRACE_* of TRACE_ADD */
	__s32 pid;
	__s32 owner;		/* tgid that began it */
	__u64 addr, len;
	__u64 instructions;	/* recorded */
	__u64 unrecorded;	/* stepped only to find out what is wanted */
	__u64 windows;		/* that opened, or bodies that were entered */
	__u32 threads;		/* traced now */
	__u32 state;		/* HVT_TRACE_OVER */
};

/* ------------------------------------------------------------------ */
/* Records */

/* hvt_rec.flags of an instruction: USER, CODE32, CODE16, NOINSN, and */
#define HVT_RF_DELTA (1u << 13) /* struct hvt_rec_delta follows */
#define HVT_RF_MEM   (1u << 14) /* struct hvt_rec_mems follows */

/*
 * One instruction, written when it has retired; h.watch is the id of its trace. 64 bytes,
 * then by flags: DELTA, MEM.
 */
struct hvt_rec_insn {
	struct hvt_rec h;
	__u64 ip;
	__u32 pid, tid;
	__u8 insn[15];		/* as they were when it was fetched */
	__u8 insn_len;		/* its length, or how many bytes could be read */
	__u32 body;		/* of a BODY trace: the n-th entry, from 1; else 0 */
	__u8 nest;		/* interrupts and exceptions that are being handled around it */
	__u8 pad[3];
};

/* What the instruction changed: bits 0..15 general registers, 16 RFLAGS. */
struct hvt_rec_delta {
	__u32 mask;
	__u32 pad;
	/* __u64 value[], of each bit that is set, the lowest first: after the instruction */
};
#define HVT_DELTA_MASK 0x1ffffu

/*
 * Its memory operands; nr 0 with exact 0: root cannot list them. Other CPUs are not kept
 * from the same bytes meanwhile.
 */
struct hvt_rec_mems {
	__u32 nr;
	__u32 exact;
	/* struct hvt_rec_mem[], each with its values */
};

struct hvt_rec_mem {
	__u64 addr;
	__u32 size;
	__u16 len;		/* value bytes: of the first of the size, 0: not known */
	__u8 access;		/* HVT_ACC_* */
	__u8 pad;
	/* __u8 old[len], unless it only writes; new[len], unless it only reads; padded to 8 */
};

/* What breaks the sequence of a thread's instructions, and what explains it. */
enum hvt_flow {
	HVT_FLOW_BEGIN = 1,	/* its next instruction is at to: the trace, a window or a body
				 * begins, or it comes back from code that is not wanted */
	HVT_FLOW_END = 2,	/* ... ends, or goes there; at to, if known */
	HVT_FLOW_INTERRUPT = 3,	/* before the instruction at ip; vector */
	HVT_FLOW_EXCEPTION = 4,	/* vector, code: its error code; arg[0]: CR2 of a #PF, else 0. A
				 * fault: the instruction at ip, in insn[], has not retired. With
				 * HVT_RF_TRAP it has; a #DB trap is before the one at ip */
	HVT_FLOW_SYSCALL = 5,	/* by the instruction at ip; code: number, arg[]: arguments */
	HVT_FLOW_RESUME = 6,	/* user code goes on at to; with HVT_RF_SYSRET code is the
				 * number and arg[0] the result of the system call that ended */
	HVT_FLOW_SIGNAL = 7,	/* code: its number; delivered to the handler at to (0: none
				 * runs); arg[0]: si_code, arg[1]: si_addr */
	HVT_FLOW_EXEC = 8,	/* a new program: addresses mean other things from here on */
	HVT_FLOW_EXIT = 9,	/* the thread ends; code: its wait status */
	HVT_FLOW_RETURN = 10,	/* IRET to what an interrupt or exception broke into, at to */
	HVT_FLOW_SWITCH = 11,	/* a body or a thread in the kernel: it sleeps or goes on at to;
				 * code: 1 when it goes on */
};

#define HVT_RF_SYSRET (1u << 13)
#define HVT_RF_TRAP   (1u << 14) /* an exception after its instruction */
#define HVT_VECTOR_NONE 0xff

struct hvt_rec_flow {
	struct hvt_rec h;
	__u64 ip;		/* of the instruction it concerns; 0: none */
	__u32 pid, tid;
	__u64 to;		/* where control goes; 0: not known */
	__u8 what;		/* enum hvt_flow */
	__u8 vector;		/* HVT_VECTOR_NONE: not known */
	__u8 nest;		/* as of the instruction at ip */
	__u8 insn_len;
	__u32 code;
	__u64 arg[6];
	__u32 body;
	__u8 insn[15];
	__u8 pad[5];
};

#endif
