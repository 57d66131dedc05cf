/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmio.h: what mmio.c has and mmio_use.c uses.
 */
#ifndef HVT_TEST_MMIO_H
#define HVT_TEST_MMIO_H

#include <linux/types.h>

enum { HPET, IOAPIC, BAR, VGA, USER, PAGE, ALIAS, NR_AREAS };

struct area {
	const char *name;
	u8 *va;
	u64 phys;
	u32 len;
};

extern struct area areas[NR_AREAS];

/*
 * One access more in the list. @kind is R, W or X (both in one instruction), @old what X read,
 * @how the instruction or where the value is.
 */
void note(const struct area *a, char kind, u32 off, u32 size, const void *old, const void *new,
	  const char *how);

int use_devices(void *unused);
int use_devices_more(void *unused);
void use_together(void *unused);
void use_ram(void);

#endif
