// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that have nothing to do with watching: instructions that always exit, MSRs
 * outside the bitmap, our own calls, and exceptions that a step intercepts.
 */
#include <asm/cpufeatures.h>
#include <asm/processor-flags.h>
#include "root_fn.h"

#define VEC_DB 1
#define VEC_UD 6
#define VEC_GP 13
#define VEC_PF 14
#define PENDING_DBG_BS (1ul << 14)
#define DR7_GD	       (1ul << 13)

/*
 * The instruction has been executed for the guest. SDM 33.2: its shadow ends, and
 * with TF set a single-step trap follows.
 */
void hvt_skip_instruction(struct hvt_vcpu *v)
{
	u64 rip = vmcs_readl(GUEST_RIP) + vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	u32 intr = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	if (!(vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK))
		rip = (u32)rip;
	vmcs_writel(GUEST_RIP, rip);
	if (intr & (HVT_BLOCK_STI | HVT_BLOCK_MOV_SS))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     intr & ~(HVT_BLOCK_STI | HVT_BLOCK_MOV_SS));
	if (vmcs_readl(GUEST_RFLAGS) & X86_EFLAGS_TF)
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
			    vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) | PENDING_DBG_BS);
}

/* SDM 17.3.1.1: the frame of a fault has RF set; the CPU does that for its own. */
static void fault(struct hvt_vcpu *v, u8 vector)
{
	vmcs_writel(GUEST_RFLAGS, vmcs_readl(GUEST_RFLAGS) | X86_EFLAGS_RF);
	hvt_inject_exception(v, vector, vector == VEC_GP, 0);
}

static bool do_cpuid(struct hvt_vcpu *v)
{
	u64 *r = v->regs.gpr;
	u32 leaf = r[0], a = r[0], b, c = r[1], d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (leaf == 1)
		c &= ~(1u << (X86_FEATURE_VMX & 31));
	r[0] = a;
	r[3] = b;
	r[1] = c;
	r[2] = d;
	hvt_skip_instruction(v);
	return true;
}

static bool do_msr(struct hvt_vcpu *v, bool write)
{
	u64 *r = v->regs.gpr, value = (u64)(u32)r[2] << 32 | (u32)r[0];
	int bad;

	bad = write ? hvt_wrmsr_safe(r[1], value) : hvt_rdmsr_safe(r[1], &value);
	if (bad) {
		fault(v, VEC_GP);
		return false;
	}
	if (!write) {
		r[0] = (u32)value;
		r[2] = value >> 32;
	}
	hvt_skip_instruction(v);
	return true;
}

static bool do_xsetbv(struct hvt_vcpu *v)
{
	u64 *r = v->regs.gpr;

	/* The exit comes before the CPL check in some CPUs; root would pass at CPL 0. */
	if (VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) != 0 ||
	    hvt_xsetbv_safe(r[1], (u64)(u32)r[2] << 32 | (u32)r[0])) {
		fault(v, VEC_GP);
		return false;
	}
	hvt_skip_instruction(v);
	return true;
}

/* INVD would throw other people's data away; write it back instead. */
static bool do_invd(struct hvt_vcpu *v)
{
	asm volatile("wbinvd" : : : "memory");
	hvt_skip_instruction(v);
	return true;
}

static u64 call_link(struct hvt_vcpu *v, const struct hvt_call_range *c)
{
	while (!hvt_stop_others(v))
		;
	hvt_follow(v, c->watch, c->va, c->va_end);
	hvt_start_others(v);
	return hvt_m.broken ? 1 : 0;
}

static u64 call_unlink(struct hvt_vcpu *v, struct hvt_watch *w)
{
	while (!hvt_stop_others(v))
		;
	hvt_unfollow(v, w);
	hvt_start_others(v);
	return 0;
}

