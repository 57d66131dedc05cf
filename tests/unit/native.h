/* SPDX-License-Identifier: GPL-2.0-only */
/* Run one instruction on this CPU, with chosen registers, and see how it ends. */
#ifndef HVT_NATIVE_H
#define HVT_NATIVE_H

#include "types.h"

#define NATIVE_CODE 0x21000000ull /* 8 pages of INT3; the instruction goes here */
#define NATIVE_PAD  0x21007000ull /* where branches may land */
#define NATIVE_FP   832		  /* x87, XMM, YMM */

enum { TRAP_DE = 0, TRAP_BP = 3, TRAP_UD = 6, TRAP_GP = 13, TRAP_PF = 14 };

struct native {
	/* in */
	u64 gpr[16], ip;
	const u8 *insn;
	unsigned int len;
	/* out */
	u64 out[16], flags, end_ip;
	int trap;
	u64 fault_addr;
	bool fault_write;
	u8 fp[NATIVE_FP];
	/* with vectors, see native_vectors() */
	u8 vec_out[32][64];
	u64 mask_out[8];
};

/*
 * From now on vec_reg and vec_mask (vec.h) are the vector registers before the
 * instruction. Returns bytes of a vector here: 64, 32, or 16.
 */
unsigned int native_vectors(void);

/* Once, in a child process: takes over the signals and maps the code. */
void native_init(void);
void native_run(struct native *n);

#endif
