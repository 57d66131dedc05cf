// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder's vector part: MMX, SSE, AVX, AVX2, FMA, and the three-byte maps with
 * their few general-purpose instructions (MOVBE, CRC32, BMI). EVEX: insn_evex.c.
 */
#include "insn_dec.h"
#include "insn_table.h"

u32 hvt_dec_width(struct dec *d, unsigned int z)
{
	static const u8 fixed[] = { 0, 1, 2, 4, 8, 16 }; /* up to Z_O */
	u32 vec = d->l256 ? 32 : 16;

	if (z <= Z_O)
		return fixed[z];
	switch (z) {
	case Z_V:
		return d->opsz;
	case Z_Y:
		if (d->cx->bits != 64 && REX_W(d))
			d->bad = true; /* VEX.W of a general register: ignored, or not */
		return REX_W(d) ? 8 : 4;
	case Z_X:
		return vec;
	case Z_X2:
		return vec / 2;
	case Z_X4:
		return vec / 4;
	case Z_X8:
		return vec / 8;
	case Z_S:
		return d->simd == P_F3 ? 4 : d->simd == P_F2 ? 8 : vec;
	case Z_M:
		return d->simd == P_66 ? vec : 8;
	default:
		return 0;
	}
}

/* Does map 1's entry exist with these prefixes? */
bool hvt_dec_simd_ok(const struct dec *d, u32 e)
{
	if (E_SIMD(e) && !(E_SIMD(e) & (1u << d->simd)))
		return false;
	if (!d->vex)
		return true;
	if (!(e & V_) || (d->l256 && (e & L0)))
		return false;
	return d->simd != P_NONE || (e & V6) != V6;
}

/* Entries of map 1 whose width or direction depends on the mandatory prefix. */
bool hvt_dec_simd_special(struct dec *d, unsigned int spec, u32 *size, u8 *access)
{
	u32 vec = d->l256 ? 32 : 16;
	u8 p = d->simd;

	switch (spec) {
	case S_MOVU:
		*size = p == P_F3 ? 4 : p == P_F2 ? 8 : vec;
		return true;
	case S_12:
	case S_16: /* MOVLPS, MOVHPS; MOVSLDUP, MOVSHDUP; MOVDDUP */
		*size = p == P_F3 ? vec : p == P_F2 && d->l256 ? 32 : 8;
		return p == P_F3 || p == P_F2 || !d->l256;
	case S_2A: /* CVTPI2PS, CVTPI2PD; CVTSI2SS, CVTSI2SD */
		*size = p >= P_F3 ? hvt_dec_width(d, Z_Y) : 8;
		return p >= P_F3 || !d->vex;
	case S_2C: /* CVT(T)PS2PI, CVT(T)PD2PI; CVT(T)SS2SI, CVT(T)SD2SI */
		*size = p == P_F3 ? 4 : p == P_66 ? 16 : 8;
		return p >= P_F3 || !d->vex;
	case S_KMOV: /* W and 66 select Q, D, B, else W */
		if (!d->vex)
			return true;
		*size = p == P_66 ? (REX_W(d) ? 4 : 1) : REX_W(d) ? 8 : 2;
		*access = d->op & 1 ? HVT_OP_W : HVT_OP_R;
		return p <= P_66 && !d->vvvv;
	case S_2E: /* (U)COMISS, (U)COMISD */
		*size = p == P_66 ? 8 : 4;
		return true;
	case S_5A: /* CVTPS2PD, CVTPD2PS, CVTSS2SD, CVTSD2SS */
		*size = p == P_NONE ? vec / 2 : p == P_66 ? vec : p == P_F3 ? 4 : 8;
		return true;
	case S_60:
		*size = p == P_66 ? vec : 4;
		return true;
	case S_6F: /* also 70, 7F */
		*size = p == P_NONE ? 8 : vec;
		return true;
	case S_7E: /* MOVQ load; MOVD, MOVQ store */
		*size = p == P_F3 ? 8 : hvt_dec_width(d, Z_Y);
		*access = p == P_F3 ? HVT_OP_R : HVT_OP_W;
		return true;
	case S_D6:
		*size = 8;
		*access = HVT_OP_W;
		return p == P_66;
	case S_E6: /* CVTDQ2PD; CVT(T)PD2DQ */
		*size = p == P_F3 ? vec / 2 : vec;
		return true;
	case S_SHIFT:
		*size = p == P_66 ? 16 : 8;
		return true;
	default:
		return false;
	}
}

