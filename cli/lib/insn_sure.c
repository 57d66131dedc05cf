/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which instructions capstone can be believed about: that the operands listed are all the
 * memory they touch, and how wide they are. Which of them are read and which written is
 * told here, as capstone 4 takes many stores for loads. What is not listed (masked and
 * EVEX-encoded instructions, far pointers, all that is saved or loaded as a block, ...)
 * is as good as capstone's word, which is not good enough to be called exact.
 */
#include "internal.h"

#include <capstone/capstone.h>

#define NONE 0xff

/* What a memory operand that comes first is to the instruction; others are read. */
static uint8_t first_access(unsigned int id)
{
	switch (id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVNTI:
	case X86_INS_MOVAPS:
	case X86_INS_MOVAPD:
	case X86_INS_MOVUPS:
	case X86_INS_MOVUPD:
	case X86_INS_MOVDQA:
	case X86_INS_MOVDQU:
	case X86_INS_MOVNTPS:
	case X86_INS_MOVNTDQ:
	case X86_INS_MOVSB:
	case X86_INS_MOVSW:
	case X86_INS_MOVSD:
	case X86_INS_MOVSQ:
	case X86_INS_INSB:
	case X86_INS_INSW:
	case X86_INS_INSD:
	case X86_INS_STOSB:
	case X86_INS_STOSW:
	case X86_INS_STOSD:
	case X86_INS_STOSQ:
	case X86_INS_LODSB:
	case X86_INS_LODSW:
	case X86_INS_LODSD:
	case X86_INS_LODSQ:
	case X86_INS_POP:
	case X86_INS_POPF:
	case X86_INS_POPFD:
	case X86_INS_POPFQ:
	case X86_INS_SETA:
	case X86_INS_SETAE:
	case X86_INS_SETB:
	case X86_INS_SETBE:
	case X86_INS_SETE:
	case X86_INS_SETG:
	case X86_INS_SETGE:
	case X86_INS_SETL:
	case X86_INS_SETLE:
	case X86_INS_SETNE:
	case X86_INS_SETNO:
	case X86_INS_SETNP:
	case X86_INS_SETNS:
	case X86_INS_SETO:
	case X86_INS_SETP:
	case X86_INS_SETS:
		return HVT_ACC_W;
	case X86_INS_ADC:
	case X86_INS_ADD:
	case X86_INS_AND:
	case X86_INS_CMPXCHG:
	case X86_INS_DEC:
	case X86_INS_INC:
	case X86_INS_NEG:
	case X86_INS_NOT:
	case X86_INS_OR:
	case X86_INS_SAR:
	case X86_INS_SBB:
	case X86_INS_SHL:
	case X86_INS_SHR:
	case X86_INS_SUB:
	case X86_INS_XADD:
	case X86_INS_XCHG:
	case X86_INS_XOR:
		return HVT_ACC_R | HVT_ACC_W;
	case X86_INS_CALL:
	case X86_INS_CMP:
	case X86_INS_CMPSB:
	case X86_INS_CMPSW:
	case X86_INS_CMPSQ:
	case X86_INS_DIV:
	case X86_INS_IDIV:
	case X86_INS_IMUL:
	case X86_INS_JMP:
	case X86_INS_LEAVE:
	case X86_INS_MUL:
	case X86_INS_OUTSB:
	case X86_INS_OUTSW:
	case X86_INS_OUTSD:
	case X86_INS_PUSH:
	case X86_INS_PUSHF:
	case X86_INS_PUSHFD:
	case X86_INS_PUSHFQ:
	case X86_INS_RET:
	case X86_INS_SCASB:
	case X86_INS_SCASW:
	case X86_INS_SCASD:
	case X86_INS_SCASQ:
	case X86_INS_TEST:
		return HVT_ACC_R;
	default:
		return NONE;
	}
}

/* A prefix that CPUs, or capstone, take for different things. */
static bool doubtful_prefix(const cs_insn *cs)
{
	const cs_x86 *x = &cs->detail->x86;
	bool branch = cs->id == X86_INS_CALL || cs->id == X86_INS_JMP || cs->id == X86_INS_RET;

	if (x->prefix[2] == 0x66 &&
	    (x->rex & 8 || x->prefix[0] == 0xf2 || x->prefix[0] == 0xf3 || branch))
		return true;
	/* capstone 4 forgets one that selects the instruction when another follows */
	if (x->opcode[0] == 0x0f && x->prefix[1])
		return true;
	return (x->prefix[3] == 0x67 && x->rex & 8) || (branch && x->rex & 8);
}

/* FF /3 and /5: capstone 5.0.7 takes far branches through memory for near ones. */
static bool far_branch(const cs_x86 *x)
{
	return x->opcode[0] == 0xff && ((x->modrm >> 3 & 7) == 3 || (x->modrm >> 3 & 7) == 5);
}

bool hvt_insn_sure(const struct cs_insn *cs, struct hvt_insn *insn)
{
	const cs_x86 *x = &cs->detail->x86;
	uint8_t first = first_access(cs->id);
	int i, n = 0;

	if (first == NONE || doubtful_prefix(cs) || far_branch(x))
		return false;
	for (i = 0; i < x->op_count; i++) {
		/* Segment registers come with descriptors, or without upper halves. */
		if (x->operands[i].type == X86_OP_REG)
			switch (x->operands[i].reg) {
			case X86_REG_CS:
			case X86_REG_DS:
			case X86_REG_ES:
			case X86_REG_FS:
			case X86_REG_GS:
			case X86_REG_SS:
				return false;
			default:
				break;
			}
		if (x->operands[i].type == X86_OP_MEM)
			insn->ops[n++].access = i && cs->id != X86_INS_XCHG ? HVT_ACC_R : first;
	}
	return true;
}
