/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest entry and exit, launch and leave, root mode's exception stubs, and the
 * three instructions of root that may fault. Nothing else is assembly.
 *
 * objtool cannot follow code that changes stacks and worlds; each function here is
 * marked non-standard, and none is ever on a stack that Linux unwinds. Addresses that
 * are taken here go into the VMCS, the IDT and comparisons, never into an indirect
 * branch: no ENDBR.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#if __has_include(<linux/annotate.h>)
#include <linux/annotate.h>
#endif
#include <asm/asm.h>
#include <asm/segment.h>
#include "../root/asm.h"

/* HOST_RSP and HOST_RIP, from the enum in <asm/vmx.h>, checked in vmcs.c. */

	.text

/*
 * int vmx_vmlaunch(struct guest_regs *), int vmx_vmresume(struct guest_regs *)
 *
 * From nmi_check on, an NMI would be taken by root's handler and its mark seen
 * only at the next exit, which may be far away. So the handler moves an RIP within
 * [nmi_check, entry instruction] to hvt_entry_abort, which gives the entry up.
 */
/* All guest registers from struct guest_regs at %rdi, %rdi last. */
.macro HVT_LOAD_GUEST
	mov	0x00(%rdi), %rax
	mov	0x08(%rdi), %rcx
	mov	0x10(%rdi), %rdx
	mov	0x18(%rdi), %rbx
	mov	0x28(%rdi), %rbp
	mov	0x30(%rdi), %rsi
	mov	0x40(%rdi), %r8
	mov	0x48(%rdi), %r9
	mov	0x50(%rdi), %r10
	mov	0x58(%rdi), %r11
	mov	0x60(%rdi), %r12
	mov	0x68(%rdi), %r13
	mov	0x70(%rdi), %r14
	mov	0x78(%rdi), %r15
	mov	0x38(%rdi), %rdi
.endm

.macro HVT_ENTRY_RETURN
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET
.endm

.macro HVT_ENTRY name insn
SYM_FUNC_START(\name)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	cmp	%rsp, HVT_REGS_HOST_RSP(%rdi)
	je	.Lsame_rsp_\name
	mov	$HVT_HOST_RSP_FIELD, %eax
	vmwrite	%rsp, %rax
	jbe	.Lfail_\name
	mov	%rsp, HVT_REGS_HOST_RSP(%rdi)
