// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands of the general-purpose and x87 instructions (decoder: insn.c). The one
 * rule here: list all of them, or return false.
 */
#include "insn_dec.h"
#include "insn_table.h"

unsigned int hvt_dec_stack_slot(const struct dec *d)
{
	if (d->p66 && !REX_W(d))
		return 2;
	return d->cx->bits == 64 ? 8 : 4;
}

static unsigned int stack_addr_size(const struct dec *d)
{
	return d->cx->bits == 64 ? 8 : 4;
}

void hvt_dec_push(struct dec *d, unsigned int bytes)
{
	u64 sp = d->cx->gpr[4] - bytes;

	hvt_dec_note_stack(d, -(u64)bytes);
	hvt_dec_add(d, hvt_dec_linear_flat(d, sp, stack_addr_size(d)), bytes, HVT_OP_W);
}

void hvt_dec_pop(struct dec *d, u64 sp, unsigned int bytes)
{
	hvt_dec_add(d, hvt_dec_linear_flat(d, sp, stack_addr_size(d)), bytes, HVT_OP_R);
}

static void pop_slot(struct dec *d)
{
	hvt_dec_note_stack(d, 0);
	hvt_dec_pop(d, d->cx->gpr[4], hvt_dec_stack_slot(d));
}

/* AMD truncates a near branch with 66 in 64-bit mode, Intel ignores 66. */
static bool near_branch_ok(const struct dec *d)
{
	return d->cx->bits != 64 || !d->p66 || REX_W(d);
}

/* String instructions: DS:rSI (overridable) and ES:rDI, one element. */
static bool string_op(struct dec *d, unsigned int spec)
{
	u32 size = d->op & 1 ? d->opsz : 1;
	u64 src = hvt_dec_linear(d, d->cx->gpr[6]);
	u64 dst = hvt_dec_linear_flat(d, d->cx->gpr[7], d->asz);
	u64 count = d->cx->gpr[1];

	if (spec == S_INS || spec == S_OUTS) {
		/* What REX.W does to 66 here is not documented. */
		if (d->cx->cpl || REX_W(d))
			return false;
	}
	d->out->rep = d->rep;
	d->out->elem = size;
	if (d->rep && (d->asz == 8 ? count : (u32)count) == 0)
		return true;
	switch (spec) {
	case S_MOVS:
		hvt_dec_add(d, src, size, HVT_OP_R);
		hvt_dec_value(d, HVT_VAL_OTHER, 0);
		hvt_dec_add(d, dst, size, HVT_OP_W);
		hvt_dec_value(d, HVT_VAL_OTHER, 0);
		return true;
	case S_CMPS:
		hvt_dec_add(d, src, size, HVT_OP_R);
		hvt_dec_add(d, dst, size, HVT_OP_R);
		return true;
	case S_STOS:
		hvt_dec_add(d, dst, size, HVT_OP_W);
		hvt_dec_value(d, HVT_VAL_GPR, 0);
		return true;
	case S_INS:
		hvt_dec_add(d, dst, size, HVT_OP_W);
		return true;
	case S_LODS:
		hvt_dec_add(d, src, size, HVT_OP_R);
		hvt_dec_value(d, HVT_VAL_GPR, 0);
		return true;
	case S_OUTS:
		hvt_dec_add(d, src, size, HVT_OP_R);
		return true;
	default: /* S_SCAS */
		hvt_dec_add(d, dst, size, HVT_OP_R);
		return true;
	}
}

/* x87, SDM volume 2 appendix A.5: width and direction by opcode and /reg. */
static u32 fpu(const struct dec *d, u8 *access)
{
	static const u8 sizes[8][8] = {
		{ 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 0, 4, 4, 28, 2, 28, 2 },
		{ 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 0, 10, 0, 10 },
		{ 8, 8, 8, 8, 8, 8, 8, 8 }, { 8, 8, 8, 8, 108, 0, 108, 2 },
		{ 2, 2, 2, 2, 2, 2, 2, 2 }, { 2, 2, 2, 2, 10, 8, 10, 8 },
	};
	static const u8 writes[8] = { 0x00, 0xcc, 0x00, 0x8e, 0x00, 0xce, 0x00, 0xce };
	u32 size = sizes[d->op & 7][REG(d)];

	*access = writes[d->op & 7] & (1 << REG(d)) ? HVT_OP_W : HVT_OP_R;
	/* FLDENV, FNSTENV, FRSTOR and FNSAVE shrink by 14 with a 16-bit operand size. */
	return size - (d->p66 && !REX_W(d) && (size == 28 || size == 108) ? 14 : 0);
}

/* 0F C7. Of the register forms SENDUIPI (F3 /6) reads tables. */
static bool group9(struct dec *d, u32 *size, u8 *access)
{
	if (MOD(d) == 3)
		return REG(d) == 7 || (REG(d) == 6 && !d->rep);
	if (REG(d) != 1)
		return hvt_dec_xsave(d);
	*size = REX_W(d) ? 16 : 8; /* CMPXCHG8B, CMPXCHG16B */
	*access = HVT_OP_R | HVT_OP_W;
	return true;
}

