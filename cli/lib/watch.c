/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The watch table and the one question it answers: which watches does an access touch?
 *
 * A watch is on memory, not on an address: the kernel reaches the same page through
 * other linear addresses (direct map, kmap, another process). So an access at an address
 * inside the watch's own pages is compared by address, any other one by its offset in
 * the page. A watch on physical memory is compared by physical address alone.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MASK (HVT_PAGE - 1)

int hvt_watches_add(struct hvt_watches *w, const struct hvt_filters *filters,
		    const uint8_t *payload, size_t len)
{
	const struct hvt_filter *filter = NULL;
	struct hvt_watch_fact *f;
	struct hvt_log_watch h;
	char *spec;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	if (h.spec_len > len - sizeof(h) || !h.len || h.addr + (h.len - 1) < h.addr)
		return -EBADMSG;
	if (h.filter) {
		filter = hvt_filters_find(filters, h.filter);
		if (!filter)
			return -EBADMSG;
	}
	rc = hvt_grow((void **)&w->v, &w->cap, w->n, sizeof(*w->v));
	if (rc)
		return rc;
	spec = hvt_copy_string(payload + sizeof(h), h.spec_len);
	if (!spec)
		return -ENOMEM;
	w->ids_grow = !w->n || (w->ids_grow && h.id > w->v[w->n - 1].id);
	w->any_phys |= h.flags & HVT_WATCH_PHYS;
	f = &w->v[w->n++];
	memset(f, 0, sizeof(*f));
	f->id = h.id;
	f->access = h.access;
	f->pid = h.pid;
	f->addr = h.addr;
	f->len = h.len;
	f->flags = h.flags;
	f->filter = filter;
	f->spec = spec;
	return 0;
}

void hvt_watches_free(struct hvt_watches *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free((char *)w->v[i].spec);
	free(w->v);
	free(w->index);
}

/* Do the inclusive ranges [a, a_last] and [b, b_last] share a byte? Which: [*first, *last]. */
static bool meets(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last, uint64_t *first,
		  uint64_t *last)
{
	*first = a > b ? a : b;
	*last = a_last < b_last ? a_last : b_last;
	return *first <= *last;
}

static uint64_t last_of(uint64_t addr, uint64_t size)
{
	uint64_t last = addr + (size ? size - 1 : 0);

	return last < addr ? UINT64_MAX : last;
}

/*
 * Root names the first watch that an access touches; of a BLIND one the first that has a byte
 * from gla to the end of the page, of a BLIND event delivery or walk one of the page.
 */
struct hvt_place hvt_place_of(const struct hvt_rec_access *rec, uint64_t addr, uint64_t size)
{
	uint64_t off = rec->gla & MASK, last = off + (rec->size ? rec->size - 1 : MASK);
	bool all = rec->size ? last > MASK : rec->h.flags & (HVT_RF_DELIVERY | HVT_RF_WALK);

	return (struct hvt_place){ .addr = addr,
				   .size = size,
				   .gla = rec->gla,
				   .gpa = rec->gpa,
				   .pid = rec->pid,
				   .seen_first = (uint16_t)(all ? 0 : off),
				   .seen_last = (uint16_t)(last > MASK ? MASK : last) };
}

/*
 * By physical address. The record ties one byte of the access, gla, to gpa; of the rest
 * only what lies in gpa's page is known.
 */
static enum hvt_meet physical(const struct hvt_watch_fact *w, const struct hvt_place *p,
			      uint64_t *first, uint64_t *last)
{
	uint64_t below = p->gpa & MASK, above = MASK - below, end = last_of(p->addr, p->size);
	uint64_t lo = p->gpa - below, hi = p->gpa + above;

	if (p->gpa == HVT_GPA_NONE)
		return HVT_MAY_MEET;
	if ((p->addr > p->gla && p->addr - p->gla > above) ||
	    (end < p->gla && p->gla - end > below))
		return HVT_APART;
	if (p->addr > p->gla || p->gla - p->addr < below)
		lo = p->gpa + (p->addr - p->gla);
	if (end < p->gla || end - p->gla < above)
		hi = p->gpa + (end - p->gla);
	if (!meets(lo, hi, w->addr, w->addr + (w->len - 1), first, last))
		return HVT_APART;
	*first += p->gla - p->gpa;
	*last += p->gla - p->gpa;
	return HVT_MEET;
}

/* Through another linear address: only the part of the access in gla's page is comparable. */
static enum hvt_meet by_offset(const struct hvt_watch_fact *w, const struct hvt_place *p,
			       uint64_t *first, uint64_t *last)
{
	uint64_t page = p->gla & ~MASK, w_last = w->addr + (w->len - 1), lo, hi;

	if (!meets(p->addr, last_of(p->addr, p->size), page, page | MASK, &lo, &hi))
		return HVT_APART;
	lo &= MASK;
	hi &= MASK;
	if (w->addr / HVT_PAGE == w_last / HVT_PAGE) {
		if (!meets(lo, hi, w->addr & MASK, w_last & MASK, first, last))
			return HVT_APART;
		*first |= page;
		*last |= page;
		return HVT_MEET;
	}
	if (w_last / HVT_PAGE - w->addr / HVT_PAGE > 1)
		return HVT_MAY_MEET; /* some page of it is watched as a whole */
	return meets(lo, hi, w->addr & MASK, MASK, first, last) ||
			       meets(lo, hi, 0, w_last & MASK, first, last) ?
		       HVT_MAY_MEET :
		       HVT_APART;
}

/* Is gla in one of the pages of a linear watch? */
static bool in_pages(const struct hvt_watch_fact *w, uint64_t gla)
{
	return gla >= (w->addr & ~MASK) && gla <= ((w->addr + (w->len - 1)) | MASK);
}

