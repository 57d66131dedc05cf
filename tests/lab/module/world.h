/* SPDX-License-Identifier: GPL-2.0-only */
/* world.h: VMX operation on this CPU, and a VMCS with a guest of two instructions. */
#ifndef HVT_TEST_WORLD_H
#define HVT_TEST_WORLD_H

#include <linux/types.h>
#include "../../../hv/vmx/vmx_ops.h"

/* What VMX operation or a VM exit changes, to be put back and compared. */
struct world_state {
	struct {
		u16 limit;
		u64 base;
	} __packed gdtr, idtr;
	u64 cr0, cr3, cr4, fs_base, gs_base;
	u16 tr, ds, es, fs, gs;
};

struct world {
	u64 basic;		/* IA32_VMX_BASIC: bits 30:0 are the VMCS revision */
	u64 vmxon_pa, vmcs_pa, spare_pa;
	u32 *vmxon, *vmcs, *spare;
	void *guest_stack;
	struct guest_regs regs;
	struct world_state before;
};

/* 0, or why not: -ENODEV no VMX, -EBUSY somebody has CR4.VMXE, -ENOMEM. */
int world_alloc(struct world *w);
void world_free(struct world *w);

void world_save(struct world_state *s);
/* After the last VM exit: the table limits and TR that it forced (SDM 28.5.2). */
void world_restore(const struct world_state *s);

u64 world_msr(u32 msr);
void world_cr4(unsigned long cr4);	/* past Linux's shadow */
void world_controls(struct world *w);	/* valid controls in the current VMCS */
void world_guest(struct world *w);	/* guest state: this kernel, at world_stub */
void world_host(struct world *w);

/* Adds 1 to RAX, VMCALL, and again when entered behind the VMCALL. */
extern const u8 world_stub[];
#define WORLD_VMCALL_LEN 3

#endif
