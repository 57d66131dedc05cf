// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPT views.
 *
 * OPEN is the identity map, built by Linux (vmx/ept.c) and never changed. ARMED
 * starts as a copy of OPEN's top level and gets private tables only on the way to
 * restricted pages. STEP is each CPU's own: ARMED with some pages opened. NOUSER is
 * ARMED's top level without the permission to execute user pages; lazy.c has LAZY.
 *
 * Executing is two permissions with mode-based execute control (SDM 29.3.3.2): bit 2 for
 * supervisor pages, bit 10 for user pages. Both are set or clear in every entry but for
 * the latter's absence in NOUSER and LAZY; CPUs without the control ignore bit 10.
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
#include "ept_bits.h"

#define EPT_PRIVATE	(1ull << 11)
#define EPT_COUNT_1	(1ull << 52)
#define EPT_COUNT	(0x3ffull << 52)
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

/* What OPEN says about @gpa at @level, large leaves taken apart. 0: not mapped. */
static u64 open_entry(u64 gpa, u32 level)
{
	u64 *t = hvt_m.ept.open;
	u32 l;
	u64 e;

	for (l = 4;; l--) {
		e = t[ept_index(gpa, l)];
		if (l == level || !(e & EPT_RWX))
			return e;
		if (e & EPT_LARGE)
			break;
		t = ept_table(e);
	}
	for (; l > level; l--)
		e = ept_sub_leaf(e, l, ept_index(gpa, l - 1));
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
		t[i] = old & EPT_LARGE ? ept_sub_leaf(old, level, i) : ept_table(old)[i];
	count_split(old, level, 1);
	*e = __pa(t) | EPT_ALL | EPT_PRIVATE;
	return true;
}

static u64 denied(u8 deny)
{
	return deny | (deny & HVT_ACC_X ? EPT_USER : 0);
}

static bool restrict_armed(u64 gpa, u8 deny)
{
	u64 *path[5], *t = hvt_m.ept.armed, *leaf, was;
	u32 level;

	/* A hole, or no physical address at all: nothing can be accessed there. */
	if (!hvt_ept_mapped(gpa))
		return true;
	for (level = 4; level > 1; level--) {
		u64 *e = &t[ept_index(gpa, level)];

		if (!(*e & EPT_PRIVATE)) {
			if (!deny)
				return true;
			if (!make_private(e, level))
				return false;
			if (level < 4)
				*path[level + 1] += EPT_COUNT_1;
		}
		path[level] = e;
		t = ept_table(*e);
	}
	leaf = &t[ept_index(gpa, 1)];
	was = *leaf & EPT_RWX;
	*leaf = (*leaf | EPT_ALL) & ~denied(deny);
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
		pool_put(ept_table(*e));
		back = open_entry(gpa, level);
		count_split(back, level, -1);
		*e = back;
	}
	return true;
}

/*
 * Set the permissions of the 4 KiB page at @gpa in ARMED to all but @deny
 * (HVT_ACC_*, whose bits are EPT's). False when the pool is empty.
 */
bool hvt_ept_restrict(u64 gpa, u8 deny)
{
	u32 top = ept_index(gpa, 4);
	bool ok = restrict_armed(gpa, deny);

	hvt_m.ept.nouser[top] = hvt_m.ept.armed[top] & ~EPT_USER;
	return ok;
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
		u64 *e = &t[ept_index(gpa, level)], *n;

		if (!(*e & EPT_OWN)) {
			if (*e & EPT_LARGE)
				return; /* not restricted there */
			n = v->step_table[v->step_tables_used++];
			hvt_copy(n, ept_table(*e), PAGE_SIZE);
			*e = __pa(n) | EPT_ALL | EPT_OWN;
		}
		t = ept_table(*e);
	}
	t[ept_index(gpa, 1)] |= EPT_ALL;
}

static u64 eptp_of(const struct hvt_vcpu *v, enum hvt_view view)
{
	switch (view) {
	case HVT_VIEW_OPEN:
		return hvt_m.ept.eptp_open;
	case HVT_VIEW_STEP:
		return v->eptp_step;
	case HVT_VIEW_NOUSER:
		return hvt_m.ept.eptp_nouser;
	case HVT_VIEW_LAZY:
		return v->eptp_lazy;
	default:
		return hvt_m.ept.eptp_armed;
	}
}

void hvt_view_set(struct hvt_vcpu *v, enum hvt_view view)
{
	if (v->view == view)
		return;
	v->view = view;
	vmcs_write64(EPT_POINTER, eptp_of(v, view));
}
