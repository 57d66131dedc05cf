/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EVEX opcodes for insn_evex.c: AVX-512 F, CD, DQ, BW, VL, IFMA, VBMI, VBMI2, VNNI,
 * BITALG, VPOPCNTDQ, BF16, GFNI, VAES, VPCLMULQDQ. Sources: SDM volume 2, each
 * instruction's page: its tuple type says how much memory, its exception class ("NF")
 * whether elements that the mask excludes are read all the same.
 */
#ifndef HVT_ROOT_INSN_EVEX_H
#define HVT_ROOT_INSN_EVEX_H

#include "insn.h"

/* Prefix and EVEX.W that select it, vector lengths (EVEX.L'L) it has. */
enum {
	N = 1, O = 2, F3 = 4, F2 = 8,
	W0 = 0x10, W1 = 0x20, WX = W0 | W1,
	V128 = 0x40, V256 = 0x80, V512 = 0x100,
	VX = V128 | V256 | V512, VU = V256 | V512
};

/* What is in memory (SDM volume 2, tables 2-34 and 2-35); disp8 counts in as much. */
enum {
	REG_,	/* no memory form */
	FV,	/* a vector, or one element of it to broadcast */
	HV,	/* half a vector of 4-byte elements, or one to broadcast */
	M1, M2, M4, M8,	/* a vector; a half, a quarter, an eighth of it */
	T1, T2, T4, T8,	/* so many elements */
	TG,	/* 4 bytes, or 8 with W: a general register's width */
	X16,	/* 16 bytes */
	DUP,	/* VMOVDDUP */
	PACK,	/* as many elements as the mask has bits; disp8 counts elements */
	VSIB,
};

/* What opmask register aaa does. */
enum {
	EL,	/* excludes elements, in memory too */
	NF,	/* excludes elements of the result only */
	NO,	/* may not be given */
	BC,	/* excludes elements of the result, many of which are one in memory */
	AL,	/* not known unless it excludes none */
};

struct rule {
	u8 lo, hi;
	u16 sel;
	u8 mem, elem, mask, access;	/* elem 0: 4, or 8 with W */
};

#define R HVT_OP_R
#define W HVT_OP_W

