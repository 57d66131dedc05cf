// SPDX-License-Identifier: GPL-2.0-only
/*
 * break.c: makes root mode fail, by a call that only the hvtrace module may make, with
 * a pointer that leads nowhere. On an attached machine this CPU has to leave VMX, then
 * all others, and Linux goes on. Loading always fails, so that it can be loaded again.
 */
#include <linux/module.h>
#if __has_include(<asm/cpuid/api.h>)
#include <asm/cpuid/api.h>
#endif
#include <asm/processor.h>
#include "../../../hv/root/asm.h"

static unsigned int call = 5;	/* HVT_CALL_SUPPLY in hv/root/root.h */
module_param(call, uint, 0444);

static int __init break_init(void)
{
	unsigned long rax = HVT_CALL_MAGIC;

	if (cpuid_ecx(1) & BIT(5))
		return -ENODEV; /* not attached: VMCALL would be an oops */
	asm volatile("vmcall" : "+a"(rax) : "c"((unsigned long)call),
		     "d"(0x5a5a5a5a5a5a5a5aul) : "memory");
	return -ECANCELED;
}

module_init(break_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: makes root mode fail");
