// SPDX-License-Identifier: GPL-2.0-only
/*
 * Expectations for test_root_insn.c: capstone's explicit memory operands, plus the
 * implicit ones by mnemonic. Capstone 4 and 5 are wrong about some; each correction
 * below names the page of SDM volume 2 that settles it.
 */
#include <string.h>
#include "root_insn_expect.h"

/* clang-format off */
static const struct {
	u16 reg;
	u8 gpr, bytes;
} regs[] = {
	{ X86_REG_RAX, 0, 8 },	 { X86_REG_RCX, 1, 8 },	  { X86_REG_RDX, 2, 8 },
	{ X86_REG_RBX, 3, 8 },	 { X86_REG_RSP, 4, 8 },	  { X86_REG_RBP, 5, 8 },
	{ X86_REG_RSI, 6, 8 },	 { X86_REG_RDI, 7, 8 },	  { X86_REG_R8, 8, 8 },
	{ X86_REG_R9, 9, 8 },	 { X86_REG_R10, 10, 8 },  { X86_REG_R11, 11, 8 },
	{ X86_REG_R12, 12, 8 },	 { X86_REG_R13, 13, 8 },  { X86_REG_R14, 14, 8 },
	{ X86_REG_R15, 15, 8 },	 { X86_REG_EAX, 0, 4 },	  { X86_REG_ECX, 1, 4 },
	{ X86_REG_EDX, 2, 4 },	 { X86_REG_EBX, 3, 4 },	  { X86_REG_ESP, 4, 4 },
	{ X86_REG_EBP, 5, 4 },	 { X86_REG_ESI, 6, 4 },	  { X86_REG_EDI, 7, 4 },
	{ X86_REG_R8D, 8, 4 },	 { X86_REG_R9D, 9, 4 },	  { X86_REG_R10D, 10, 4 },
	{ X86_REG_R11D, 11, 4 }, { X86_REG_R12D, 12, 4 }, { X86_REG_R13D, 13, 4 },
	{ X86_REG_R14D, 14, 4 }, { X86_REG_R15D, 15, 4 }, { X86_REG_AX, 0, 2 },
	{ X86_REG_CX, 1, 2 },	 { X86_REG_DX, 2, 2 },	  { X86_REG_BX, 3, 2 },
	{ X86_REG_SP, 4, 2 },	 { X86_REG_BP, 5, 2 },	  { X86_REG_SI, 6, 2 },
	{ X86_REG_DI, 7, 2 },	 { X86_REG_R8W, 8, 2 },	  { X86_REG_R9W, 9, 2 },
	{ X86_REG_R10W, 10, 2 }, { X86_REG_R11W, 11, 2 }, { X86_REG_R12W, 12, 2 },
	{ X86_REG_R13W, 13, 2 }, { X86_REG_R14W, 14, 2 }, { X86_REG_R15W, 15, 2 },
};

/* clang-format on */

static u64 reg_value(unsigned int reg, const cs_insn *in, const struct hvt_insn_ctx *cx,
		     unsigned int *bytes)
{
	unsigned int i;

	*bytes = 8;
	if (reg == X86_REG_RIP || reg == X86_REG_EIP)
		return cx->ip + in->size;
	for (i = 0; i < sizeof(regs) / sizeof(*regs); i++) {
		if (regs[i].reg != reg)
			continue;
		*bytes = regs[i].bytes;
		return regs[i].bytes == 8 ? cx->gpr[regs[i].gpr] :
		       regs[i].bytes == 4 ? (u32)cx->gpr[regs[i].gpr] :
					    (u16)cx->gpr[regs[i].gpr];
	}
	return 0;
}

static u64 mem_addr(const cs_insn *in, const cs_x86_op *op, const struct hvt_insn_ctx *cx,
		    s64 extra)
{
	const cs_x86 *x = &in->detail->x86;
	unsigned int bytes;
	u64 ea = op->mem.disp + extra;

	ea += reg_value(op->mem.base, in, cx, &bytes);
	ea += reg_value(op->mem.index, in, cx, &bytes) * op->mem.scale;
	if (x->addr_size == 4)
		ea = (u32)ea;
	else if (x->addr_size == 2)
		ea = (u16)ea;
	if (op->mem.segment == X86_REG_FS)
		ea += cx->fs_base;
	else if (op->mem.segment == X86_REG_GS)
		ea += cx->gs_base;
	return cx->bits == 64 ? ea : (u32)ea;
}

