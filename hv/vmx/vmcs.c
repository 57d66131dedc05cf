// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controls we want (SDM volume 3, appendix A), and a VMCS whose guest is the
 * machine as it stands (SDM 27.2, 27.3).
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include "vmx.h"

#ifndef SECONDARY_EXEC_XSAVES
#define SECONDARY_EXEC_XSAVES SECONDARY_EXEC_ENABLE_XSAVES /* its name from 6.3 on */
#endif

extern const u8 hvt_vmexit[];

u64 hvt_rdmsr(u32 msr)
{
	u32 lo, hi;

	rdmsr(msr, lo, hi); /* its newer relatives have other names in each kernel */
	return (u64)hi << 32 | lo;
}

const char *hvt_vmx_error_name(u32 error)
{
	static const char *const name[] = { /* SDM 31.4 */
		[1] = "VMCALL in VMX root operation",
		[2] = "VMCLEAR with invalid address",
		[3] = "VMCLEAR with VMXON pointer",
		[4] = "VMLAUNCH with non-clear VMCS",
		[5] = "VMRESUME with non-launched VMCS",
		[6] = "VMRESUME after VMXOFF",
		[7] = "VM entry with invalid control fields",
		[8] = "VM entry with invalid host-state fields",
		[9] = "VMPTRLD with invalid address",
		[10] = "VMPTRLD with VMXON pointer",
		[11] = "VMPTRLD with incorrect VMCS revision",
		[12] = "VMREAD/VMWRITE of unsupported field",
		[13] = "VMWRITE to read-only field",
		[15] = "VMXON in VMX root operation",
		[26] = "VM entry with events blocked by MOV SS",
		[28] = "invalid operand to INVEPT/INVVPID",
	};

	return error < ARRAY_SIZE(name) && name[error] ? name[error] : "unknown VM-instruction error";
}

/*
 * SDM A.3.1: bits of the low half must be 1, bits of the high half may be 1.
 * Returns false when a bit of @need is not allowed.
 */
static bool adjust(u32 msr, u32 need, u32 want, u32 *out)
{
	u64 cap = hvt_rdmsr(msr);

	*out = ((need | want) & (u32)(cap >> 32)) | (u32)cap;
	return (*out & need) == need;
}

#define NEED(msr, need, want, out, reason, text)                                    \
	do {                                                                        \
		if (!adjust(msr, need, want, out)) {                                \
			strscpy(detail, text, len);                                 \
			return reason;                                              \
		}                                                                   \
	} while (0)

