// SPDX-License-Identifier: GPL-2.0-only
/*
 * The OPEN view: an identity map of all physical addresses in the largest leaves
 * that one memory type allows (SDM volume 3, 29.3.2), and the pool of pages that
 * root mode splits leaves with. Runs in Linux; root/view.c changes ARMED later.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include "vmx.h"

#define EPT_LARGE   BIT_ULL(7)
#define EPT_USER    BIT_ULL(10)
#define EPT_ALL	    (VMX_EPT_RWX_MASK | EPT_USER) /* see root/view.c */
#define EPT_PRIVATE BIT_ULL(11)
#define EPT_ADDR    GENMASK_ULL(51, 12)
#define SIZE_2M	    (1ull << 21)
#define SIZE_1G	    (1ull << 30)
#define SIZE_512G   (1ull << 39)

static u64 *new_table(void)
{
	return (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

static u64 *sub_table(u64 *e)
{
	u64 *t;

	if (*e)
		return __va(*e & EPT_ADDR);
	t = new_table();
	if (t)
		*e = __pa(t) | EPT_ALL;
	return t;
}

/* Map [pa, pa + size), both multiples of @size, with leaves at @level. */
static int map_block(const struct hvt_mtrr *m, u64 *t, u64 pa, int level, bool allow)
{
	u64 size = 1ull << (12 + 9 * (level - 1)), i;
	u64 *e = &t[(pa >> (12 + 9 * (level - 1))) & 511], *sub;
	int type = hvt_mtrr_type(m, pa, size);

	if (type >= 0 && allow) {
		*e = pa | (u64)type << VMX_EPT_MT_EPTE_SHIFT | EPT_ALL |
		     (level > 1 ? EPT_LARGE : 0);
		return 0;
	}
	sub = sub_table(e);
	if (!sub)
		return -ENOMEM;
	for (i = 0; i < 512; i++) {
		int rc = map_block(m, sub, pa + i * (size / 512), level - 1, true);

		if (rc)
			return rc;
	}
	return 0;
}

static void free_tables(u64 *t, int level, u64 own)
{
	int i;

	for (i = 0; level > 1 && i < 512; i++)
		if ((t[i] & VMX_EPT_RWX_MASK) && !(t[i] & EPT_LARGE) && (t[i] & own) == own)
			free_tables(__va(t[i] & EPT_ADDR), level - 1, own);
	free_page((unsigned long)t);
}

static int map_all(u64 caps)
{
	struct hvt_mtrr *m = kmalloc(sizeof(*m), GFP_KERNEL);
	u64 end = 1ull << min_t(u32, hvt_m.maxphyaddr, 48), pa;
	int rc = 0;

	if (!m)
		return -ENOMEM;
	hvt_mtrr_read(m);
	/* Without 1 GiB leaves map what can be RAM or a device below 4 TiB. */
	if (!(caps & HVT_CAP_EPT_1G))
		end = min_t(u64, end, 1ull << 42);
	for (pa = 0; pa < end && !rc; pa += SIZE_1G) {
		u64 *pdpt = sub_table(&hvt_m.ept.open[(pa / SIZE_512G) & 511]);

		rc = pdpt ? map_block(m, pdpt, pa, 3, caps & HVT_CAP_EPT_1G) : -ENOMEM;
		cond_resched();
	}
	kfree(m);
	return rc;
}

int hvt_ept_create(u64 caps)
{
	struct hvt_ept *e = &hvt_m.ept;
	int rc = -ENOMEM, i;

	memset(e, 0, sizeof(*e));
	e->open = new_table();
	e->armed = new_table();
	e->nouser = new_table();
	if (e->open && e->armed && e->nouser)
		rc = map_all(caps);
	if (rc) {
		hvt_ept_destroy();
		return rc;
	}
	memcpy(e->armed, e->open, PAGE_SIZE);
	for (i = 0; i < 512; i++)
		e->nouser[i] = e->armed[i] & ~EPT_USER;
	e->exec_only = caps & HVT_CAP_EXEC_ONLY;
	e->mbec = caps & HVT_CAP_MBEC;
	e->eptp_open = __pa(e->open) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	e->eptp_armed = __pa(e->armed) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	e->eptp_nouser = __pa(e->nouser) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	return 0;
}

void hvt_ept_destroy(void)
{
	struct hvt_ept *e = &hvt_m.ept;

	while (e->free) {
		void *next = *(void **)e->free;

		free_page((unsigned long)e->free);
		e->free = next;
	}
	free_page((unsigned long)e->nouser);
	if (e->armed)
		free_tables(e->armed, 4, EPT_PRIVATE);
	if (e->open)
		free_tables(e->open, 4, 0);
	memset(e, 0, sizeof(*e));
}

static void count(const u64 *t, int level, u64 *n)
{
	int i;

	for (i = 0; i < 512; i++) {
		if (!t[i])
			continue;
		if (level == 1 || (t[i] & EPT_LARGE))
			n[level]++;
		else
			count(__va(t[i] & EPT_ADDR), level - 1, n);
	}
}

/* Leaves by size in ARMED; a snapshot while others may change it. */
void hvt_ept_count(u64 *l1g, u64 *l2m, u64 *l4k)
{
	u64 n[5] = { 0 };

	if (hvt_m.ept.armed)
		count(hvt_m.ept.armed, 4, n);
	*l1g = n[3];
	*l2m = n[2];
	*l4k = n[1];
}
