// SPDX-License-Identifier: GPL-2.0-only
/*
 * selftest.c: the contract of hv/vmx/vmx_ops.h and vmx_entry.S in real VMX operation:
 * each failing case on the CPU itself, and entries that succeed. KTAP in dmesg.
 * It runs with interrupts off and notes results; they are printed when VMX is left.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include "world.h"

#define NO_FIELD 0x6ffeul	/* natural width, guest state, index 511: no such field */

struct result {
	const char *name;
	u64 got, want;		/* of a step: rc | VM-instruction error << 8 */
	bool skip;
};

static struct result results[80];
static unsigned int nresults;
static struct world *w;

/* vmx_entry.S needs them; nothing here calls hvt_launch() or root's IDT stubs. */
asmlinkage int hvt_root_main(void *vcpu, u64 rsp);
asmlinkage int hvt_root_main(void *vcpu, u64 rsp)
{
	return 3;
}

asmlinkage void hvt_root_exception(void *vcpu, u64 *frame);
asmlinkage void hvt_root_exception(void *vcpu, u64 *frame)
{
}

static void is(const char *name, u64 got, u64 want)
{
	if (nresults < ARRAY_SIZE(results))
		results[nresults++] = (struct result){ name, got, want };
}

static void skip(const char *name)
{
	if (nresults < ARRAY_SIZE(results))
		results[nresults++] = (struct result){ .name = name, .skip = true };
}

/* @rc as the operation gave it, @error what the VMCS says then. */
static void rc_is(const char *name, int rc, int want, u32 want_error)
{
	u64 error = 0;

	if (rc == 1 && vmx_vmread(VM_INSTRUCTION_ERROR, &error))
		error = 0xff;
	is(name, rc | error << 8, want | (u64)want_error << 8);
}

/* One frame for all entries, so that HOST_RSP is written once and then left. */
static noinline int enter(bool launch)
{
	int rc = launch ? vmx_vmlaunch(&w->regs) : vmx_vmresume(&w->regs);

	barrier();
	return rc;
}

static u64 exit_reason(void)
{
	return vmcs_read32(VM_EXIT_REASON);
}

static void before_vmcs(void)
{
	u64 pa = 0, v;

	is("VMPTRST without a current VMCS: rc", vmx_vmptrst(&pa), 0);
	is("VMPTRST without a current VMCS: pointer", pa, ~0ull);
	rc_is("VMREAD without a current VMCS", vmx_vmread(GUEST_RIP, &v), 2, 0);
	rc_is("VMWRITE without a current VMCS", vmx_vmwrite(GUEST_RIP, 0), 2, 0);
	rc_is("VMLAUNCH without a current VMCS", enter(true), 2, 0);
	rc_is("VMRESUME without a current VMCS", enter(false), 2, 0);
	rc_is("VMCLEAR of an unaligned address", vmx_vmclear(w->vmcs_pa + 8), 2, 0);
	rc_is("VMXON in VMX root without a current VMCS", vmx_vmxon(w->vmxon_pa), 2, 0);
}

static void pointers(void)
{
	u64 pa = 0;

	*w->spare = (w->basic & 0x7fffffff) ^ 1;
	rc_is("VMCLEAR", vmx_vmclear(w->vmcs_pa), 0, 0);
	rc_is("VMPTRLD", vmx_vmptrld(w->vmcs_pa), 0, 0);
	is("VMPTRST: rc", vmx_vmptrst(&pa), 0);
	is("VMPTRST: pointer", pa, w->vmcs_pa);
	rc_is("VMCLEAR with the VMXON pointer", vmx_vmclear(w->vmxon_pa), 1, 3);
	rc_is("VMPTRLD of an unaligned address", vmx_vmptrld(w->vmcs_pa + 8), 1, 9);
	rc_is("VMPTRLD with the VMXON pointer", vmx_vmptrld(w->vmxon_pa), 1, 10);
	rc_is("VMPTRLD of a wrong revision", vmx_vmptrld(w->spare_pa), 1, 11);
	rc_is("VMXON in VMX root", vmx_vmxon(w->vmxon_pa), 1, 15);
	is("a failed VMPTRLD leaves the current VMCS: rc", vmx_vmptrst(&pa), 0);
	is("a failed VMPTRLD leaves the current VMCS: pointer", pa, w->vmcs_pa);
}

