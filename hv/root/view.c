// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three EPT views.
 *
 * OPEN is the identity map, built by Linux (vmx/ept.c) and never changed. ARMED
 * starts as a copy of OPEN's top level and gets private tables only on the way to
 * restricted pages. STEP is each CPU's own: ARMED with some pages opened.
 *
 * In a table-pointing entry of ARMED, bit 11 says that the table is private and
 * bits 61:52 count what keeps it so: private tables, or restricted leaves, in it
 * (all ignored by the CPU: SDM tables 29-1 to 29-6). At 0 the entry goes back to
 * what OPEN says, so that the last disarm leaves no residue.
 *
 * ARMED changes only while all other CPUs are stopped; each flushes before it goes
 * on. That is also the break-before-make of a split.
 */
#include <asm/page.h>
#include "root_fn.h"

#define EPT_RWX		7ull
#define EPT_LARGE	(1ull << 7)
#define EPT_PRIVATE	(1ull << 11)
#define EPT_COUNT_1	(1ull << 52)
#define EPT_COUNT	(0x3ffull << 52)
#define EPT_STEP_OWN	(1ull << 62)
#define EPT_ADDR	0x000ffffffffff000ull

static u64 *table(u64 e)
{
	return __va(e & EPT_ADDR);
}

static u32 index(u64 gpa, u32 level)
{
	return (gpa >> (12 + 9 * (level - 1))) & 511;
}

static u64 *pool_get(void)
{
	u64 *t = hvt_m.ept.free;

	if (!t)
		return NULL;
	hvt_m.ept.free = *(void **)t;
	hvt_m.ept.nfree--;
	hvt_m.ept.tables++;
	return t;
}

static void pool_put(u64 *t)
{
	*(void **)t = hvt_m.ept.free;
	hvt_m.ept.free = t;
	hvt_m.ept.nfree++;
	hvt_m.ept.tables--;
}

/* The @i-th entry of the table that large leaf @e at @level stands for. */
static u64 sub_leaf(u64 e, u32 level, u32 i)
{
	u64 sub = e + ((u64)i << (12 + 9 * (level - 2)));

	return level == 2 ? sub & ~EPT_LARGE : sub;
}

/* What OPEN says about @gpa at @level, large leaves taken apart. 0: not mapped. */
static u64 open_entry(u64 gpa, u32 level)
{
	u64 *t = hvt_m.ept.open;
	u32 l;
	u64 e;

	for (l = 4;; l--) {
		e = t[index(gpa, l)];
		if (l == level || !(e & EPT_RWX))
			return e;
		if (e & EPT_LARGE)
			break;
		t = table(e);
	}
	for (; l > level; l--)
		e = sub_leaf(e, l, index(gpa, l - 1));
	return e;
}

bool hvt_ept_mapped(u64 gpa)
{
	return gpa < 1ull << 48 && (open_entry(gpa, 1) & EPT_RWX);
}

static void count_split(u64 e, u32 level, s64 by)
{
	if (e & EPT_LARGE) {
		if (level == 3)
			hvt_m.ept.split_1g += by;
		else
			hvt_m.ept.split_2m += by;
	}
}

/* Make *e, at @level for @gpa, point to a private table. */
static bool make_private(u64 *e, u32 level)
{
	u64 *t = pool_get(), old = *e;
	u32 i;

	if (!t)
		return false;
	for (i = 0; i < 512; i++)
		t[i] = old & EPT_LARGE ? sub_leaf(old, level, i) : table(old)[i];
	count_split(old, level, 1);
	*e = __pa(t) | EPT_RWX | EPT_PRIVATE;
	return true;
}

/*
 * Set the permissions of the 4 KiB page at @gpa in ARMED to all but @deny
 * (HVT_ACC_*, whose bits are EPT's). False when the pool is empty.
 */
bool hvt_ept_restrict(u64 gpa, u8 deny)
{
	u64 *path[5], *t = hvt_m.ept.armed, *leaf, was;
	u32 level;

	/* A hole, or no physical address at all: nothing can be accessed there. */
	if (!hvt_ept_mapped(gpa))
		return true;
	for (level = 4; level > 1; level--) {
		u64 *e = &t[index(gpa, level)];

		if (!(*e & EPT_PRIVATE)) {
			if (!deny)
				return true;
			if (!make_private(e, level))
				return false;
			if (level < 4)
				*path[level + 1] += EPT_COUNT_1;
		}
		path[level] = e;
		t = table(*e);
	}
	leaf = &t[index(gpa, 1)];
	was = *leaf & EPT_RWX;
	*leaf = (*leaf | EPT_RWX) & ~(u64)deny;
	if ((was == EPT_RWX) == !deny)
		return true;
	if (deny) {
		*path[2] += EPT_COUNT_1;
		hvt_m.ept.pages_restricted++;
		return true;
	}
	hvt_m.ept.pages_restricted--;
	for (level = 2; level <= 4; level++) {
		u64 *e = path[level];
		u64 back;

		*e -= EPT_COUNT_1;
		if (*e & EPT_COUNT)
			break;
		pool_put(table(*e));
		back = open_entry(gpa, level);
		count_split(back, level, -1);
		*e = back;
	}
	return true;
}

/* SDM 29.4.3.3: all EPT-derived translations of this CPU. */
void hvt_ept_flush(void)
{
	vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
}

void hvt_step_view_reset(struct hvt_vcpu *v)
{
	hvt_copy(v->step_table[0], hvt_m.ept.armed, PAGE_SIZE);
	v->step_tables_used = 1;
	vmx_invept(VMX_EPT_EXTENT_CONTEXT, v->eptp_step);
}

void hvt_step_view_open(struct hvt_vcpu *v, u64 gpa)
{
	u64 *t = v->step_table[0];
	u32 level;

	if (!hvt_ept_mapped(gpa))
		return;
	for (level = 4; level > 1; level--) {
		u64 *e = &t[index(gpa, level)], *n;

		if (!(*e & EPT_STEP_OWN)) {
			if (*e & EPT_LARGE)
				return; /* not restricted there */
			n = v->step_table[v->step_tables_used++];
			hvt_copy(n, table(*e), PAGE_SIZE);
			*e = __pa(n) | EPT_RWX | EPT_STEP_OWN;
		}
		t = table(*e);
	}
	t[index(gpa, 1)] |= EPT_RWX;
}

void hvt_view_set(struct hvt_vcpu *v, enum hvt_view view)
{
	if (v->view == view)
		return;
	v->view = view;
	vmcs_write64(EPT_POINTER, view == HVT_VIEW_OPEN	 ? hvt_m.ept.eptp_open
				  : view == HVT_VIEW_STEP ? v->eptp_step
							  : hvt_m.ept.eptp_armed);
}
