// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following a watched address range through the page tables that translate it.
 *
 * For each page-table page on the way a guard reference denies writes to it; a
 * guest store to a guarded entry is stepped with all other CPUs stopped, and the
 * affected part is translated anew before anybody can use the new entry. So demand
 * paging, COW, swap, migration, THP and mremap need no notifier: what the MMU would
 * do is what is armed.
 *
 * Guards of one watch are an array: those of level 1 (tables of PTEs) first, one for
 * each table region the range crosses; guard_base[level] says where a level starts.
 */
#include <asm/page.h>
#include <asm/pgtable_types.h>
#include "root_fn.h"

#define ENTRY_ADDR 0x000ffffffffff000ull

static u32 shift_of(u32 level)	/* of the bytes that one entry at @level maps */
{
	return 12 + 9 * (level - 1);
}

static u64 max64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static u64 min64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static u64 watch_start(const struct hvt_watch *w)
{
	return w->first_page << 12;
}

static u64 watch_end(const struct hvt_watch *w)	/* exclusive; 0 at the top */
{
	return (w->first_page + w->npages) << 12;
}

/*
 * Where @va's aligned block of @span bytes ends, or @end if that comes first. The
 * last block of the address space ends at 2^64: no sum here may reach it.
 */
static u64 block_end(u64 va, u64 span, u64 end)
{
	u64 left = span - (va & (span - 1));

	return end - va <= left ? end : va + left;
}

static struct hvt_ref *guard_at(struct hvt_watch *w, u32 level, u64 va)
{
	u32 shift = shift_of(level + 1);

	return hvt_guard_ref(w, w->guard_base[level] +
				    (u32)((va >> shift) - (watch_start(w) >> shift)));
}

static void set_page(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 gpa)
{
	struct hvt_ref *ref = hvt_data_ref(w, (va >> 12) - w->first_page);
	u64 old = ref->page ? ref->page->gfn << 12 : HVT_GPA_NONE;

	if (old == gpa)
		return;
	if (ref->page) {
		hvt_ref_unlink(ref);
		w->mapped--;
	}
	if (gpa != HVT_GPA_NONE) {
		hvt_ref_link(ref, gpa >> 12);
		w->mapped++;
	}
	if (w->linked) {
		w->remaps++;
		hvt_emit_remap(v, w, va, old, gpa);
	}
}

/* [va, end) is not translated by tables at @level and below (any more). */
static void drop_guards(struct hvt_watch *w, u32 level, u64 va, u64 end)
{
	u64 a;

	for (; level >= 1; level--) {
		u64 span = 1ull << shift_of(level + 1);

		for (a = va; a < end; a = block_end(a, span, end))
			hvt_ref_unlink(guard_at(w, level, a));
	}
}

static void set_range(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 end, u64 gpa)
{
	for (; va < end; va += PAGE_SIZE) {
		set_page(v, w, va, gpa);
		if (gpa != HVT_GPA_NONE)
			gpa += PAGE_SIZE;
	}
}

/* Point the guard of the table at @table_gpa at the entries for all of the watch. */
static void guard_table(struct hvt_watch *w, u32 level, u64 va, u64 table_gpa)
{
	struct hvt_ref *g = guard_at(w, level, va);
	u64 span = 1ull << shift_of(level + 1), lo, last;

	if (g->page && g->page->gfn == table_gpa >> 12)
		return;
	hvt_ref_unlink(g);
	lo = max64(va & ~(span - 1), watch_start(w));
	last = min64((va | (span - 1)), watch_end(w) - 1);
	g->watch = w;
	g->kind = HVT_REF_GUARD;
	g->level = level;
	g->va = lo;
	g->va_end = (last | (PAGE_SIZE - 1)) + 1;
	g->lo = ((lo >> shift_of(level)) & 511) * 8;
	g->hi = ((last >> shift_of(level)) & 511) * 8 + 8;
	hvt_ref_link(g, table_gpa >> 12);
}

/*
 * Translate [va, end), which the table at @table_gpa (@level) covers. Recursion is
 * as deep as the page tables: 5 at most.
 */
static void follow_table(struct hvt_vcpu *v, struct hvt_watch *w, u32 level, u64 table_gpa,
			 u64 va, u64 end)
{
	u64 span = 1ull << shift_of(level);

	guard_table(w, level, va, table_gpa);
	while (va < end) {
		u64 next = block_end(va, span, end), e;
		u32 i = (va >> shift_of(level)) & 511;

		if (!hvt_read_phys(&e, table_gpa + i * 8, 8))
			e = 0;
		if (!(e & _PAGE_PRESENT)) {
			drop_guards(w, level - 1, va, next);
			set_range(v, w, va, next, HVT_GPA_NONE);
		} else if (level == 1 || (level <= 3 && (e & _PAGE_PSE))) {
			drop_guards(w, level - 1, va, next);
			set_range(v, w, va, next,
				  (e & ENTRY_ADDR & ~(span - 1)) + (va & (span - 1)));
		} else {
			follow_table(v, w, level - 1, e & ENTRY_ADDR, va, next);
		}
		va = next;
	}
}

void hvt_follow(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 va_end)
{
	if (w->phys)
		set_range(v, w, va, va_end, va);
	else
		follow_table(v, w, w->levels, w->root_gpa, va, va_end);
}

/* The addresses that entries in bytes [lo, hi) of guard @g's table translate. */
static void follow_guard(struct hvt_vcpu *v, struct hvt_ref *g, u32 lo, u32 hi)
{
	u64 span = 1ull << shift_of(g->level), base = g->va & ~(span * 512 - 1);
	u64 va = max64(base + lo / 8 * span, g->va);
	u64 end = min64(base + ((hi - 1) / 8 * span | (span - 1)), g->va_end - 1) + 1;

	if (va < end)
		follow_table(v, g->watch, g->level, g->page->gfn << 12, va, end);
}

/* What an entry says about translation; permissions and the like are not followed. */
static u64 points_to(u64 e)
{
	return e & _PAGE_PRESENT ? e & (ENTRY_ADDR | _PAGE_PSE | _PAGE_PRESENT) : 0;
}

static bool is_unchanged(const struct hvt_dirty *d)
{
	u64 e;

	return d->lo / 8 == (d->hi - 1) / 8 &&
	       hvt_read_phys(&e, d->gfn << 12 | (d->lo & ~7u), 8) &&
	       points_to(e) == points_to(d->was);
}

/* Translate anew what guarded bytes @d may have changed, for every watch. */
void hvt_follow_dirty(struct hvt_vcpu *v, const struct hvt_dirty *d)
{
	struct hvt_page *p = hvt_page_find(d->gfn);
	struct hvt_ref *set, *g, *todo = NULL;
	struct hvt_set_iter it;

	if (!p || is_unchanged(d))
		return;
	/* First all, then one after the other: that moves references between the bins. */
	hvt_for_each_set(set, &it, p, d->lo, d->hi) {
		for (g = set; g && g->kind == HVT_REF_GUARD; g = hvt_set_next(g)) {
			g->todo = todo;
			todo = g;
		}
	}
	for (; todo; todo = todo->todo)
		if (todo->page && todo->page->gfn == d->gfn) /* else one above it was here */
			follow_guard(v, todo, d->lo, d->hi);
}

void hvt_unfollow(struct hvt_vcpu *v, struct hvt_watch *w)
{
	u32 i;

	w->linked = false;
	for (i = 0; i < w->nguards; i++)
		hvt_ref_unlink(hvt_guard_ref(w, i));
	for (i = 0; i < w->npages; i++)
		hvt_ref_unlink(hvt_data_ref(w, i));
	w->mapped = 0;
}
