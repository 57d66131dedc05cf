// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMRESUME loop, what happens between an exit and the next entry, and root
 * mode's own exceptions.
 */
#include <linux/atomic.h>
#include "root_fn.h"

extern const u8 hvt_rdmsr_insn[], hvt_wrmsr_insn[], hvt_xsetbv_insn[], hvt_copy_insn[];
extern const u8 hvt_load_insn[];
extern const u8 hvt_fixup[], hvt_launched[];

struct hvt_machine hvt_m;

static void count_exit(struct hvt_vcpu *v, u32 reason)
{
	v->exits[reason < HVT_EXIT_REASONS ? reason : HVT_EXIT_REASONS - 1]++;
}

static void exit_exception_or_nmi(struct hvt_vcpu *v, u32 info)
{
	if (HVT_EV_TYPE(info) == HVT_EV_NMI) {
		hvt_unblock_nmi();
		hvt_nmi_arrived(v);
	} else {
		hvt_exit_exception(v, info);
	}
}

/*
 * What the exit interrupted is to be delivered again. @unblock: bit 12 of the
 * qualification or of the interruption information. SDM 25.9.3, 28.2.4.
 */
static u32 take_vectoring(struct hvt_vcpu *v, bool unblock)
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

static void dispatch(struct hvt_vcpu *v)
{
	u32 reason = vmcs_read32(VM_EXIT_REASON), info = 0;
	bool advanced = false;
	u64 qual;

	if (reason & VMX_EXIT_REASONS_FAILED_VMENTRY) {
		hvt_crash_leave(v, HVT_CRASH_GUEST_STATE);
		return;
	}
	reason &= 0xffff;
	count_exit(v, reason);
	switch (reason) {
	case EXIT_REASON_MONITOR_TRAP_FLAG:
		if (v->step.mode != HVT_STEP_NONE)
			hvt_step_retire(v);
		return;
	case EXIT_REASON_EPT_VIOLATION:
		qual = vmcs_readl(EXIT_QUALIFICATION);
		hvt_exit_ept(v, qual, take_vectoring(v, qual & INTR_INFO_UNBLOCK_NMI));
		return;
	case EXIT_REASON_EXCEPTION_NMI:
		info = vmcs_read32(VM_EXIT_INTR_INFO);
		/* A double fault leaves nothing to block again (SDM 28.2.3). */
		take_vectoring(v, HVT_EV_TYPE(info) == HVT_EV_EXCEPTION &&
					  HVT_EV_VECTOR(info) != 8 && (info & HVT_EV_UNBLOCK_NMI));
		exit_exception_or_nmi(v, info);
		break;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_NMI_WINDOW:
		break;
	case EXIT_REASON_EPT_MISCONFIG:
		hvt_crash_leave(v, HVT_CRASH_EPT);
		return;
	default:
		advanced = hvt_exit_instruction(v, reason);
		break;
	}
	if (v->step.mode == HVT_STEP_NONE)
		return;
	if (hvt_step_outcome(v->step.mode == HVT_STEP_DELIVERY, reason, info, advanced) ==
	    HVT_OUT_RETIRED)
		hvt_step_retire(v);
	else
		hvt_step_drop(v);
}

/* NMIs that came while in root, and a request to park. */
static void settle(struct hvt_vcpu *v)
{
	while (v->regs.nmi_seen || READ_ONCE(v->park)) {
		if (v->regs.nmi_seen) {
			v->regs.nmi_seen = 0;
			hvt_nmi_arrived(v);
		}
		if (READ_ONCE(v->park)) {
			if (v->step.mode != HVT_STEP_NONE)
				hvt_step_drop(v);
			hvt_park(v);
		}
	}
}

static void nmi_window(struct hvt_vcpu *v, bool on)
{
	u32 ctl = on ? v->ctl_cpu | CPU_BASED_NMI_WINDOW_EXITING
		     : v->ctl_cpu & ~CPU_BASED_NMI_WINDOW_EXITING;

	if (ctl != v->ctl_cpu)
		vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, v->ctl_cpu = ctl);
}

static void choose_injection(struct hvt_vcpu *v)
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
		v->inject.info = 0;
	}
}

static bool hvt_handle_exit(struct hvt_vcpu *v)
{
	if (v->regs.no_entry)
		v->regs.no_entry = 0; /* an NMI came first; the guest did not run */
	else
		dispatch(v);
	settle(v);
	if (v->leave)
		return false;
	choose_injection(v);
	return true;
}

/*
 * On the root stack, VMCS current and clear. Returns only when the guest was never
 * entered: the error of vmx_vmlaunch(), or 3 when its state was refused (exit
 * reason with bit 31).
 */
asmlinkage int hvt_root_main(struct hvt_vcpu *v, u64 rsp)
{
	int rc;

	vmcs_writel(GUEST_RSP, rsp);
	vmcs_writel(GUEST_RIP, (unsigned long)hvt_launched);
	rc = vmx_vmlaunch(&v->regs);
	if (rc)
		return rc;
	if (vmcs_read32(VM_EXIT_REASON) & VMX_EXIT_REASONS_FAILED_VMENTRY) {
		v->crash.kind = HVT_CRASH_GUEST_STATE;
		return 3;
	}
	while (rc == 0 && hvt_handle_exit(v))
		rc = vmx_vmresume(&v->regs);
	if (rc) {
		u64 error = 0;

		if (rc == 1)
			vmx_vmread(VM_INSTRUCTION_ERROR, &error);
		v->crash.rc = rc;
		v->crash.vmx_error = error;
		hvt_crash_leave(v, HVT_CRASH_ENTRY);
	}
	hvt_leave(v);
	return 0;
}

/* Note why, and end the loop: this CPU goes on without VMX. */
void hvt_crash_leave(struct hvt_vcpu *v, u32 kind)
{
	v->crash.kind = kind;
	v->crash.exit_reason = vmcs_read32(VM_EXIT_REASON);
	v->crash.rip = vmcs_readl(GUEST_RIP);
	v->crash.qualification = vmcs_readl(EXIT_QUALIFICATION);
	if (v->step.mode != HVT_STEP_NONE)
		hvt_step_drop(v);
	/* A fault while the others were stopped: let them go, they leave by themselves. */
	if (READ_ONCE(hvt_m.stop_lock) == v->cpu + 1)
		hvt_start_others(v);
	hvt_m.broken = true;
	v->leave = true;
}

/* @frame: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
asmlinkage void hvt_root_exception(struct hvt_vcpu *v, u64 *frame)
{
	u64 rip = frame[2];

	if (rip == (u64)hvt_rdmsr_insn || rip == (u64)hvt_wrmsr_insn ||
	    rip == (u64)hvt_xsetbv_insn || rip == (u64)hvt_copy_insn ||
	    rip == (u64)hvt_load_insn) {
		frame[2] = (u64)hvt_fixup;
		return;
	}
	v->crash.vector = frame[0];
	v->crash.error = frame[1];
	asm volatile("mov %%cr2, %0" : "=r"(v->crash.cr2));
	hvt_crash_leave(v, HVT_CRASH_EXCEPTION);
	v->crash.rip = rip;
	hvt_leave(v);
}
