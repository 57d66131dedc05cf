/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions, one function each, with the contract of the compiler
 * intrinsics (__vmx_vmlaunch and kin):
 *
 *   0  the operation succeeded; for the two entries: the guest ran and has exited
 *   1  failed, the reason is in the VM-instruction error field (VMfailValid)
 *   2  failed, no status is available (VMfailInvalid)
 *
 * SDM volume 3, 31.2 "Conventions". Callers are in VMX operation (VMXON: about to
 * be), at CPL 0, on a CPU they cannot leave.
 */
#ifndef HVT_VMX_OPS_H
#define HVT_VMX_OPS_H

#include <linux/build_bug.h>
#include <asm/vmx.h>

/*
 * Guest general registers, in encoding order (gpr[4] is a copy of RSP that only
 * the exit handlers fill). vmx_entry.S knows the offsets.
 */
struct guest_regs {
	u64 gpr[16];
	u64 host_rsp;		/* what HOST_RSP of the current VMCS holds */
	u8 nmi_seen;		/* set by root's NMI handler, cleared by the loop */
	u8 no_entry;		/* the entry was given up for an NMI: nothing ran */
	u8 pad[6];
};

/*
 * Enter the guest with @regs; returns at its next VM exit with @regs updated.
 * First entry after VMCLEAR: VMLAUNCH; every later one: VMRESUME. When an NMI came
 * before the entry, returns 0 with no_entry set.
 */
asmlinkage int vmx_vmlaunch(struct guest_regs *regs);
asmlinkage int vmx_vmresume(struct guest_regs *regs);

#define HVT_VMX_RC "=@ccc"(invalid), "=@ccz"(valid)

#define HVT_VMX_OP(insn, ...)                                                       \
	({                                                                          \
		bool invalid, valid;                                                \
		asm volatile(insn : HVT_VMX_RC : __VA_ARGS__ : "memory");           \
		invalid ? 2 : valid ? 1 : 0;                                        \
	})

/* Physical addresses of 4 KiB-aligned regions that start with the VMCS revision. */
static __always_inline int vmx_vmxon(u64 pa)
{
	return HVT_VMX_OP("vmxon %2", "m"(pa));
}

static __always_inline int vmx_vmxoff(void)
{
	return HVT_VMX_OP("vmxoff", "i"(0));
}

/* Sets the VMCS's launch state to clear and writes it back to memory. */
static __always_inline int vmx_vmclear(u64 pa)
{
	return HVT_VMX_OP("vmclear %2", "m"(pa));
}

static __always_inline int vmx_vmptrld(u64 pa)
{
	return HVT_VMX_OP("vmptrld %2", "m"(pa));
}

/* The current VMCS pointer, ~0 when there is none. Cannot fail in VMX operation. */
static __always_inline int vmx_vmptrst(u64 *pa)
{
	bool invalid, valid;

	asm volatile("vmptrst %2" : HVT_VMX_RC, "=m"(*pa) : : "memory");
	return invalid ? 2 : valid ? 1 : 0;
}

static __always_inline int vmx_vmread(unsigned long field, u64 *value)
{
	bool invalid, valid;

	asm volatile("vmread %3, %2" : HVT_VMX_RC, "=rm"(*value) : "r"(field) : "cc");
	return invalid ? 2 : valid ? 1 : 0;
}

static __always_inline int vmx_vmwrite(unsigned long field, u64 value)
{
	return HVT_VMX_OP("vmwrite %3, %2", "r"(field), "rm"(value));
}

struct vmx_invept_desc {
	u64 eptp, reserved;
};

static __always_inline int vmx_invept(unsigned long type, u64 eptp)
{
	struct vmx_invept_desc desc = { eptp, 0 };

	return HVT_VMX_OP("invept %2, %3", "m"(desc), "r"(type));
}

struct vmx_invvpid_desc {
	u64 vpid, linear;
};

static __always_inline int vmx_invvpid(unsigned long type, u16 vpid, u64 linear)
{
	struct vmx_invvpid_desc desc = { vpid, linear };

	return HVT_VMX_OP("invvpid %2, %3", "m"(desc), "r"(type));
}

/*
 * Typed access to fields that exist: a wrong width does not compile. Bits 14:13 of
 * an encoding are the width: 0 16-bit, 1 64-bit, 2 32-bit, 3 natural (SDM 25.11.2).
 */
#define HVT_VMCS_WIDTH(field, w) \
	BUILD_BUG_ON_MSG((((field) >> 13) & 3) != (w), "wrong VMCS field width")

#define HVT_VMCS_READ(name, type, w)                                                \
	static __always_inline type vmcs_read##name(unsigned long field)            \
	{                                                                           \
		u64 v = 0;                                                          \
									            \
		HVT_VMCS_WIDTH(field, w);                                           \
		vmx_vmread(field, &v);                                              \
		return v;                                                           \
	}                                                                           \
	static __always_inline int vmcs_write##name(unsigned long field, type v)    \
	{                                                                           \
		HVT_VMCS_WIDTH(field, w);                                           \
		return vmx_vmwrite(field, v);                                       \
	}

HVT_VMCS_READ(16, u16, 0)
HVT_VMCS_READ(64, u64, 1)
HVT_VMCS_READ(32, u32, 2)
HVT_VMCS_READ(l, unsigned long, 3)

#endif
