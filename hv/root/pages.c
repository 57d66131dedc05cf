// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages somebody is interested in: a hash from guest frame number to the list
 * of references. Read by every CPU's exits, changed only while all others are
 * stopped (stop.c), so that readers need no lock.
 */
#include "root_fn.h"

static struct hvt_page **bucket(u64 gfn)
{
	return &hvt_m.hash[(gfn * 0x9e3779b97f4a7c15ull) >> (64 - HVT_HASH_BITS)];
}

struct hvt_page *hvt_page_find(u64 gfn)
{
	struct hvt_page *p;

	for (p = *bucket(gfn); p; p = p->next)
		if (p->gfn == gfn)
			return p;
	return NULL;
}

static u64 blocks_of(const struct hvt_ref *r)
{
	u32 first = r->lo / 64, last = (r->hi - 1) / 64;

	return (~0ull << first) & (~0ull >> (63 - last));
}

/*
 * SDM table 29-5: writable without readable is a misconfiguration, and so is
 * execute-only where the CPU lacks it.
 */
static u8 deny_of(const struct hvt_ref *r)
{
	u8 deny;

	if (r->kind == HVT_REF_GUARD)
		return HVT_ACC_W;
	deny = r->watch->access;
	if (deny & HVT_ACC_R)
		deny |= HVT_ACC_W | (hvt_m.ept.exec_only ? 0 : HVT_ACC_X);
	return deny;
}

static void summarise(struct hvt_page *p)
{
	struct hvt_ref *r;
	u8 deny = 0;

	p->blocks = 0;
	for (r = p->refs; r; r = r->next) {
		p->blocks |= blocks_of(r);
		deny |= deny_of(r);
	}
	if (deny != p->deny) {
		p->deny = deny;
		if (!hvt_ept_restrict(p->gfn << 12, deny))
			hvt_m.broken = true;
	}
}

void hvt_ref_link(struct hvt_ref *ref, u64 gfn)
{
	struct hvt_page **b = bucket(gfn), *p = hvt_page_find(gfn);
	u8 deny = deny_of(ref);

	if (!p) {
		p = hvt_m.free_pages;
		if (!p) {
			hvt_m.broken = true;
			return;
		}
		hvt_m.free_pages = p->next;
		hvt_zero(p, sizeof(*p));
		p->gfn = gfn;
		p->next = *b;
		*b = p;
	}
	ref->page = p;
	ref->next = p->refs;
	p->refs = ref;
	p->changes++;
	p->blocks |= blocks_of(ref);
	if ((p->deny | deny) != p->deny) {
		p->deny |= deny;
		if (!hvt_ept_restrict(gfn << 12, p->deny))
			hvt_m.broken = true;
	}
}

void hvt_ref_unlink(struct hvt_ref *ref)
{
	struct hvt_page *p = ref->page, **b;
	struct hvt_ref **r;

	if (!p)
		return;
	for (r = &p->refs; *r != ref; r = &(*r)->next)
		;
	*r = ref->next;
	ref->page = NULL;
	p->changes++;
	summarise(p);
	if (p->refs)
		return;
	for (b = bucket(p->gfn); *b != p; b = &(*b)->next)
		;
	*b = p->next;
	p->next = hvt_m.free_pages;
	hvt_m.free_pages = p;
}
