/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The watch table and the one question it answers: which watches does an access touch?
 *
 * A watch is on memory, not on an address: the kernel reaches the same page through
 * other linear addresses (direct map, kmap, another process). So an access at an address
 * inside the watch's own pages is compared by address, any other one by its offset in
 * the page.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_watches_add(struct hvt_watches *w, const uint8_t *payload, size_t len)
{
	struct hvt_watch_fact *f;
	struct hvt_log_watch h;
	char *spec;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	if (h.spec_len > len - sizeof(h) || !h.len || h.addr + (h.len - 1) < h.addr)
		return -EBADMSG;
	rc = hvt_grow((void **)&w->v, &w->cap, w->n, sizeof(*w->v));
	if (rc)
		return rc;
	spec = hvt_copy_string(payload + sizeof(h), h.spec_len);
	if (!spec)
		return -ENOMEM;
	f = &w->v[w->n++];
	memset(f, 0, sizeof(*f));
	f->id = h.id;
	f->access = h.access;
	f->pid = h.pid;
	f->addr = h.addr;
	f->len = h.len;
	f->spec = spec;
	return 0;
}

void hvt_watches_free(struct hvt_watches *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free((char *)w->v[i].spec);
	free(w->v);
}

/* Do the inclusive ranges [a, a_last] and [b, b_last] share a byte? */
static bool meets(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last)
{
	return a <= b_last && b <= a_last;
}

static uint64_t last_of(uint64_t addr, uint64_t size)
{
	uint64_t last = addr + (size ? size - 1 : 0);

	return last < addr ? UINT64_MAX : last;
}

bool hvt_watch_overlaps(const struct hvt_watch_fact *w, uint64_t gla, uint64_t addr, uint64_t size)
{
	uint64_t mask = HVT_PAGE - 1;
	uint64_t w_last = w->addr + (w->len - 1);
	uint64_t last = last_of(addr, size);
	uint64_t first_page = w->addr & ~mask, last_page = w_last & ~mask, page = gla & ~mask;

	if (page >= first_page && page <= last_page)
		return meets(addr, last, w->addr, w_last);
	/* an alias: only the part of the access in gla's page is comparable */
	if (!meets(addr, last, page, page | mask))
		return false;
	addr = addr > page ? addr & mask : 0;
	last = last < (page | mask) ? last & mask : mask;
	if (first_page == last_page)
		return meets(addr, last, w->addr & mask, w_last & mask);
	if (last_page - first_page > HVT_PAGE)
		return true; /* some page of it is watched as a whole */
	return meets(addr, last, w->addr & mask, mask) || meets(addr, last, 0, w_last & mask);
}

uint32_t hvt_watches_touched(const struct hvt_watches *w, uint32_t first, uint32_t access,
			     uint64_t gla, uint64_t addr, uint64_t size, uint32_t *ids,
			     uint32_t max)
{
	const struct hvt_watch_fact *own = NULL, *f;
	uint64_t mask = HVT_PAGE - 1;
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < w->n && !own; i++)
		if (first && w->v[i].id == first)
			own = &w->v[i];
	if (own && max && (own->access & access) && hvt_watch_overlaps(own, gla, addr, size))
		ids[n++] = own->id;
	for (i = 0; i < w->n && n < max; i++) {
		f = &w->v[i];
		if (f == own || !(f->access & access))
			continue;
		/*
		 * The record's own watch says whose memory this is. A watch of another
		 * process at the same address, or on a page that the own watch does not
		 * share, is about other memory.
		 */
		if (own &&
		    (f->pid != own->pid || !meets(f->addr & ~mask, (f->addr + (f->len - 1)) | mask,
						  own->addr, own->addr + (own->len - 1))))
			continue;
		if (hvt_watch_overlaps(f, gla, addr, size))
			ids[n++] = f->id;
	}
	return n;
}
