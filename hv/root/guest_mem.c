// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as root sees it: physical addresses through the direct map, linear
 * ones through the guest's own page tables (SDM volume 3, 4.5), read-only.
 */
#include <asm/page.h>
#include <asm/pgtable_types.h>
#include <asm/processor-flags.h>
#include "root_fn.h"

#define ENTRY_ADDR 0x000ffffffffff000ull

/* Copy @n bytes that lie in one page; false where the direct map has a hole. */
bool hvt_read_phys(void *dst, u64 gpa, u32 n)
{
	if (gpa >= hvt_m.phys_limit || n > hvt_m.phys_limit - gpa)
		return false;
	return hvt_copy_safe(dst, __va(gpa), n) == 0;
}

/* Guest-physical address of @gla in the current address space, or HVT_GPA_NONE. */
u64 hvt_translate(struct hvt_vcpu *v, u64 gla)
{
	u64 table = vmcs_readl(GUEST_CR3) & ENTRY_ADDR, e;
	u32 level = vmcs_readl(GUEST_CR4) & X86_CR4_LA57 ? 5 : 4, shift;

	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		if (!hvt_read_phys(&e, table + ((gla >> shift) & 511) * 8, 8))
			return HVT_GPA_NONE;
		if (!(e & _PAGE_PRESENT))
			return HVT_GPA_NONE;
		if (level == 1 || (level <= 3 && (e & _PAGE_PSE)))
			break;
		table = e & ENTRY_ADDR;
	}
	return ((e & ENTRY_ADDR) & ~((1ull << shift) - 1)) | (gla & ((1ull << shift) - 1));
}

/* Read up to @n instruction bytes at @ip; returns how many could be read. */
u32 hvt_fetch(struct hvt_vcpu *v, u64 ip, u8 *buf, u32 n)
{
	u32 got = 0;

	while (got < n) {
		u32 part = PAGE_SIZE - ((ip + got) & (PAGE_SIZE - 1));
		u64 gpa = hvt_translate(v, ip + got);

		if (part > n - got)
			part = n - got;
		if (gpa == HVT_GPA_NONE || !hvt_read_phys(buf + got, gpa, part))
			break;
		got += part;
	}
	return got;
}
