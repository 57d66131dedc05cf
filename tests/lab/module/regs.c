// SPDX-License-Identifier: GPL-2.0-only
/*
 * regs.c: prints each CPU's control registers, descriptor tables and MSRs: what an
 * attach and a detach must leave as they were. Loading always fails, so that it can
 * be loaded again.
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

struct table {
	u16 limit;
	u64 base;
} __packed;

static const struct {
	const char *name;
	u32 msr;
} msrs[] = {
	{ "efer", MSR_EFER }, { "star", MSR_STAR }, { "lstar", MSR_LSTAR },
	{ "cstar", MSR_CSTAR }, { "sfmask", MSR_SYSCALL_MASK }, { "gs_base", MSR_GS_BASE },
	{ "sysenter_cs", MSR_IA32_SYSENTER_CS }, { "sysenter_esp", MSR_IA32_SYSENTER_ESP },
	{ "sysenter_eip", MSR_IA32_SYSENTER_EIP }, { "debugctl", MSR_IA32_DEBUGCTLMSR },
	{ "pat", MSR_IA32_CR_PAT }, { "apicbase", MSR_IA32_APICBASE },
	{ "misc_enable", MSR_IA32_MISC_ENABLE }, { "feat_ctl", MSR_IA32_FEAT_CTL },
	{ "xss", MSR_IA32_XSS }, { "tsc_aux", MSR_TSC_AUX }, { "mtrr_def", MSR_MTRRdefType },
};

static void show(void *unused)
{
	unsigned int cpu = raw_smp_processor_id(), i;
	struct table gdt, idt;
	u16 tr, ldt;
	u32 lo, hi;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("str %0" : "=rm"(tr));
	asm volatile("sldt %0" : "=rm"(ldt));
	/* TS changes by itself; it is no state of the machine. */
	pr_info("hvt_regs: cpu %u cr0=%lx cr4=%lx dr7=%lx gdt=%llx+%x idt=%llx+%x tr=%x ldt=%x\n", cpu,
		native_read_cr0() & ~X86_CR0_TS, native_read_cr4(), native_get_debugreg(7),
		gdt.base, gdt.limit, idt.base, idt.limit, tr, ldt);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (!rdmsr_safe(msrs[i].msr, &lo, &hi))
			pr_info("hvt_regs: cpu %u %s=%llx\n", cpu, msrs[i].name, (u64)hi << 32 | lo);
	if (native_read_cr4() & X86_CR4_OSXSAVE) {
		asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		pr_info("hvt_regs: cpu %u xcr0=%llx\n", cpu, (u64)hi << 32 | lo);
	}
}

static int __init regs_init(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, show, NULL, 1);
	return -ECANCELED;
}

module_init(regs_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: prints the registers of each CPU");
