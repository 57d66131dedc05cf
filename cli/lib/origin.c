/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The names of instructions, kept with them: see origin.h. */
#include "origin.h"

#include <stdlib.h>

#include "internal.h"
#include "put.h"

/* Of the instruction that ev has, by its ip, ip_sym, text and bytes. NULL: no memory. */
static struct hvt_origin *origin_new(const struct hvt_event *ev)
{
	struct hvt_origin head = { 0 }, *origin = NULL;
	struct hvt_line l = { 0 };

	hvt_line_put(&l, &head, sizeof(head));
	hvt_text_place(&l, ev);
	head.place_len = (uint32_t)(l.len - sizeof(head));
	hvt_text_insn(&l, ev);
	head.insn_len = (uint32_t)(l.len - sizeof(head) - head.place_len);
	hvt_json_origin(&l, ev);
	head.json_len = (uint32_t)(l.len - sizeof(head) - head.place_len - head.insn_len);
	if (hvt_line_room(&l, HVT_PUT_BEYOND) && !l.short_of)
		origin = realloc(l.p, l.len + HVT_PUT_BEYOND);
	if (origin)
		memcpy(origin, &head, sizeof(head));
	else
		free(l.p);
	return origin;
}

void hvt_site_clear(struct hvt_site *site)
{
	free(site->origin);
	memset(site, 0, sizeof(*site));
}

static bool same(const struct hvt_symbol *a, const struct hvt_symbol *b)
{
	return a->name == b->name && a->raw == b->raw && a->off == b->off && a->obj == b->obj &&
	       a->obj_off == b->obj_off && a->kernel == b->kernel;
}

/* As of ev's time; the origin is of the name that there was before. */
static void name(struct hvt_symbols *s, struct hvt_site *site, const struct hvt_event *ev)
{
	struct hvt_symbol sym;
	bool lasting;

	if (site->changes == s->changes + 1 && site->pid == ev->pid && ev->ns >= site->from)
		return;
	lasting = hvt_symbols_resolve(s, ev->pid, ev->ns, ev->ip, &sym);
	if (!same(&sym, &site->sym)) {
		free(site->origin);
		site->origin = NULL;
	}
	site->sym = sym;
	site->pid = ev->pid;
	site->from = ev->ns;
	site->changes = lasting ? s->changes + 1 : 0;
}

void hvt_site_name(struct hvt_symbols *s, struct hvt_site *site, struct hvt_event *ev)
{
	if (s->uncached) {
		hvt_symbols_resolve(s, ev->pid, ev->ns, ev->ip, &ev->ip_sym);
		return;
	}
	name(s, site, ev);
	ev->ip_sym = site->sym;
	if (!site->origin)
		site->origin = origin_new(ev);
	ev->origin = site->origin;
}
