// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exact steps: all operands of the instruction are known before it runs, so it may run
 * with every page open.
 */
#include <asm/processor-flags.h>
#include "root_fn.h"

/* What the interrupted context is: for the records and for the decoder. */
void hvt_note_context(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 cs = vmcs_read32(GUEST_CS_AR_BYTES);

	s->ip = s->rip = vmcs_readl(GUEST_RIP);
	s->cr3 = vmcs_readl(GUEST_CR3);
	s->mode_flags = 0;
	if (!(cs & VMX_AR_L_MASK)) {
		s->ip += vmcs_readl(GUEST_CS_BASE);
		s->mode_flags = cs & VMX_AR_DB_MASK ? HVT_RF_CODE32 : HVT_RF_CODE16;
	}
	if (VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) == 3) /* that is the CPL */
		s->mode_flags |= HVT_RF_USER;
	hvt_copy(s->gpr, v->regs.gpr, sizeof(s->gpr));
	s->gpr[4] = vmcs_readl(GUEST_RSP);
}

/* Into step.dec: true when all operands are known. The bytes are kept in any case. */
bool hvt_decode(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 got = hvt_fetch(s->cr3, s->ip, s->insn);
	bool known;
	u32 i;

	if (!got)
		s->mode_flags |= HVT_RF_NOINSN;
	known = hvt_decode_at(v, s->ip, s->mode_flags, s->gpr, s->insn, got, &s->dec);
	s->insn_len = s->dec.len ? s->dec.len : got;
	/* What may touch more than two pages (AMX state) goes page by page. */
	for (i = 0; known && i < s->dec.nops; i++)
		known = s->dec.op[i].size <= PAGE_SIZE;
	return known;
}

/*
 * Collect what is watched of the decoded instruction and lock it. False: something else
 * has to come first, and nothing is held.
 */
bool hvt_begin_exact(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	const struct hvt_insn *insn = &s->dec;
	u32 i;

	s->rep = insn->rep;
	if (s->rep)
		s->down = vmcs_readl(GUEST_RFLAGS) & X86_EFLAGS_DF;
	for (i = 0; i < insn->nops; i++)
		hvt_collect(v, insn->op[i].addr, insn->op[i].size, insn->op[i].access, i);
	if (s->ndirty) {
		if (!hvt_stop_others(v)) {
			s->ndirty = s->nlock = 0;
			return false;
		}
		s->stopped = true;
	}
	if (!hvt_step_lock(v))
		return false;
	hvt_capture_old(v);
	return true;
}
