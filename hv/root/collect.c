// SPDX-License-Identifier: GPL-2.0-only
/*
 * From operands to provisional records: which bytes of an access are watched, on which
 * pages, and what they hold before the instruction runs. Who is to hear of it is
 * decided when it has retired (account.c).
 */
#include <asm/page.h>
#include "root_fn.h"

static bool is_locked(const struct hvt_step *s, const struct hvt_page *p)
{
	u32 i;

	for (i = 0; i < s->nlock; i++)
		if (s->lock[i] == p)
			return true;
	return false;
}

static void want_lock(struct hvt_step *s, struct hvt_page *p)
{
	if (!is_locked(s, p) && s->nlock < HVT_STEP_PAGES)
		s->lock[s->nlock++] = p;
}

/* A store into guarded page-table entries: they are translated anew afterwards. */
static void mark_dirty(struct hvt_step *s, const struct hvt_span *sp)
{
	struct hvt_dirty *d = &s->dirty[s->ndirty];

	if (s->ndirty && d[-1].gfn == sp->page->gfn && d[-1].lo == sp->lo && d[-1].hi == sp->hi)
		return;
	if (s->ndirty == HVT_STEP_DIRTY) {
		hvt_m.broken = true;
		return;
	}
	*d = (struct hvt_dirty){ .gfn = sp->page->gfn, .lo = sp->lo, .hi = sp->hi };
	hvt_read_phys(&d->was, d->gfn << 12 | (d->lo & ~7u), 8);
	s->ndirty++;
}

static void match(struct hvt_step *s, struct hvt_prov *p, u32 part)
{
	const struct hvt_span *sp = &p->span[part];
	struct hvt_set_iter it;
	struct hvt_ref *r;
	bool hit = false;

	hvt_for_each_set(r, &it, sp->page, sp->lo, sp->hi) {
		if (r->kind == HVT_REF_GUARD) {
			if (p->access & HVT_ACC_W)
				mark_dirty(s, sp);
		} else if (r->watch->access & p->access) {
			p->only = p->hit || r->same ? NULL : r;
			p->only_part = part;
			p->hit = hit = true;
		}
	}
	if (!hit)
		return;
	p->sessions |= sp->page->sessions;
	want_lock(s, sp->page);
	if (!p->page)
		p->page = sp->page;
}

/* Bytes [lo, hi) of the page at @gpa are @p's part @i. True when the page counts them. */
static bool add_span(struct hvt_step *s, struct hvt_prov *p, u32 i, u64 gpa, u32 len)
{
	struct hvt_page *page = hvt_page_find(gpa >> 12);
	struct hvt_span *sp = &p->span[i];

	/* What ARMED lets pass is nobody's. */
	if (!page || !(page->deny & p->access))
		return false;
	sp->page = page;
	sp->lo = gpa & (PAGE_SIZE - 1);
	sp->hi = sp->lo + len;
	if (page->device)
		p->flags |= HVT_RF_DEVICE;
	match(s, p, i);
	return true;
}

static void prov_init(struct hvt_prov *p)
{
	p->hit = false;
	p->sessions = 0;
	p->span[0].page = p->span[1].page = NULL;
	p->only = NULL;
	p->page = NULL;
	p->old_len = 0;
	p->gpa2 = HVT_GPA_NONE;
}

/* The CPU has just translated one page: the one of the violation. */
static u64 translate(const struct hvt_step *s, u64 gla)
{
	if ((gla & PAGE_MASK) == s->near_gla)
		return s->near_gpa | (gla & ~PAGE_MASK);
	return hvt_translate(s->cr3, gla);
}

/*
 * An access whose linear range is known exactly. Adds a provisional record if it
 * touches a watched page. There is room: an instruction has few operands.
 */
