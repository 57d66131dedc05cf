/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opcode tables of insn.c (SDM volume 2, tables ). One u16 an opcode:
 * what its memory operand is, how wide, and what follows it.
 */
#ifndef HVT_ROOT_INSN_TABLE_H
#define HVT_ROOT_INSN_TABLE_H

/* Width of the ModRM memory operand. */
enum {
	Z_NONE,
	Z_B, Z_W, Z_D, Z_Q,	/* 1, 2, 4, 8 */
	Z_V,			/* operand size: 2, 4, 8 */
	Z_Y,			/* 4, or 8 with REX.W */
	Z_X,			/* a whole vector: 16, VEX.256: 32 */
	Z_S,			/* none/66: vector, F3: 4, F2: 8 */
	Z_M,			/* none: 8 (MMX), 66: vector */
};

/* What follows the ModRM bytes. */
enum { I_0, I_B, I_Z, I_W, I_V, I_WB };

/* Special handling, see hvt_special(). */
enum {
	S_NONE,
	S_BLIND,	/* touches memory in a way not described here */
	S_PUSH,		/* writes one stack slot */
	S_POP,		/* reads one stack slot */
	S_POPM,		/* 8F: pops into memory */
	S_CALL, S_RET, S_LEAVE, S_ENTER,
	S_MOVS, S_STOS, S_LODS, S_CMPS, S_SCAS, S_INS, S_OUTS,
	S_MOFFS, S_XLAT,
	S_FPU,		/* D8..DF */
	S_GRP1,		/* 80..83: /7 only reads */
	S_GRP3,		/* F6, F7 */
	S_GRP4, S_GRP5,	/* FE, FF */
	S_GRP7,		/* 0F 01 */
	S_GRP8,		/* 0F BA */
	S_GRP9,		/* 0F C7 */
	S_GRP15,	/* 0F AE */
	S_BITS,		/* BT and kin with a register offset */
	S_0F,		/* two-byte map */
	S_6,		/* 0F 00 */
	S_6F, S_7E, S_D6, S_E6, S_12, S_16, S_5A, S_2C, S_2A, S_2E, S_60,
	S_MOVU,		/* 10, 11: width by prefix */
	S_POPCNT,	/* B8: only with F3 */
	S_INV64,	/* not an instruction in 64-bit mode; blind elsewhere */
	S_MODREG,	/* only the register form exists */
};

#define M_ 1u				/* has ModRM */
#define R_ 2u
#define W_ 4u
#define RW (R_ | W_)
#define Z(z) ((unsigned int)(Z_##z) << 3)
#define I(i) ((unsigned int)(I_##i) << 7)
#define S(s) ((unsigned int)(S_##s) << 10)

#define E_MODRM(e)  ((e) & M_)
#define E_ACCESS(e) (((e) >> 1) & 3)
#define E_WIDTH(e)  (((e) >> 3) & 15)
#define E_IMM(e)    (((e) >> 7) & 7)
#define E_SPEC(e)   (((e) >> 10) & 63)

#define ALU(acc) \
	M_ | acc | Z(B), M_ | acc | Z(V), M_ | R_ | Z(B), M_ | R_ | Z(V), I(B), I(Z)
#define X2(e) e, e
#define X4(e) X2(e), X2(e)
#define X8(e) X4(e), X4(e)

static const u16 hvt_map1[256] = {
	/* 00 */ ALU(RW), X2(S(INV64)), ALU(RW), S(INV64), S(0F),
	/* 10 */ ALU(RW), X2(S(INV64)), ALU(RW), X2(S(INV64)),
	/* 20 */ ALU(RW), S(BLIND), S(INV64), ALU(RW), S(BLIND), S(INV64),
	/* 30 */ ALU(RW), S(BLIND), S(INV64), ALU(R_), S(BLIND), S(INV64),
	/* 40 */ X8(0), X8(0), /* INC/DEC in 32-bit mode; REX is eaten before */
	/* 50 */ X8(S(PUSH)), X8(S(POP)),
	/* 60 */ X2(S(INV64)), S(BLIND), M_ | R_ | Z(D), X4(S(BLIND)),
	/* 68 */ S(PUSH) | I(Z), M_ | R_ | Z(V) | I(Z), S(PUSH) | I(B),
		 M_ | R_ | Z(V) | I(B), X2(S(INS)), X2(S(OUTS)),
	/* 70 */ X8(I(B)), X8(I(B)),
	/* 80 */ M_ | RW | Z(B) | I(B) | S(GRP1), M_ | RW | Z(V) | I(Z) | S(GRP1), S(INV64),
		 M_ | RW | Z(V) | I(B) | S(GRP1),
	/* 84 */ M_ | R_ | Z(B), M_ | R_ | Z(V), M_ | RW | Z(B), M_ | RW | Z(V),
	/* 88 */ M_ | W_ | Z(B), M_ | W_ | Z(V), M_ | R_ | Z(B), M_ | R_ | Z(V),
	/* 8c */ M_ | W_ | Z(W), M_, M_ | S(BLIND), M_ | W_ | Z(V) | S(POPM),
	/* 90 */ X8(0), X2(0), S(INV64), 0, S(PUSH), S(POP), X2(0),
	/* a0 */ R_ | Z(B) | S(MOFFS), R_ | Z(V) | S(MOFFS), W_ | Z(B) | S(MOFFS),
		 W_ | Z(V) | S(MOFFS), X2(S(MOVS)), X2(S(CMPS)),
	/* a8 */ I(B), I(Z), X2(S(STOS)), X2(S(LODS)), X2(S(SCAS)),
	/* b0 */ X8(I(B)), X8(I(V)),
	/* c0 */ M_ | RW | Z(B) | I(B), M_ | RW | Z(V) | I(B), S(RET) | I(W), S(RET),
		 X2(S(BLIND)), M_ | W_ | Z(B) | I(B), M_ | W_ | Z(V) | I(Z),
	/* c8 */ S(ENTER) | I(WB), S(LEAVE), X2(S(BLIND)), X4(S(BLIND)),
	/* d0 */ M_ | RW | Z(B), M_ | RW | Z(V), M_ | RW | Z(B), M_ | RW | Z(V), X2(S(INV64)),
		 S(INV64), S(XLAT),
	/* d8 */ X8(M_ | S(FPU)),
	/* e0 */ X4(I(B)), X4(I(B)),
	/* e8 */ S(CALL) | I(Z), I(Z), S(INV64), I(B), X4(0),
	/* f0 */ S(BLIND), S(BLIND), X2(S(BLIND)), X2(0), M_ | RW | Z(B) | S(GRP3),
		 M_ | RW | Z(V) | S(GRP3),
	/* f8 */ X4(0), X2(0), M_ | RW | Z(B) | S(GRP4), M_ | RW | Z(V) | S(GRP5),
};