static void add(struct expect *e, u64 addr, u32 size, u8 access)
{
	e->op[e->n++] = (struct hvt_insn_op){ .addr = addr, .size = size, .access = access };
}

static bool has_prefix(const cs_insn *in, u8 prefix)
{
	unsigned int i;

	for (i = 0; i < in->size; i++) {
		u8 c = in->bytes[i];

		if (c == prefix)
			return true;
		if (!c || !strchr("\x66\x67\xf2\xf3\xf0\x26\x2e\x36\x3e\x64\x65", c))
			return false;
	}
	return false;
}

/* 66, F2 or F3 that is not the last legacy prefix. */
static bool hidden_prefix(const cs_insn *in)
{
	static const char prefixes[] = "\x66\x67\xf2\xf3\xf0\x26\x2e\x36\x3e\x64\x65";
	unsigned int i;

	for (i = 0; i + 1 < in->size; i++) {
		u8 c = in->bytes[i], next = in->bytes[i + 1];

		if (!c || !strchr(prefixes, c))
			return false;
		if ((c == 0x66 || c == 0xf2 || c == 0xf3) && next && next != c &&
		    strchr(prefixes, next))
			return true;
	}
	return false;
}

static bool listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (!strcmp(*list, name) ||
		    ((*list)[strlen(*list) - 1] == '*' && !strncmp(*list, name, strlen(*list) - 1)))
			return true;
	return false;
}

/*
 * Direction, by mnemonic. Capstone's access flags are not used at all: 4.0.2 takes
 * the stores of MOVUPS, SETcc, FST, MOVNTI, PEXTRB, ... for loads, CMPXCHG, RCL and
 * ROL for loads, TEST for a store, and says nothing about INS, CMPSD and ROUNDSS.
 */
static const char *const none[] = { "lea",	"nop",	  "clflush*",  "clwb",
				    "cldemote", "invlpg", "prefetch*", NULL };
static const char *const loads[] = {
	"cmps*",    "cmp",   "test",  "bt",	"push",	  "call",   "jmp",    "mul",	  "div",
	"idiv",	    "imul",  "fld*",  "fild",	"fbld",	  "fadd",   "fmul",   "fcom*",	  "fsub*",
	"fdiv*",    "fiadd", "fimul", "ficom*", "fisub*", "fidiv*", "frstor", "fxrstor*", "ldmxcsr",
	"vldmxcsr", "lgdt",  "lidt",  "lmsw",	"scas*",  "bound",  NULL
};
static const char *const stores[] = { "mov*",	   "vmov*",  "set*",	"st*",	     "vst*",
				      "fst*",	   "fist*",  "fbstp",	"fn*",	     "fxsave*",
				      "sgdt",	   "sidt",   "smsw",	"sldt",	     "str",
				      "pop",	   "pextr*", "vpextr*", "extractps", "vextract*",
				      "vcvtps2ph", "ins*",   "vmask*", "vpmaskmov*", "vpmov*",
				      "vcompress*", "vpcompress*", "kmov*", NULL };

static const char *bare(const cs_insn *in)
{
	static const char *const prefix[] = { "lock ", "rep ",	   "repne ",	"repe ",
					      "bnd ",  "notrack ", "xacquire ", "xrelease " };
	const char *name = in->mnemonic;
	unsigned int i;

	/* capstone 4 puts "repe" in the mnemonic and the instruction in op_str */
	if (!strcmp(name, "repe"))
		return in->op_str;
	for (i = 0; i < sizeof(prefix) / sizeof(*prefix); i++)
		if (!strncmp(name, prefix[i], strlen(prefix[i])))
			name += strlen(prefix[i]);
	return name;
}

static u8 direction(const cs_insn *in, unsigned int index)
{
	const char *name = bare(in);

	if (listed(none, name))
		return 0;
	if (in->id == X86_INS_XADD || in->id == X86_INS_XCHG)
		return HVT_OP_R | HVT_OP_W;
	if (index || listed(loads, name))
		return HVT_OP_R;
	return listed(stores, name) ? HVT_OP_W : HVT_OP_R | HVT_OP_W;
}