int hvt_vmx_probe(struct hvt_vmx_config *c, char *detail, size_t len)
{
	bool true_ctls;
	u64 ept;

	memset(c, 0, sizeof(*c));
	c->basic = hvt_rdmsr(MSR_IA32_VMX_BASIC);
	c->vmcs_size = vmx_basic_vmcs_size(c->basic);
	true_ctls = c->basic & BIT_ULL(55);

	NEED(true_ctls ? MSR_IA32_VMX_TRUE_PINBASED_CTLS : MSR_IA32_VMX_PINBASED_CTLS,
	     PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS, 0, &c->pin, HVT_BLOCK_NO_CONTROL,
	     "no virtual NMIs");
	NEED(true_ctls ? MSR_IA32_VMX_TRUE_PROCBASED_CTLS : MSR_IA32_VMX_PROCBASED_CTLS,
	     CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, 0, &c->cpu,
	     HVT_BLOCK_NO_CONTROL, "no MSR bitmaps or no secondary controls");
	NEED(MSR_IA32_VMX_PROCBASED_CTLS2, SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID,
	     SECONDARY_EXEC_ENABLE_RDTSCP | SECONDARY_EXEC_ENABLE_INVPCID | SECONDARY_EXEC_XSAVES |
		     SECONDARY_EXEC_ENABLE_USR_WAIT_PAUSE | SECONDARY_EXEC_MODE_BASED_EPT_EXEC,
	     &c->cpu2, HVT_BLOCK_NO_EPT, "no EPT or no VPID");
	if (!(hvt_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS) >> 32 & CPU_BASED_MONITOR_TRAP_FLAG)) {
		strscpy(detail, "no monitor trap flag", len);
		return HVT_BLOCK_NO_MTF;
	}
	NEED(true_ctls ? MSR_IA32_VMX_TRUE_EXIT_CTLS : MSR_IA32_VMX_EXIT_CTLS,
	     VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_DEBUG_CONTROLS, 0, &c->exit,
	     HVT_BLOCK_NO_CONTROL, "no 64-bit host");
	NEED(true_ctls ? MSR_IA32_VMX_TRUE_ENTRY_CTLS : MSR_IA32_VMX_ENTRY_CTLS,
	     VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_DEBUG_CONTROLS, 0, &c->entry,
	     HVT_BLOCK_NO_CONTROL, "no IA-32e guest");
	if (c->cpu & (CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING |
		      CPU_BASED_INVLPG_EXITING | CPU_BASED_HLT_EXITING)) {
		strscpy(detail, "the CPU forces CR3 or INVLPG exits (no TRUE controls)", len);
		return HVT_BLOCK_NO_CONTROL;
	}

	ept = hvt_rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
	if (!(ept & VMX_EPT_PAGE_WALK_4_BIT) || !(ept & VMX_EPTP_WB_BIT) ||
	    !(ept & VMX_EPT_INVEPT_BIT) || !(ept & VMX_EPT_EXTENT_GLOBAL_BIT) ||
	    !(ept & VMX_EPT_EXTENT_CONTEXT_BIT) || !(ept & VMX_EPT_2MB_PAGE_BIT) ||
	    !(ept & VMX_VPID_INVVPID_BIT)) {
		strscpy(detail, "EPT lacks 4 levels, WB, 2 MiB leaves, INVEPT or INVVPID", len);
		return HVT_BLOCK_NO_EPT;
	}
	c->caps = HVT_CAP_EPT_2M;
	if (ept & VMX_EPT_EXECUTE_ONLY_BIT)
		c->caps |= HVT_CAP_EXEC_ONLY;
	if (ept & VMX_EPT_1GB_PAGE_BIT)
		c->caps |= HVT_CAP_EPT_1G;
	if (c->cpu2 & SECONDARY_EXEC_MODE_BASED_EPT_EXEC)
		c->caps |= HVT_CAP_MBEC;
	if (hvt_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) >> 32 & SECONDARY_EXEC_UNRESTRICTED_GUEST)
		c->caps |= HVT_CAP_UNRESTRICTED;
	return HVT_BLOCK_NONE;
}

/* Access rights in VMCS format (SDM 25.4.1) from LAR's. */
static u32 access_rights(u16 sel)
{
	u32 ar;

	if (!(sel & ~3))
		return VMX_AR_UNUSABLE_MASK;
	asm("lar %1, %0" : "=r"(ar) : "r"((u32)sel));
	return (ar >> 8) & 0xf0ff;
}

static u32 limit(u16 sel)
{
	u32 l = 0;

	if (sel & ~3)
		asm("lsl %1, %0" : "=r"(l) : "r"((u32)sel));
	return l;
}

static u64 system_base(const struct desc_ptr *gdt, u16 sel)
{
	const struct ldttss_desc *d = (void *)(gdt->address + (sel & ~7));

	if (!(sel & ~3))
		return 0;
	return d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 | (u64)d->base3 << 32;
}

