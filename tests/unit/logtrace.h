/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces in logs that tests make: records of instructions, and of what breaks them. */
#ifndef LOGTRACE_H
#define LOGTRACE_H

#include <stddef.h>
#include <stdint.h>

#include "logbuild.h"

/* nr_only and nr_skip of h are of range. */
void lb_trace(struct logbuild *lb, const struct hvt_log_trace *h,
	      const struct hvt_trace_range *range, const char *spec);

/* A NOP of thread 101 of process 100 at CPL 3, of trace 5, to start from. */
struct hvt_rec_insn lb_insn(uint64_t seq, uint64_t tsc, uint64_t ip);

/* An operand; of old and new_ what m.access says, m.len bytes each. */
struct lb_mem {
	struct hvt_rec_mem m;
	const void *old, *new_;
};

/* One record: by its flags with a delta of mask, with nr operands; its nslots are set. */
void lb_insn_record(struct logbuild *records, struct hvt_rec_insn *in, uint32_t mask,
		    const uint64_t *values, const struct lb_mem *mem, uint32_t nr, uint32_t exact);

/* A break of the same thread's sequence; put it with lb_bytes(). */
struct hvt_rec_flow lb_flow(uint64_t seq, uint64_t tsc, uint8_t what);

/*
 * What mklog traced writes: a thread that moves from CPU 0 to CPU 1, with all kinds of
 * breaks, a child that is called what it was called, and a kernel function's body.
 */
void lb_traced(struct logbuild *lb);

#endif