/* Where capstone's operand size is not what the SDM says. */
static u32 width(const cs_insn *in, const cs_x86_op *op, u8 bits)
{
	bool small = has_prefix(in, 0x66) && !(in->detail->x86.rex & 8);

	switch (in->id) {
	case X86_INS_COMISD: /* m64 */
	case X86_INS_VCOMISD:
	case X86_INS_UCOMISD:
	case X86_INS_VUCOMISD:
		return 8;
	case X86_INS_COMISS: /* m32 */
	case X86_INS_VCOMISS:
	case X86_INS_UCOMISS:
	case X86_INS_VUCOMISS:
		return 4;
	case X86_INS_BOUND: /* m16&16, m32&32 */
		return small ? 4 : 8;
	case X86_INS_SGDT: /* m16&32, m16&64 */
	case X86_INS_SIDT:
	case X86_INS_LGDT:
	case X86_INS_LIDT:
		return bits == 64 ? 10 : 6;
	case X86_INS_FNSTSW: /* m2byte */
		return 2;
	case X86_INS_FNSTENV: /* m14/28byte */
	case X86_INS_FLDENV:
		return small ? 14 : 28;
	case X86_INS_FNSAVE: /* m94/108byte */
	case X86_INS_FRSTOR:
		return small ? 94 : 108;
	case X86_INS_FXSAVE: /* bytes 511:416 are reserved, or not used: 10.5.1 of volume 1 */
	case X86_INS_FXSAVE64:
	case X86_INS_FXRSTOR:
	case X86_INS_FXRSTOR64:
		return bits == 64 ? 416 : 288;
	case X86_INS_PUNPCKLBW: /* "mm, mm/m32" */
	case X86_INS_PUNPCKLWD:
	case X86_INS_PUNPCKLDQ:
		return op->size == 8 ? 4 : op->size;
	case X86_INS_PUSH: /* REX.W wins over 66: 2.2.1.2 */
	case X86_INS_POP:
	case X86_INS_BSF:
	case X86_INS_BSR:
	case X86_INS_MOVBE:
		return in->detail->x86.rex & 8 ? 8 : op->size;
	default:
		return op->size;
	}
}

/* The bit string of BT and kin: "BT", with table 3-2 of volume 2. */
static s64 bit_string(const cs_insn *in, const struct hvt_insn_ctx *cx)
{
	const cs_x86 *x = &in->detail->x86;
	unsigned int bytes;
	s64 bit;

	if (in->id != X86_INS_BT && in->id != X86_INS_BTS && in->id != X86_INS_BTR &&
	    in->id != X86_INS_BTC)
		return 0;
	if (x->operands[1].type != X86_OP_REG)
		return 0;
	bit = reg_value(x->operands[1].reg, in, cx, &bytes);
	bit = bytes == 2 ? (s16)bit : bytes == 4 ? (s32)bit : bit;
	/* floor(bit / width) * bytes */
	return (bit - (s64)((u64)bit % (bytes * 8))) / 8;
}

static void implicit(const cs_insn *in, const struct hvt_insn_ctx *cx, struct expect *e)
{
	u32 slot = has_prefix(in, 0x66) && !(in->detail->x86.rex & 8) ? 2 : cx->bits == 64 ? 8 : 4;
	cs_x86_op op = { .type = X86_OP_MEM };
	u64 sp = cx->gpr[4], level;

	op.mem.base = in->detail->x86.addr_size == 8 ? X86_REG_RBX : X86_REG_EBX;
	op.mem.segment = has_prefix(in, 0x64) ? X86_REG_FS :
			 has_prefix(in, 0x65) ? X86_REG_GS :
						X86_REG_INVALID;
	switch (in->id) {
	case X86_INS_PUSH:
	case X86_INS_PUSHF:
	case X86_INS_PUSHFD:
	case X86_INS_PUSHFQ:
	case X86_INS_CALL:
		add(e, sp - slot, slot, HVT_OP_W);
		break;
	case X86_INS_ENTER:
		level = in->detail->x86.operands[1].imm & 31;
		add(e, sp - slot * (1 + level), slot * (1 + level), HVT_OP_W);
		if (level > 1)
			add(e, cx->gpr[5] - slot * (level - 1), slot * (level - 1), HVT_OP_R);
		break;
	case X86_INS_PUSHAW:
	case X86_INS_PUSHAL:
		add(e, sp - 8 * slot, 8 * slot, HVT_OP_W);
		break;
	case X86_INS_POPAW:
	case X86_INS_POPAL:
		add(e, sp, 3 * slot, HVT_OP_R);
		add(e, sp + 4 * slot, 4 * slot, HVT_OP_R);
		break;
	case X86_INS_MONITOR:
		op.mem.base = in->detail->x86.addr_size == 8 ? X86_REG_RAX : X86_REG_EAX;
		add(e, mem_addr(in, &op, cx, 0), 1, HVT_OP_R);
		break;
	case X86_INS_POP:
	case X86_INS_POPF:
	case X86_INS_POPFD:
	case X86_INS_POPFQ:
	case X86_INS_RET:
		add(e, sp, slot, HVT_OP_R);
		break;
	case X86_INS_LEAVE:
		add(e, cx->gpr[5], slot, HVT_OP_R);
		break;
	case X86_INS_MASKMOVDQU: /* all bytes, as the test has it */
	case X86_INS_VMASKMOVDQU:
		op.mem.base = in->detail->x86.addr_size == 8 ? X86_REG_RDI : X86_REG_EDI;
		add(e, mem_addr(in, &op, cx, 0), 16, HVT_OP_W);
		break;
	case X86_INS_XLATB: /* capstone has no operand, or one without AL */
		e->n = 0;
		add(e, mem_addr(in, &op, cx, (u8)cx->gpr[0]), 1, HVT_OP_R);
		break;
	default:
		break;
	}
}

