// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands that depend on vector or opmask registers: masked elements, gathers and
 * scatters. Nothing else asks for those registers.
 */
#include "insn_dec.h"

/* The top bit of each of the @lanes elements of @v. */
static u64 top_bits(const u8 *v, unsigned int elem, unsigned int lanes)
{
	unsigned int i;
	u64 mask = 0;

	for (i = 0; i < lanes; i++)
		mask |= (u64)(v[(i + 1) * elem - 1] >> 7) << i;
	return mask;
}

static bool sign_mask(unsigned int reg, unsigned int elem, unsigned int lanes, u64 *mask)
{
	u8 v[64];

	if (!hvt_vec_read(reg, v))
		return false;
	*mask = top_bits(v, elem, lanes);
	return true;
}

/* Each run of active lanes is an operand: of 64 lanes, 32 at most. */
void hvt_dec_lanes(struct dec *d, u64 addr, unsigned int lanes, unsigned int elem, u64 mask,
		   u8 access)
{
	unsigned int i = 0, first;

	while (i < lanes) {
		if (!(mask >> i & 1)) {
			i++;
			continue;
		}
		first = i;
		while (i < lanes && (mask >> i & 1))
			i++;
		hvt_dec_add(d, addr + first * elem, (i - first) * elem, access);
	}
}

/* VMASKMOV, VPMASKMOV: by the top bits of vvvv. Bit 1 of the opcode, in either row: store. */
bool hvt_dec_maskmov(struct dec *d)
{
	unsigned int elem = d->op & 0x80 ? (REX_W(d) ? 8 : 4) : d->op & 1 ? 8 : 4;
	unsigned int lanes = (d->l256 ? 32 : 16) / elem;
	u64 mask;

	if (MOD(d) == 3 || (!(d->op & 0x80) && REX_W(d)) || !sign_mask(d->vvvv, elem, lanes, &mask))
		return false;
	hvt_dec_lanes(d, hvt_dec_linear(d, d->ea), lanes, elem, mask,
		      d->op & 2 ? HVT_OP_W : HVT_OP_R);
	return true;
}

/* MASKMOVQ, and with 66 MASKMOVDQU: bytes at DS:rDI. */
bool hvt_dec_maskmovdq(struct dec *d)
{
	bool mmx = d->simd == P_NONE;
	u64 mask;
	u8 v[8];

	if (MOD(d) != 3 || d->vvvv)
		return false;
	if (mmx ? !hvt_mmx_read(RM(d), v) : !sign_mask(RM(d) | (d->rex & 1) << 3, 1, 16, &mask))
		return false;
	if (mmx)
		mask = top_bits(v, 1, 8);
	hvt_dec_lanes(d, hvt_dec_linear(d, d->cx->gpr[7]), mmx ? 8 : 16, 1, mask, HVT_OP_W);
	return true;
}

/*
 * Gathers and scatters, VSIB (SDM volume 2, 2.3.12): the index is a vector, of elements
 * of 4 or 8 bytes as opcode bit 0 says. @reg: the mask; EVEX: opmask register.
 */
bool hvt_dec_gather(struct dec *d, unsigned int elem, unsigned int reg, u8 access)
{
	bool evex = d->map >= HVT_EVEX;
	unsigned int vl = evex ? d->vl : d->l256 ? 32 : 16;
	unsigned int step = d->op & 1 ? 8 : 4;
	unsigned int lanes = vl / (step > elem ? step : elem);
	unsigned int index = ((d->sib >> 3) & 7) | (d->rex & 2) << 2 | (evex ? d->vvvv & 16 : 0);
	unsigned int i, k;
	u64 mask, off;
	u8 v[64];

	if (MOD(d) == 3 || RM(d) != 4)
		return false;
	if (evex ? !hvt_mask_read(reg, &mask) : !sign_mask(reg, elem, lanes, &mask))
		return false;
	if (!hvt_vec_read(index, v))
		return false;
	d->out->mask = evex ? HVT_MASK_K : HVT_MASK_VEC;
	d->out->mask_reg = reg;
	d->out->mask_lane = elem;
	for (i = 0; i < lanes; i++) {
		if (!(mask >> i & 1))
			continue;
		off = 0;
		for (k = 0; k < step; k++)
			off |= (u64)v[i * step + k] << (8 * k);
		off = hvt_dec_sext(off, step) << (d->sib >> 6);
		hvt_dec_add(d, hvt_dec_linear(d, d->ea + off), elem, access);
		d->out->op[d->out->nops - 1].lane = i;
	}
	return true;
}

bool hvt_insn_lane_done(const struct hvt_insn *insn, unsigned int op)
{
	unsigned int lane = insn->op[op].lane;
	u64 mask;
	u8 v[64];

	switch (insn->mask) {
	case HVT_MASK_K:
		return hvt_mask_read(insn->mask_reg, &mask) && !(mask >> lane & 1);
	case HVT_MASK_VEC:
		return hvt_vec_read(insn->mask_reg, v) &&
		       !(v[(lane + 1) * insn->mask_lane - 1] >> 7);
	default:
		return false;
	}
}
