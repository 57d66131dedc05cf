// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of VMX: what the VMCS holds of the guest goes back into the CPU, in an order
 * in which an NMI finds a consistent world at each step, and IRET goes on where the
 * guest was.
 */
#include <asm/desc_defs.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <linux/atomic.h>
#include "root_fn.h"

struct table_reg {
	u16 limit;
	u64 base;
} __packed;

struct guest_tail {
	u64 cr3, cr4, dr7, debugctl;
	u64 fs_base, gs_base, sysenter_esp, sysenter_eip;
	u32 sysenter_cs;
	u16 es, ds, fs, gs, ldt, tr;
	struct table_reg gdtr, idtr;
	u64 iret[5];
};

static void read_guest(struct guest_tail *g)
{
	g->cr3 = vmcs_readl(GUEST_CR3);
	g->cr4 = vmcs_readl(GUEST_CR4) & ~X86_CR4_VMXE;
	g->cr4 |= vmcs_readl(CR4_READ_SHADOW) & X86_CR4_VMXE;
	g->dr7 = vmcs_readl(GUEST_DR7);
	g->debugctl = vmcs_read64(GUEST_IA32_DEBUGCTL);
	g->fs_base = vmcs_readl(GUEST_FS_BASE);
	g->gs_base = vmcs_readl(GUEST_GS_BASE);
	g->sysenter_cs = vmcs_read32(GUEST_SYSENTER_CS);
	g->sysenter_esp = vmcs_readl(GUEST_SYSENTER_ESP);
	g->sysenter_eip = vmcs_readl(GUEST_SYSENTER_EIP);
	g->es = vmcs_read16(GUEST_ES_SELECTOR);
	g->ds = vmcs_read16(GUEST_DS_SELECTOR);
	g->fs = vmcs_read16(GUEST_FS_SELECTOR);
	g->gs = vmcs_read16(GUEST_GS_SELECTOR);
	g->ldt = vmcs_read16(GUEST_LDTR_SELECTOR);
	g->tr = vmcs_read16(GUEST_TR_SELECTOR);
	g->gdtr.base = vmcs_readl(GUEST_GDTR_BASE);
	g->gdtr.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	g->idtr.base = vmcs_readl(GUEST_IDTR_BASE);
	g->idtr.limit = vmcs_read32(GUEST_IDTR_LIMIT);
	g->iret[0] = vmcs_readl(GUEST_RIP);
	g->iret[1] = vmcs_read16(GUEST_CS_SELECTOR);
	g->iret[2] = vmcs_readl(GUEST_RFLAGS);
	g->iret[3] = vmcs_readl(GUEST_RSP);
	g->iret[4] = vmcs_read16(GUEST_SS_SELECTOR);
}

/* An NMI of ours may still be on its way to this CPU. */
static void leave_stops(struct hvt_vcpu *v)
{
	if (!xchg(&v->active, 0))
		return;
	while (READ_ONCE(v->nmi_expected)) {
		if (READ_ONCE(v->regs.nmi_seen)) {
			v->regs.nmi_seen = 0;
			hvt_nmi_arrived(v);
		}
		hvt_pause();
	}
}

/*
 * Translations of VPID 0 date from before the launch and from root mode. Toggling
 * CR4.PGE drops them all, global ones and all PCIDs (SDM 4.10.4.1).
 */
static void load_paging(struct hvt_vcpu *v, struct guest_tail *g)
{
	/* With KPTI, user space's CR3 does not map this code: take the kernel's. */
	if (v->kpti && (g->iret[1] & 3) == 3)
		g->cr3 &= ~0x1800ull;
	asm volatile("mov %0, %%cr4" : : "r"(g->cr4 & ~(X86_CR4_PGE | X86_CR4_PCIDE)));
	asm volatile("mov %0, %%cr3" : : "r"(g->cr3 & ~0xfffull) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(g->cr4));
	asm volatile("mov %0, %%cr3" : : "r"(g->cr3) : "memory");
}

static void load_tables(struct hvt_vcpu *v, const struct guest_tail *g)
{
	struct table_reg rw = { g->gdtr.limit, (u64)v->gdt_rw };

	/* LTR wants an available TSS and marks it busy, so through the writable GDT. */
	asm volatile("lgdt %0" : : "m"(rw));
	v->gdt_rw[g->tr >> 3].type = 9;
	asm volatile("ltr %0" : : "r"(g->tr));
	asm volatile("lgdt %0" : : "m"(g->gdtr));
	asm volatile("lldt %0" : : "r"(g->ldt));
	asm volatile("lidt %0" : : "m"(g->idtr));
}

/*
 * From here on NMIs are Linux's: its entry code takes GS base as kernel or user by
 * its sign, so GS base must never be anything else, not for one instruction.
 */
static void load_segments(const struct guest_tail *g)
{
	u64 user_gs;

	asm volatile("mov %0, %%ds" : : "r"((u32)g->ds));
	asm volatile("mov %0, %%es" : : "r"((u32)g->es));
	asm volatile("mov %0, %%fs" : : "r"((u32)g->fs));
	hvt_wrmsr_safe(MSR_FS_BASE, g->fs_base);
	if ((g->iret[1] & 3) == 3) {
		asm volatile("mov %0, %%gs" : : "r"((u32)g->gs));
		hvt_wrmsr_safe(MSR_GS_BASE, g->gs_base);
	} else if (g->gs) {
		hvt_rdmsr_safe(MSR_KERNEL_GS_BASE, &user_gs);
		asm volatile("swapgs; mov %0, %%gs" : : "r"((u32)g->gs));
		hvt_wrmsr_safe(MSR_GS_BASE, user_gs);
		asm volatile("swapgs" : : : "memory");
	}
}

void hvt_leave(struct hvt_vcpu *v)
{
	struct guest_tail g;

	leave_stops(v);
	v->tr.thread = v->tr.next = NULL; /* Linux frees them without asking this CPU */
	read_guest(&g);
	vmx_vmclear(v->vmcs_pa);
	vmx_vmxoff();
	load_paging(v, &g);
	hvt_wrmsr_safe(MSR_IA32_SYSENTER_CS, g.sysenter_cs);
	hvt_wrmsr_safe(MSR_IA32_SYSENTER_ESP, g.sysenter_esp);
	hvt_wrmsr_safe(MSR_IA32_SYSENTER_EIP, g.sysenter_eip);
	hvt_wrmsr_safe(MSR_IA32_DEBUGCTLMSR, g.debugctl);
	asm volatile("mov %0, %%db7" : : "r"(g.dr7));
	v->launched = false;
	load_tables(v, &g);
	load_segments(&g);
	hvt_leave_iret(&v->regs, g.iret);
}
