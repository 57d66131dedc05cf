/* SPDX-License-Identifier: GPL-2.0-only */
/* What the decoder's files share: an instruction being decoded. See insn.h. */
#ifndef HVT_ROOT_INSN_DEC_H
#define HVT_ROOT_INSN_DEC_H

#include "insn.h"

/* Mandatory prefix of a vector instruction. */
enum { P_NONE, P_66, P_F3, P_F2 };

/* clang-format off */
struct dec {
	const u8 *b;
	unsigned int n, pos;
	const struct hvt_insn_ctx *cx;
	u8 opsz, asz;		/* operand and address size in bytes */
	u8 rex;			/* REX.WRXB bits; VEX fills them too; 0x10: EVEX.R' */
	u8 simd;		/* P_* */
	u8 rep;			/* F2 or F3 seen */
	bool p66, vex, l256;
	u8 seg;			/* the override prefix, or 0 */
	u8 map, op;		/* map 0: one-byte opcodes; 1: 0F; 2: 0F38; 3: 0F3A */
	u8 modrm, sib;
	u8 vvvv;		/* VEX, EVEX: the third register */
	bool vsib;		/* the index is a vector: not part of ea */
	u8 disp8;		/* EVEX: log2 of what disp8 counts */
	u8 vl;			/* EVEX: bytes of the vectors */
	u8 aaa;			/* ... opmask register */
	bool bcast, zero;
	bool riprel, base_rsp;
	bool bad;		/* an operand's address is not known after all */
	u64 imm;		/* sign-extended, where it may be stored */
	u64 ea;			/* offset, before the segment base: */
	u8 base, index, scale;	/* ... as a struct hvt_form_op says it */
	u64 disp;
	bool plain;		/* nothing but operands that were noted depends on registers */
	struct hvt_form *form;
	struct hvt_insn *out;
};

#define HVT_EVEX 4		/* added to map */

#define REX_W(d) ((d)->rex & 8)
#define MOD(d)	 ((d)->modrm >> 6)
#define REG(d)	 (((d)->modrm >> 3) & 7)
#define RM(d)	 ((d)->modrm & 7)
/* clang-format on */

/* 57 bits, since nothing here knows how deep the page tables are. */
static inline bool hvt_dec_canonical(u64 addr, u32 size)
{
	u64 last = addr + size - 1;

	return last >= addr && !((addr + (1ull << 56)) >> 57) && !((last + (1ull << 56)) >> 57);
}

/* insn.c */
bool hvt_dec_modrm(struct dec *d);
void hvt_dec_relate_to_end(struct dec *d);
bool hvt_dec_take(struct dec *d, unsigned int n, u64 *v);
u64 hvt_dec_sext(u64 v, unsigned int bytes);
u64 hvt_dec_linear(struct dec *d, u64 off);
u64 hvt_dec_linear_flat(struct dec *d, u64 off, unsigned int size);
void hvt_dec_add(struct dec *d, u64 addr, u32 size, u8 access);
void hvt_dec_add_system(struct dec *d, u64 addr, u32 size, u8 access);
void hvt_dec_add_ea(struct dec *d, u32 size, u8 access);
void hvt_dec_value(struct dec *d, u8 value, u8 reg);

/* insn_form.c */
void hvt_dec_note_ea(struct dec *d);
void hvt_dec_note_stack(struct dec *d, u64 disp);
void hvt_dec_note_end(struct dec *d);

/* insn_ops.c: the operands of table entry @e; ModRM and immediate are consumed */
bool hvt_dec_modrm_ops(struct dec *d, u32 e);
bool hvt_dec_plain_ops(struct dec *d, u32 e);
unsigned int hvt_dec_stack_slot(const struct dec *d);
void hvt_dec_push(struct dec *d, unsigned int bytes);
void hvt_dec_pop(struct dec *d, u64 sp, unsigned int bytes);

/* insn_vec.c */
u32 hvt_dec_width(struct dec *d, unsigned int z);
bool hvt_dec_simd_ok(const struct dec *d, u32 e);
bool hvt_dec_simd_special(struct dec *d, unsigned int spec, u32 *size, u8 *access);
bool hvt_dec_map23(struct dec *d);

/* insn_evex.c */
bool hvt_dec_evex_prefix(struct dec *d);
bool hvt_dec_evex(struct dec *d);

/* insn_mask.c: operands that depend on a mask or on a vector of indices */
void hvt_dec_lanes(struct dec *d, u64 addr, unsigned int lanes, unsigned int elem, u64 mask,
		   u8 access);
bool hvt_dec_gather(struct dec *d, unsigned int elem, unsigned int reg, u8 access);
bool hvt_dec_maskmov(struct dec *d);
bool hvt_dec_maskmovdq(struct dec *d);

/* insn_sys.c */
bool hvt_dec_selector(struct dec *d, bool load);
bool hvt_dec_pop_segment(struct dec *d);
bool hvt_dec_far_pointer(struct dec *d);
bool hvt_dec_far_mem(struct dec *d);
bool hvt_dec_far_imm(struct dec *d);
bool hvt_dec_far_return(struct dec *d, bool interrupt);
bool hvt_dec_arpl(struct dec *d);
bool hvt_dec_group6(struct dec *d);
bool hvt_dec_group7(struct dec *d);
bool hvt_dec_umonitor(struct dec *d);

/* insn_xsave.c */
void hvt_dec_fxsave(struct dec *d);
bool hvt_dec_xsave(struct dec *d);

#endif
