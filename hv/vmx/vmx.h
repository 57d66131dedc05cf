/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux's side needs of VMX: controls, VMCS set-up, the identity EPT. */
#ifndef HVT_VMX_H
#define HVT_VMX_H

#include "../root/root.h"

/* The controls that every CPU gets, chosen once from the capability MSRs. */
struct hvt_vmx_config {
	u64 basic;
	u64 caps;			/* HVT_CAP_* */
	u32 pin, cpu, cpu2, exit, entry;
	u32 vmcs_size;
};

/*
 * Read the capability MSRs of this CPU. 0, or an enum hvt_block with the missing
 * thing named in @detail. No VMX operation is entered.
 */
int hvt_vmx_probe(struct hvt_vmx_config *c, char *detail, size_t len);

/* Fill the current VMCS for @v on this CPU, in Linux, interrupts off. */
int hvt_vmcs_setup(struct hvt_vcpu *v, const struct hvt_vmx_config *c);

/* Build OPEN and ARMED in hvt_m.ept; free them with every table in the pool. */
int hvt_ept_create(u64 caps);
void hvt_ept_destroy(void);
void hvt_ept_count(u64 *l1g, u64 *l2m, u64 *l4k);

/* MTRR type of the 4 KiB page at @pa, and of a whole aligned @size, or -1 if mixed. */
struct hvt_mtrr {
	u64 def, cap;
	u64 fixed[11];
	u64 base[32], mask[32];
	u32 nvar;
};

void hvt_mtrr_read(struct hvt_mtrr *m);
int hvt_mtrr_type(const struct hvt_mtrr *m, u64 pa, u64 size);

const char *hvt_vmx_error_name(u32 error);
u64 hvt_rdmsr(u32 msr);

#endif
