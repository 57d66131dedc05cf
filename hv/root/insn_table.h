/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opcode tables of the decoder (SDM volume 2, tables ). One u32 an
 * opcode: what its memory operand is, how wide, what follows it, and with which
 * mandatory prefixes it is an instruction.
 */
#ifndef HVT_ROOT_INSN_TABLE_H
#define HVT_ROOT_INSN_TABLE_H

/* clang-format off */

/* Width of the ModRM memory operand. */
enum {
	Z_NONE,
	Z_B, Z_W, Z_D, Z_Q, Z_O, /* 1, 2, 4, 8, 16 */
	Z_V,			/* operand size: 2, 4, 8 */
	Z_Y,			/* 4, or 8 with REX.W */
	Z_X,			/* a whole vector: 16, VEX.256: 32 */
	Z_X2, Z_X4, Z_X8,	/* that, divided */
	Z_S,			/* none/66: vector, F3: 4, F2: 8 */
	Z_M,			/* none: 8 (MMX), 66: vector */
};

/* What follows the ModRM bytes. */
enum { I_0, I_B, I_Z, I_W, I_V, I_WB };

/* Special handling; from S_12 on, in insn_vec.c. */
enum {
	S_NONE,
	S_BLIND,	/* touches memory in a way not described here */
	S_PUSH,		/* writes one stack slot */
	S_PUSHSEG,
	S_POP,		/* reads one stack slot */
	S_POPM,		/* 8F: pops into memory */
	S_CALL, S_RET, S_LEAVE, S_ENTER,
	S_JREL,		/* near branch: 66 means different things to AMD and Intel */
	S_SYS,		/* SYSCALL, SYSENTER: see hidden_stack */
	S_IO,		/* may read the I/O permission bitmap */
	S_MOVS, S_STOS, S_LODS, S_CMPS, S_SCAS, S_INS, S_OUTS,
	S_MOFFS, S_XLAT,
	S_PUSHA, S_POPA, S_BOUND,
	S_IRET, S_RETF,
	S_FARIMM,	/* 9A, EA */
	S_MOVSEG,	/* 8E */
	S_POPSEG,
	S_LXS,		/* LDS, LES, LSS, LFS, LGS */
	S_LAR,		/* LAR, LSL */
	S_MASKMOV,	/* 0F F7 */
	S_MOVSXD,	/* 32-bit: ARPL */
	S_FPU,		/* D8..DF */
	S_GRP1,		/* 80..83: /7 only reads */
	S_GRP3,		/* F6, F7 */
	S_GRP4, S_GRP5,	/* FE, FF */
	S_GRP6, S_GRP7,	/* 0F 00, 0F 01 */
	S_GRP8,		/* 0F BA */
	S_GRP9,		/* 0F C7 */
	S_GRP11,	/* C6, C7 */
	S_GRP15,	/* 0F AE */
	S_BITS,		/* BT and kin with a register offset */
	S_0F,		/* two-byte map */
	S_INV64,	/* not an instruction in 64-bit mode; blind elsewhere */
	S_MODREG,	/* only the register form exists */
	S_12, S_16, S_2A, S_2C, S_2E, S_5A, S_60, S_6F, S_7E, S_D6, S_E6,
	S_MOVU,		/* 10, 11: width by prefix */
	S_KMOV,		/* 90, 91: with VEX KMOV, else SETcc */
	S_SHIFT,	/* by a count in memory, which does not widen with VEX.L */
};

#define M_ 1u				/* has ModRM */
#define R_ 2u
#define W_ 4u
#define RW (R_ | W_)
#define Z(z) ((u32)(Z_##z) << 3)
#define I(i) ((u32)(I_##i) << 7)
#define S(s) ((u32)(S_##s) << 10)
/* Mandatory prefixes with which it exists; none of these: prefixes do not select. */
#define PN (1u << (16 + P_NONE))
#define P6 (1u << (16 + P_66))
#define P3 (1u << (16 + P_F3))
#define P2 (1u << (16 + P_F2))
#define PA (PN | P6 | P3 | P2)
#define V_ (1u << 20)			/* the VEX form exists */
#define L0 (1u << 21)			/* ... with VEX.L = 0 only */
#define V6 (1u << 22 | V_)		/* ... with a prefix only: without, it is MMX */

/* A move, whose other operand is ModRM.reg or an immediate. */
#define VG ((u32)HVT_VAL_GPR << 23)
#define VI ((u32)HVT_VAL_IMM << 23)
#define VV ((u32)HVT_VAL_VEC << 23)

#define E_MODRM(e)  ((e) & M_)
#define E_ACCESS(e) (((e) >> 1) & 3)
#define E_WIDTH(e)  (((e) >> 3) & 15)
#define E_IMM(e)    (((e) >> 7) & 7)
#define E_SPEC(e)   (((e) >> 10) & 63)
#define E_SIMD(e)   (((e) >> 16) & 15)
#define E_VALUE(e)  (((e) >> 23) & 7)

#ifdef HVT_INSN_MAPS

