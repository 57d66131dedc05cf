// SPDX-License-Identifier: GPL-2.0-only
/*
 * world.c: makes the VMCS of the self-test: a guest that is this kernel as it
 * stands, without EPT, at a stub that exits at once; a host that is the same.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/string.h>
#if __has_include(<asm/cpuid/api.h>)
#include <asm/cpuid/api.h>
#endif
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include "world.h"

extern const u8 hvt_vmexit[];

asm(".pushsection .text\n"
    ".globl world_stub\n"
    "world_stub:\n"
    "	inc %rax\n"
    "	vmcall\n"
    "	jmp world_stub\n"
    ".popsection\n");

u64 world_msr(u32 msr)
{
	u32 lo, hi;

	rdmsr(msr, lo, hi);
	return (u64)hi << 32 | lo;
}

void world_cr4(unsigned long cr4)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

static u32 *region(u64 *pa)
{
	u32 *p = (void *)get_zeroed_page(GFP_KERNEL);

	*pa = p ? virt_to_phys(p) : 0;
	return p;
}

int world_alloc(struct world *w)
{
	u32 lo, hi;

	memset(w, 0, sizeof(*w));
	if (!(cpuid_ecx(1) & BIT(5)) || rdmsr_safe(MSR_IA32_FEAT_CTL, &lo, &hi) ||
	    !(lo & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return -ENODEV;
	if (native_read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	w->basic = world_msr(MSR_IA32_VMX_BASIC);
	w->vmxon = region(&w->vmxon_pa);
	w->vmcs = region(&w->vmcs_pa);
	w->spare = region(&w->spare_pa);
	w->guest_stack = (void *)get_zeroed_page(GFP_KERNEL);
	if (!w->vmxon || !w->vmcs || !w->spare || !w->guest_stack) {
		world_free(w);
		return -ENOMEM;
	}
	*w->vmxon = *w->vmcs = w->basic & 0x7fffffff;
	return 0;
}

void world_free(struct world *w)
{
	free_page((unsigned long)w->vmxon);
	free_page((unsigned long)w->vmcs);
	free_page((unsigned long)w->spare);
	free_page((unsigned long)w->guest_stack);
}

void world_save(struct world_state *s)
{
	memset(s, 0, sizeof(*s));
	asm volatile("sgdt %0" : "=m"(s->gdtr));
	asm volatile("sidt %0" : "=m"(s->idtr));
	asm volatile("str %0" : "=rm"(s->tr));
	asm volatile("mov %%ds, %0" : "=rm"(s->ds));
	asm volatile("mov %%es, %0" : "=rm"(s->es));
	asm volatile("mov %%fs, %0" : "=rm"(s->fs));
	asm volatile("mov %%gs, %0" : "=rm"(s->gs));
	s->cr0 = native_read_cr0();
	s->cr3 = __native_read_cr3();
	s->cr4 = native_read_cr4();
	s->fs_base = world_msr(MSR_FS_BASE);
	s->gs_base = world_msr(MSR_GS_BASE);
}

void world_restore(const struct world_state *s)
{
	asm volatile("lgdt %0" : : "m"(s->gdtr));
	asm volatile("lidt %0" : : "m"(s->idtr));
	invalidate_tss_limit();
}

/* SDM A.3.1: low half must be 1, high half may be 1. */
static u32 allowed(u32 msr, u32 want)
{
	u64 cap = world_msr(msr);

	return (want & (u32)(cap >> 32)) | (u32)cap;
}