/* 0F AE. With VEX, only LDMXCSR and STMXCSR exist. */
static bool group15(struct dec *d, u32 *size, u8 *access)
{
	if (MOD(d) == 3 && !d->vex && d->simd == P_F3 && REG(d) == 6)
		return hvt_dec_umonitor(d);
	if (MOD(d) == 3) /* RDFSBASE and kin; fences. INCSSP (F3 /5): no */
		return !d->vex && (d->simd == P_F3 ? REG(d) < 4 : d->simd == P_NONE && REG(d) > 4);
	if (d->vex && REG(d) != 2 && REG(d) != 3)
		return false;
	if (d->simd == P_66)
		return REG(d) > 5; /* CLWB, CLFLUSHOPT */
	if (d->simd != P_NONE)
		return false;
	switch (REG(d)) {
	case 0:
	case 1:
		hvt_dec_fxsave(d);
		return true;
	case 2:
	case 3: /* LDMXCSR, STMXCSR */
		*size = 4;
		*access = REG(d) == 2 ? HVT_OP_R : HVT_OP_W;
		return true;
	default:
		return REG(d) == 7 || hvt_dec_xsave(d); /* CLFLUSH touches no data */
	}
}

/* The bit string of BT/BTS/BTR/BTC reaches any byte: SDM volume 2, "BT". */
static u64 bit_offset(const struct dec *d)
{
	unsigned int r = REG(d) | ((d->rex & 4) << 1);
	s64 bit = (s64)hvt_dec_sext(d->cx->gpr[r], d->opsz);

	return (u64)((bit >> (d->opsz == 8 ? 6 : d->opsz == 4 ? 5 : 4)) * d->opsz);
}

/* Entries whose width or direction depends on more than the table says. */
static bool special(struct dec *d, unsigned int spec, u32 *size, u8 *access)
{
	switch (spec) {
	case S_MOVSXD: /* 66: its width is 2 or 4, by vendor */
		return d->opsz != 2;
	case S_GRP1:
		*access = REG(d) == 7 ? HVT_OP_R : HVT_OP_R | HVT_OP_W;
		return true;
	case S_GRP3:
		if (REG(d) != 2 && REG(d) != 3)
			*access = HVT_OP_R;
		return true;
	case S_GRP4:
		return REG(d) < 2;
	case S_GRP11: /* /7: XABORT, XBEGIN */
		return REG(d) == 0;
	case S_FPU:
		*size = fpu(d, access);
		return *size;
	case S_BOUND:
		*size = 2 * d->opsz;
		return true;
	case S_GRP8:
		*access = REG(d) == 4 ? HVT_OP_R : HVT_OP_R | HVT_OP_W;
		return REG(d) >= 4;
	case S_GRP9:
		return group9(d, size, access);
	case S_GRP15:
		return group15(d, size, access);
	case S_BITS:
		d->ea += bit_offset(d);
		return true;
	default:
		return hvt_dec_simd_special(d, spec, size, access);
	}
}

/* INC, DEC, CALL, JMP, PUSH r/m (FF): the memory operand plus, maybe, a stack slot. */
static bool group5(struct dec *d)
{
	unsigned int slot = hvt_dec_stack_slot(d);
	bool mem = MOD(d) != 3;

	switch (REG(d)) {
	case 0:
	case 1:
		if (mem)
			hvt_dec_add_ea(d, d->opsz, HVT_OP_R | HVT_OP_W);
		return true;
	case 2:
		if (!near_branch_ok(d) || d->cx->hidden_stack)
			return false;
		if (mem)
			hvt_dec_add_ea(d, slot, HVT_OP_R);
		hvt_dec_push(d, slot);
		return true;
	case 4:
		if (mem)
			hvt_dec_add_ea(d, slot, HVT_OP_R);
		return near_branch_ok(d);
	case 6:
		if (mem)
			hvt_dec_add_ea(d, slot, HVT_OP_R);
		hvt_dec_push(d, slot);
		return true;
	case 3: /* far */
	case 5:
		return hvt_dec_far_mem(d);
	default:
		return false;
	}
}

/* An RSP-based address counts after the increment: SDM "POP". */
static bool pop_mem(struct dec *d)
{
	unsigned int slot = hvt_dec_stack_slot(d);

	hvt_dec_pop(d, d->cx->gpr[4], slot);
	if (MOD(d) != 3)
		hvt_dec_add(d, hvt_dec_linear(d, d->ea + (d->base_rsp ? slot : 0)), slot, HVT_OP_W);
	return REG(d) == 0;
}

