// SPDX-License-Identifier: GPL-2.0-only
/*
 * FXSAVE, XSAVE and kin: which bytes of their areas, SDM volume 1, 10.5.1 and chapter
 * 13. XSAVEOPT and XSAVES are not here: what they leave out as not modified since the
 * last XRSTOR is known to the CPU alone (13.6).
 */
#include "insn_dec.h"

#define X87    1ull
#define SSE    2ull
#define AVX    4ull
#define HEADER 512
#define EXTRA  576

/* Operands in ascending order; those that touch become one. */
static void piece(struct dec *d, u64 addr, u32 size, u8 access)
{
	struct hvt_insn_op *last = &d->out->op[d->out->nops - 1];

	if (d->out->nops && last->access == access && last->addr + last->size == addr)
		last->size += size;
	else if (d->out->nops < HVT_INSN_OPS)
		hvt_dec_add(d, addr, size, access);
	else
		d->bad = true;
}

/* 13.4.1: x87 in bytes 23:0 and 159:32, MXCSR and its mask in 31:24, XMM in 415:160. */
static void legacy(struct dec *d, u64 at, u64 what, bool mxcsr, u8 access)
{
	if (what & X87)
		piece(d, at, 24, access);
	if (mxcsr)
		piece(d, at + 24, 8, access);
	if (what & X87)
		piece(d, at + 32, 128, access);
	if (what & SSE)
		piece(d, at + 160, d->cx->bits == 64 ? 256 : 128, access);
}

void hvt_dec_fxsave(struct dec *d)
{
	legacy(d, hvt_dec_linear(d, d->ea), X87 | SSE, true, REG(d) ? HVT_OP_R : HVT_OP_W);
}

/*
 * Components 2 to 62 that are in @what. @format: XCOMP_BV of the compacted format, where
 * all that it names have room (13.4.3), or 0.
 */
static bool extended(struct dec *d, u64 at, u64 what, u64 format, u8 access)
{
	u32 offset = EXTRA;
	unsigned int i;

	what &= ~(X87 | SSE);
	for (i = 2; i < 63 && what >> i; i++) {
		struct hvt_xcomp c;

		if (!((what | format) >> i & 1))
			continue;
		if (!hvt_xcomp_read(i, &c))
			return false;
		if (!format)
			offset = c.offset;
		else if (c.align)
			offset = (offset + 63) & ~63u;
		if (what >> i & 1)
			piece(d, at + offset, c.size, access);
		offset += c.size;
	}
	return true;
}

/* 13.8 and 13.12: the header in memory says which form, and what is there to be read. */
static bool restore(struct dec *d, u64 at, u64 rfbm, bool supervisor)
{
	u64 h[2]; /* XSTATE_BV, XCOMP_BV */
	bool compact;

	if (!hvt_guest_read(at + HEADER, h, sizeof(h)))
		return false;
	compact = h[1] >> 63;
	if (supervisor && !compact)
		return false;
	legacy(d, at, rfbm & h[0], compact ? rfbm & h[0] & SSE : rfbm & (SSE | AVX), HVT_OP_R);
	/* Bytes 63:16 of the header must be 0, or 23:8. */
	piece(d, at + HEADER, compact ? 64 : 24, HVT_OP_R);
	return extended(d, at, rfbm & h[0], compact ? h[1] : 0, HVT_OP_R);
}

bool hvt_dec_xsave(struct dec *d)
{
	u64 at = hvt_dec_linear(d, d->ea);
	u64 mask = (u32)d->cx->gpr[0] | d->cx->gpr[2] << 32;
	struct hvt_xstate x;

	/* Outside 64-bit mode registers 8 and up are left out, component by component. */
	if (d->cx->bits != 64 || d->simd != P_NONE || !hvt_xstate_read(&x))
		return false;
	if (d->op == 0xc7 && REG(d) == 3) /* XRSTORS */
		return restore(d, at, mask & (x.xcr0 | x.xss), true);
	mask &= x.xcr0;
	if (d->op == 0xae && REG(d) == 5) /* XRSTOR */
		return restore(d, at, mask, false);
	if (d->op == 0xae && REG(d) == 4) { /* XSAVE: 13.7 */
		legacy(d, at, mask, mask & (SSE | AVX), HVT_OP_W);
		piece(d, at + HEADER, 8, HVT_OP_R | HVT_OP_W);
		return extended(d, at, mask, 0, HVT_OP_W);
	}
	if (d->op == 0xc7 && REG(d) == 4 && x.inuse_known) { /* XSAVEC: 13.10 */
		legacy(d, at, mask & x.inuse, mask & x.inuse & SSE, HVT_OP_W);
		piece(d, at + HEADER, 16, HVT_OP_W);
		return extended(d, at, mask & x.inuse, mask | 1ull << 63, HVT_OP_W);
	}
	return false;
}