/* clang-format off */
static const struct rule map1[] = {
	{ 0x6f, 0x6f, O | F3 | WX | VX, M1, 0, EL, R },		/* VMOVDQA32.. VMOVDQU64 */
	{ 0x7f, 0x7f, O | F3 | WX | VX, M1, 0, EL, W },
	{ 0x10, 0x10, N | W0 | VX, M1, 4, EL, R },		/* VMOVUPS, VMOVUPD */
	{ 0x10, 0x10, O | W1 | VX, M1, 8, EL, R },
	{ 0x11, 0x11, N | W0 | VX, M1, 4, EL, W },
	{ 0x11, 0x11, O | W1 | VX, M1, 8, EL, W },
	{ 0x10, 0x10, F3 | W0 | VX, T1, 4, EL, R },		/* VMOVSS, VMOVSD */
	{ 0x10, 0x10, F2 | W1 | VX, T1, 8, EL, R },
	{ 0x11, 0x11, F3 | W0 | VX, T1, 4, EL, W },
	{ 0x11, 0x11, F2 | W1 | VX, T1, 8, EL, W },
	{ 0x12, 0x12, N | W0 | V128, T2, 4, NO, R },		/* VMOVLPS, VMOVLPD */
	{ 0x12, 0x12, O | W1 | V128, T1, 8, NO, R },
	{ 0x12, 0x12, F3 | W0 | VX, M1, 4, NF, R },		/* VMOVSLDUP */
	{ 0x12, 0x12, F2 | W1 | VX, DUP, 8, NF, R },		/* VMOVDDUP */
	{ 0x13, 0x13, N | W0 | V128, T2, 4, NO, W },
	{ 0x13, 0x13, O | W1 | V128, T1, 8, NO, W },
	{ 0x14, 0x15, N | W0 | VX, FV, 4, NF, R },		/* VUNPCK */
	{ 0x14, 0x15, O | W1 | VX, FV, 8, NF, R },
	{ 0x16, 0x16, N | W0 | V128, T2, 4, NO, R },		/* VMOVHPS, VMOVHPD */
	{ 0x16, 0x16, O | W1 | V128, T1, 8, NO, R },
	{ 0x16, 0x16, F3 | W0 | VX, M1, 4, NF, R },		/* VMOVSHDUP */
	{ 0x17, 0x17, N | W0 | V128, T2, 4, NO, W },
	{ 0x17, 0x17, O | W1 | V128, T1, 8, NO, W },
	{ 0x28, 0x28, N | W0 | VX, M1, 4, EL, R },		/* VMOVAPS, VMOVAPD */
	{ 0x28, 0x28, O | W1 | VX, M1, 8, EL, R },
	{ 0x29, 0x29, N | W0 | VX, M1, 4, EL, W },
	{ 0x29, 0x29, O | W1 | VX, M1, 8, EL, W },
	{ 0x2a, 0x2a, F3 | F2 | WX | VX, TG, 0, NO, R },	/* VCVTSI2SS, VCVTSI2SD */
	{ 0x2b, 0x2b, N | W0 | VX, M1, 4, NO, W },		/* VMOVNTPS, VMOVNTPD */
	{ 0x2b, 0x2b, O | W1 | VX, M1, 8, NO, W },
	{ 0x2c, 0x2d, F3 | WX | VX, T1, 4, NO, R },		/* VCVT(T)SS2SI, SD2SI */
	{ 0x2c, 0x2d, F2 | WX | VX, T1, 8, NO, R },
	{ 0x2e, 0x2f, N | W0 | VX, T1, 4, NO, R },		/* V(U)COMISS, SD */
	{ 0x2e, 0x2f, O | W1 | VX, T1, 8, NO, R },
	{ 0x51, 0x51, N | W0 | VX, FV, 4, EL, R },		/* VSQRT */
	{ 0x51, 0x51, O | W1 | VX, FV, 8, EL, R },
	{ 0x51, 0x51, F3 | W0 | VX, T1, 4, EL, R },
	{ 0x51, 0x51, F2 | W1 | VX, T1, 8, EL, R },
	{ 0x54, 0x59, N | W0 | VX, FV, 4, EL, R },		/* VAND .. VXOR, VADD, VMUL */
	{ 0x54, 0x59, O | W1 | VX, FV, 8, EL, R },
	{ 0x58, 0x59, F3 | W0 | VX, T1, 4, EL, R },
	{ 0x58, 0x59, F2 | W1 | VX, T1, 8, EL, R },
	{ 0x5a, 0x5a, N | W0 | VX, HV, 4, EL, R },		/* VCVTPS2PD, PD2PS */
	{ 0x5a, 0x5a, O | W1 | VX, FV, 8, EL, R },
	{ 0x5a, 0x5a, F3 | W0 | VX, T1, 4, EL, R },
	{ 0x5a, 0x5a, F2 | W1 | VX, T1, 8, EL, R },
	{ 0x5b, 0x5b, N | WX | VX, FV, 0, EL, R },		/* VCVTDQ2PS, QQ2PS, PS2DQ */
	{ 0x5b, 0x5b, O | F3 | W0 | VX, FV, 4, EL, R },
	{ 0x5c, 0x5f, N | W0 | VX, FV, 4, EL, R },		/* VSUB, VMIN, VDIV, VMAX */
	{ 0x5c, 0x5f, O | W1 | VX, FV, 8, EL, R },
	{ 0x5c, 0x5f, F3 | W0 | VX, T1, 4, EL, R },
	{ 0x5c, 0x5f, F2 | W1 | VX, T1, 8, EL, R },
	{ 0x60, 0x61, O | WX | VX, M1, 1, NF, R },		/* VPUNPCKLBW, WD */
	{ 0x62, 0x62, O | W0 | VX, FV, 4, NF, R },
	{ 0x63, 0x63, O | WX | VX, M1, 1, NF, R },		/* VPACKSSWB */
	{ 0x64, 0x64, O | WX | VX, M1, 1, EL, R },		/* VPCMPGT */
	{ 0x65, 0x65, O | WX | VX, M1, 2, EL, R },
	{ 0x66, 0x66, O | W0 | VX, FV, 4, EL, R },
	{ 0x67, 0x69, O | WX | VX, M1, 1, NF, R },		/* VPACKUSWB, VPUNPCKH */
	{ 0x6a, 0x6b, O | W0 | VX, FV, 4, NF, R },
	{ 0x6c, 0x6d, O | W1 | VX, FV, 8, NF, R },
	{ 0x6e, 0x6e, O | WX | V128, TG, 0, NO, R },		/* VMOVD, VMOVQ */
	{ 0x6f, 0x6f, F2 | W0 | VX, M1, 1, EL, R },		/* VMOVDQU8, VMOVDQU16 */
	{ 0x6f, 0x6f, F2 | W1 | VX, M1, 2, EL, R },
	{ 0x70, 0x70, O | W0 | VX, FV, 4, NF, R },		/* VPSHUFD, HW, LW */
	{ 0x70, 0x70, F3 | F2 | WX | VX, M1, 2, NF, R },
	{ 0x74, 0x74, O | WX | VX, M1, 1, EL, R },		/* VPCMPEQ */
	{ 0x75, 0x75, O | WX | VX, M1, 2, EL, R },
	{ 0x76, 0x76, O | W0 | VX, FV, 4, EL, R },
	{ 0x78, 0x79, N | WX | VX, FV, 0, EL, R },		/* VCVT(T)PS2UDQ .. SD2USI */
	{ 0x78, 0x79, O | W0 | VX, HV, 4, EL, R },
	{ 0x78, 0x79, O | W1 | VX, FV, 8, EL, R },
	{ 0x78, 0x79, F3 | WX | VX, T1, 4, NO, R },
	{ 0x78, 0x79, F2 | WX | VX, T1, 8, NO, R },
	{ 0x7a, 0x7b, O | W0 | VX, HV, 4, EL, R },		/* VCVT(T)PS2QQ, PD2QQ */
	{ 0x7a, 0x7b, O | W1 | VX, FV, 8, EL, R },
	{ 0x7a, 0x7a, F3 | W0 | VX, HV, 4, EL, R },		/* VCVTUDQ2PD .. UQQ2PS */
	{ 0x7a, 0x7a, F3 | W1 | VX, FV, 8, EL, R },
	{ 0x7a, 0x7a, F2 | WX | VX, FV, 0, EL, R },
	{ 0x7b, 0x7b, F3 | F2 | WX | VX, TG, 0, NO, R },	/* VCVTUSI2SS, SD */
	{ 0x7e, 0x7e, O | WX | V128, TG, 0, NO, W },
	{ 0x7e, 0x7e, F3 | W1 | V128, T1, 8, NO, R },
	{ 0x7f, 0x7f, F2 | W0 | VX, M1, 1, EL, W },
	{ 0x7f, 0x7f, F2 | W1 | VX, M1, 2, EL, W },
	{ 0xc2, 0xc2, N | W0 | VX, FV, 4, EL, R },		/* VCMP */
	{ 0xc2, 0xc2, O | W1 | VX, FV, 8, EL, R },
	{ 0xc2, 0xc2, F3 | W0 | VX, T1, 4, EL, R },
	{ 0xc2, 0xc2, F2 | W1 | VX, T1, 8, EL, R },
	{ 0xc4, 0xc4, O | WX | V128, T1, 2, NO, R },		/* VPINSRW */
	{ 0xc5, 0xc5, O | WX | V128, REG_, 0, NO, 0 },
	{ 0xc6, 0xc6, N | W0 | VX, FV, 4, NF, R },		/* VSHUFPS, VSHUFPD */
	{ 0xc6, 0xc6, O | W1 | VX, FV, 8, NF, R },
	{ 0xd1, 0xd1, O | WX | VX, X16, 8, NF, R },		/* VPSRL, by a count */
	{ 0xd2, 0xd2, O | W0 | VX, X16, 8, NF, R },
	{ 0xd3, 0xd3, O | W1 | VX, X16, 8, NF, R },
	{ 0xd4, 0xd4, O | W1 | VX, FV, 8, EL, R },		/* VPADDQ, VPMULLW */
	{ 0xd5, 0xd5, O | WX | VX, M1, 2, EL, R },
	{ 0xd6, 0xd6, O | W1 | V128, T1, 8, NO, W },		/* VMOVQ */
	{ 0xd8, 0xd8, O | WX | VX, M1, 1, EL, R },		/* VPSUBUS, VPMINUB */
	{ 0xd9, 0xd9, O | WX | VX, M1, 2, EL, R },
	{ 0xda, 0xda, O | WX | VX, M1, 1, EL, R },
	{ 0xdb, 0xdb, O | WX | VX, FV, 0, EL, R },		/* VPAND */
	{ 0xdc, 0xdc, O | WX | VX, M1, 1, EL, R },		/* VPADDUS, VPMAXUB */
	{ 0xdd, 0xdd, O | WX | VX, M1, 2, EL, R },
	{ 0xde, 0xde, O | WX | VX, M1, 1, EL, R },
	{ 0xdf, 0xdf, O | WX | VX, FV, 0, EL, R },		/* VPANDN */
	{ 0xe0, 0xe0, O | WX | VX, M1, 1, EL, R },		/* VPAVGB */
	{ 0xe1, 0xe1, O | WX | VX, X16, 8, NF, R },		/* VPSRA */
	{ 0xe2, 0xe2, O | WX | VX, X16, 8, NF, R },
	{ 0xe3, 0xe5, O | WX | VX, M1, 2, EL, R },		/* VPAVGW, VPMULH */
	{ 0xe6, 0xe6, F3 | W0 | VX, HV, 4, EL, R },		/* VCVTDQ2PD .. TPD2DQ */
	{ 0xe6, 0xe6, F3 | F2 | O | W1 | VX, FV, 8, EL, R },
	{ 0xe7, 0xe7, O | W0 | VX, M1, 4, NO, W },		/* VMOVNTDQ */
	{ 0xe8, 0xe8, O | WX | VX, M1, 1, EL, R },		/* VPSUBS, VPMINSW */
	{ 0xe9, 0xea, O | WX | VX, M1, 2, EL, R },
	{ 0xeb, 0xeb, O | WX | VX, FV, 0, EL, R },		/* VPOR */
	{ 0xec, 0xec, O | WX | VX, M1, 1, EL, R },		/* VPADDS, VPMAXSW */
	{ 0xed, 0xee, O | WX | VX, M1, 2, EL, R },
	{ 0xef, 0xef, O | WX | VX, FV, 0, EL, R },		/* VPXOR */
	{ 0xf1, 0xf1, O | WX | VX, X16, 8, NF, R },		/* VPSLL */
	{ 0xf2, 0xf2, O | W0 | VX, X16, 8, NF, R },
	{ 0xf3, 0xf3, O | W1 | VX, X16, 8, NF, R },
	{ 0xf4, 0xf4, O | W1 | VX, FV, 8, EL, R },		/* VPMULUDQ */
	{ 0xf5, 0xf5, O | WX | VX, M1, 2, NF, R },		/* VPMADDWD */
	{ 0xf6, 0xf6, O | WX | VX, M1, 1, NO, R },		/* VPSADBW */
	{ 0xf8, 0xf8, O | WX | VX, M1, 1, EL, R },		/* VPSUB */
	{ 0xf9, 0xf9, O | WX | VX, M1, 2, EL, R },
	{ 0xfa, 0xfa, O | W0 | VX, FV, 4, EL, R },
	{ 0xfb, 0xfb, O | W1 | VX, FV, 8, EL, R },
	{ 0xfc, 0xfc, O | WX | VX, M1, 1, EL, R },		/* VPADD */
	{ 0xfd, 0xfd, O | WX | VX, M1, 2, EL, R },
	{ 0xfe, 0xfe, O | W0 | VX, FV, 4, EL, R },
};