/*
 * Opcodes [lo, hi] of maps 2 and 3. pfx: bits 1 << P_*; enc: how it may be encoded.
 * SDM volume 2, table, and each instruction's page.
 */
enum { LEG = 1, V0 = 2, V1 = 4, VX = V0 | V1, ANY = LEG | VX, LV0 = LEG | V0 };
enum { N = 1, O = 2, F3 = 4, F2 = 8 };

struct rule {
	u8 lo, hi, pfx, enc, width, access;
};

/* clang-format off */
static const struct rule map2[] = {
	{ 0x00, 0x0b, N | O, LEG, Z_M, HVT_OP_R },	/* PSHUFB .. PMULHRSW */
	{ 0x00, 0x0b, O, VX, Z_X, HVT_OP_R },
	{ 0x0c, 0x0f, O, VX, Z_X, HVT_OP_R },		/* VPERMIL, VTEST */
	{ 0x10, 0x10, O, LEG, Z_X, HVT_OP_R },		/* PBLENDVB */
	{ 0x13, 0x13, O, VX, Z_X2, HVT_OP_R },		/* VCVTPH2PS */
	{ 0x14, 0x15, O, LEG, Z_X, HVT_OP_R },		/* BLENDVPS, BLENDVPD */
	{ 0x16, 0x16, O, V1, Z_X, HVT_OP_R },		/* VPERMPS */
	{ 0x17, 0x17, O, ANY, Z_X, HVT_OP_R },		/* PTEST */
	{ 0x18, 0x18, O, VX, Z_D, HVT_OP_R },		/* VBROADCAST */
	{ 0x19, 0x19, O, V1, Z_Q, HVT_OP_R },
	{ 0x1a, 0x1a, O, V1, Z_O, HVT_OP_R },
	{ 0x1c, 0x1e, N | O, LEG, Z_M, HVT_OP_R },	/* PABS */
	{ 0x1c, 0x1e, O, VX, Z_X, HVT_OP_R },
	{ 0x20, 0x20, O, ANY, Z_X2, HVT_OP_R },		/* PMOVSX */
	{ 0x21, 0x21, O, ANY, Z_X4, HVT_OP_R },
	{ 0x22, 0x22, O, ANY, Z_X8, HVT_OP_R },
	{ 0x23, 0x23, O, ANY, Z_X2, HVT_OP_R },
	{ 0x24, 0x24, O, ANY, Z_X4, HVT_OP_R },
	{ 0x25, 0x25, O, ANY, Z_X2, HVT_OP_R },
	{ 0x28, 0x2b, O, ANY, Z_X, HVT_OP_R },		/* PMULDQ .. PACKUSDW */
	{ 0x30, 0x30, O, ANY, Z_X2, HVT_OP_R },		/* PMOVZX */
	{ 0x31, 0x31, O, ANY, Z_X4, HVT_OP_R },
	{ 0x32, 0x32, O, ANY, Z_X8, HVT_OP_R },
	{ 0x33, 0x33, O, ANY, Z_X2, HVT_OP_R },
	{ 0x34, 0x34, O, ANY, Z_X4, HVT_OP_R },
	{ 0x35, 0x35, O, ANY, Z_X2, HVT_OP_R },
	{ 0x36, 0x36, O, V1, Z_X, HVT_OP_R },		/* VPERMD */
	{ 0x37, 0x40, O, ANY, Z_X, HVT_OP_R },		/* PCMPGTQ .. PMULLD */
	{ 0x41, 0x41, O, LV0, Z_X, HVT_OP_R },		/* PHMINPOSUW */
	{ 0x45, 0x47, O, VX, Z_X, HVT_OP_R },		/* VPSRLV, VPSRAV, VPSLLV */
	{ 0x50, 0x53, O, VX, Z_X, HVT_OP_R },		/* VPDPBUSD .. VPDPWSSDS */
	{ 0x58, 0x58, O, VX, Z_D, HVT_OP_R },		/* VPBROADCAST */
	{ 0x59, 0x59, O, VX, Z_Q, HVT_OP_R },
	{ 0x5a, 0x5a, O, V1, Z_O, HVT_OP_R },
	{ 0x78, 0x78, O, VX, Z_B, HVT_OP_R },
	{ 0x79, 0x79, O, VX, Z_W, HVT_OP_R },
	{ 0x82, 0x82, O, LEG, Z_O, HVT_OP_R },		/* INVPCID */
	{ 0xc8, 0xcd, N, LEG, Z_X, HVT_OP_R },		/* SHA */
	{ 0xcf, 0xcf, O, ANY, Z_X, HVT_OP_R },		/* GF2P8MULB */
	{ 0xdb, 0xdb, O, LV0, Z_X, HVT_OP_R },		/* AESIMC */
	{ 0xdc, 0xdf, O, ANY, Z_X, HVT_OP_R },		/* AESENC .. AESDECLAST */
	{ 0xf0, 0xf0, N | O, LEG, Z_V, HVT_OP_R },	/* MOVBE */
	{ 0xf1, 0xf1, N | O, LEG, Z_V, HVT_OP_W },
	{ 0xf0, 0xf0, F2, LEG, Z_B, HVT_OP_R },		/* CRC32 */
	{ 0xf1, 0xf1, F2, LEG, Z_V, HVT_OP_R },
	{ 0xf2, 0xf2, N, V0, Z_Y, HVT_OP_R },		/* ANDN */
	{ 0xf3, 0xf3, N, V0, Z_Y, HVT_OP_R },		/* BLSR, BLSMSK, BLSI */
	{ 0xf5, 0xf5, N | F3 | F2, V0, Z_Y, HVT_OP_R },	/* BZHI, PEXT, PDEP */
	{ 0xf6, 0xf6, F2, V0, Z_Y, HVT_OP_R },		/* MULX */
	{ 0xf6, 0xf6, O | F3, LEG, Z_Y, HVT_OP_R },	/* ADCX, ADOX */
	{ 0xf7, 0xf7, N | O | F3 | F2, V0, Z_Y, HVT_OP_R }, /* BEXTR, SHLX, SARX, SHRX */
	{ 0xf9, 0xf9, N, LEG, Z_Y, HVT_OP_W },		/* MOVDIRI */
};

