// SPDX-License-Identifier: GPL-2.0-only
/* Why this machine cannot be attached: the first reason, on the CPU that asks. */
#include <linux/kernel.h>
#include <linux/security.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#if __has_include(<asm/cpuid/api.h>)
#include <asm/cpuid/api.h>
#endif
#include <asm/msr.h>
#include "hv.h"

#ifdef X86_CR4_FRED
#define CR4_FRED X86_CR4_FRED
#else
#define CR4_FRED BIT_ULL(32)
#endif
#define CR4_CET BIT_ULL(23)

void hvt_block(struct hvt_blocked *why, u32 reason, const char *fmt, ...)
{
	va_list ap;

	memset(why, 0, sizeof(*why));
	why->reason = reason;
	why->cpu = raw_smp_processor_id();
	va_start(ap, fmt);
	vscnprintf(why->detail, sizeof(why->detail), fmt, ap);
	va_end(ap);
}

/* 0, or -ENODEV/-EPERM with @why filled. Safe with interrupts off. */
int hvt_caps_check(struct hvt_vmx_config *c, struct hvt_blocked *why)
{
	unsigned long cr4 = native_read_cr4();
	char detail[96];
	u64 feat = 0;
	u32 lo, hi;
	int reason;

	/* From cpuid, not boot_cpu_data: that one keeps what it saw at boot. */
	if (!(cpuid_ecx(1) & BIT(X86_FEATURE_VMX & 31))) {
		hvt_block(why, HVT_BLOCK_NO_VMX, "the CPU has no VMX");
		return -ENODEV;
	}
	if (!rdmsr_safe(MSR_IA32_FEAT_CTL, &lo, &hi))
		feat = (u64)hi << 32 | lo;
	if (!(feat & FEAT_CTL_LOCKED) || !(feat & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		hvt_block(why, HVT_BLOCK_FIRMWARE, "VMX is %s in IA32_FEATURE_CONTROL (0x%llx)",
			  feat & FEAT_CTL_LOCKED ? "locked off" : "not enabled", feat);
		return -ENODEV;
	}
	if (cr4 & X86_CR4_VMXE) {
		hvt_block(why, HVT_BLOCK_VMX_BUSY,
			  "CR4.VMXE is set: another hypervisor module uses VMX");
		return -EBUSY;
	}
	if (cr4 & CR4_FRED) {
		hvt_block(why, HVT_BLOCK_FRED, "CR4.FRED is set");
		return -ENODEV;
	}
	if (cr4 & CR4_CET) {
		hvt_block(why, HVT_BLOCK_CET, "CR4.CET is set (kernel IBT or user shadow stacks)");
		return -ENODEV;
	}
	if (!(cpuid_eax(0) >= 1) || rdmsr_safe(MSR_IA32_VMX_PROCBASED_CTLS, &lo, &hi) ||
	    !(hi & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS) ||
	    rdmsr_safe(MSR_IA32_VMX_PROCBASED_CTLS2, &lo, &hi) ||
	    !(hi & SECONDARY_EXEC_ENABLE_EPT)) {
		hvt_block(why, HVT_BLOCK_NO_EPT, "the CPU has no EPT");
		return -ENODEV;
	}
	reason = hvt_vmx_probe(c, detail, sizeof(detail));
	if (reason) {
		hvt_block(why, reason, "%s", detail);
		return -ENODEV;
	}
	memset(why, 0, sizeof(*why));
	return 0;
}
