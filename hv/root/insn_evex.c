// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder's EVEX part: the prefix, compressed displacements, broadcast, and which
 * elements of the operand a mask leaves.
 */
#include "insn_dec.h"
#include "insn_table.h"
#include "insn_evex.h"

/* P0: RXBR'0mmm, P1: Wvvvv1pp, P2: zL'LbV'aaa; R, X, B, R', v, V' inverted (2.7.1). */
bool hvt_dec_evex_prefix(struct dec *d)
{
	u64 p;
	u8 p0, p1, p2;

	if (d->rex || d->p66 || d->rep || !hvt_dec_take(d, 4, &p))
		return false;
	p0 = p;
	p1 = p >> 8;
	p2 = p >> 16;
	d->op = p >> 24;
	d->map = (p0 & 7) + HVT_EVEX;
	if ((p0 & 15) < 1 || (p0 & 15) > 3 || !(p1 & 4))
		return false;
	d->rex = (p1 & 0x80) >> 4 | (~p0 >> 5 & 7) | (~p0 & 0x10);
	d->vvvv = (~p1 >> 3 & 15) | (~p2 & 8) << 1;
	if (d->cx->bits != 64) {
		d->rex &= 8;
		d->vvvv &= 7;
	}
	d->simd = (p1 & 3) == 1 ? P_66 : (p1 & 3) == 2 ? P_F3 : (p1 & 3) == 3 ? P_F2 : P_NONE;
	d->zero = p2 & 0x80;
	d->vl = 16 << (p2 >> 5 & 3);
	d->bcast = p2 & 0x10;
	d->aaa = p2 & 7;
	return true;
}

/* @reg: register form, where EVEX.b makes L'L a rounding mode. */
static const struct rule *find(const struct dec *d, u8 modrm)
{
	unsigned int map = d->map - HVT_EVEX, n;
	u16 sel = 1u << d->simd | (REX_W(d) ? W1 : W0);
	const struct rule *r;

	if (d->vl == 16 || ((modrm >> 6) == 3 && d->bcast))
		sel |= V128;
	else if (d->vl == 32)
		sel |= V256;
	else if (d->vl == 64)
		sel |= V512;
	else
		return NULL;
	if (map == 1 && d->op >= 0x71 && d->op <= 0x73) {
		r = &shifts[d->op - 0x71][modrm >> 3 & 7];
		return (r->sel & sel) == sel ? r : NULL;
	}
	if (map == 2 && d->op >= 0x96 && d->op < 0xc0 && (d->op & 15) >= 6) {
		r = &fused[(d->op & 15) >= 9 && (d->op & 1)];
		return (r->sel & sel) == sel ? r : NULL;
	}
	r = map == 1 ? map1 : map == 2 ? map2 : map3;
	n = map == 1 ? sizeof(map1) : map == 2 ? sizeof(map2) : sizeof(map3);
	for (n /= sizeof(*r); n; n--, r++)
		if (d->op >= r->lo && d->op <= r->hi && (r->sel & sel) == sel)
			return r;
	return NULL;
}

static bool has_imm(const struct dec *d)
{
	u8 op = d->op;

	return d->map == HVT_EVEX + 3 ||
	       (d->map == HVT_EVEX + 1 &&
		((op >= 0x70 && op <= 0x73) || op == 0xc2 || (op >= 0xc4 && op <= 0xc6)));
}

static unsigned int mem_size(const struct dec *d, const struct rule *r, unsigned int elem)
{
	switch (r->mem) {
	case FV:
	case M1:
	case PACK:
		return d->vl;
	case HV:
	case M2:
		return d->vl / 2;
	case M4:
		return d->vl / 4;
	case M8:
		return d->vl / 8;
	case X16:
		return 16;
	case DUP:
		return d->vl == 16 ? 8 : d->vl;
	case T2:
		return 2 * elem;
	case T4:
		return 4 * elem;
	case T8:
		return 8 * elem;
	default:
		return elem;
	}
}

