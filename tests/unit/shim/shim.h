/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets files of root mode that use kernel headers run on the host: included before
 * each of them. Physical memory is an array (fake.c); the VMX instructions are
 * functions of fake.c, in place of hv/vmx/vmx_ops.h.
 */
#ifndef HVT_SHIM_H
#define HVT_SHIM_H

#include <stddef.h>
#include "types.h"

/* clang-format off */
#define HVT_VMX_OPS_H /* not that one */

#define asmlinkage
#define __packed __attribute__((packed))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#undef static_assert
#define static_assert(e) _Static_assert(e, #e)

#include "vmcs.h"

struct guest_regs {
	u64 gpr[16];
	u64 host_rsp;
	u8 nmi_seen, no_entry, pad[6];
};

int vmx_vmlaunch(struct guest_regs *regs);
int vmx_vmresume(struct guest_regs *regs);
int vmx_vmxoff(void);
int vmx_vmclear(u64 pa);
int vmx_vmread(unsigned long field, u64 *value);
int vmx_invept(unsigned long type, u64 eptp);
int vmx_invvpid(unsigned long type, u16 vpid, u64 linear);
u64 vmcs_read64(unsigned long field);
int vmcs_write64(unsigned long field, u64 value);
u32 vmcs_read32(unsigned long field);
int vmcs_write32(unsigned long field, u32 value);
u64 vmcs_readl(unsigned long field);
int vmcs_writel(unsigned long field, u64 value);

/* in place of regs.h */
#define HVT_ROOT_REGS_H
u64 hvt_read_cr2(void);
void hvt_write_cr2(u64 value);
u64 hvt_read_dr6(void);
void hvt_write_dr6(u64 value);

#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define FAKE_PHYS (32ull << 20)
extern u8 *fake_phys;
#define __va(pa) ((void *)(fake_phys + (pa)))
#define __pa(va) ((u64)((u8 *)(va) - fake_phys))

#define _PAGE_PRESENT 1ull
#define _PAGE_PSE     0x80ull

struct desc_struct;
struct x86_hw_tss;
typedef struct fake_gate gate_desc;

#endif
