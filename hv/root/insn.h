/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory does this instruction touch? A table decoder for root mode: given
 * the bytes and the registers before execution it lists every memory operand of
 * the common instructions, exactly, and says so when it cannot.
 *
 * Pure: no VMX, no kernel. Source of the tables: SDM volume 2, appendix A. What it
 * claims is proved by tests/unit/test_root_insn*.c, against capstone and the CPU.
 */
#ifndef HVT_ROOT_INSN_H
#define HVT_ROOT_INSN_H

#include "types.h"

#define HVT_INSN_MAX 15
#define HVT_INSN_OPS 32

#define HVT_OP_R 1
#define HVT_OP_W 2

/* General registers in encoding order; gpr[4] is RSP. */
struct hvt_insn_ctx {
	const u64 *gpr;
	u64 ip;
	u64 fs_base, gs_base;
	u8 bits; /* 64, 32 or 16 */
	u8 cpl;	 /* above 0, port I/O may read the TSS: unknown */
	/*
	 * Shadow stacks or FRED may be on (CR4.CET, CR4.FRED): calls, returns and
	 * system calls touch more than they name and are unknown.
	 */
	bool hidden_stack;
	/*
	 * The descriptor tables, which hvt_insn_wants_tables() tells to be needed. Without
	 * tables, instructions that use a descriptor are unknown.
	 */
	bool tables;
	u64 gdt_base, ldt_base;
	u32 gdt_limit, ldt_limit;
};

/*
 * Where the value of an operand is without reading it, for device registers. Told for
 * moves only (MOV, MOVZX, MOVSX, string moves, whole or low parts of vectors, without
 * a mask): the low @size bytes of a register, after the instruction for a load, before
 * it for a store.
 */
enum {
	HVT_VAL_NONE,	  /* nowhere, or not known */
	HVT_VAL_GPR,	  /* general register @reg */
	HVT_VAL_GPR_HIGH, /* bits 15:8 of general register @reg: AH, CH, DH, BH */
	HVT_VAL_IMM,	  /* hvt_insn.imm */
	HVT_VAL_VEC,	  /* vector register @reg */
	HVT_VAL_OTHER,	  /* MOVS, MOVDIR64B: the other operand holds it, too */
};

struct hvt_insn_op {
	u64 addr;  /* linear */
	u32 size;  /* bytes, > 0 */
	u8 access; /* HVT_OP_* */
	u8 lane;   /* gathers and scatters: which element, else 0 */
	u8 value;  /* HVT_VAL_* */
	u8 reg;
};

/* What tells which lanes of a gather or scatter are still to be done. */
enum { HVT_MASK_NONE, HVT_MASK_K, HVT_MASK_VEC };

struct hvt_insn {
	u8 len;
	u8 nops;
	u8 mask;      /* HVT_MASK_* */
	u8 mask_reg;  /* its number */
	u8 mask_lane; /* HVT_MASK_VEC: bytes of a lane, whose top bit counts */
	/*
	 * A string instruction with REP or REPcc, whose elements are of @elem bytes. While
	 * it goes on the instruction pointer stays; RFLAGS.DF is its direction.
	 */
	bool rep;
	u8 elem;
	u64 imm; /* with HVT_VAL_IMM: the immediate, sign-extended */
	struct hvt_insn_op op[HVT_INSN_OPS];
};

/*
 * Decode @n bytes at @b. Returns true when @out lists the length and *all* memory
 * operands (implicit ones included) of one instruction, should it execute on an
 * Intel CPU; false when the opcode, its addressing or an operand of it is not known
 * here (XSAVEOPT, XSAVES, gates and other system descriptors, descriptors that get marked
 * as accessed, far RET to another privilege level, 16-bit code or addresses, non-canonical
 * addresses, a truncated buffer, ...): then @out is unspecified but for out->len, which is
 * the length or 0.
 *
 * In 32-bit code the bases of CS, DS, ES and SS are taken to be 0, as Linux has them.
 * A REP string instruction counts as its next iteration, and has no operands when
 * its count is 0. Prefetches and cache line flushes have no operands. Elements that
 * a mask excludes are not accessed; adjacent ones that it includes are one operand,
 * but each lane of a gather or scatter is an operand of its own, in lane order.
 */
bool hvt_insn_decode(const u8 *b, unsigned int n, const struct hvt_insn_ctx *ctx,
		     struct hvt_insn *out);

/*
 * What decoding found of an instruction that does not depend on the registers: 64-bit code at
 * one address, whose operands are each a sum of registers and a constant. Most are; the others
 * have no form.
 */
#define HVT_FORM_OPS 2
#define HVT_NO_REG   0xff

struct hvt_form {
	u8 len; /* 0: no form */
	u8 nops;
	u64 imm;
	struct hvt_form_op {
		u64 disp; /* with the address of the next instruction, where it is relative to that */
		u32 size;
		u8 access, value, reg; /* as of struct hvt_insn_op */
		u8 base, index;	       /* general registers, or HVT_NO_REG */
		u8 scale;	       /* index << scale */
		u8 seg;		       /* 64H, 65H: and the base of FS, of GS; else 0 */
	} op[HVT_FORM_OPS];
};

/* As hvt_insn_decode(), and *form is the form that the instruction has, if it has one. */
bool hvt_insn_decode_form(const u8 *b, unsigned int n, const struct hvt_insn_ctx *ctx,
			  struct hvt_insn *out, struct hvt_form *form);

/*
 * What hvt_insn_decode() would say of the same bytes at the same address, with the registers of
 * @ctx; of FS and GS, with hvt_form_seg(), their bases.
 */
bool hvt_form_apply(const struct hvt_form *form, const struct hvt_insn_ctx *ctx,
		    struct hvt_insn *out);
bool hvt_form_seg(const struct hvt_form *form);

/* May these bytes be an instruction that reads descriptors? Cheap, and true too often. */
bool hvt_insn_wants_tables(const u8 *b, unsigned int n);

/*
 * A gather or scatter that faulted, or was interrupted, has done some of its lanes and
 * cleared their bits of the mask. With the registers as it left them: has operand @op
 * of @insn been accessed? All other instructions: false, they do all or nothing.
 */
bool hvt_insn_lane_done(const struct hvt_insn *insn, unsigned int op);

/*
 * Vector register 0..31, MMX and opmask register 0..7 of the guest as they are now, by
 * whoever decodes (root: vec.c). Bytes above what the CPU has are 0. False: cannot be
 * told. Asked only for instructions that index or mask by them.
 */
bool hvt_vec_read(unsigned int reg, u8 out[64]);
bool hvt_mmx_read(unsigned int reg, u8 out[8]);
bool hvt_mask_read(unsigned int reg, u64 *out);

/*
 * Likewise for XSAVE and kin: feature sets that are enabled, those that are in use (as
 * XGETBV(1) says, and SSE when MXCSR is not 1F80H), where component 2..62 is (CPUID leaf
 * 0DH); and guest memory at a linear address, for what is to be restored or loaded.
 */
struct hvt_xstate {
	u64 xcr0, xss, inuse;
	bool inuse_known;
};

struct hvt_xcomp {
	u32 size, offset; /* offset: in the standard format */
	bool align;	  /* to 64 bytes, in the compacted format */
};

bool hvt_xstate_read(struct hvt_xstate *out);
bool hvt_xcomp_read(unsigned int i, struct hvt_xcomp *out);
bool hvt_guest_read(u64 addr, void *dst, u32 n);

#endif
