// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c: functions whose instructions are counted by hand, to be traced:
 *   echo N >.../parameters/loop     hvt_trace_loop(N): 2 + 3N instructions, interrupts enabled
 *   echo N >.../parameters/recurse  hvt_trace_recurse(N): calls itself N times: 4 + 7N
 *   echo N >.../parameters/leave    hvt_trace_leave(N): leaves its own code N times: 4 + 7N
 * Read, they say how many times they were called.
 */
#include <linux/module.h>
#include <asm/nospec-branch.h>

u64 hvt_trace_loop(u64 n);
u64 hvt_trace_recurse(u64 n);
u64 hvt_trace_leave(u64 n);

/* Not the kernel's own return, which is of another length in each. */
#define RETURN ANNOTATE_RETPOLINE_SAFE "\n\tret; int3\n" /* 7.2 ends it without a line break */

/* clang-format off */
asm(".pushsection .text; .balign 16\n"
    ".globl hvt_trace_loop; .type hvt_trace_loop, @function\n"
    "hvt_trace_loop:\n\t"
    "xorl %eax, %eax\n"
    "1:\taddq %rdi, %rax\n\t"
    "decq %rdi\n\t"
    "jnz 1b\n\t"
    RETURN
    ".size hvt_trace_loop, . - hvt_trace_loop\n"
    ".balign 16; .globl hvt_trace_recurse; .type hvt_trace_recurse, @function\n"
    "hvt_trace_recurse:\n\t"
    "xorl %eax, %eax\n\t"
    "testq %rdi, %rdi\n\t"
    "jz 1f\n\t"
    "decq %rdi\n\t"
    "call hvt_trace_recurse\n\t"
    "incq %rax\n"
    "1:\n\t"
    RETURN
    ".size hvt_trace_recurse, . - hvt_trace_recurse\n"
    ".balign 16; .globl hvt_trace_leave; .type hvt_trace_leave, @function\n"
    "hvt_trace_leave:\n\t"
    "xorl %eax, %eax\n\t"
    "pushq %rdi\n"
    "1:\tpushq %rdi\n\t"
    "call hvt_trace_leaf\n\t"
    "popq %rdi\n\t"
    "decq (%rsp)\n\t"
    "jnz 1b\n\t"
    "popq %rdi\n\t"
    RETURN
    ".size hvt_trace_leave, . - hvt_trace_leave\n"
    ".balign 16; .globl hvt_trace_leaf; .type hvt_trace_leaf, @function\n"
    "hvt_trace_leaf:\n\t"
    "incq %rax\n\t"
    RETURN
    ".size hvt_trace_leaf, . - hvt_trace_leaf\n"
    ".popsection");
/* clang-format on */

static unsigned int called[3];

static int run(const char *text, const struct kernel_param *kp)
{
	unsigned int *count = kp->arg;
	u64 n, got;
	int rc = kstrtou64(text, 0, &n);

	if (rc || !n)
		return rc ? rc : -EINVAL;
	++*count;
	if (count == &called[0])
		got = hvt_trace_loop(n) == n * (n + 1) / 2;
	else if (count == &called[1])
		got = hvt_trace_recurse(n) == n;
	else
		got = hvt_trace_leave(n) == n;
	return got ? 0 : -EIO;
}

static int say(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u\n", *(unsigned int *)kp->arg);
}

static const struct kernel_param_ops ops = { .set = run, .get = say };
module_param_cb(loop, &ops, &called[0], 0644);
module_param_cb(recurse, &ops, &called[1], 0644);
module_param_cb(leave, &ops, &called[2], 0644);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("functions to be traced, for hvtrace's tests");
