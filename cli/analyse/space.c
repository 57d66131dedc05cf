/* SPDX-License-Identifier: GPL-2.0-only */
/* The watches of one memory that are near a range: see space.h. */
#include "space.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE 4096ull

/* A filter that leaves out only writes that change nothing leaves out no value. */
static bool is_complete(const struct hvt_watch_fact *w)
{
	const struct hvt_filter *f = w->filter;

	if (!(w->access & HVT_ACC_W))
		return false;
	return !f || !((f->flags & ~HVT_FF_CHANGED) || f->op || f->every > 1 || f->limit ||
		       f->nr_pids || f->nr_tids || f->nr_comms || f->nr_ips);
}

static bool is_near(const struct hvt_watch_fact *w, struct hvt_space space, uint64_t addr,
		    uint64_t len)
{
	if (!(w->flags & HVT_WATCH_PHYS) != !space.physical ||
	    (!space.physical && w->pid != space.pid))
		return false;
	return w->addr / PAGE <= (addr + (len - 1)) / PAGE &&
	       (w->addr + (w->len - 1)) / PAGE >= addr / PAGE;
}

int hvt_space_watches_learn(struct hvt_space_watches *s, const struct hvt_reader *r,
			    struct hvt_space space, uint64_t addr, uint64_t len)
{
	const struct hvt_watch_fact *w;
	struct hvt_space_watch *grown;

	for (; (w = hvt_reader_watch(r, s->facts)); s->facts++) {
		if (!is_near(w, space, addr, len))
			continue;
		grown = realloc(s->v, (s->n + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->v = grown;
		s->v[s->n++] = (struct hvt_space_watch){ .id = w->id,
							 .first = w->addr,
							 .last = w->addr + (w->len - 1),
							 .complete = is_complete(w) };
	}
	return 0;
}

struct hvt_space_watch *hvt_space_watch(const struct hvt_space_watches *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].id == id)
			return &s->v[i];
	return NULL;
}
