// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU's LAZY view, for one of two ends. NOUSER, but that user code may execute in pages
 * that were found to hold nothing that is wanted: found one fetch at a time, forgotten when
 * ARMED changes or the tables are used up. Or ARMED, but that nothing may execute in one
 * page, the one where an interrupt's handler will return to; or in those of Linux's entry
 * code, through which it comes back to user code.
 */
#include "root_fn.h"
#include "ept_bits.h"

/* A table of our own in the place of *e, at @level, with the permissions @keep. */
static u64 *make_own(struct hvt_vcpu *v, u64 *e, u32 level, u64 keep)
{
	u64 *t = v->lazy_table[v->lazy_tables_used++], was = *e;
	u32 i;

	for (i = 0; i < 512; i++)
		t[i] = (was & EPT_LARGE ? ept_sub_leaf(was, level, i) : ept_table(was)[i]) & keep;
	*e = __pa(t) | EPT_ALL | EPT_OWN;
	return t;
}

/* The leaf of the page at @gpa, in tables of our own. */
static u64 *own_leaf(struct hvt_vcpu *v, u64 gpa, u64 keep)
{
	u64 *t = v->lazy_table[0];
	u32 level;

	for (level = 4; level > 1; level--) {
		u64 *e = &t[ept_index(gpa, level)];

		t = *e & EPT_OWN ? ept_table(*e) : make_own(v, e, level, keep);
	}
	return &t[ept_index(gpa, 1)];
}

static void trap(struct hvt_vcpu *v, u64 gpa)
{
	if (gpa != HVT_GPA_NONE && hvt_ept_mapped(gpa))
		*own_leaf(v, gpa, ~0ull) &= ~(u64)(HVT_ACC_X | EPT_USER);
}

void hvt_lazy_reset(struct hvt_vcpu *v)
{
	u64 va;

	static_assert(1 + 3 * HVT_ENTRY_PAGES <= HVT_LAZY_TABLES);

	hvt_copy(v->lazy_table[0],
		 v->lazy_trap == HVT_GPA_NONE ? hvt_m.ept.nouser : hvt_m.ept.armed, PAGE_SIZE);
	v->lazy_tables_used = 1;
	if (v->lazy_trap != HVT_TRAP_ENTRY)
		trap(v, v->lazy_trap);
	else
		for (va = hvt_m.entry_lo; va < hvt_m.entry_hi; va += PAGE_SIZE)
			trap(v, hvt_translate(v->host_cr3, va));
	vmx_invept(VMX_EPT_EXTENT_CONTEXT, v->eptp_lazy);
}

/*
 * What it is for: nothing executes in @gpa's page, or (HVT_TRAP_ENTRY) in the entry code; or
 * (HVT_GPA_NONE) no user code does, for a start.
 */
void hvt_lazy_set(struct hvt_vcpu *v, u64 gpa)
{
	if (gpa < HVT_TRAP_ENTRY)
		gpa &= PAGE_MASK;
	if (gpa != HVT_GPA_NONE && v->lazy_trap == gpa)
		return;
	v->lazy_trap = gpa;
	hvt_lazy_reset(v);
}

/*
 * User code may execute in the page at @gpa. False: it may already, or ARMED says that it
 * may not; the violation is somebody else's.
 */
bool hvt_lazy_open(struct hvt_vcpu *v, u64 gpa)
{
	u64 *leaf;

	if (v->lazy_trap != HVT_GPA_NONE || !hvt_ept_mapped(gpa))
		return false;
	if (v->lazy_tables_used + 3 > HVT_LAZY_TABLES)
		hvt_lazy_reset(v);
	leaf = own_leaf(v, gpa, ~EPT_USER);
	if ((*leaf & EPT_USER) || !(*leaf & HVT_ACC_X))
		return false;
	*leaf |= EPT_USER;
	return true;
}
