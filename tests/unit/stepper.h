/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a program one instruction at a time with ptrace(2) and writes what it did as a log
 * with a trace, as the module would: real instructions, registers and memory for tests on
 * a host without VMX. Its threads and children are followed.
 */
#ifndef STEPPER_H
#define STEPPER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/user.h>

#include "agent/build_ids.h"
#include "logbuild.h"
#include "logtrace.h"

struct hvt_decoder;

struct stepper {
	struct logbuild *log;
	struct logbuild records; /* not in the log yet */
	uint32_t trace_flags;	 /* HVT_TRACE_REGS, HVT_TRACE_MEM */
	uint64_t seq, tsc;	 /* of the next record; a tick is a nanosecond */
	struct step_thread *threads;
	struct build_ids ids;
	struct hvt_decoder *decoder;
	int status; /* of the program, as wait(2) has it */
};

#define STEP_TRACE 5u

/* Runs argv to its end. False, with a line on stderr: it could not be run. */
bool step_program(struct stepper *s, char **argv);

/* ---- stepfacts.c: what the log says besides records ---- */

/* A process or thread as it is now; what: HVT_TASK_*. */
void step_task(struct stepper *s, uint32_t what, int pid, int tid, int parent);
/* The files that it has mapped now, to be executed. */
void step_maps(struct stepper *s, int pid);

/* ---- stepmem.c: memory operands ---- */

#define STEP_OPERANDS 4
#define STEP_VALUE    512

struct step_operands {
	uint32_t nr, exact;
	struct lb_mem v[STEP_OPERANDS];
	uint8_t old[STEP_OPERANDS][STEP_VALUE], new_[STEP_OPERANDS][STEP_VALUE];
};

size_t step_read(pid_t pid, uint64_t addr, void *to, size_t len);
/* Those of the instruction at regs->rip, which is about to be executed. */
void step_operands_before(struct stepper *s, pid_t pid, const struct user_regs_struct *regs,
			  const uint8_t *insn, size_t len, struct step_operands *o);
void step_operands_after(pid_t pid, struct step_operands *o);

/* The 16 general registers in encoding order, and RFLAGS. */
void step_registers(const struct user_regs_struct *regs, uint64_t v[17]);

#endif
