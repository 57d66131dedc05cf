/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a trace of each fake task should hold, from what really happened on the fake CPU
 * alone: no views, no modes, no exits.
 */
#ifndef HVT_TRACE_ORACLE_H
#define HVT_TRACE_ORACLE_H

#include "fake_cpu.h"

struct rec {
	u64 ip, to, arg;
	u32 code, body;
	u16 flags;
	u8 type, what, vector, nest, len, insn[15];
};

struct oracle {
	/* what root is given */
	struct hvt_trace trace;
	struct hvt_thread thread;
	/* what is known */
	bool traced, arrived, flowing, in_call, call32, asleep, kernel_wanted, begun;
	bool open, over;
	u8 nest, away; /* enum hvt_away */
	u32 nr;
	u32 body; /* not 0: it is in that one, up to ... */
	u64 ret_ip, ret_rsp;
	u64 call_ret, away_rip, away_rsp, wanted, recorded, windows;
	/* what it comes to, and what came */
	struct rec *want, *got;
	u32 nwant, ngot;
};

#define ORACLE_MAX 60000

extern struct oracle oracle[FAKE_TASKS];
extern u64 oracle_seen[20]; /* records by what, 0: instructions */

extern struct hvt_trace *oracle_body; /* of kernel.function, or NULL */

void oracle_reset(void);
void oracle_begin(struct oracle *o, const struct hvt_trace *t);
void oracle_end(struct oracle *o);
void oracle_end_bodies(void);
void oracle_compare(const char *about);

#endif
