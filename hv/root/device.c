// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device register gave or took. Reading it would act on the device, but a move
 * leaves the value in a register, or in RAM, too.
 */
#include <asm/page.h>
#include "root_fn.h"

static bool from_gpr(struct hvt_vcpu *v, const struct hvt_prov *p, u8 reg, u32 shift, u8 *out)
{
	u64 value;

	/* A store took it from before the instruction, a load left it after. */
	if (p->access & HVT_ACC_W)
		value = v->step.gpr[reg];
	else
		value = reg == 4 ? vmcs_readl(GUEST_RSP) : v->regs.gpr[reg];
	if (p->size > 8)
		return false;
	value >>= shift;
	hvt_copy(out, &value, p->size);
	return true;
}

static bool from_vector(const struct hvt_prov *p, u8 reg, u8 *out)
{
	u8 bytes[64];

	if (p->size > sizeof(bytes) || !hvt_vec_read(reg, bytes))
		return false;
	hvt_copy(out, bytes, p->size);
	return true;
}

static bool from_memory(struct hvt_vcpu *v, const struct hvt_prov *p, u64 gla, u8 *out)
{
	u64 gpa = hvt_translate(v->step.cr3, gla);

	if (gpa == HVT_GPA_NONE || (gpa & ~PAGE_MASK) + p->size > PAGE_SIZE ||
	    hvt_is_device(gpa))
		return false;
	return hvt_read_phys(out, gpa, p->size);
}

/* @p->size bytes to @out, once the instruction has retired. False: not known. */
bool hvt_device_value(struct hvt_vcpu *v, const struct hvt_prov *p, u8 *out)
{
	const struct hvt_insn *dec = &v->step.dec;
	const struct hvt_insn_op *op = &dec->op[p->op];

	if (p->op == HVT_NO_OP)
		return false;
	switch (op->value) {
	case HVT_VAL_GPR:
		return from_gpr(v, p, op->reg, 0, out);
	case HVT_VAL_GPR_HIGH:
		return from_gpr(v, p, op->reg, 8, out);
	case HVT_VAL_IMM:
		hvt_copy(out, &dec->imm, p->size);
		return true;
	case HVT_VAL_VEC:
		return from_vector(p, op->reg, out);
	case HVT_VAL_OTHER:
		return dec->nops == 2 && from_memory(v, p, dec->op[!p->op].addr, out);
	default:
		return false;
	}
}