static u64 call_supply(struct hvt_vcpu *v, struct hvt_supply *s)
{
	while (!hvt_stop_others(v))
		;
	while (s->pages) {
		struct hvt_page *p = s->pages;

		s->pages = p->next;
		p->next = hvt_m.free_pages;
		hvt_m.free_pages = p;
	}
	while (s->tables) {
		void *t = s->tables;

		s->tables = *(void **)t;
		*(void **)t = hvt_m.ept.free;
		hvt_m.ept.free = t;
		hvt_m.ept.nfree++;
	}
	hvt_start_others(v);
	return 0;
}

/* Nobody else uses the free lists: the others are stopped, or there are none. */
void hvt_take_back(struct hvt_supply *s)
{
	u64 i;

	for (i = 0; i < s->npages && hvt_m.free_pages; i++) {
		struct hvt_page *p = hvt_m.free_pages;

		hvt_m.free_pages = p->next;
		p->next = s->pages;
		s->pages = p;
	}
	for (i = 0; i < s->ntables && hvt_m.ept.free; i++) {
		void *t = hvt_m.ept.free;

		hvt_m.ept.free = *(void **)t;
		hvt_m.ept.nfree--;
		*(void **)t = s->tables;
		s->tables = t;
	}
}

static u64 call_reclaim(struct hvt_vcpu *v, struct hvt_supply *s)
{
	while (!hvt_stop_others(v))
		;
	hvt_take_back(s);
	hvt_start_others(v);
	return 0;
}

/* A triple fault resets a bare machine: leave VMX and have a real one. */
static void do_triple_fault(struct hvt_vcpu *v)
{
	struct {
		u16 limit;
		u64 base;
	} __packed none = { 0, 0 };

	vmx_vmclear(v->vmcs_pa);
	vmx_vmxoff();
	asm volatile("lidt %0; int $32" : : "m"(none));
}

static bool do_vmcall(struct hvt_vcpu *v)
{
	u64 *r = v->regs.gpr;

	if (r[0] != HVT_CALL_MAGIC || VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) != 0) {
		fault(v, VEC_UD);
		return false;
	}
	hvt_skip_instruction(v);
	/* It has happened. What follows may wait for other CPUs, which no step may. */
	if (v->step.mode != HVT_STEP_NONE)
		hvt_step_retire(v);
	switch (r[1]) {
	case HVT_CALL_ENTERED:
		v->active = true;
		r[0] = 0;
		break;
	case HVT_CALL_LEAVE:
		v->leave = true;
		r[0] = 0;
		break;
	case HVT_CALL_LINK:
		r[0] = call_link(v, (void *)r[2]);
		break;
	case HVT_CALL_UNLINK:
		r[0] = call_unlink(v, (void *)r[2]);
		break;
	case HVT_CALL_SUPPLY:
		r[0] = call_supply(v, (void *)r[2]);
		break;
	case HVT_CALL_RECLAIM:
		r[0] = call_reclaim(v, (void *)r[2]);
		break;
	case HVT_CALL_SWITCH:
	case HVT_CALL_KICK:
		hvt_trace_switch(v, (void *)r[2], r[1] == HVT_CALL_KICK);
		r[0] = 0;
		break;
	case HVT_CALL_FLOW:
		hvt_trace_told(v, (void *)r[2]);
		r[0] = 0;
		break;
	case HVT_CALL_BODY:
		r[0] = hvt_body_add(v, (void *)r[2]);
		break;
	case HVT_CALL_NOBODY:
		r[0] = hvt_body_del(v, (void *)r[2]);
		break;
	default:
		r[0] = ~0ull;
		break;
	}
	return true;
}

/*
 * The guest sees a CPU without VMX: its VMX instructions are undefined. VMXON gets
 * #GP once CR4.VMXE reads as set, so that a hypervisor module fails through its own
 * fixup.
 */
static bool do_vmx(struct hvt_vcpu *v, u32 reason)
{
	if (reason == EXIT_REASON_VMON && (vmcs_readl(CR4_READ_SHADOW) & X86_CR4_VMXE))
		fault(v, VEC_GP);
	else
		fault(v, VEC_UD);
	return false;
}