/* Shifts by an immediate: 0F 71..73, by ModRM.reg. */
static const struct rule shifts[3][8] = {
	{
		[2] = { 0x71, 0x71, O | WX | VX, M1, 2, EL, R },
		[4] = { 0x71, 0x71, O | WX | VX, M1, 2, EL, R },
		[6] = { 0x71, 0x71, O | WX | VX, M1, 2, EL, R },
	}, {
		[0] = { 0x72, 0x72, O | WX | VX, FV, 0, EL, R }, /* VPROR, VPROL */
		[1] = { 0x72, 0x72, O | WX | VX, FV, 0, EL, R },
		[2] = { 0x72, 0x72, O | W0 | VX, FV, 4, EL, R },
		[4] = { 0x72, 0x72, O | WX | VX, FV, 0, EL, R },
		[6] = { 0x72, 0x72, O | W0 | VX, FV, 4, EL, R },
	}, {
		[2] = { 0x73, 0x73, O | W1 | VX, FV, 8, EL, R },
		[3] = { 0x73, 0x73, O | WX | VX, M1, 1, NO, R },
		[6] = { 0x73, 0x73, O | W1 | VX, FV, 8, EL, R },
		[7] = { 0x73, 0x73, O | WX | VX, M1, 1, NO, R },
	},
};

