// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types for EPT leaves, from the MTRRs (SDM volume 3, 12.11): EPT's type
 * replaces the MTRRs' for the guest, so it must say the same.
 */
#include <asm/msr.h>
#include <asm/mtrr.h>
#include "vmx.h"

#define TYPE_UC 0
#define TYPE_WT 4
#define TYPE_WB 6

/* First address and step of each fixed-range MSR, in SDM table 12-9's order. */
static const struct {
	u32 msr, start, step;
} fixed[11] = {
	{ MSR_MTRRfix64K_00000, 0x00000, 0x10000 }, { MSR_MTRRfix16K_80000, 0x80000, 0x4000 },
	{ MSR_MTRRfix16K_A0000, 0xa0000, 0x4000 },  { MSR_MTRRfix4K_C0000, 0xc0000, 0x1000 },
	{ MSR_MTRRfix4K_C8000, 0xc8000, 0x1000 },   { MSR_MTRRfix4K_D0000, 0xd0000, 0x1000 },
	{ MSR_MTRRfix4K_D8000, 0xd8000, 0x1000 },   { MSR_MTRRfix4K_E0000, 0xe0000, 0x1000 },
	{ MSR_MTRRfix4K_E8000, 0xe8000, 0x1000 },   { MSR_MTRRfix4K_F0000, 0xf0000, 0x1000 },
	{ MSR_MTRRfix4K_F8000, 0xf8000, 0x1000 },
};

static u64 rd(u32 msr)
{
	u32 lo, hi;

	rdmsr(msr, lo, hi);
	return (u64)hi << 32 | lo;
}

void hvt_mtrr_read(struct hvt_mtrr *m)
{
	u32 i;

	memset(m, 0, sizeof(*m));
	m->cap = rd(MSR_MTRRcap);
	m->def = rd(MSR_MTRRdefType);
	m->nvar = min_t(u32, m->cap & 0xff, ARRAY_SIZE(m->base));
	for (i = 0; i < m->nvar; i++) {
		m->base[i] = rd(MTRRphysBase_MSR(i));
		m->mask[i] = rd(MTRRphysMask_MSR(i));
	}
	if (m->cap & BIT(8))
		for (i = 0; i < ARRAY_SIZE(fixed); i++)
			m->fixed[i] = rd(fixed[i].msr);
}

static int fixed_type(const struct hvt_mtrr *m, u64 pa)
{
	int i = ARRAY_SIZE(fixed) - 1;

	while (fixed[i].start > pa)
		i--;
	return (m->fixed[i] >> ((pa - fixed[i].start) / fixed[i].step * 8)) & 0xff;
}

/* SDM 12.11.4.1: UC wins, then WT over WB; other overlaps are undefined: UC. */
static int combine(int a, int b)
{
	if (a < 0 || a == b)
		return b;
	if ((a == TYPE_WT && b == TYPE_WB) || (a == TYPE_WB && b == TYPE_WT))
		return TYPE_WT;
	return TYPE_UC;
}

int hvt_mtrr_type(const struct hvt_mtrr *m, u64 pa, u64 size)
{
	u64 phys = GENMASK_ULL(hvt_m.maxphyaddr - 1, 12);
	int type = -1;
	u32 i;

	if (!(m->def & BIT(11)))
		return TYPE_UC;
	if (pa < 0x100000 && (m->cap & BIT(8)) && (m->def & BIT(10)))
		return size > PAGE_SIZE ? -1 : fixed_type(m, pa);
	for (i = 0; i < m->nvar; i++) {
		u64 mask = m->mask[i] & phys, base = m->base[i] & mask;

		if (!(m->mask[i] & BIT(11)))
			continue;
		/* Part of the block inside and part outside: the type is mixed. */
		if (size > PAGE_SIZE && (mask & (size - 1))) {
			if ((base & ~(size - 1)) == (pa & mask & ~(size - 1)))
				return -1;
			continue;
		}
		if ((pa & mask) == base)
			type = combine(type, m->base[i] & 0xff);
	}
	return type < 0 ? m->def & 0xff : type;
}