/* The result is memory, repeated: an element counts when one of its copies does. */
static u64 fold(const struct dec *d, u64 mask, unsigned int lanes, unsigned int elem)
{
	unsigned int i;
	u64 m = 0;

	for (i = 0; i < d->vl / elem; i += lanes)
		m |= mask >> i;
	return m;
}

static unsigned int count_bits(u64 m)
{
	unsigned int n = 0;

	for (; m; m &= m - 1)
		n++;
	return n;
}

/* The low bytes of the vector register are what is in memory. */
static bool is_move(const struct dec *d)
{
	if (d->map == HVT_EVEX + 2)
		return d->op == 0x2a; /* VMOVNTDQA */
	if (d->map != HVT_EVEX + 1)
		return false;
	switch (d->op) {
	case 0x12: /* VMOVLPS, VMOVLPD; not VMOVDDUP, VMOVSLDUP */
		return d->simd < P_F3;
	case 0x10 ... 0x11: /* VMOVUPS, VMOVSS, ... */
	case 0x13:
	case 0x28 ... 0x29: /* VMOVAPS */
	case 0x2b:	    /* VMOVNTPS */
	case 0x6e ... 0x6f: /* VMOVD, VMOVQ, VMOVDQ */
	case 0x7e ... 0x7f:
	case 0xd6:
	case 0xe7: /* VMOVNTDQ */
		return true;
	default:
		return false;
	}
}

static bool operands(struct dec *d, const struct rule *r, unsigned int size, unsigned int elem)
{
	unsigned int lanes = size / elem;
	u64 addr, all, mask = ~0ull;

	if (r->mem == VSIB)
		return d->aaa && !d->zero && hvt_dec_gather(d, elem, d->aaa, r->access);
	if ((d->zero && (!d->aaa || r->access == HVT_OP_W)) || (d->aaa && r->mask == NO))
		return false;
	if (d->aaa && r->mask != NF && !hvt_mask_read(d->aaa, &mask))
		return false;
	if (r->mask == BC && d->aaa)
		mask = fold(d, mask, lanes, elem);
	all = ~0ull >> (64 - lanes);
	mask &= all;
	/* Which of several are read when not all are wanted is not documented. */
	if ((r->mask == BC && mask && mask != all) || (r->mask == AL && mask != all))
		return false;
	addr = hvt_dec_linear(d, d->ea);
	if (d->bcast)
		lanes = mask ? 1 : 0;
	else if (r->mem == PACK)
		lanes = count_bits(mask);
	hvt_dec_lanes(d, addr, lanes, elem, d->bcast || r->mem == PACK ? all : mask, r->access);
	if (!d->aaa && is_move(d))
		hvt_dec_value(d, HVT_VAL_VEC, REG(d) | (d->rex & 4) << 1 | (d->rex & 0x10));
	return true;
}

bool hvt_dec_evex(struct dec *d)
{
	const struct rule *r;
	unsigned int elem, size, count;
	u64 imm;

	if (d->pos >= d->n)
		return false;
	r = find(d, d->b[d->pos]);
	if (!r)
		return false;
	if (r->mem == TG && REX_W(d) && d->cx->bits != 64)
		return false; /* W of a general register: ignored, or not */
	elem = r->elem ? r->elem : REX_W(d) ? 8 : 4;
	size = mem_size(d, r, elem);
	count = d->bcast || r->mem == PACK || r->mem == VSIB ? elem : size;
	while (1u << d->disp8 < count)
		d->disp8++;
	d->vsib = r->mem == VSIB;
	if (!hvt_dec_modrm(d) || (has_imm(d) && !hvt_dec_take(d, 1, &imm)))
		return false;
	if (MOD(d) == 3)
		return !d->vsib;
	if (r->mem == REG_ || (d->bcast && r->mem != FV && r->mem != HV))
		return false;
	hvt_dec_relate_to_end(d);
	return operands(d, r, size, elem);
}
