/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine for hv/root's tables: physical memory, an OPEN view, free lists. */
#ifndef HVT_FAKE_H
#define HVT_FAKE_H

#include "root_fn.h"

#define FAKE_TOP (4ull << 30) /* guest-physical addresses the OPEN view may map */

void fake_reset(u64 seed);
u64 fake_rnd(void);
u64 *fake_page(void); /* a zeroed page of physical memory */
struct hvt_vcpu *fake_vcpu(u32 cpu);
/* The 4 KiB leaf it amounts to, with what all levels allow; 0: nothing. */
u64 fake_ept_walk(const u64 *top, u64 gpa);
u64 fake_denied(u64 leaf, u8 deny); /* that leaf without HVT_ACC_*, 0: nothing is left */

/* Nothing is restricted, and nothing is left of what was: asserts. Of NOUSER, too. */
void fake_assert_clean(void);
/* ARMED is OPEN but for what the page hash denies; every page: asserts. */
void fake_assert_armed(void);

extern __thread u64 fake_invepts;
extern __thread void (*fake_on_invept)(void);
extern u64 fake_eptp; /* as last written to the VMCS */
extern u64 fake_remaps;
extern u64 fake_reads; /* of physical memory */
extern u32 fake_vmcs32[0x8000]; /* the VMCS, by field encoding */

#endif
