/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offsets and numbers shared by vmx_entry.S and C; root.h and vmcs.c assert each.
 */
#ifndef HVT_ROOT_ASM_H
#define HVT_ROOT_ASM_H

/* struct guest_regs, which is the start of struct hvt_vcpu */
#define HVT_REGS_HOST_RSP  0x80
#define HVT_REGS_NMI_SEEN  0x88
#define HVT_REGS_NO_ENTRY  0x89
/* struct hvt_vcpu */
#define HVT_VCPU_SELF	   0x90
#define HVT_VCPU_STACK_TOP 0x98
#define HVT_VCPU_MC_SEEN   0xa0

#define HVT_HOST_RSP_FIELD 0x6c14

/* RAX of our VMCALLs: "hvtrace\0" */
#define HVT_CALL_MAGIC 0x0065636172747668

#endif