static const struct rule map3[] = {
	{ 0x00, 0x01, O, V1, Z_X, HVT_OP_R },		/* VPERMQ, VPERMPD */
	{ 0x02, 0x02, O, VX, Z_X, HVT_OP_R },		/* VPBLENDD */
	{ 0x04, 0x05, O, VX, Z_X, HVT_OP_R },		/* VPERMILPS, VPERMILPD */
	{ 0x06, 0x06, O, V1, Z_X, HVT_OP_R },		/* VPERM2F128 */
	{ 0x08, 0x09, O, ANY, Z_X, HVT_OP_R },		/* ROUNDPS, ROUNDPD */
	{ 0x0a, 0x0a, O, ANY, Z_D, HVT_OP_R },		/* ROUNDSS */
	{ 0x0b, 0x0b, O, ANY, Z_Q, HVT_OP_R },		/* ROUNDSD */
	{ 0x0c, 0x0e, O, ANY, Z_X, HVT_OP_R },		/* BLENDPS .. PBLENDW */
	{ 0x0f, 0x0f, N | O, LEG, Z_M, HVT_OP_R },	/* PALIGNR */
	{ 0x0f, 0x0f, O, VX, Z_X, HVT_OP_R },
	{ 0x14, 0x14, O, LV0, Z_B, HVT_OP_W },		/* PEXTRB */
	{ 0x15, 0x15, O, LV0, Z_W, HVT_OP_W },		/* PEXTRW */
	{ 0x16, 0x16, O, LV0, Z_Y, HVT_OP_W },		/* PEXTRD, PEXTRQ */
	{ 0x17, 0x17, O, LV0, Z_D, HVT_OP_W },		/* EXTRACTPS */
	{ 0x18, 0x18, O, V1, Z_O, HVT_OP_R },		/* VINSERTF128 */
	{ 0x19, 0x19, O, V1, Z_O, HVT_OP_W },		/* VEXTRACTF128 */
	{ 0x1d, 0x1d, O, VX, Z_X2, HVT_OP_W },		/* VCVTPS2PH */
	{ 0x20, 0x20, O, LV0, Z_B, HVT_OP_R },		/* PINSRB */
	{ 0x21, 0x21, O, LV0, Z_D, HVT_OP_R },		/* INSERTPS */
	{ 0x22, 0x22, O, LV0, Z_Y, HVT_OP_R },		/* PINSRD, PINSRQ */
	{ 0x38, 0x38, O, V1, Z_O, HVT_OP_R },		/* VINSERTI128 */
	{ 0x39, 0x39, O, V1, Z_O, HVT_OP_W },		/* VEXTRACTI128 */
	{ 0x40, 0x40, O, ANY, Z_X, HVT_OP_R },		/* DPPS */
	{ 0x41, 0x41, O, LV0, Z_X, HVT_OP_R },		/* DPPD */
	{ 0x42, 0x42, O, ANY, Z_X, HVT_OP_R },		/* MPSADBW */
	{ 0x44, 0x44, O, ANY, Z_X, HVT_OP_R },		/* PCLMULQDQ */
	{ 0x46, 0x46, O, V1, Z_X, HVT_OP_R },		/* VPERM2I128 */
	{ 0x4a, 0x4c, O, VX, Z_X, HVT_OP_R },		/* VBLENDV */
	{ 0x60, 0x63, O, LV0, Z_X, HVT_OP_R },		/* PCMPESTRM .. PCMPISTRI */
	{ 0xcc, 0xcc, N, LEG, Z_X, HVT_OP_R },		/* SHA1RNDS4 */
	{ 0xce, 0xcf, O, ANY, Z_X, HVT_OP_R },		/* GF2P8AFFINE */
	{ 0xdf, 0xdf, O, LV0, Z_X, HVT_OP_R },		/* AESKEYGENASSIST */
	{ 0xf0, 0xf0, F2, V0, Z_Y, HVT_OP_R },		/* RORX */
};
/* clang-format on */

