// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as root sees it: physical addresses through the direct map, linear
 * ones through the guest's own page tables (SDM volume 3, 4.5), read-only.
 */
#include <asm/page.h>
#include <asm/pgtable_types.h>
#include "root_fn.h"

#define ENTRY_ADDR 0x000ffffffffff000ull

/* Copy @n bytes that lie in one page; false where the direct map has a hole. */
bool hvt_read_phys(void *dst, u64 gpa, u32 n)
{
	u64 word;

	if (gpa >= hvt_m.phys_limit || n > hvt_m.phys_limit - gpa)
		return false;
	/* Nearly every access is a word or less: no string instruction for those. */
	if (n > 8 || (gpa & (PAGE_SIZE - 1)) > PAGE_SIZE - 8)
		return hvt_copy_safe(dst, __va(gpa), n) == 0;
	if (n == 8)
		return hvt_load_safe(dst, __va(gpa)) == 0;
	if (hvt_load_safe(&word, __va(gpa)))
		return false;
	hvt_copy(dst, &word, n);
	return true;
}

static bool read_entry(u64 gpa, u64 *e)
{
	return gpa < hvt_m.phys_limit && hvt_load_safe(e, __va(gpa)) == 0;
}

/* Guest-physical address of @gla in the address space of @cr3, or HVT_GPA_NONE. */
u64 hvt_translate(u64 cr3, u64 gla)
{
	u64 table = cr3 & ENTRY_ADDR, e;
	u32 level = hvt_m.levels, shift = 12 + 9 * (level - 1);

	for (;; level--, shift -= 9) {
		if (!read_entry(table + ((gla >> shift) & 511) * 8, &e) || !(e & _PAGE_PRESENT))
			return HVT_GPA_NONE;
		if (level == 1 || (level <= 3 && (e & _PAGE_PSE)))
			break;
		table = e & ENTRY_ADDR;
	}
	return ((e & ENTRY_ADDR) & ~((1ull << shift) - 1)) | (gla & ((1ull << shift) - 1));
}

/* Read up to @n instruction bytes at @ip; returns how many could be read. */
u32 hvt_fetch(u64 cr3, u64 ip, u8 *buf, u32 n)
{
	u32 got = 0;

	while (got < n) {
		u32 part = PAGE_SIZE - ((ip + got) & (PAGE_SIZE - 1));
		u64 gpa = hvt_translate(cr3, ip + got);

		if (part > n - got)
			part = n - got;
		if (gpa == HVT_GPA_NONE)
			break;
		if (part == HVT_INSN_MAX) { /* all of it, in two words that overlap */
			if (!hvt_read_phys(buf, gpa, 8) ||
			    !hvt_read_phys(buf + HVT_INSN_MAX - 8, gpa + HVT_INSN_MAX - 8, 8))
				break;
		} else if (!hvt_read_phys(buf + got, gpa, part)) {
			break;
		}
		got += part;
	}
	return got;
}

/* @n bytes at @gla in the guest's address space, unless a device may be there. */
bool hvt_guest_read_ram(u64 gla, u8 *out, u32 n)
{
	u64 cr3 = vmcs_readl(GUEST_CR3);
	u32 first = PAGE_SIZE - (gla & (PAGE_SIZE - 1)), got, part;
	u64 gpa;

	for (got = 0; got < n; got += part) {
		part = got ? n - got : first < n ? first : n;
		gpa = hvt_translate(cr3, gla + got);
		if (gpa == HVT_GPA_NONE || (gpa >= 0xa0000 && gpa < 0x100000) ||
		    !hvt_read_phys(out + got, gpa, part))
			return false;
	}
	return true;
}