/* CR4.VMXE is ours: the guest's writes of it go to the shadow alone. */
static bool do_cr(struct hvt_vcpu *v)
{
	u64 qual = vmcs_readl(EXIT_QUALIFICATION), value;
	u32 reg = (qual & CONTROL_REG_ACCESS_REG) >> 8;

	if ((qual & CONTROL_REG_ACCESS_NUM) != 4 || (qual & CONTROL_REG_ACCESS_TYPE)) {
		hvt_crash_leave(v, HVT_CRASH_EXIT);
		return false;
	}
	value = reg == 4 ? vmcs_readl(GUEST_RSP) : v->regs.gpr[reg];
	vmcs_writel(CR4_READ_SHADOW, value);
	vmcs_writel(GUEST_CR4, value | X86_CR4_VMXE);
	/* SDM 4.10.4.1: these bits invalidate; with VPID that is up to us. */
	vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, 1, 0);
	hvt_skip_instruction(v);
	return true;
}

bool hvt_exit_instruction(struct hvt_vcpu *v, u32 reason)
{
	switch (reason) {
	case EXIT_REASON_CPUID:
		return do_cpuid(v);
	case EXIT_REASON_MSR_READ:
	case EXIT_REASON_MSR_WRITE:
		return do_msr(v, reason == EXIT_REASON_MSR_WRITE);
	case EXIT_REASON_XSETBV:
		return do_xsetbv(v);
	case EXIT_REASON_INVD:
		return do_invd(v);
	case EXIT_REASON_VMCALL:
		return do_vmcall(v);
	case EXIT_REASON_CR_ACCESS:
		return do_cr(v);
	case EXIT_REASON_TRIPLE_FAULT:
		do_triple_fault(v);
		return false;
	case EXIT_REASON_VMCLEAR:
	case EXIT_REASON_VMLAUNCH:
	case EXIT_REASON_VMPTRLD:
	case EXIT_REASON_VMPTRST:
	case EXIT_REASON_VMREAD:
	case EXIT_REASON_VMRESUME:
	case EXIT_REASON_VMWRITE:
	case EXIT_REASON_VMOFF:
	case EXIT_REASON_VMON:
	case EXIT_REASON_INVEPT:
	case EXIT_REASON_INVVPID:
	case EXIT_REASON_VMFUNC:
		return do_vmx(v, reason);
	case 11: /* GETSEC: CR4.SMXE is 0 */
		fault(v, VEC_UD);
		return false;
	default:
		hvt_crash_leave(v, HVT_CRASH_EXIT);
		return false;
	}
}

/*
 * An exception that a step intercepts: the exit happened before CR2 or DR6 were
 * written (SDM 28.1), so do that here, then let the guest have it.
 */
void hvt_exit_exception(struct hvt_vcpu *v, u32 info)
{
	struct hvt_event e = {
		.info = info & ~HVT_EV_UNBLOCK_NMI,
		.error = info & HVT_EV_ERROR ? vmcs_read32(VM_EXIT_INTR_ERROR_CODE) : 0,
		.insn_len = hvt_event_is_soft(info) ? vmcs_read32(VM_EXIT_INSTRUCTION_LEN) : 0,
	};
	u64 qual = vmcs_readl(EXIT_QUALIFICATION);

	if (HVT_EV_VECTOR(info) == VEC_PF)
		hvt_write_cr2(qual);
	if (HVT_EV_VECTOR(info) == VEC_DB) {
		/* B3:B0, BD, BS, RTM as qualification says; the rest reads as 1. */
		hvt_write_dr6((hvt_read_dr6() & ~0x1000full) | (qual & 0x600f));
		vmcs_writel(GUEST_DR7, vmcs_readl(GUEST_DR7) & ~DR7_GD);
	}
	v->inject = hvt_event_merge(vmcs_read32(IDT_VECTORING_INFO_FIELD), e);
	if (!(v->inject.info & HVT_EV_VALID))
		do_triple_fault(v);
}
