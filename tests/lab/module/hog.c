// SPDX-License-Identifier: GPL-2.0-only
/*
 * hog.c: another hypervisor module that holds VMX: VMXON on CPU cpu=N until rmmod.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/smp.h>
#if __has_include(<asm/cpuid/api.h>)
#include <asm/cpuid/api.h>
#endif
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include "../../../hv/vmx/vmx_ops.h"

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "the CPU on which VMX is held");

static u32 *region;

static void write_cr4(unsigned long v)
{
	asm volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static void hold(void *out)
{
	int *rc = out;
	u32 lo, hi;

	if (native_read_cr4() & X86_CR4_VMXE) {
		*rc = -EBUSY;
		return;
	}
	rdmsr(MSR_IA32_VMX_BASIC, lo, hi);
	(void)hi;
	*region = lo & 0x7fffffff;
	write_cr4(native_read_cr4() | X86_CR4_VMXE);
	*rc = vmx_vmxon(virt_to_phys(region)) ? -EIO : 0;
	if (*rc)
		write_cr4(native_read_cr4() & ~X86_CR4_VMXE);
}

static void release(void *unused)
{
	vmx_vmxoff();
	write_cr4(native_read_cr4() & ~X86_CR4_VMXE);
}

static int __init hog_init(void)
{
	int rc, held = 0;

	if (!(cpuid_ecx(1) & BIT(5)))
		return -ENODEV;
	region = (void *)get_zeroed_page(GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	rc = smp_call_function_single(cpu, hold, &held, 1);
	if (!rc)
		rc = held;
	if (rc)
		free_page((unsigned long)region);
	return rc;
}

static void __exit hog_exit(void)
{
	smp_call_function_single(cpu, release, NULL, 1);
	free_page((unsigned long)region);
}

module_init(hog_init);
module_exit(hog_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: holds VMX on one CPU");