enum hvt_meet hvt_watch_meets(const struct hvt_watch_fact *w, const struct hvt_place *p,
			      uint64_t *first, uint64_t *last)
{
	if (w->flags & HVT_WATCH_PHYS)
		return physical(w, p, first, last);
	if (!in_pages(w, p->gla))
		return by_offset(w, p, first, last);
	return meets(p->addr, last_of(p->addr, p->size), w->addr, w->addr + (w->len - 1), first,
		     last) ?
		       HVT_MEET :
		       HVT_APART;
}

/*
 * Can a watch be on what a record is about whose own watch is none or on physical memory, or
 * that is itself on physical memory? That is the same for all.
 */
static bool same_memory(const struct hvt_watch_fact *own, const struct hvt_watch_fact *f,
			const struct hvt_place *p)
{
	if (f->flags & HVT_WATCH_PHYS)
		return p->gpa != HVT_GPA_NONE;
	return !own || (in_pages(f, p->gla) && (!f->pid || (uint32_t)f->pid == p->pid));
}

/* Has the watch one of the bytes [first, last] of the page? */
static bool has(const struct hvt_watch_fact *w, uint64_t page, uint64_t first, uint64_t last)
{
	return meets(page | first, page | last, w->addr, w->addr + (w->len - 1), &first, &last);
}

/*
 * Through another address than the own watch's: the access was on a page where the own watch
 * has a byte that root saw. Can it have touched the other one there? Pages between the first
 * and the last that both are on are watched by both as a whole: one stands for all of them.
 */
static bool on_own_page(const struct hvt_watch_fact *own, const struct hvt_watch_fact *f,
			const struct hvt_place *p)
{
	uint64_t page = p->gla & ~MASK, pages[3], lo, hi, first, last;
	size_t i;

	if (!meets(p->addr, last_of(p->addr, p->size), page, page | MASK, &lo, &hi) ||
	    !meets(own->addr & ~MASK, (own->addr + (own->len - 1)) & ~MASK, f->addr & ~MASK,
		   (f->addr + (f->len - 1)) & ~MASK, &first, &last))
		return false;
	pages[0] = first;
	pages[1] = first + (first < last ? HVT_PAGE : 0);
	pages[2] = last;
	for (i = 0; i < 3; i++)
		if (has(own, pages[i], p->seen_first, p->seen_last) &&
		    has(f, pages[i], lo & MASK, hi & MASK))
			return true;
	return false;
}

/*
 * Is the access at the own watch's addresses? Then its address says where all of it is,
 * on a second page as well.
 */
static bool is_direct(const struct hvt_watch_fact *own, const struct hvt_place *p)
{
	uint64_t first, last;

	return !(own->flags & HVT_WATCH_PHYS) &&
	       meets(p->addr & ~MASK, last_of(p->addr, p->size) | MASK, own->addr,
		     own->addr + (own->len - 1), &first, &last);
}

/* By address, through the index: -E2BIG or -ENOMEM when that cannot be. */
static int touched_directly(struct hvt_watches *w, const struct hvt_watch_fact *own,
			    uint32_t access, const struct hvt_place *p, uint32_t *ids, uint32_t max)
{
	size_t found[4 * HVT_EVENT_WATCHES];
	int n = hvt_watches_between(w, p->addr, last_of(p->addr, p->size), found,
				    sizeof(found) / sizeof(found[0])),
	    i, pass;
	uint32_t k = 0;

	if (n < 0)
		return n;
	for (pass = 0; pass < 2; pass++) { /* the own watch, then the others */
		for (i = 0; i < n && k < max; i++) {
			const struct hvt_watch_fact *f = &w->v[found[i]];

			if ((f == own) == !pass && f->pid == own->pid && (f->access & access))
				ids[k++] = f->id;
		}
	}
	return (int)k;
}

uint32_t hvt_watches_touched(struct hvt_watches *w, uint32_t own_id, uint32_t access,
			     const struct hvt_place *p, uint32_t *ids, uint32_t max)
{
	const struct hvt_watch_fact *own = own_id ? hvt_watches_find(w, own_id) : NULL, *f;
	uint64_t first = p->addr, last = last_of(p->addr, p->size);
	bool direct, touches;
	uint32_t n = 0;
	size_t i;
	int some;

	/* nearly always it is inside of its own watch, which has these bytes to itself */
	if (own && !w->any_phys && first >= own->addr && last <= own->addr + (own->len - 1) &&
	    hvt_watch_alone(w, own)) {
		ids[0] = own->id;
		return max && own->access & access ? 1 : 0;
	}
	direct = own && is_direct(own, p);
	if (direct && !w->any_phys) {
		some = touched_directly(w, own, access, p, ids, max);
		if (some >= 0)
			return (uint32_t)some;
	}
	/* the own watch, then the others */
	for (i = own ? 0 : 1; i <= w->n && n < max; i++) {
		f = i ? &w->v[i - 1] : own;
		if ((i && f == own) || !(f->access & access))
			continue;
		if (direct && !(f->flags & HVT_WATCH_PHYS))
			touches = f->pid == own->pid &&
				  meets(p->addr, last_of(p->addr, p->size), f->addr,
					f->addr + (f->len - 1), &first, &last);
		else if (own && f != own && !((own->flags | f->flags) & HVT_WATCH_PHYS))
			touches = f->pid == own->pid && on_own_page(own, f, p);
		else
			touches = (f == own || same_memory(own, f, p)) &&
				  hvt_watch_meets(f, p, &first, &last);
		if (touches)
			ids[n++] = f->id;
	}
	return n;
}
