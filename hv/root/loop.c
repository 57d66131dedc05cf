// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMRESUME loop, what happens between an exit and the next entry, and root
 * mode's own exceptions.
 */
#include <linux/atomic.h>
#include "root_fn.h"

extern const u8 hvt_rdmsr_insn[], hvt_wrmsr_insn[], hvt_xsetbv_insn[], hvt_copy_insn[];
extern const u8 hvt_load_insn[], hvt_entry_insn[];
extern const u8 hvt_fixup[], hvt_fixup_entry[], hvt_launched[];

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

/* An exit that was not made for it has ended a step. */
static void step_ended(struct hvt_vcpu *v, u32 reason, enum hvt_outcome outcome)
{
	if (v->step.mode != HVT_STEP_NONE) {
		if (outcome == HVT_OUT_RETIRED)
			hvt_step_retire(v);
		else
			hvt_step_drop(v);
	}
	if (outcome == HVT_OUT_RETIRED)
		hvt_trace_retired(v);
	else
		hvt_trace_stopped(v, reason);
}

static void dispatch(struct hvt_vcpu *v)
{
	u32 reason = vmcs_read32(VM_EXIT_REASON), info = 0;
	bool advanced = false, delivery;
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
		if (hvt_tracing_steps(v))
			hvt_trace_retired(v);
		return;
	case EXIT_REASON_EPT_VIOLATION:
		qual = vmcs_readl(EXIT_QUALIFICATION);
		hvt_exit_ept(v, qual, hvt_take_vectoring(v, qual & INTR_INFO_UNBLOCK_NMI));
		return;
	case EXIT_REASON_EXCEPTION_NMI:
		info = vmcs_read32(VM_EXIT_INTR_INFO);
		/* A double fault leaves nothing to block again (SDM 28.2.3). */
		hvt_take_vectoring(v, HVT_EV_TYPE(info) == HVT_EV_EXCEPTION &&
					      HVT_EV_VECTOR(info) != 8 &&
					      (info & HVT_EV_UNBLOCK_NMI));
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
	if (v->step.mode == HVT_STEP_NONE && !hvt_tracing_steps(v))
		return;
	delivery = v->step.mode == HVT_STEP_NONE ? v->tr.delivering
						 : v->step.mode == HVT_STEP_DELIVERY;
	step_ended(v, reason, hvt_step_outcome(delivery, reason, info, advanced));
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

static bool hvt_handle_exit(struct hvt_vcpu *v)
{
	if (v->regs.no_entry) {
		v->regs.no_entry = 0; /* an NMI came first; the guest did not run */
	} else {
		hvt_injected(v);
		dispatch(v);
	}
	settle(v);
	if (v->leave)
		return false;
	hvt_choose_injection(v);
	if (v->tr.mode != HVT_TRACE_OFF)
		hvt_trace_entry(v);
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
	if (rip == (u64)hvt_entry_insn) {
		frame[2] = (u64)hvt_fixup_entry;
		return;
	}
	v->crash.vector = frame[0];
	v->crash.error = frame[1];
	v->crash.cr2 = hvt_read_cr2();
	hvt_crash_leave(v, HVT_CRASH_EXCEPTION);
	v->crash.rip = rip;
	hvt_leave(v);
}