void expect_from_capstone(const cs_insn *in, const struct hvt_insn_ctx *cx, struct expect *e)
{
	const cs_x86 *x = &in->detail->x86;
	unsigned int i, bytes, sp = x->addr_size == 8 ? X86_REG_RSP : X86_REG_ESP;
	s64 extra;

	memset(e, 0, sizeof(*e));
	/*
	 * 66 with F2 or F3 on an instruction that takes none of them as mandatory prefix:
	 * capstone 4 forgets the 66. REX.W on RET imm16: it takes imm32. It also forgets
	 * a mandatory prefix of 0F when another prefix follows.
	 */
	e->skip = has_prefix(in, 0x66) && (has_prefix(in, 0xf2) || has_prefix(in, 0xf3));
	e->skip |= in->id == X86_INS_RET && (x->rex & 8);
	e->skip |= x->opcode[0] == 0x0f && hidden_prefix(in);
	/* 66 0F AE /6 is CLWB; 66 0F 2C/2D convert packed doubles, segment prefix or not */
	e->skip |= has_prefix(in, 0x66) &&
		   (in->id == X86_INS_XSAVEOPT64 || in->id == X86_INS_CVTTPS2PI ||
		    in->id == X86_INS_CVTPS2PI);
	/* capstone 5 takes the operand size of some of VCMP's pseudo-ops from another one */
	e->skip |= !strncmp(in->mnemonic, "vcmp", 4);
	/* capstone 4 takes 67 with REX.W for a 66: MMX becomes SSE2, rel32 is misread */
	e->skip |= has_prefix(in, 0x67) && (x->rex & 8) &&
		   (x->operands[0].size == 16 || x->operands[1].size == 16 ||
		    x->operands[0].type == X86_OP_IMM);
	/* F3 REX.W 0F 7E is the load MOVQ xmm, not a store of an MMX register */
	e->skip |= has_prefix(in, 0xf3) && in->id == X86_INS_MOVD;
	/*
	 * EVEX: capstone 4 has scalars of 16 bytes, broadcasts of a whole vector, no W of
	 * VCVTSI2SS, and an immediate byte after each rounding mode. The sizes are the
	 * CPU's business (test_root_insn_vec.c).
	 */
	e->evex = in->bytes[0] == 0x62 && (cx->bits == 64 || in->bytes[1] >= 0xc0);
	e->skip |= e->evex && (in->bytes[5] >> 6) == 3 && (in->bytes[3] & 0x10);
	/* Gathers and scatters: their indices are vectors. test_root_insn_vec.c has them. */
	e->skip |= strstr(in->mnemonic, "gather") || strstr(in->mnemonic, "scatter");
	extra = bit_string(in, cx);
	for (i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];
		u8 access = direction(in, i);

		if (op->type == X86_OP_MEM && access)
			add(e, mem_addr(in, op, cx, extra), width(in, op, cx->bits), access);
	}
	/* Capstone 5 alone has it. It stores to where its register says, in ES. */
	if (!strcmp(in->mnemonic, "movdir64b"))
		add(e, reg_value(x->operands[0].reg, in, cx, &bytes), 64, HVT_OP_W);
	/* A stack pointer as base counts after the increment: "POP". */
	if (in->id == X86_INS_POP && e->n && x->operands[0].mem.base == sp) {
		e->n = 0;
		add(e, mem_addr(in, &x->operands[0], cx, e->op[0].size), width(in, &x->operands[0], cx->bits),
		    HVT_OP_W);
	}
	implicit(in, cx, e);
}