#define ALU(acc) \
	M_ | acc | Z(B), M_ | acc | Z(V), M_ | R_ | Z(B), M_ | R_ | Z(V), I(B), I(Z)
#define X2(e) e, e
#define X4(e) X2(e), X2(e)
#define X8(e) X4(e), X4(e)

static const u32 hvt_map0[256] = {
	/* 00 */ ALU(RW), X2(S(INV64)), ALU(RW), S(INV64), S(0F),
	/* 10 */ ALU(RW), X2(S(INV64)), ALU(RW), X2(S(INV64)),
	/* 20 */ ALU(RW), S(BLIND), S(INV64), ALU(RW), S(BLIND), S(INV64),
	/* 30 */ ALU(RW), S(BLIND), S(INV64), ALU(R_), S(BLIND), S(INV64),
	/* 40 */ X8(0), X8(0), /* INC/DEC in 32-bit mode; REX is eaten before */
	/* 50 */ X8(S(PUSH)), X8(S(POP)),
	/* 60 */ X2(S(INV64)), S(INV64), M_ | R_ | Z(D) | S(MOVSXD) | VG, X4(S(BLIND)),
	/* 68 */ S(PUSH) | I(Z), M_ | R_ | Z(V) | I(Z), S(PUSH) | I(B),
		 M_ | R_ | Z(V) | I(B), X2(S(INS)), X2(S(OUTS)),
	/* 70 */ X8(I(B)), X8(I(B)),
	/* 80 */ M_ | RW | Z(B) | I(B) | S(GRP1), M_ | RW | Z(V) | I(Z) | S(GRP1), S(INV64),
		 M_ | RW | Z(V) | I(B) | S(GRP1),
	/* 84 */ M_ | R_ | Z(B), M_ | R_ | Z(V), M_ | RW | Z(B), M_ | RW | Z(V),
	/* 88 */ M_ | W_ | Z(B) | VG, M_ | W_ | Z(V) | VG, M_ | R_ | Z(B) | VG,
		 M_ | R_ | Z(V) | VG,
	/* 8c */ M_ | W_ | Z(W), M_, M_ | S(MOVSEG), M_ | W_ | Z(V) | S(POPM),
	/* 90 */ X8(0), X2(0), S(INV64), 0, S(PUSH), S(POP), X2(0),
	/* a0 */ R_ | Z(B) | S(MOFFS), R_ | Z(V) | S(MOFFS), W_ | Z(B) | S(MOFFS),
		 W_ | Z(V) | S(MOFFS), X2(S(MOVS)), X2(S(CMPS)),
	/* a8 */ I(B), I(Z), X2(S(STOS)), X2(S(LODS)), X2(S(SCAS)),
	/* b0 */ X8(I(B)), X8(I(V)),
	/* c0 */ M_ | RW | Z(B) | I(B), M_ | RW | Z(V) | I(B), S(RET) | I(W), S(RET),
		 X2(S(INV64)), M_ | W_ | Z(B) | I(B) | S(GRP11) | VI,
		 M_ | W_ | Z(V) | I(Z) | S(GRP11) | VI,
	/* c8 */ S(ENTER) | I(WB), S(LEAVE), S(RETF) | I(W), S(RETF), S(BLIND), S(BLIND) | I(B),
		 S(BLIND), S(IRET),
	/* d0 */ M_ | RW | Z(B), M_ | RW | Z(V), M_ | RW | Z(B), M_ | RW | Z(V), X2(S(INV64)),
		 S(INV64), S(XLAT),
	/* d8 */ X8(M_ | S(FPU)),
	/* e0 */ X4(I(B)), X4(S(IO) | I(B)),
	/* e8 */ S(CALL) | I(Z), S(JREL) | I(Z), S(INV64), I(B), X4(S(IO)),
	/* f0 */ S(BLIND), S(BLIND), X2(S(BLIND)), X2(0), M_ | RW | Z(B) | S(GRP3),
		 M_ | RW | Z(V) | S(GRP3),
	/* f8 */ X4(0), X2(0), M_ | RW | Z(B) | S(GRP4), M_ | RW | Z(V) | S(GRP5),
};

#define SSE	(M_ | R_ | Z(S) | V_)
#define MMX	(M_ | R_ | Z(M) | PN | P6 | V6)
#define SHIFT	(MMX | S(SHIFT))
#define VEC	(M_ | R_ | Z(X) | V_)
#define VSTORE	(M_ | W_ | Z(X) | V_ | PN | P6)
#define HALF	(M_ | W_ | Z(Q) | V_ | L0 | PN | P6)
#define REGIMM	(M_ | I(B) | S(MODREG) | PN | P6 | V6)