void world_controls(struct world *w)
{
	/* The TRUE MSRs are the plain ones plus 0xc (SDM A.3). */
	u32 t = w->basic & BIT_ULL(55) ? MSR_IA32_VMX_TRUE_PINBASED_CTLS -
					 MSR_IA32_VMX_PINBASED_CTLS : 0;

	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, allowed(MSR_IA32_VMX_PINBASED_CTLS + t, 0));
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, allowed(MSR_IA32_VMX_PROCBASED_CTLS + t, 0));
	vmcs_write32(VM_EXIT_CONTROLS, allowed(MSR_IA32_VMX_EXIT_CTLS + t,
					       VM_EXIT_HOST_ADDR_SPACE_SIZE));
	vmcs_write32(VM_ENTRY_CONTROLS, allowed(MSR_IA32_VMX_ENTRY_CTLS + t,
						VM_ENTRY_IA32E_MODE));
	vmcs_write32(EXCEPTION_BITMAP, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/* Flat segments; the unusable ones need no base or limit. */
static void segment(unsigned long selector, unsigned long limit, unsigned long ar, u16 value, u32 rights)
{
	vmx_vmwrite(selector, value);
	vmx_vmwrite(limit, rights & VMX_AR_UNUSABLE_MASK ? 0 : ~0u);
	vmx_vmwrite(ar, rights);
}

#define SEGMENT(name, value, rights) \
	segment(GUEST_##name##_SELECTOR, GUEST_##name##_LIMIT, GUEST_##name##_AR_BYTES, value, rights)

void world_guest(struct world *w)
{
	const struct world_state *s = &w->before;
	const struct ldttss_desc *d = (void *)(s->gdtr.base + (s->tr & ~7));

	SEGMENT(CS, __KERNEL_CS, 0xa09b);	/* code, accessed, present, L, G */
	SEGMENT(SS, __KERNEL_DS, 0xc093);	/* data, accessed, present, D, G */
	SEGMENT(DS, 0, VMX_AR_UNUSABLE_MASK);
	SEGMENT(ES, 0, VMX_AR_UNUSABLE_MASK);
	SEGMENT(FS, 0, VMX_AR_UNUSABLE_MASK);
	SEGMENT(GS, 0, VMX_AR_UNUSABLE_MASK);
	SEGMENT(LDTR, 0, VMX_AR_UNUSABLE_MASK);
	vmcs_writel(GUEST_CS_BASE, 0);
	vmcs_writel(GUEST_SS_BASE, 0);
	vmcs_writel(GUEST_FS_BASE, s->fs_base);
	vmcs_writel(GUEST_GS_BASE, s->gs_base);
	vmcs_write16(GUEST_TR_SELECTOR, s->tr);
	vmcs_write32(GUEST_TR_AR_BYTES, 0x8b);	/* busy 64-bit TSS, present */
	vmcs_write32(GUEST_TR_LIMIT, 0x67);
	vmcs_writel(GUEST_TR_BASE, d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 |
				   (u64)d->base3 << 32);
	vmcs_writel(GUEST_GDTR_BASE, s->gdtr.base);
	vmcs_write32(GUEST_GDTR_LIMIT, s->gdtr.limit);
	vmcs_writel(GUEST_IDTR_BASE, s->idtr.base);
	vmcs_write32(GUEST_IDTR_LIMIT, s->idtr.limit);
	vmcs_writel(GUEST_CR0, s->cr0);
	vmcs_writel(GUEST_CR3, s->cr3);
	vmcs_writel(GUEST_CR4, s->cr4 | X86_CR4_VMXE);
	vmcs_writel(CR0_GUEST_HOST_MASK, 0);
	vmcs_writel(CR4_GUEST_HOST_MASK, 0);
	vmcs_writel(GUEST_DR7, 0x400);
	vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write32(GUEST_SYSENTER_CS, world_msr(MSR_IA32_SYSENTER_CS));
	vmcs_writel(GUEST_SYSENTER_ESP, world_msr(MSR_IA32_SYSENTER_ESP));
	vmcs_writel(GUEST_SYSENTER_EIP, world_msr(MSR_IA32_SYSENTER_EIP));
	vmcs_writel(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	vmcs_writel(GUEST_RSP, (unsigned long)w->guest_stack + PAGE_SIZE);
	vmcs_writel(GUEST_RIP, (unsigned long)world_stub);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);
}

/* World's callers run in a task whose DS, ES, FS and GS selectors are null. */
void world_host(struct world *w)
{
	const struct world_state *s = &w->before;
	const struct ldttss_desc *d = (void *)(s->gdtr.base + (s->tr & ~7));

	vmcs_writel(HOST_CR0, s->cr0);
	vmcs_writel(HOST_CR3, s->cr3);
	vmcs_writel(HOST_CR4, s->cr4 | X86_CR4_VMXE);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, s->tr);
	vmcs_writel(HOST_FS_BASE, s->fs_base);
	vmcs_writel(HOST_GS_BASE, s->gs_base);
	vmcs_writel(HOST_TR_BASE, d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 |
				  (u64)d->base3 << 32);
	vmcs_writel(HOST_GDTR_BASE, s->gdtr.base);
	vmcs_writel(HOST_IDTR_BASE, s->idtr.base);
	vmcs_write32(HOST_IA32_SYSENTER_CS, world_msr(MSR_IA32_SYSENTER_CS));
	vmcs_writel(HOST_IA32_SYSENTER_ESP, world_msr(MSR_IA32_SYSENTER_ESP));
	vmcs_writel(HOST_IA32_SYSENTER_EIP, world_msr(MSR_IA32_SYSENTER_EIP));
	vmcs_writel(HOST_RIP, (unsigned long)hvt_vmexit);
	w->regs.host_rsp = 0;
}