#define SSE	(M_ | R_ | Z(S))
#define MMX	(M_ | R_ | Z(M))
#define VEC	(M_ | R_ | Z(X))

static const u16 hvt_map2[256] = {
	/* 00 */ M_ | S(6), M_ | S(GRP7), X2(M_ | S(BLIND)), S(BLIND), 0, 0, 0,
	/* 08 */ 0, 0, S(BLIND), 0, S(BLIND), M_, 0, S(BLIND),
	/* 10 */ M_ | R_ | S(MOVU), M_ | W_ | S(MOVU), M_ | R_ | S(12), M_ | W_ | Z(Q), X2(VEC),
		 M_ | R_ | S(16), M_ | W_ | Z(Q),
	/* 18 */ X2(M_), X2(M_ | S(BLIND)), X4(M_),
	/* 20 */ X4(M_ | S(MODREG)), X4(S(BLIND)),
	/* 28 */ VEC, M_ | W_ | Z(X), M_ | R_ | S(2A), M_ | W_ | Z(X), X2(M_ | R_ | S(2C)),
		 X2(M_ | R_ | S(2E)),
	/* 30 */ X4(0), X4(S(BLIND)),
	/* 38 */ X8(S(BLIND)),
	/* 40 */ X8(M_ | R_ | Z(V)), X8(M_ | R_ | Z(V)),
	/* 50 */ M_ | S(MODREG), X2(SSE), SSE, X4(VEC),
	/* 58 */ X2(SSE), M_ | R_ | S(5A), VEC, X4(SSE),
	/* 60 */ X2(M_ | R_ | S(60)), M_ | R_ | S(60), MMX, X4(MMX),
	/* 68 */ X4(MMX), X2(VEC), M_ | R_ | Z(Y), M_ | R_ | S(6F),
	/* 70 */ M_ | R_ | S(6F) | I(B), X2(M_ | I(B) | S(MODREG)), M_ | I(B) | S(MODREG),
		 X2(MMX), MMX, 0,
	/* 78 */ X4(S(BLIND)), X2(VEC), M_ | S(7E), M_ | W_ | S(6F),
	/* 80 */ X8(I(Z)), X8(I(Z)),
	/* 90 */ X8(M_ | W_ | Z(B)), X8(M_ | W_ | Z(B)),
	/* a0 */ S(PUSH), S(BLIND), 0, M_ | R_ | Z(V) | S(BITS), M_ | RW | Z(V) | I(B),
		 M_ | RW | Z(V), X2(S(BLIND)),
	/* a8 */ S(PUSH), S(BLIND), S(BLIND), M_ | RW | Z(V) | S(BITS), M_ | RW | Z(V) | I(B),
		 M_ | RW | Z(V), M_ | S(GRP15), M_ | R_ | Z(V),
	/* b0 */ M_ | RW | Z(B), M_ | RW | Z(V), M_ | S(BLIND), M_ | RW | Z(V) | S(BITS),
		 X2(M_ | S(BLIND)), M_ | R_ | Z(B), M_ | R_ | Z(W),
	/* b8 */ M_ | R_ | Z(V) | S(POPCNT), M_ | S(BLIND), M_ | RW | Z(V) | I(B) | S(GRP8),
		 M_ | RW | Z(V) | S(BITS), X2(M_ | R_ | Z(V)), M_ | R_ | Z(B), M_ | R_ | Z(W),
	/* c0 */ M_ | RW | Z(B), M_ | RW | Z(V), SSE | I(B), M_ | W_ | Z(Y), M_ | R_ | Z(W) | I(B),
		 M_ | I(B) | S(MODREG), VEC | I(B), M_ | S(GRP9),
	/* c8 */ X8(0),
	/* d0 */ VEC, X2(MMX), MMX, X2(MMX), M_ | S(D6), M_ | S(MODREG),
	/* d8 */ X8(MMX),
	/* e0 */ X4(MMX), X2(MMX), M_ | R_ | S(E6), M_ | W_ | Z(M),
	/* e8 */ X8(MMX),
	/* f0 */ VEC, X2(MMX), MMX, X2(MMX), MMX, S(BLIND),
	/* f8 */ X4(MMX), X2(MMX), MMX, S(BLIND),
};

#undef ALU
#undef X2
#undef X4
#undef X8
#undef SSE
#undef MMX
#undef VEC

#endif