static const struct rule *find(const struct dec *d, const struct rule *r, unsigned int n)
{
	u8 enc = !d->vex ? LEG : d->l256 ? V1 : V0;

	for (; n; n--, r++)
		if (d->op >= r->lo && d->op <= r->hi && (r->pfx & (1u << d->simd)) &&
		    (r->enc & enc))
			return r;
	return NULL;
}

/* FMA: x6..xF of rows 9, A and B; the odd ones from x9 on are scalar. */
static u32 fma_width(const struct dec *d)
{
	u8 low = d->op & 15;

	if (!d->vex || d->simd != P_66 || d->op < 0x96 || d->op > 0xbf || low < 6)
		return 0;
	if (low >= 9 && (low & 1))
		return REX_W(d) ? 8 : 4;
	return d->l256 ? 32 : 16;
}

/* From the ModRM operand to ES:reg, of the address size. */
static void movdir64b(struct dec *d)
{
	u64 to = d->cx->gpr[REG(d) | (d->rex & 4) << 1];

	hvt_dec_add(d, hvt_dec_linear(d, d->ea), 64, HVT_OP_R);
	hvt_dec_value(d, HVT_VAL_OTHER, 0);
	hvt_dec_add(d, hvt_dec_linear_flat(d, to, d->asz), 64, HVT_OP_W);
	hvt_dec_value(d, HVT_VAL_OTHER, 0);
}

bool hvt_dec_map23(struct dec *d)
{
	const struct rule *r;
	u8 access = HVT_OP_R;
	u32 size;

	if (d->vex && d->map == 2 && d->simd == P_66) {
		if (d->vsib)
			return hvt_dec_gather(d, REX_W(d) ? 8 : 4, d->vvvv, HVT_OP_R);
		if ((d->op >= 0x2c && d->op <= 0x2f) || d->op == 0x8c || d->op == 0x8e)
			return hvt_dec_maskmov(d);
	}
	if (d->map == 2 && d->op == 0xf8 && d->simd == P_66 && !d->vex && MOD(d) != 3) {
		movdir64b(d);
		return true;
	}
	size = d->map == 2 ? fma_width(d) : 0;
	if (!size) {
		r = d->map == 2 ? find(d, map2, sizeof(map2) / sizeof(*r)) :
				  find(d, map3, sizeof(map3) / sizeof(*r));
		if (!r)
			return false;
		size = hvt_dec_width(d, r->width);
		access = r->access;
	}
	d->plain = true;
	if (MOD(d) == 3)
		return true;
	hvt_dec_add_ea(d, size, access);
	if (d->map == 2 && d->op == 0x2a) /* MOVNTDQA */
		hvt_dec_value(d, HVT_VAL_VEC, REG(d) | (d->rex & 4) << 1);
	else if (d->map == 2 && d->op == 0xf9) /* MOVDIRI */
		hvt_dec_value(d, HVT_VAL_GPR, REG(d) | (d->rex & 4) << 1);
	return true;
}