static const struct rule map2[] = {
	{ 0x00, 0x00, O | WX | VX, M1, 1, NF, R },		/* VPSHUFB */
	{ 0x04, 0x04, O | WX | VX, M1, 2, NF, R },		/* VPMADDUBSW */
	{ 0x0b, 0x0b, O | WX | VX, M1, 2, EL, R },		/* VPMULHRSW */
	{ 0x0c, 0x0c, O | W0 | VX, FV, 4, NF, R },		/* VPERMILPS, PD */
	{ 0x0d, 0x0d, O | W1 | VX, FV, 8, NF, R },
	{ 0x10, 0x12, O | W1 | VX, M1, 2, EL, R },		/* VPSRLVW, RAVW, LLVW */
	{ 0x13, 0x13, O | W0 | VX, M2, 2, EL, R },		/* VCVTPH2PS */
	{ 0x14, 0x15, O | WX | VX, FV, 0, EL, R },		/* VPRORV, VPROLV */
	{ 0x16, 0x16, O | WX | VU, FV, 0, NF, R },		/* VPERMPS, PD */
	{ 0x10, 0x10, F3 | W0 | VX, M2, 1, EL, W },		/* VPMOVUSWB */
	{ 0x20, 0x20, F3 | W0 | VX, M2, 1, EL, W },		/* VPMOVSWB */
	{ 0x30, 0x30, F3 | W0 | VX, M2, 1, EL, W },		/* VPMOVWB */
	{ 0x11, 0x11, F3 | W0 | VX, M4, 1, EL, W },		/* DB */
	{ 0x21, 0x21, F3 | W0 | VX, M4, 1, EL, W },
	{ 0x31, 0x31, F3 | W0 | VX, M4, 1, EL, W },
	{ 0x12, 0x12, F3 | W0 | VX, M8, 1, EL, W },		/* QB */
	{ 0x22, 0x22, F3 | W0 | VX, M8, 1, EL, W },
	{ 0x32, 0x32, F3 | W0 | VX, M8, 1, EL, W },
	{ 0x13, 0x13, F3 | W0 | VX, M2, 2, EL, W },		/* DW */
	{ 0x23, 0x23, F3 | W0 | VX, M2, 2, EL, W },
	{ 0x33, 0x33, F3 | W0 | VX, M2, 2, EL, W },
	{ 0x14, 0x14, F3 | W0 | VX, M4, 2, EL, W },		/* QW */
	{ 0x24, 0x24, F3 | W0 | VX, M4, 2, EL, W },
	{ 0x34, 0x34, F3 | W0 | VX, M4, 2, EL, W },
	{ 0x15, 0x15, F3 | W0 | VX, M2, 4, EL, W },		/* QD */
	{ 0x25, 0x25, F3 | W0 | VX, M2, 4, EL, W },
	{ 0x35, 0x35, F3 | W0 | VX, M2, 4, EL, W },
	{ 0x18, 0x18, O | W0 | VX, T1, 4, BC, R },		/* VBROADCAST */
	{ 0x19, 0x19, O | W0 | VU, T2, 4, BC, R },
	{ 0x19, 0x19, O | W1 | VU, T1, 8, BC, R },
	{ 0x1a, 0x1a, O | W0 | VU, T4, 4, BC, R },
	{ 0x1a, 0x1a, O | W1 | VU, T2, 8, BC, R },
	{ 0x1b, 0x1b, O | W0 | V512, T8, 4, BC, R },
	{ 0x1b, 0x1b, O | W1 | V512, T4, 8, BC, R },
	{ 0x1c, 0x1c, O | WX | VX, M1, 1, EL, R },		/* VPABS */
	{ 0x1d, 0x1d, O | WX | VX, M1, 2, EL, R },
	{ 0x1e, 0x1e, O | W0 | VX, FV, 4, EL, R },
	{ 0x1f, 0x1f, O | W1 | VX, FV, 8, EL, R },
	{ 0x20, 0x20, O | WX | VX, M2, 1, EL, R },		/* VPMOVSX */
	{ 0x21, 0x21, O | WX | VX, M4, 1, EL, R },
	{ 0x22, 0x22, O | WX | VX, M8, 1, EL, R },
	{ 0x23, 0x23, O | WX | VX, M2, 2, EL, R },
	{ 0x24, 0x24, O | WX | VX, M4, 2, EL, R },
	{ 0x25, 0x25, O | W0 | VX, M2, 4, EL, R },
	{ 0x26, 0x26, O | F3 | W0 | VX, M1, 1, EL, R },		/* VPTESTM, VPTESTNM */
	{ 0x26, 0x26, O | F3 | W1 | VX, M1, 2, EL, R },
	{ 0x27, 0x27, O | F3 | WX | VX, FV, 0, EL, R },
	{ 0x28, 0x29, O | W1 | VX, FV, 8, EL, R },		/* VPMULDQ, VPCMPEQQ */
	{ 0x28, 0x29, F3 | WX | VX, REG_, 0, NO, 0 },		/* VPMOVM2B .. VPMOVW2M */
	{ 0x2a, 0x2a, O | W0 | VX, M1, 4, NO, R },		/* VMOVNTDQA */
	{ 0x2a, 0x2a, F3 | W1 | VX, REG_, 0, NO, 0 },
	{ 0x2b, 0x2b, O | W0 | VX, FV, 4, NF, R },		/* VPACKUSDW */
	{ 0x2c, 0x2c, O | WX | VX, FV, 0, EL, R },		/* VSCALEF */
	{ 0x2d, 0x2d, O | WX | VX, T1, 0, EL, R },
	{ 0x30, 0x30, O | WX | VX, M2, 1, EL, R },		/* VPMOVZX */
	{ 0x31, 0x31, O | WX | VX, M4, 1, EL, R },
	{ 0x32, 0x32, O | WX | VX, M8, 1, EL, R },
	{ 0x33, 0x33, O | WX | VX, M2, 2, EL, R },
	{ 0x34, 0x34, O | WX | VX, M4, 2, EL, R },
	{ 0x35, 0x35, O | W0 | VX, M2, 4, EL, R },
	{ 0x36, 0x36, O | WX | VU, FV, 0, NF, R },		/* VPERMD, Q */
	{ 0x37, 0x37, O | W1 | VX, FV, 8, EL, R },		/* VPCMPGTQ */
	{ 0x38, 0x39, F3 | WX | VX, REG_, 0, NO, 0 },
	{ 0x3a, 0x3a, F3 | W0 | VX, REG_, 0, NO, 0 },
	{ 0x38, 0x38, O | WX | VX, M1, 1, EL, R },		/* VPMIN, VPMAX */
	{ 0x39, 0x39, O | WX | VX, FV, 0, EL, R },
	{ 0x3a, 0x3a, O | WX | VX, M1, 2, EL, R },
	{ 0x3b, 0x3b, O | WX | VX, FV, 0, EL, R },
	{ 0x3c, 0x3c, O | WX | VX, M1, 1, EL, R },
	{ 0x3d, 0x3d, O | WX | VX, FV, 0, EL, R },
	{ 0x3e, 0x3e, O | WX | VX, M1, 2, EL, R },
	{ 0x3f, 0x40, O | WX | VX, FV, 0, EL, R },		/* VPMULLD, Q */
	{ 0x42, 0x42, O | WX | VX, FV, 0, EL, R },		/* VGETEXP */
	{ 0x43, 0x43, O | WX | VX, T1, 0, EL, R },
	{ 0x44, 0x47, O | WX | VX, FV, 0, EL, R },		/* VPLZCNT, VPSRLV .. VPSLLV */
	{ 0x4c, 0x4c, O | WX | VX, FV, 0, EL, R },		/* VRCP14, VRSQRT14 */
	{ 0x4d, 0x4d, O | WX | VX, T1, 0, EL, R },
	{ 0x4e, 0x4e, O | WX | VX, FV, 0, EL, R },
	{ 0x4f, 0x4f, O | WX | VX, T1, 0, EL, R },
	{ 0x50, 0x53, O | W0 | VX, FV, 4, EL, R },		/* VPDP */
	{ 0x52, 0x52, F3 | W0 | VX, FV, 4, EL, R },		/* VDPBF16PS */
	{ 0x54, 0x54, O | W0 | VX, M1, 1, EL, R },		/* VPOPCNT */
	{ 0x54, 0x54, O | W1 | VX, M1, 2, EL, R },
	{ 0x55, 0x55, O | WX | VX, FV, 0, EL, R },
	{ 0x58, 0x58, O | W0 | VX, T1, 4, BC, R },		/* VPBROADCAST */
	{ 0x59, 0x59, O | W0 | VX, T2, 4, BC, R },
	{ 0x59, 0x59, O | W1 | VX, T1, 8, BC, R },
	{ 0x5a, 0x5a, O | W0 | VU, T4, 4, BC, R },
	{ 0x5a, 0x5a, O | W1 | VU, T2, 8, BC, R },
	{ 0x5b, 0x5b, O | W0 | V512, T8, 4, BC, R },
	{ 0x5b, 0x5b, O | W1 | V512, T4, 8, BC, R },
	{ 0x62, 0x62, O | W0 | VX, PACK, 1, EL, R },		/* VPEXPANDB, W */
	{ 0x62, 0x62, O | W1 | VX, PACK, 2, EL, R },
	{ 0x63, 0x63, O | W0 | VX, PACK, 1, EL, W },		/* VPCOMPRESSB, W */
	{ 0x63, 0x63, O | W1 | VX, PACK, 2, EL, W },
	{ 0x64, 0x65, O | WX | VX, FV, 0, EL, R },		/* VPBLENDM, VBLENDM */
	{ 0x66, 0x66, O | W0 | VX, M1, 1, EL, R },
	{ 0x66, 0x66, O | W1 | VX, M1, 2, EL, R },
	{ 0x70, 0x70, O | W1 | VX, M1, 2, EL, R },		/* VPSHLDV, VPSHRDV */
	{ 0x71, 0x71, O | WX | VX, FV, 0, EL, R },
	{ 0x72, 0x72, O | W1 | VX, M1, 2, EL, R },
	{ 0x73, 0x73, O | WX | VX, FV, 0, EL, R },
	{ 0x72, 0x72, F2 | W0 | VX, FV, 4, NF, R },		/* VCVTNE2PS2BF16 */
	{ 0x72, 0x72, F3 | W0 | VX, FV, 4, EL, R },		/* VCVTNEPS2BF16 */
	{ 0x75, 0x75, O | WX | VX, M1, 1, NF, R },		/* VPERMI2 */
	{ 0x76, 0x77, O | WX | VX, FV, 0, NF, R },
	{ 0x78, 0x78, O | W0 | VX, T1, 1, BC, R },
	{ 0x79, 0x79, O | W0 | VX, T1, 2, BC, R },
	{ 0x7a, 0x7b, O | W0 | VX, REG_, 0, NO, 0 },
	{ 0x7c, 0x7c, O | WX | VX, REG_, 0, NO, 0 },
	{ 0x7d, 0x7d, O | WX | VX, M1, 1, NF, R },		/* VPERMT2 */
	{ 0x7e, 0x7f, O | WX | VX, FV, 0, NF, R },
	{ 0x83, 0x83, O | W1 | VX, FV, 8, NF, R },		/* VPMULTISHIFTQB */
	{ 0x88, 0x89, O | WX | VX, PACK, 0, EL, R },		/* VEXPAND, VPEXPAND */
	{ 0x8a, 0x8b, O | WX | VX, PACK, 0, EL, W },		/* VCOMPRESS, VPCOMPRESS */
	{ 0x8d, 0x8d, O | WX | VX, M1, 1, NF, R },		/* VPERMB, W */
	{ 0x8f, 0x8f, O | W0 | VX, M1, 1, EL, R },		/* VPSHUFBITQMB */
	{ 0x90, 0x93, O | WX | VX, VSIB, 0, EL, R },		/* VPGATHER, VGATHER */
	{ 0xa0, 0xa3, O | WX | VX, VSIB, 0, EL, W },		/* VPSCATTER, VSCATTER */
	{ 0xb4, 0xb5, O | W1 | VX, FV, 8, EL, R },		/* VPMADD52 */
	{ 0xc4, 0xc4, O | WX | VX, FV, 0, NF, R },		/* VPCONFLICT */
	{ 0xcf, 0xcf, O | W0 | VX, M1, 1, EL, R },		/* VGF2P8MULB */
	{ 0xdc, 0xdf, O | WX | VX, M1, 1, NO, R },		/* VAES */
};

