// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages somebody is interested in: a hash from guest frame number to page, and an
 * index from bytes of a page to the references that cover them. Read by every CPU's
 * exits, changed only while all others are stopped (stop.c), so that readers need no
 * lock.
 *
 * The index: references to the same bytes that ask for the same are a set, and all but
 * its first one hang under that. A set lives in one bin, the smallest aligned block of
 * 2^n bytes that holds all of it. Blocks are numbered as in a binary heap (1: the page,
 * 4096 + n: byte n), and all bins of all pages share one hash. A lookup visits the few
 * bins that an access overlaps, so its cost does not grow with the number of references:
 * neither with those elsewhere nor with those of the same bytes. It must not: a step
 * whose preparation takes longer than the timer's period is interrupted each time.
 */
#include "root_fn.h"

#define PAGE_BYTES 4096
#define FEW_SETS   6 /* walking so many costs less than looking up bins */

static u32 hash(u64 key)
{
	return (key * 0x9e3779b97f4a7c15ull) >> (64 - HVT_HASH_BITS);
}

struct hvt_page *hvt_page_find(u64 gfn)
{
	struct hvt_page *p;

	for (p = hvt_m.hash[hash(gfn)]; p; p = p->next)
		if (p->gfn == gfn)
			return p;
	return NULL;
}

/* ------------------------------------------------------------------ */
/* The index of one page's references */

static u32 order_of(u32 lo, u32 hi)
{
	u32 differ = lo ^ (hi - 1);

	return differ ? 32 - __builtin_clz(differ) : 0;
}

static struct hvt_ref **bin_head(const struct hvt_page *p, u32 bin)
{
	return &hvt_m.bins[hash(p->gfn << 13 | bin)];
}

/* Of two references in one bin's chain. */
static bool same_set(const struct hvt_ref *a, const struct hvt_ref *b)
{
	return a->page == b->page && a->lo == b->lo && a->hi == b->hi && a->kind == b->kind &&
	       (a->kind == HVT_REF_GUARD || a->watch->access == b->watch->access);
}

static void chain_add(struct hvt_ref *r, struct hvt_ref **head)
{
	r->next = *head;
	r->pprev = head;
	if (r->next)
		r->next->pprev = &r->next;
	*head = r;
}

static void chain_del(struct hvt_ref *r)
{
	*r->pprev = r->next;
	if (r->next)
		r->next->pprev = r->pprev;
}

/* @r stands for a set of itself and @others. */
static void set_add(struct hvt_page *p, struct hvt_ref *r, struct hvt_ref *others)
{
	r->first = true;
	r->same = others;
	if (others)
		others->pprev = &r->same;
	chain_add(r, bin_head(p, r->bin));
	r->page_next = p->sets;
	r->page_pprev = &p->sets;
	if (r->page_next)
		r->page_next->page_pprev = &r->page_next;
	p->sets = r;
	p->norder[order_of(r->lo, r->hi)]++;
	p->nsets++;
}

static void set_del(struct hvt_page *p, struct hvt_ref *r)
{
	chain_del(r);
	*r->page_pprev = r->page_next;
	if (r->page_next)
		r->page_next->page_pprev = r->page_pprev;
	p->norder[order_of(r->lo, r->hi)]--;
	p->nsets--;
}

static void index_add(struct hvt_page *p, struct hvt_ref *r)
{
	struct hvt_ref *first;

	r->bin = (PAGE_BYTES + r->lo) >> order_of(r->lo, r->hi);
	for (first = *bin_head(p, r->bin); first; first = first->next) {
		if (same_set(first, r)) {
			r->first = false;
			chain_add(r, &first->same);
			return;
		}
	}
	set_add(p, r, NULL);
}

static void index_del(struct hvt_page *p, struct hvt_ref *r)
{
	if (!r->first) {
		chain_del(r);
		return;
	}
	set_del(p, r);
	if (r->same)
		set_add(p, r->same, r->same->next);
}

/* The next non-empty bin chain that the access overlaps, or NULL. */
static struct hvt_ref *next_bin(struct hvt_set_iter *it)
{
	for (;;) {
		while (it->bin > it->last) {
			if (++it->order == HVT_BIN_ORDERS)
				return NULL;
			if (!it->page->norder[it->order])
				continue;
			it->bin = (PAGE_BYTES + it->lo) >> it->order;
			it->last = (PAGE_BYTES + it->hi - 1) >> it->order;
		}
		it->bin++;
		if (*bin_head(it->page, it->bin - 1))
			return *bin_head(it->page, it->bin - 1);
	}
}

static bool overlaps(const struct hvt_set_iter *it, const struct hvt_ref *r)
{
	return r->lo < it->hi && r->hi > it->lo;
}