static const u32 hvt_map1[256] = {
	/* 00 */ M_ | S(GRP6), M_ | S(GRP7), X2(M_ | S(LAR)), S(BLIND), S(SYS), X2(0),
	/* 08 */ X2(0), S(BLIND), 0, S(BLIND), M_, 0, S(BLIND),
	/* 10 */ M_ | R_ | S(MOVU) | PA | V_ | VV, M_ | W_ | S(MOVU) | PA | V_ | VV,
		 M_ | R_ | S(12) | PA | V_ | VV, HALF | VV, X2(VEC | PN | P6),
		 M_ | R_ | S(16) | PN | P6 | P3 | V_, HALF,
	/* 18 */ X2(M_), X2(M_ | S(BLIND)), X4(M_),
	/* 20 */ X4(M_ | S(MODREG)), X4(S(BLIND)),
	/* 28 */ VEC | PN | P6 | VV, VSTORE | VV, M_ | R_ | S(2A) | PA | V_, VSTORE | VV,
		 X2(M_ | R_ | S(2C) | PA | V_), X2(M_ | R_ | S(2E) | PN | P6 | V_),
	/* 30 */ X4(0), S(SYS), 0, X2(S(BLIND)),
	/* 38 */ X8(S(BLIND)),
	/* 40 */ X8(M_ | R_ | Z(V)), X8(M_ | R_ | Z(V)),
	/* 50 */ M_ | S(MODREG) | PN | P6 | V_, SSE | PA, X2(SSE | PN | P3), X4(VEC | PN | P6),
	/* 58 */ X2(SSE | PA), M_ | R_ | S(5A) | PA | V_, VEC | PN | P6 | P3, X4(SSE | PA),
	/* 60 */ X2(M_ | R_ | S(60) | PN | P6 | V6), M_ | R_ | S(60) | PN | P6 | V6, MMX, X4(MMX),
	/* 68 */ X4(MMX), X2(VEC | P6), M_ | R_ | Z(Y) | PN | P6 | V6 | L0 | VV,
		 M_ | R_ | S(6F) | PN | P6 | P3 | V6 | VV,
	/* 70 */ M_ | R_ | S(6F) | I(B) | PA | V6, X2(REGIMM), REGIMM, X2(MMX), MMX, PN | V_,
	/* 78 */ X4(S(BLIND)), X2(VEC | P6 | P2), M_ | S(7E) | PN | P6 | P3 | V6 | L0 | VV,
		 M_ | W_ | S(6F) | PN | P6 | P3 | V6 | VV,
	/* 80 */ X8(S(JREL) | I(Z)), X8(S(JREL) | I(Z)),
	/* 90 */ X2(M_ | W_ | Z(B) | S(KMOV) | V_ | L0), X2(M_ | W_ | Z(B)), X4(M_ | W_ | Z(B)),
		 X8(M_ | W_ | Z(B)),
	/* a0 */ S(PUSHSEG), S(POPSEG), 0, M_ | R_ | Z(V) | S(BITS), M_ | RW | Z(V) | I(B),
		 M_ | RW | Z(V), X2(S(BLIND)),
	/* a8 */ S(PUSHSEG), S(POPSEG), S(BLIND), M_ | RW | Z(V) | S(BITS), M_ | RW | Z(V) | I(B),
		 M_ | RW | Z(V), M_ | S(GRP15) | PA | V_ | L0, M_ | R_ | Z(V),
	/* b0 */ M_ | RW | Z(B), M_ | RW | Z(V), M_ | S(LXS), M_ | RW | Z(V) | S(BITS),
		 X2(M_ | S(LXS)), M_ | R_ | Z(B) | VG, M_ | R_ | Z(W) | VG,
	/* b8 */ M_ | R_ | Z(V) | P3, M_ | S(BLIND), M_ | RW | Z(V) | I(B) | S(GRP8),
		 M_ | RW | Z(V) | S(BITS), X2(M_ | R_ | Z(V)), M_ | R_ | Z(B) | VG,
		 M_ | R_ | Z(W) | VG,
	/* c0 */ M_ | RW | Z(B), M_ | RW | Z(V), SSE | I(B) | PA, M_ | W_ | Z(Y) | PN | VG,
		 M_ | R_ | Z(W) | I(B) | PN | P6 | V6 | L0, REGIMM | L0, VEC | I(B) | PN | P6,
		 M_ | S(GRP9),
	/* c8 */ X8(0),
	/* d0 */ VEC | P6 | P2, X2(SHIFT), SHIFT, X2(MMX), M_ | S(D6) | P6 | P3 | P2 | V6 | L0 | VV,
		 M_ | S(MODREG) | PN | P6 | V6,
	/* d8 */ X8(MMX),
	/* e0 */ MMX, X2(SHIFT), MMX, X2(MMX), M_ | R_ | S(E6) | P6 | P3 | P2 | V_,
		 M_ | W_ | Z(M) | PN | P6 | V6 | VV,
	/* e8 */ X8(MMX),
	/* f0 */ VEC | P2 | VV, X2(SHIFT), SHIFT, X2(MMX), MMX, M_ | S(MASKMOV) | PN | P6 | V6 | L0,
	/* f8 */ X4(MMX), X2(MMX), MMX, S(BLIND),
};

#undef ALU
#undef X2
#undef X4
#undef X8

#endif /* HVT_INSN_MAPS */
#endif