static const struct rule map3[] = {
	{ 0x00, 0x01, O | W1 | VU, FV, 8, NF, R },		/* VPERMQ, VPERMPD */
	{ 0x03, 0x03, O | WX | VX, FV, 0, NF, R },		/* VALIGN */
	{ 0x04, 0x04, O | W0 | VX, FV, 4, NF, R },		/* VPERMILPS, PD */
	{ 0x05, 0x05, O | W1 | VX, FV, 8, NF, R },
	{ 0x08, 0x08, O | W0 | VX, FV, 4, EL, R },		/* VRNDSCALE */
	{ 0x09, 0x09, O | W1 | VX, FV, 8, EL, R },
	{ 0x0a, 0x0a, O | W0 | VX, T1, 4, EL, R },
	{ 0x0b, 0x0b, O | W1 | VX, T1, 8, EL, R },
	{ 0x0f, 0x0f, O | WX | VX, M1, 1, NF, R },		/* VPALIGNR */
	{ 0x14, 0x14, O | WX | V128, T1, 1, NO, W },		/* VPEXTR */
	{ 0x15, 0x15, O | WX | V128, T1, 2, NO, W },
	{ 0x16, 0x16, O | WX | V128, TG, 0, NO, W },
	{ 0x17, 0x17, O | WX | V128, T1, 4, NO, W },		/* VEXTRACTPS */
	{ 0x18, 0x18, O | W0 | VU, T4, 4, NF, R },		/* VINSERTF */
	{ 0x18, 0x18, O | W1 | VU, T2, 8, NF, R },
	{ 0x19, 0x19, O | W0 | VU, T4, 4, AL, W },		/* VEXTRACTF */
	{ 0x19, 0x19, O | W1 | VU, T2, 8, AL, W },
	{ 0x1a, 0x1a, O | W0 | V512, T8, 4, NF, R },
	{ 0x1a, 0x1a, O | W1 | V512, T4, 8, NF, R },
	{ 0x1b, 0x1b, O | W0 | V512, T8, 4, AL, W },
	{ 0x1b, 0x1b, O | W1 | V512, T4, 8, AL, W },
	{ 0x1d, 0x1d, O | W0 | VX, M2, 2, EL, W },		/* VCVTPS2PH */
	{ 0x1e, 0x1f, O | WX | VX, FV, 0, EL, R },		/* VPCMP */
	{ 0x20, 0x20, O | WX | V128, T1, 1, NO, R },		/* VPINSR, VINSERTPS */
	{ 0x21, 0x21, O | W0 | V128, T1, 4, NO, R },
	{ 0x22, 0x22, O | WX | V128, TG, 0, NO, R },
	{ 0x23, 0x23, O | WX | VU, FV, 0, NF, R },		/* VSHUFF */
	{ 0x25, 0x26, O | WX | VX, FV, 0, EL, R },		/* VPTERNLOG, VGETMANT */
	{ 0x27, 0x27, O | WX | VX, T1, 0, EL, R },
	{ 0x38, 0x38, O | W0 | VU, T4, 4, NF, R },		/* VINSERTI, VEXTRACTI */
	{ 0x38, 0x38, O | W1 | VU, T2, 8, NF, R },
	{ 0x39, 0x39, O | W0 | VU, T4, 4, AL, W },
	{ 0x39, 0x39, O | W1 | VU, T2, 8, AL, W },
	{ 0x3a, 0x3a, O | W0 | V512, T8, 4, NF, R },
	{ 0x3a, 0x3a, O | W1 | V512, T4, 8, NF, R },
	{ 0x3b, 0x3b, O | W0 | V512, T8, 4, AL, W },
	{ 0x3b, 0x3b, O | W1 | V512, T4, 8, AL, W },
	{ 0x3e, 0x3f, O | W0 | VX, M1, 1, EL, R },		/* VPCMPB, W */
	{ 0x3e, 0x3f, O | W1 | VX, M1, 2, EL, R },
	{ 0x42, 0x42, O | W0 | VX, M1, 2, NF, R },		/* VDBPSADBW */
	{ 0x43, 0x43, O | WX | VU, FV, 0, NF, R },		/* VSHUFI */
	{ 0x44, 0x44, O | WX | VX, M1, 8, NO, R },		/* VPCLMULQDQ */
	{ 0x50, 0x50, O | WX | VX, FV, 0, EL, R },		/* VRANGE, VFIXUPIMM, VREDUCE */
	{ 0x51, 0x51, O | WX | VX, T1, 0, EL, R },
	{ 0x54, 0x54, O | WX | VX, FV, 0, EL, R },
	{ 0x55, 0x55, O | WX | VX, T1, 0, EL, R },
	{ 0x56, 0x56, O | WX | VX, FV, 0, EL, R },
	{ 0x57, 0x57, O | WX | VX, T1, 0, EL, R },
	{ 0x66, 0x66, O | WX | VX, FV, 0, EL, R },		/* VFPCLASS */
	{ 0x67, 0x67, O | WX | VX, T1, 0, EL, R },
	{ 0x70, 0x70, O | W1 | VX, M1, 2, EL, R },		/* VPSHLD, VPSHRD */
	{ 0x71, 0x71, O | WX | VX, FV, 0, EL, R },
	{ 0x72, 0x72, O | W1 | VX, M1, 2, EL, R },
	{ 0x73, 0x73, O | WX | VX, FV, 0, EL, R },
	{ 0xce, 0xcf, O | W1 | VX, FV, 8, NF, R },		/* VGF2P8AFFINE */
};

/* FMA, by the low half of the opcode: odd ones from x9 on are scalar. */
static const struct rule fused[2] = {
	{ 0, 0, O | WX | VX, FV, 0, EL, R },
	{ 0, 0, O | WX | VX, T1, 0, EL, R },
};
/* clang-format on */

#endif