struct hvt_ref *hvt_sets_next(struct hvt_set_iter *it)
{
	struct hvt_ref *r = it->ref;

	if (it->few) {
		while (r && !overlaps(it, r))
			r = r->page_next;
		it->ref = r ? r->page_next : NULL;
		return r;
	}
	for (;;) {
		if (!r)
			r = next_bin(it);
		if (!r)
			return NULL;
		it->ref = r->next;
		/* The bin, not just the hash: else a set could come twice. */
		if (r->page == it->page && r->bin == it->bin - 1 && overlaps(it, r))
			return r;
		r = it->ref;
	}
}

struct hvt_ref *hvt_sets_first(struct hvt_set_iter *it, const struct hvt_page *p, u32 lo, u32 hi)
{
	it->page = p;
	it->lo = lo;
	it->hi = hi;
	it->few = p->nsets <= FEW_SETS + (hi - lo) / 2;
	it->ref = it->few ? p->sets : NULL;
	it->order = -1;
	it->bin = 1;
	it->last = 0;
	return hvt_sets_next(it);
}

/* ------------------------------------------------------------------ */

/*
 * SDM table 29-5: writable without readable is a misconfiguration, and so is
 * execute-only where the CPU lacks it.
 */
static u8 deny_of(const struct hvt_page *p)
{
	u8 deny = 0;

	if (p->naccess[0])
		deny |= HVT_ACC_R | HVT_ACC_W | (hvt_m.ept.exec_only ? 0 : HVT_ACC_X);
	if (p->naccess[1] || p->nguards)
		deny |= HVT_ACC_W;
	if (p->naccess[2])
		deny |= HVT_ACC_X;
	return deny;
}

static void count_ref(struct hvt_page *p, const struct hvt_ref *r, s32 by)
{
	u32 s = r->watch->session, i;

	if (r->kind == HVT_REF_GUARD) {
		p->nguards += by;
		return;
	}
	for (i = 0; i < 3; i++)
		if (r->watch->access & (1u << i))
			p->naccess[i] += by;
	p->nsession[s] += by;
	p->sessions = (p->sessions & ~(1u << s)) | !!p->nsession[s] << s;
}

static void restrict_page(struct hvt_page *p)
{
	u8 deny = deny_of(p);

	if (deny == p->deny)
		return;
	p->deny = deny;
	if (!hvt_ept_restrict(p->gfn << 12, deny))
		hvt_m.broken = true;
}

/*
 * Linux maps RAM alone, but for the video memory and ROMs below 1 MiB; RAM that it
 * unmapped (memfd_secret) cannot be read either.
 */
bool hvt_is_device(u64 gpa)
{
	u8 byte;

	return (gpa >= 0xa0000 && gpa < 0x100000) || !hvt_read_phys(&byte, gpa, 1);
}

static struct hvt_page *page_get(u64 gfn)
{
	struct hvt_page *p = hvt_page_find(gfn), **b;

	if (p)
		return p;
	p = hvt_m.free_pages;
	if (!p) {
		hvt_m.broken = true;
		return NULL;
	}
	hvt_m.free_pages = p->next;
	hvt_zero(p, sizeof(*p));
	p->gfn = gfn;
	p->order = hvt_m.order_floor;
	p->device = hvt_is_device(gfn << 12);
	b = &hvt_m.hash[hash(gfn)];
	p->next = *b;
	*b = p;
	return p;
}

static void page_put(struct hvt_page *p)
{
	struct hvt_page **b;

	/* Should it be watched again, its order goes on upwards. */
	if (p->order > hvt_m.order_floor)
		hvt_m.order_floor = p->order;
	for (b = &hvt_m.hash[hash(p->gfn)]; *b != p; b = &(*b)->next)
		;
	*b = p->next;
	p->next = hvt_m.free_pages;
	hvt_m.free_pages = p;
}

void hvt_ref_link(struct hvt_ref *ref, u64 gfn)
{
	struct hvt_page *p = page_get(gfn);

	if (!p)
		return;
	ref->page = p;
	ref->since = p->accesses;
	ref->touched = 0;
	index_add(p, ref);
	count_ref(p, ref, 1);
	restrict_page(p);
}

void hvt_ref_unlink(struct hvt_ref *ref)
{
	struct hvt_page *p = ref->page;

	if (!p)
		return;
	if (ref->kind == HVT_REF_DATA)
		ref->watch->near += hvt_ref_near(ref);
	index_del(p, ref);
	count_ref(p, ref, -1);
	ref->page = NULL;
	restrict_page(p);
	if (!p->nsets)
		page_put(p);
}
