/* SPDX-License-Identifier: GPL-2.0-only */
/* EPT entries as view.c and lazy.c see them: SDM volume 3, tables 29-1 to 29-6. */
#ifndef HVT_ROOT_EPT_BITS_H
#define HVT_ROOT_EPT_BITS_H

#include <asm/page.h>
#include <linux/types.h>

#define EPT_RWX	  7ull
#define EPT_USER  (1ull << 10)	/* executable in user mode, with mode-based execute control */
#define EPT_ALL	  (EPT_RWX | EPT_USER)
#define EPT_LARGE (1ull << 7)
#define EPT_OWN	  (1ull << 62)	/* ignored by the CPU: a table of this CPU's STEP or LAZY view */
#define EPT_ADDR  0x000ffffffffff000ull

static inline u64 *ept_table(u64 e)
{
	return __va(e & EPT_ADDR);
}

static inline u32 ept_index(u64 gpa, u32 level)
{
	return (gpa >> (12 + 9 * (level - 1))) & 511;
}

/* The @i-th entry of the table that large leaf @e at @level stands for. */
static inline u64 ept_sub_leaf(u64 e, u32 level, u32 i)
{
	u64 sub = e + ((u64)i << (12 + 9 * (level - 2)));

	return level == 2 ? sub & ~EPT_LARGE : sub;
}

#endif