static void fields(void)
{
	u64 v = 0;

	rc_is("VMWRITE", vmx_vmwrite(GUEST_RIP, 0x1234567890), 0, 0);
	rc_is("VMREAD", vmx_vmread(GUEST_RIP, &v), 0, 0);
	is("VMREAD reads what VMWRITE wrote", v, 0x1234567890);
	rc_is("VMREAD of a missing field", vmx_vmread(NO_FIELD, &v), 1, 12);
	rc_is("VMWRITE of a missing field", vmx_vmwrite(NO_FIELD, 0), 1, 12);
	/* SDM A.6: bit 29: VMWRITE to any supported field */
	if (world_msr(MSR_IA32_VMX_MISC) & BIT_ULL(29))
		skip("VMWRITE to a read-only field # SKIP this CPU allows it");
	else
		rc_is("VMWRITE to a read-only field", vmx_vmwrite(VM_EXIT_REASON, 0), 1, 13);
}

static void invalidation(void)
{
	rc_is("INVEPT of type 0", vmx_invept(0, 0), 1, 28);
	rc_is("INVEPT of all contexts", vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0), 0, 0);
	rc_is("INVVPID of type 7", vmx_invvpid(7, 1, 0), 1, 28);
	rc_is("INVVPID of VPID 0 alone", vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, 0, 0), 1, 28);
	rc_is("INVVPID of all contexts", vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0), 0, 0);
}

static void failed_entries(void)
{
	u32 pin = vmcs_read32(PIN_BASED_VM_EXEC_CONTROL);

	rc_is("VMRESUME with launch state clear", enter(false), 1, 5);
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, 0);
	rc_is("VMLAUNCH with an invalid control", enter(true), 1, 7);
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, pin);
	vmcs_write16(HOST_CS_SELECTOR, 0);
	rc_is("VMLAUNCH with invalid host state", enter(true), 1, 8);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_writel(GUEST_RFLAGS, 0);
	rc_is("VMLAUNCH with invalid guest state returns as an exit", enter(true), 0, 0);
	is("... with bit 31 and reason 33", exit_reason(), BIT(31) | EXIT_REASON_INVALID_STATE);
	vmcs_writel(GUEST_RFLAGS, X86_EFLAGS_FIXED);
}

/* Registers through an entry and an exit: each its own pattern, RAX is increased. */
static void registers(const char *name, bool launch)
{
	u64 differ = 0;
	int i;

	for (i = 0; i < 16; i++)
		w->regs.gpr[i] = 0x1111111111111111ull * i;
	rc_is(name, enter(launch), 0, 0);
	for (i = 0; i < 16; i++)
		if (i != 4 && w->regs.gpr[i] != 0x1111111111111111ull * i + (i == 0))
			differ |= BIT(i);
	is("... its registers come through (mask of those that do not)", differ, 0);
	is("... the exit is its VMCALL", exit_reason(), EXIT_REASON_VMCALL);
	is("... behind the INC", vmcs_readl(GUEST_RIP), (u64)world_stub + 3);
}