void hvt_collect(struct hvt_vcpu *v, u64 gla, u32 size, u8 access, u8 op)
{
	struct hvt_step *s = &v->step;
	u32 first = PAGE_SIZE - (gla & (PAGE_SIZE - 1));
	struct hvt_prov *p;
	bool counts;
	u64 gpa;

	if (s->nprov == HVT_STEP_PAGES)
		return;
	gpa = translate(s, gla);
	if (gpa == HVT_GPA_NONE)
		return; /* the guest will fault; it comes again */
	p = &s->prov[s->nprov];
	prov_init(p);
	p->gla = gla;
	p->gpa = gpa;
	p->size = size;
	p->len1 = size < first ? size : first;
	p->access = access;
	p->op = op;
	p->flags = 0;
	p->snap = -1;
	counts = add_span(s, p, 0, gpa, p->len1);
	if (p->len1 < size) {
		p->gpa2 = hvt_translate(s->cr3, gla + p->len1);
		if (p->gpa2 != HVT_GPA_NONE)
			counts |= add_span(s, p, 1, p->gpa2, size - p->len1);
	}
	s->nprov += counts;
}

/*
 * A blind access, as @at says: it first touched the page at gla/gpa; with size 0 it may
 * reach any byte from there to the page's end, and a frame any byte of the page.
 */
void hvt_collect_page(struct hvt_vcpu *v, const struct hvt_prov *at)
{
	struct hvt_step *s = &v->step;
	struct hvt_prov *p = &s->prov[s->nprov];
	u64 off = at->gpa & (PAGE_SIZE - 1);
	u32 len = PAGE_SIZE - off;

	if (s->nprov == HVT_STEP_PAGES)
		return;
	*p = *at;
	prov_init(p);
	p->op = HVT_NO_OP;
	p->len1 = p->size;
	p->snap = s->nsnap - 1;
	if (p->size && p->size < len)
		len = p->size;
	else if (s->mode == HVT_STEP_DELIVERY)
		off = 0, len = PAGE_SIZE;
	s->nprov += add_span(s, p, 0, (p->gpa & PAGE_MASK) | off, len);
	if (p->flags & HVT_RF_DEVICE)
		p->flags |= HVT_RF_NOVALUE;
}

static bool page_changed(struct hvt_vcpu *v, const struct hvt_prov *p)
{
	const hvt_word *was = v->snap[p->snap];
	u64 gpa = p->gpa & PAGE_MASK, is;
	u32 i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		if (!hvt_read_phys(&is, gpa + 8 * i, 8) || is != was[i])
			return true;
	return false;
}

/*
 * A blind step saw the first access to a page, a load; its instruction may have stored
 * there as well. Then those who watch stores are told, too.
 */
void hvt_collect_store(struct hvt_vcpu *v, struct hvt_prov *p)
{
	if (p->snap < 0 || p->access != HVT_ACC_R || !p->hit || (p->flags & HVT_RF_DEVICE) ||
	    !page_changed(v, p))
		return;
	p->access |= HVT_ACC_W;
	p->only = NULL;
}

static u32 value_len(u32 size)
{
	return size < HVT_VALUE_MAX ? size : HVT_VALUE_MAX;
}

/* Old values of the exact records into the arena. Pages are locked. */
void hvt_capture_old(struct hvt_vcpu *v)
{
	struct hvt_step *s = &v->step;
	u32 i;

	for (i = 0; i < s->nprov; i++) {
		struct hvt_prov *p = &s->prov[i];
		u32 n = value_len(p->size), n1 = n < p->len1 ? n : p->len1;

		if (!p->hit || p->access == HVT_ACC_X || (p->flags & HVT_RF_DEVICE))
			continue;
		if (s->arena_used + n > HVT_ARENA)
			n = n1 = 0;
		p->old_off = s->arena_used;
		p->old_len = n;
		if (n1 && !hvt_read_phys(v->arena + p->old_off, p->gpa, n1))
			p->old_len = 0;
		if (n > n1 && (p->gpa2 == HVT_GPA_NONE ||
			       !hvt_read_phys(v->arena + p->old_off + n1, p->gpa2, n - n1)))
			p->old_len = n1;
		s->arena_used += p->old_len;
	}
}
