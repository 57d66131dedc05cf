// SPDX-License-Identifier: GPL-2.0-only
/*
 * From operands to provisional records: which bytes of an access are watched, by
 * whom, on which pages, and what they hold before the instruction runs.
 */
#include <asm/page.h>
#include "root_fn.h"

/* One access's part in one page. */
struct span {
	struct hvt_page *page;
	u32 lo, hi;			/* bytes of the page */
	u8 access;
};

static bool touches_blocks(const struct hvt_page *p, u32 lo, u32 hi)
{
	u32 first = lo / 64, last = (hi - 1) / 64;

	return p->blocks & (~0ull << first) & (~0ull >> (63 - last));
}

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
static void mark_dirty(struct hvt_step *s, const struct span *sp)
{
	struct hvt_dirty *d = &s->dirty[s->ndirty];

	if (s->ndirty && d[-1].gfn == sp->page->gfn && d[-1].lo == sp->lo && d[-1].hi == sp->hi)
		return;
	if (s->ndirty == HVT_STEP_DIRTY) {
		hvt_m.broken = true;
		return;
	}
	*d = (struct hvt_dirty){ sp->page->gfn, sp->lo, sp->hi };
	s->ndirty++;
}

/* Add to @p who watches the span. True when somebody does. */
static bool match(struct hvt_step *s, struct hvt_prov *p, const struct span *sp)
{
	struct hvt_ref *r;
	bool hit = false;

	if (!sp->page || !touches_blocks(sp->page, sp->lo, sp->hi))
		return false;
	for (r = sp->page->refs; r; r = r->next) {
		struct hvt_watch *w = r->watch;
		u8 bit = 1u << w->session;

		if (r->hi <= sp->lo || r->lo >= sp->hi)
			continue;
		if (r->kind == HVT_REF_GUARD) {
			if (sp->access & HVT_ACC_W)
				mark_dirty(s, sp);
			continue;
		}
		if (!(w->access & sp->access))
			continue;
		hit = true;
		if (!(p->sessions & bit) || w->id < p->watch[w->session]->id) {
			p->sessions |= bit;
			p->watch[w->session] = w;
		}
	}
	if (hit) {
		want_lock(s, sp->page);
		if (!p->page)
			p->page = sp->page;
	}
	return hit;
}

/*
 * An access whose linear range is known exactly. Adds a provisional record if it
 * touches a watch. There is room: an instruction has few operands.
 */
void hvt_collect(struct hvt_vcpu *v, u64 gla, u32 size, u8 access, u16 flags)
{
	struct hvt_step *s = &v->step;
	u32 first = PAGE_SIZE - (gla & (PAGE_SIZE - 1));
	struct hvt_prov *p;
	struct span sp;
	bool hit;

	if (s->nprov == HVT_STEP_PAGES)
		return;
	p = &s->prov[s->nprov];
	p->gla = gla;
	p->size = size;
	p->access = access;
	p->flags = flags;
	p->snap = -1;
	p->sessions = 0;
	p->page = NULL;
	p->old_len = 0;
	p->len1 = size < first ? size : first;
	p->gpa = hvt_translate(s->cr3, gla);
	p->gpa2 = HVT_GPA_NONE;
	if (p->gpa == HVT_GPA_NONE)
		return; /* the guest will fault; it comes again */
	sp = (struct span){ hvt_page_find(p->gpa >> 12), p->gpa & (PAGE_SIZE - 1), 0, access };
	sp.hi = sp.lo + p->len1;
	hit = match(s, p, &sp);
	if (p->len1 < size) {
		p->gpa2 = hvt_translate(s->cr3, gla + p->len1);
		if (p->gpa2 != HVT_GPA_NONE) {
			sp = (struct span){ hvt_page_find(p->gpa2 >> 12), 0, size - p->len1,
					    access };
			hit |= match(s, p, &sp);
		}
	}
	s->nprov += hit;
}

/*
 * A blind access, as @at says: it first touched @page at gla/gpa; with size 0 it may
 * reach any byte from there to the page's end, and a frame any byte of the page.
 */
void hvt_collect_page(struct hvt_vcpu *v, struct hvt_page *page, const struct hvt_prov *at)
{
	struct hvt_step *s = &v->step;
	struct hvt_prov *p = &s->prov[s->nprov];
	struct span sp = { page, at->gpa & (PAGE_SIZE - 1), PAGE_SIZE, at->access };

	if (s->nprov == HVT_STEP_PAGES)
		return;
	*p = *at;
	p->gpa2 = HVT_GPA_NONE;
	p->len1 = p->size;
	p->snap = s->nsnap - 1;
	if (p->size && sp.lo + p->size < PAGE_SIZE)
		sp.hi = sp.lo + p->size;
	else if (s->mode == HVT_STEP_DELIVERY)
		sp.lo = 0;
	if (match(s, p, &sp))
		s->nprov++;
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

		if (p->access & HVT_ACC_X)
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