.Lsame_rsp_\name:
SYM_INNER_LABEL(\name\()_nmi_check, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	cmpb	$0, HVT_REGS_NMI_SEEN(%rdi)
	jne	hvt_entry_abort
	HVT_LOAD_GUEST
SYM_INNER_LABEL(\name\()_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	\insn
.Lfail_\name:
	/* CF: VMfailInvalid, ZF: VMfailValid; mov keeps the flags */
	mov	$2, %eax
	jc	.Lout_\name
	mov	$1, %eax
.Lout_\name:
	HVT_ENTRY_RETURN
SYM_FUNC_END(\name)
STACK_FRAME_NON_STANDARD \name
.endm

HVT_ENTRY vmx_vmlaunch vmlaunch
HVT_ENTRY vmx_vmresume vmresume

/* HOST_RIP: RSP is HOST_RSP, which points at the saved regs pointer. */
SYM_FUNC_START(hvt_vmexit)
	ANNOTATE_NOENDBR
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, 0x00(%rdi)
	mov	%rcx, 0x08(%rdi)
	mov	%rdx, 0x10(%rdi)
	mov	%rbx, 0x18(%rdi)
	mov	%rbp, 0x28(%rdi)
	mov	%rsi, 0x30(%rdi)
	mov	%r8, 0x40(%rdi)
	mov	%r9, 0x48(%rdi)
	mov	%r10, 0x50(%rdi)
	mov	%r11, 0x58(%rdi)
	mov	%r12, 0x60(%rdi)
	mov	%r13, 0x68(%rdi)
	mov	%r14, 0x70(%rdi)
	mov	%r15, 0x78(%rdi)
	pop	0x38(%rdi)
	xor	%eax, %eax
	HVT_ENTRY_RETURN
SYM_INNER_LABEL(hvt_entry_abort, SYM_L_LOCAL)
	ANNOTATE_NOENDBR
	mov	(%rsp), %rdi
	movb	$1, HVT_REGS_NO_ENTRY(%rdi)
	xor	%eax, %eax
	HVT_ENTRY_RETURN
SYM_FUNC_END(hvt_vmexit)
STACK_FRAME_NON_STANDARD hvt_vmexit

/*
 * int hvt_launch(struct hvt_vcpu *v): on Linux's stack, interrupts off, VMCS
 * current. Returns 0 *in the guest*, or, on the same stack but never virtualised,
 * the error of hvt_root_main().
 */
SYM_FUNC_START(hvt_launch)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rsi
	mov	%rdi, %rbx
	mov	HVT_VCPU_STACK_TOP(%rdi), %rsp
	push	%rsi
	call	hvt_root_main
	pop	%rsp
	jmp	.Llaunch_out
SYM_INNER_LABEL(hvt_launched, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	xor	%eax, %eax
.Llaunch_out:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET
SYM_FUNC_END(hvt_launch)
STACK_FRAME_NON_STANDARD hvt_launch

/* u64 hvt_call(u64 nr, u64 arg): VMCALL from Linux, see root/call.h */
SYM_FUNC_START(hvt_call)
	mov	$HVT_CALL_MAGIC, %rax
	mov	%rdi, %rcx
	mov	%rsi, %rdx
	vmcall
	RET
SYM_FUNC_END(hvt_call)

/*
 * void hvt_leave_iret(struct guest_regs *regs, u64 *iret_frame): the last step out
 * of VMX: load all registers and IRET, which unblocks NMIs too.
 */
SYM_FUNC_START(hvt_leave_iret)
	mov	%rsi, %rsp
	HVT_LOAD_GUEST
	iretq
	RET	/* not reached; without it objtool wants callers to be noreturn */
SYM_FUNC_END(hvt_leave_iret)
STACK_FRAME_NON_STANDARD hvt_leave_iret

/* void hvt_unblock_nmi(void): after an NMI exit NMIs stay blocked until an IRET. */
SYM_FUNC_START(hvt_unblock_nmi)
	mov	%rsp, %rax
	push	$__KERNEL_DS
	push	%rax
	pushfq
	push	$__KERNEL_CS
	lea	.Lunblocked(%rip), %rax
	push	%rax
	iretq
.Lunblocked:
	RET
SYM_FUNC_END(hvt_unblock_nmi)
STACK_FRAME_NON_STANDARD hvt_unblock_nmi

/*
 * Instructions that may fault on behalf of the guest. Unless said otherwise, a fault at one
 * of the *_insn labels returns 1 (hvt_fixup); success returns 0.
 */
SYM_FUNC_START(hvt_rdmsr_safe)		/* int (u32 msr, u64 *value) */
	mov	%edi, %ecx
SYM_INNER_LABEL(hvt_rdmsr_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_rdmsr_safe)

SYM_FUNC_START(hvt_wrmsr_safe)		/* int (u32 msr, u64 value) */
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
SYM_INNER_LABEL(hvt_wrmsr_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	wrmsr
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_wrmsr_safe)

SYM_FUNC_START(hvt_xsetbv_safe)		/* int (u32 index, u64 value) */
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
SYM_INNER_LABEL(hvt_xsetbv_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	xsetbv
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_xsetbv_safe)

SYM_FUNC_START(hvt_copy_safe)		/* int (void *dst, const void *src, u64 n) */
	mov	%rdx, %rcx
SYM_INNER_LABEL(hvt_copy_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	rep movsb
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_copy_safe)

SYM_FUNC_START(hvt_load_safe)		/* int (u64 *dst, const void *src) */
SYM_INNER_LABEL(hvt_load_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	mov	(%rsi), %rax
	mov	%rax, (%rdi)
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_load_safe)

/* A page-table entry; where there is none, one that is not present. */
SYM_FUNC_START(hvt_load_entry)		/* u64 (const void *src) */
SYM_INNER_LABEL(hvt_entry_insn, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	mov	(%rdi), %rax
	RET
SYM_FUNC_END(hvt_load_entry)

SYM_FUNC_START(hvt_fixup)
	ANNOTATE_NOENDBR
	mov	$1, %eax
	RET
SYM_FUNC_END(hvt_fixup)

SYM_FUNC_START(hvt_fixup_entry)
	ANNOTATE_NOENDBR
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvt_fixup_entry)

/*
 * Root mode's IDT. FS base is the vcpu in root mode. NMI and #MC only leave a
 * mark; any other exception ends in hvt_root_exception(), which either moves RIP
 * to hvt_fixup or takes the CPU out of VMX and never returns.
 */
SYM_FUNC_START(hvt_root_nmi)
	ANNOTATE_NOENDBR
	push	%rax
	push	%rdx
	mov	%fs:HVT_VCPU_SELF, %rdx
	movb	$1, HVT_REGS_NMI_SEEN(%rdx)
	mov	16(%rsp), %rax
	lea	vmx_vmresume_nmi_check(%rip), %rdx
	cmp	%rdx, %rax
	jb	1f
	lea	vmx_vmresume_insn(%rip), %rdx
	cmp	%rdx, %rax
	jbe	2f
1:	lea	vmx_vmlaunch_nmi_check(%rip), %rdx
	cmp	%rdx, %rax
	jb	3f
	lea	vmx_vmlaunch_insn(%rip), %rdx
	cmp	%rdx, %rax
	ja	3f
2:	lea	hvt_entry_abort(%rip), %rdx
	mov	%rdx, 16(%rsp)
3:	pop	%rdx
	pop	%rax
	iretq
SYM_FUNC_END(hvt_root_nmi)
STACK_FRAME_NON_STANDARD hvt_root_nmi

SYM_FUNC_START(hvt_root_mc)
	ANNOTATE_NOENDBR
	push	%rdx
	mov	%fs:HVT_VCPU_SELF, %rdx
	movb	$1, HVT_VCPU_MC_SEEN(%rdx)
	pop	%rdx
	iretq
SYM_FUNC_END(hvt_root_mc)
STACK_FRAME_NON_STANDARD hvt_root_mc

/* Vectors 0..31, 16 bytes apart; those without an error code push a 0. */
SYM_FUNC_START(hvt_root_stubs)
	ANNOTATE_NOENDBR
	.balign 16
SYM_INNER_LABEL(hvt_root_vectors, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	vector = 0
	.rept 32
	.balign 16
	.if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	nop
	nop
	.else
	push	$0
	.endif
	push	$vector
	jmp	hvt_root_common
	vector = vector + 1
	.endr
SYM_FUNC_END(hvt_root_stubs)
STACK_FRAME_NON_STANDARD hvt_root_stubs

SYM_FUNC_START(hvt_root_common)
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	%fs:HVT_VCPU_SELF, %rdi
	lea	72(%rsp), %rsi		/* vector, error code, RIP, CS, ... */
	cld
	call	hvt_root_exception
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq
SYM_FUNC_END(hvt_root_common)
STACK_FRAME_NON_STANDARD hvt_root_common