/* Flat data and code segments: base 0 (64-bit mode ignores it anyway). */
#define SEG(NAME, reg)                                                              \
	do {                                                                        \
		u16 sel;                                                            \
									            \
		asm("mov %%" #reg ", %0" : "=rm"(sel));                             \
		vmcs_write16(GUEST_##NAME##_SELECTOR, sel);                         \
		vmcs_write32(GUEST_##NAME##_AR_BYTES, access_rights(sel));          \
		vmcs_write32(GUEST_##NAME##_LIMIT, limit(sel));                     \
		vmcs_writel(GUEST_##NAME##_BASE, 0);                                \
	} while (0)

static void setup_guest(struct hvt_vcpu *v)
{
	struct desc_ptr gdt, idt;
	u16 tr, ldt;

	SEG(ES, es);
	SEG(CS, cs);
	SEG(SS, ss);
	SEG(DS, ds);
	SEG(FS, fs);
	SEG(GS, gs);
	vmcs_writel(GUEST_FS_BASE, hvt_rdmsr(MSR_FS_BASE));
	vmcs_writel(GUEST_GS_BASE, hvt_rdmsr(MSR_GS_BASE));
	asm("sgdt %0" : "=m"(gdt));
	store_idt(&idt);
	asm("str %0" : "=rm"(tr));
	asm("sldt %0" : "=rm"(ldt));
	vmcs_write16(GUEST_TR_SELECTOR, tr);
	vmcs_write32(GUEST_TR_AR_BYTES, access_rights(tr));
	vmcs_write32(GUEST_TR_LIMIT, limit(tr));
	vmcs_writel(GUEST_TR_BASE, system_base(&gdt, tr));
	vmcs_write16(GUEST_LDTR_SELECTOR, ldt);
	vmcs_write32(GUEST_LDTR_AR_BYTES, access_rights(ldt));
	vmcs_write32(GUEST_LDTR_LIMIT, limit(ldt));
	vmcs_writel(GUEST_LDTR_BASE, system_base(&gdt, ldt));
	vmcs_writel(GUEST_GDTR_BASE, gdt.address);
	vmcs_write32(GUEST_GDTR_LIMIT, gdt.size);
	vmcs_writel(GUEST_IDTR_BASE, idt.address);
	vmcs_write32(GUEST_IDTR_LIMIT, idt.size);

	vmcs_writel(GUEST_CR0, read_cr0());
	vmcs_writel(GUEST_CR3, __read_cr3());
	vmcs_writel(GUEST_CR4, native_read_cr4());
	vmcs_writel(CR0_GUEST_HOST_MASK, 0);
	vmcs_writel(CR0_READ_SHADOW, read_cr0());
	vmcs_writel(CR4_GUEST_HOST_MASK, X86_CR4_VMXE);
	vmcs_writel(CR4_READ_SHADOW, native_read_cr4() & ~X86_CR4_VMXE);
	vmcs_writel(GUEST_DR7, native_get_debugreg(7));
	vmcs_write64(GUEST_IA32_DEBUGCTL, hvt_rdmsr(MSR_IA32_DEBUGCTLMSR));
	vmcs_write32(GUEST_SYSENTER_CS, hvt_rdmsr(MSR_IA32_SYSENTER_CS));
	vmcs_writel(GUEST_SYSENTER_ESP, hvt_rdmsr(MSR_IA32_SYSENTER_ESP));
	vmcs_writel(GUEST_SYSENTER_EIP, hvt_rdmsr(MSR_IA32_SYSENTER_EIP));
	vmcs_writel(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);
	v->tr_sel = tr;
}

static void setup_host(struct hvt_vcpu *v)
{
	vmcs_writel(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_writel(HOST_CR3, v->host_cr3);
	vmcs_writel(HOST_CR4, (native_read_cr4() & ~X86_CR4_PCIDE) | X86_CR4_VMXE);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_writel(HOST_FS_BASE, (unsigned long)v);
	vmcs_writel(HOST_GS_BASE, hvt_rdmsr(MSR_GS_BASE)); /* Linux's per-CPU data: current */
	vmcs_writel(HOST_TR_BASE, (unsigned long)v->tss);
	vmcs_writel(HOST_GDTR_BASE, (unsigned long)v->gdt);
	vmcs_writel(HOST_IDTR_BASE, (unsigned long)v->idt);
	vmcs_write32(HOST_IA32_SYSENTER_CS, 0);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, 0);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, 0);
	vmcs_writel(HOST_RIP, (unsigned long)hvt_vmexit);
	v->regs.host_rsp = 0;
}

int hvt_vmcs_setup(struct hvt_vcpu *v, const struct hvt_vmx_config *c)
{
	int rc = 0;

	v->ctl_pin = c->pin;
	v->ctl_cpu = c->cpu;
	v->exc_bitmap = 0;
	v->view = v->base = HVT_VIEW_ARMED;
	rc |= vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, c->pin);
	rc |= vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, c->cpu);
	rc |= vmcs_write32(SECONDARY_VM_EXEC_CONTROL, c->cpu2);
	rc |= vmcs_write32(VM_EXIT_CONTROLS, c->exit);
	rc |= vmcs_write32(VM_ENTRY_CONTROLS, c->entry);
	rc |= vmcs_write32(EXCEPTION_BITMAP, 0);
	rc |= vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	rc |= vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	rc |= vmcs_write32(CR3_TARGET_COUNT, 0);
	rc |= vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	rc |= vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	rc |= vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	rc |= vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	rc |= vmcs_write64(MSR_BITMAP, v->msr_bitmap_pa);
	rc |= vmcs_write64(TSC_OFFSET, 0);
	rc |= vmcs_write64(EPT_POINTER, hvt_m.ept.eptp_armed);
	rc |= vmcs_write16(VIRTUAL_PROCESSOR_ID, 1);
	if (c->cpu2 & SECONDARY_EXEC_XSAVES)
		rc |= vmcs_write64(XSS_EXIT_BITMAP, 0);
	setup_guest(v);
	setup_host(v);
	vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
	return rc;
}
