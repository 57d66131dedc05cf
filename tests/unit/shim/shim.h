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
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#undef static_assert
#define static_assert(e) _Static_assert(e, #e)

/* <asm/vmx.h>: SDM volume 3, appendix B, 25.6.2 and 31.3 "INVEPT" */
enum {
	EPT_POINTER = 0x201a,
	CPU_BASED_VM_EXEC_CONTROL = 0x4002,
	VM_ENTRY_INTR_INFO_FIELD = 0x4016,
	VM_ENTRY_EXCEPTION_ERROR_CODE = 0x4018,
	VM_ENTRY_INSTRUCTION_LEN = 0x401a,
	IDT_VECTORING_INFO_FIELD = 0x4408,
	IDT_VECTORING_ERROR_CODE = 0x440a,
	VM_EXIT_INSTRUCTION_LEN = 0x440c,
	GUEST_INTERRUPTIBILITY_INFO = 0x4824,
	HOST_RSP = 0x6c14,
};
#define CPU_BASED_NMI_WINDOW_EXITING (1u << 22)
#define VMX_EPT_EXTENT_CONTEXT 1
#define VMX_EPT_EXTENT_GLOBAL  2

struct guest_regs {
	u64 gpr[16];
	u64 host_rsp;
	u8 nmi_seen, no_entry, pad[6];
};

int vmx_invept(unsigned long type, u64 eptp);
int vmcs_write64(unsigned long field, u64 value);
u32 vmcs_read32(unsigned long field);
int vmcs_write32(unsigned long field, u32 value);

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
