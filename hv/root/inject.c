// SPDX-License-Identifier: GPL-2.0-only
/* What the next entry delivers: events that an exit interrupted, exceptions, NMIs. */
#include "root_fn.h"

/*
 * What the exit interrupted is to be delivered again. @unblock: bit 12 of the
 * qualification or of the interruption information. SDM 25.9.3, 28.2.4.
 */
u32 hvt_take_vectoring(struct hvt_vcpu *v, bool unblock)
{
	u32 vec = vmcs_read32(IDT_VECTORING_INFO_FIELD), intr, now;

	if (vec & HVT_EV_VALID)
		v->inject = hvt_event_replay(vec, vmcs_read32(IDT_VECTORING_ERROR_CODE),
					     vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	else if (!unblock)
		return vec;
	intr = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	now = hvt_event_interruptibility(intr, vec, unblock);
	if (now != intr)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, now);
	return vec;
}

void hvt_inject_exception(struct hvt_vcpu *v, u8 vector, bool has_error, u32 error)
{
	v->inject = (struct hvt_event){
		.info = HVT_EV_INFO(HVT_EV_EXCEPTION, vector) | (has_error ? HVT_EV_ERROR : 0),
		.error = error,
	};
}

static void nmi_window(struct hvt_vcpu *v, bool on)
{
	u32 ctl = on ? v->ctl_cpu | CPU_BASED_NMI_WINDOW_EXITING
		     : v->ctl_cpu & ~CPU_BASED_NMI_WINDOW_EXITING;

	if (ctl != v->ctl_cpu)
		vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, v->ctl_cpu = ctl);
}

/* The entry has happened, and with it the delivery of what it was given. */
void hvt_injected(struct hvt_vcpu *v)
{
	v->inject.info = 0;
}

/*
 * Before each attempt to enter. One that an NMI prevented has delivered nothing: what
 * was chosen then is still due, and nothing may take its place.
 */
void hvt_choose_injection(struct hvt_vcpu *v)
{
	if (v->mc_seen && !(v->inject.info & HVT_EV_VALID)) {
		v->mc_seen = 0;
		if (v->step.mode != HVT_STEP_NONE)
			hvt_step_drop(v); /* MTF would take its delivery for the step's */
		hvt_inject_exception(v, 18, false, 0);
	}
	if (v->nmi_pending && v->step.mode == HVT_STEP_NONE &&
	    hvt_event_nmi_ok(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO), v->inject.info)) {
		v->nmi_pending = false;
		v->inject = (struct hvt_event){ .info = HVT_EV_INFO(HVT_EV_NMI, 2) };
	}
	nmi_window(v, v->nmi_pending);
	if (v->inject.info & HVT_EV_VALID) {
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, v->inject.info);
		if (v->inject.info & HVT_EV_ERROR)
			vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, v->inject.error);
		if (hvt_event_is_soft(v->inject.info))
			vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, v->inject.insn_len);
	}
}
