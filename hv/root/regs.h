/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the CPU that an exit leaves as they are: in root mode they are the guest's. */
#ifndef HVT_ROOT_REGS_H
#define HVT_ROOT_REGS_H

#include <linux/types.h>

static __always_inline u64 hvt_read_cr2(void)
{
	u64 value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static __always_inline void hvt_write_cr2(u64 value)
{
	asm volatile("mov %0, %%cr2" : : "r"(value));
}

static __always_inline u64 hvt_read_dr6(void)
{
	u64 value;

	asm volatile("mov %%db6, %0" : "=r"(value));
	return value;
}

static __always_inline void hvt_write_dr6(u64 value)
{
	asm volatile("mov %0, %%db6" : : "r"(value));
}

#endif
