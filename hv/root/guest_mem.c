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

/* Guest-physical address of @gla in the address space of @cr3, or HVT_GPA_NONE. */
u64 hvt_translate(u64 cr3, u64 gla)
{
	u32 shift = 3 + 9 * hvt_m.levels;
	u64 e = cr3, at;

	for (;; shift -= 9) {
		at = (e & ENTRY_ADDR) + (gla >> shift & 511) * 8;
		if (at >= hvt_m.phys_limit)
			return HVT_GPA_NONE;
		e = hvt_load_entry(__va(at));
		if (!(e & _PAGE_PRESENT))
			return HVT_GPA_NONE;
		if (shift == 12 || ((e & _PAGE_PSE) && shift <= 30))
			break;
	}
	at = (1ull << shift) - 1;
	return (e & ENTRY_ADDR & ~at) | (gla & at);
}

/* All bytes that an instruction can have, in one page: two words that overlap. */
static bool read_insn(u8 *buf, u64 gpa)
{
	const u8 *at = __va(gpa);

	return gpa < hvt_m.phys_limit && HVT_INSN_MAX <= hvt_m.phys_limit - gpa &&
	       !hvt_load_safe((u64 *)buf, at) &&
	       !hvt_load_safe((u64 *)(buf + HVT_INSN_MAX - 8), at + HVT_INSN_MAX - 8);
}

/* Up to @n bytes at @gla; returns how many could be read. */
u32 hvt_read_linear(u64 cr3, u64 gla, u8 *buf, u32 n)
{
	u32 got, part;
	u64 gpa;

	for (got = 0; got < n; got += part) {
		gpa = hvt_translate(cr3, gla + got);
		part = PAGE_SIZE - ((gla + got) & (PAGE_SIZE - 1));
		if (part > n - got)
			part = n - got;
		if (gpa == HVT_GPA_NONE || !hvt_read_phys(buf + got, gpa, part))
			break;
	}
	return got;
}

/* Up to HVT_INSN_MAX bytes at @ip, likewise. */
u32 hvt_fetch(u64 cr3, u64 ip, u8 *buf)
{
	u64 gpa;

	if ((ip & ~PAGE_MASK) > PAGE_SIZE - HVT_INSN_MAX)
		return hvt_read_linear(cr3, ip, buf, HVT_INSN_MAX);
	gpa = hvt_translate(cr3, ip);
	return gpa != HVT_GPA_NONE && read_insn(buf, gpa) ? HVT_INSN_MAX : 0;
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