static void good_entries(void)
{
	registers("VMLAUNCH", true);
	rc_is("VMLAUNCH with launch state launched", enter(true), 1, 4);
	vmcs_writel(GUEST_RIP, vmcs_readl(GUEST_RIP) + WORLD_VMCALL_LEN);
	registers("VMRESUME", false);
	vmcs_write16(HOST_CS_SELECTOR, 0);
	rc_is("VMRESUME with invalid host state", enter(false), 1, 8);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	w->regs.nmi_seen = 1;
	w->regs.gpr[0] = 5;
	rc_is("an NMI before the entry gives it up", enter(false), 0, 0);
	is("... no_entry says so", w->regs.no_entry, 1);
	is("... and nothing ran", w->regs.gpr[0], 5);
	w->regs.nmi_seen = w->regs.no_entry = 0;
	w->regs.host_rsp = 0;
	vmcs_writel(HOST_RSP, 0);
	vmcs_writel(GUEST_RIP, (u64)world_stub);
	registers("VMRESUME that must write HOST_RSP", false);
	is("... and keeps what it wrote", vmcs_readl(HOST_RSP), w->regs.host_rsp);
}

static void after_vmclear(void)
{
	u64 pa = 0;

	/* From this frame, so that the entries below need no VMWRITE of HOST_RSP first. */
	rc_is("VMLAUNCH with launch state launched, again", enter(true), 1, 4);
	rc_is("VMCLEAR of the current VMCS", vmx_vmclear(w->vmcs_pa), 0, 0);
	vmx_vmptrst(&pa);
	is("... leaves none current", pa, ~0ull);
	rc_is("VMRESUME then", enter(false), 2, 0);
	rc_is("VMLAUNCH then", enter(true), 2, 0);
	w->regs.host_rsp = 0;
	rc_is("VMRESUME then, by its VMWRITE", enter(false), 2, 0);
	vmx_vmptrld(w->vmcs_pa);
	rc_is("VMRESUME of a launched VMCS after VMCLEAR", enter(false), 1, 5);
	vmcs_writel(GUEST_RIP, (u64)world_stub);
	registers("VMLAUNCH after VMCLEAR", true);
}

static void in_vmx(void)
{
	before_vmcs();
	pointers();
	fields();
	invalidation();
	world_controls(w);
	world_guest(w);
	world_host(w);
	failed_entries();
	good_entries();
	after_vmclear();
	vmx_vmclear(w->vmcs_pa);
}

static void all_tests(void)
{
	struct world_state after;
	int rc;

	world_save(&w->before);
	world_cr4(w->before.cr4 | X86_CR4_VMXE);
	is("VMXON of an unaligned address", vmx_vmxon(w->vmxon_pa + 8), 2);
	*w->vmxon ^= 1;
	is("VMXON of a wrong revision", vmx_vmxon(w->vmxon_pa), 2);
	*w->vmxon ^= 1;
	rc = vmx_vmxon(w->vmxon_pa);
	is("VMXON", rc, 0);
	if (!rc) {
		in_vmx();
		is("VMXOFF", vmx_vmxoff(), 0);
	}
	world_cr4(w->before.cr4);
	world_restore(&w->before);
	world_save(&after);
	is("the CPU is as before", memcmp(&w->before, &after, sizeof(after)), 0);
}

static void report(void)
{
	unsigned int i, failed = 0;

	pr_info("KTAP version 1\n");
	pr_info("1..%u\n", nresults);
	for (i = 0; i < nresults; i++) {
		struct result *r = &results[i];
		bool ok = r->skip || r->got == r->want;

		failed += !ok;
		pr_info("%s %u - %s\n", ok ? "ok" : "not ok", i + 1, r->name);
		if (!ok)
			pr_info("# got 0x%llx, want 0x%llx (rc, VM-instruction error << 8)\n",
				r->got, r->want);
	}
	pr_info("# hvt_selftest: %u of %u failed\n", failed, nresults);
}

static int __init selftest_init(void)
{
	unsigned long flags;
	int rc;

	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	preempt_disable();
	rc = world_alloc(w);
	preempt_enable();
	if (rc)
		goto out;
	local_irq_save(flags);
	all_tests();
	local_irq_restore(flags);
	world_free(w);
	report();
	/* Nothing to stay for: insmod runs it again. */
	rc = -ECANCELED;
out:
	kfree(w);
	return rc;
}

module_init(selftest_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace: self-test of the VMX wrappers");
