/* SPDX-License-Identifier: GPL-2.0-only */
/* See shim.h. */
#define X86_EFLAGS_TF (1ul << 8)
#define X86_EFLAGS_IF (1ul << 9)
#define X86_EFLAGS_DF (1ul << 10)
#define X86_EFLAGS_RF (1ul << 16)
#define X86_CR4_VMXE  (1ul << 13)