/* A move: its other operand. */
static void move_value(struct dec *d, u32 e)
{
	unsigned int reg = REG(d) | (d->rex & 4) << 1;

	switch (E_VALUE(e)) {
	case HVT_VAL_GPR:
		if (d->map == 0 && E_WIDTH(e) == Z_B && !d->rex && reg > 3)
			hvt_dec_value(d, HVT_VAL_GPR_HIGH, reg - 4);
		else
			hvt_dec_value(d, HVT_VAL_GPR, reg);
		break;
	case HVT_VAL_IMM:
		d->out->imm = d->imm;
		hvt_dec_value(d, HVT_VAL_IMM, 0);
		break;
	case HVT_VAL_VEC: /* not those of MMX, nor MOVSLDUP and MOVDDUP */
		if (((e & V6) == V6 && d->simd == P_NONE) || (E_SPEC(e) == S_12 && d->simd > P_66))
			break;
		hvt_dec_value(d, HVT_VAL_VEC, reg);
		break;
	}
}

bool hvt_dec_modrm_ops(struct dec *d, u32 e)
{
	unsigned int spec = E_SPEC(e);
	u32 size = hvt_dec_width(d, E_WIDTH(e));
	u8 access = E_ACCESS(e);

	if (!spec) /* most: nothing but what the table says */
		goto plain;
	switch (spec) {
	case S_BLIND:
		return false;
	case S_GRP5:
		return group5(d);
	case S_POPM:
		return pop_mem(d);
	case S_MODREG:
		return MOD(d) == 3;
	case S_MASKMOV:
		return hvt_dec_maskmovdq(d);
	case S_MOVSEG: /* not CS */
		return REG(d) != 1 && REG(d) < 6 && hvt_dec_selector(d, true);
	case S_LXS:
		return hvt_dec_far_pointer(d);
	case S_LAR:
		return hvt_dec_selector(d, false);
	case S_GRP6:
		return hvt_dec_group6(d);
	case S_GRP7:
		return hvt_dec_group7(d);
	case S_GRP9:
	case S_GRP11:
	case S_GRP15:
		break;
	case S_MOVSXD:
		if (d->cx->bits != 64)
			return hvt_dec_arpl(d);
		if (MOD(d) == 3)
			return true;
		break;
	default:
		if (MOD(d) == 3)
			return true;
	}
	if (!special(d, spec, &size, &access))
		return false;
plain:
	if (MOD(d) != 3 && access && size) {
		hvt_dec_add_ea(d, size, access);
		if (E_VALUE(e))
			move_value(d, e);
	}
	return true;
}

/*
 * ENTER: RBP, then as many frame pointers as the level says, copied from the frame below
 * RBP but for the last, which is the new one.
 */
static bool enter(struct dec *d)
{
	unsigned int level = d->b[d->pos - 1] % 32, slot = hvt_dec_stack_slot(d);

	hvt_dec_push(d, slot * (1 + level));
	if (level > 1)
		hvt_dec_pop(d, d->cx->gpr[5] - slot * (level - 1), slot * (level - 1));
	return !level || slot == stack_addr_size(d);
}

bool hvt_dec_plain_ops(struct dec *d, u32 e)
{
	unsigned int spec = E_SPEC(e), slot = hvt_dec_stack_slot(d);
	const u64 *r = d->cx->gpr;
	u64 off;

	switch (spec) {
	case S_NONE:
		return true;
	case S_JREL:
		return near_branch_ok(d);
	case S_SYS:
		return !d->cx->hidden_stack;
	case S_IO:
		return !d->cx->cpl;
	case S_PUSH:
		hvt_dec_push(d, slot);
		return true;
	case S_PUSHSEG: /* 32-bit CPUs write 2 or 4 bytes: SDM "PUSH" */
		hvt_dec_push(d, slot);
		return d->cx->bits == 64;
	case S_POP:
		pop_slot(d);
		return true;
	case S_CALL:
		hvt_dec_push(d, slot);
		return near_branch_ok(d) && !d->cx->hidden_stack;
	case S_RET:
		pop_slot(d);
		return near_branch_ok(d) && !d->cx->hidden_stack;
	case S_LEAVE:
		hvt_dec_pop(d, r[5], slot);
		return true;
	case S_ENTER:
		return enter(d);
	case S_PUSHA:
		hvt_dec_push(d, 8 * slot);
		return true;
	case S_POPA: /* the stack pointer is skipped: SDM "POPA" */
		hvt_dec_pop(d, r[4], 3 * slot);
		hvt_dec_pop(d, r[4] + 4 * slot, 4 * slot);
		return true;
	case S_IRET:
	case S_RETF:
		return hvt_dec_far_return(d, spec == S_IRET);
	case S_FARIMM:
		return hvt_dec_far_imm(d);
	case S_POPSEG:
		return hvt_dec_pop_segment(d);
	case S_MOFFS:
		if (!hvt_dec_take(d, d->asz, &off))
			return false;
		hvt_dec_add(d, hvt_dec_linear(d, off), hvt_dec_width(d, E_WIDTH(e)), E_ACCESS(e));
		hvt_dec_value(d, HVT_VAL_GPR, 0);
		return true;
	case S_XLAT:
		hvt_dec_add(d, hvt_dec_linear(d, r[3] + (r[0] & 0xff)), 1, HVT_OP_R);
		return true;
	case S_BLIND:
		return false;
	default:
		return string_op(d, spec);
	}
}
