/* SPDX-License-Identifier: GPL-2.0-only */
/* Accesses of two runs made comparable: see portable.h. */
#include "portable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/line.h"
#include "names.h"

#define MASK 4095ull

int hvt_threads_find(struct hvt_threads *t, const struct hvt_event *ev, uint32_t *nth)
{
	struct {
		uint32_t pid, tid;
		char comm[17];
	} id;
	size_t known = t->ids.n, cap;
	uint32_t *grown;
	long row, name;

	memset(&id, 0, sizeof(id)); /* the padding is part of the key */
	id.pid = ev->pid;
	id.tid = ev->tid;
	memcpy(id.comm, ev->comm, sizeof(id.comm));
	row = hvt_tally_add(&t->ids, &id, sizeof(id), 0, 0);
	if (row < 0)
		return -ENOMEM;
	if ((size_t)row >= t->cap) {
		cap = t->cap ? t->cap * 2 : 64;
		grown = realloc(t->nth, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->nth = grown;
		t->cap = cap;
	}
	if (t->ids.n > known) {
		name = hvt_tally_add(&t->names, ev->comm, strlen(ev->comm), 0, 0);
		if (name < 0)
			return -ENOMEM;
		t->nth[row] = (uint32_t)t->names.rows[name].count;
	}
	*nth = t->nth[row];
	return 0;
}

void hvt_threads_free(struct hvt_threads *t)
{
	hvt_tally_free(&t->ids);
	hvt_tally_free(&t->names);
	free(t->nth);
}

/* Relative to the watch; through another address of the page only the offset in it is. */
static void put_where(struct hvt_line *l, const struct hvt_watch_fact *w,
		      const struct hvt_event *ev)
{
	uint64_t addr, base;

	if (!w) {
		hvt_line_char(l, '?');
		return;
	}
	addr = w->flags & HVT_WATCH_PHYS ? ev->gpa : ev->addr;
	base = w->addr;
	hvt_put_escaped(l, w->spec);
	if (addr - (base & ~MASK) > (base & MASK) + w->len + MASK) {
		hvt_line_char(l, '@');
		hvt_line_hex(l, addr & MASK);
	} else if (addr < base) {
		hvt_line_char(l, '-');
		hvt_line_hex(l, base - addr);
	} else if (addr > base) {
		hvt_line_char(l, '+');
		hvt_line_hex(l, addr - base);
	}
}

/* A value that is the address of something with a name is that name in every run. */
static void put_value(struct hvt_line *l, struct hvt_reader *r, const struct hvt_event *ev,
		      const uint8_t *bytes)
{
	struct hvt_symbol s;
	uint64_t v;

	if (!bytes) {
		hvt_line_char(l, '?');
		return;
	}
	if (ev->val_len == sizeof(v)) {
		memcpy(&v, bytes, sizeof(v));
		hvt_reader_name(r, ev->pid, ev->ns, v, &s);
		if (s.name || (s.obj && !s.kernel)) {
			hvt_put_place(l, &s, v);
			return;
		}
	}
	hvt_put_value(l, bytes, ev->val_len);
}

void hvt_put_portable(struct hvt_line *l, struct hvt_reader *r, const struct hvt_event *ev,
		      bool values)
{
	hvt_line_str(l, hvt_access_name(ev->access));
	hvt_line_char(l, ' ');
	put_where(l, hvt_watch_of(r, ev->watch), ev);
	hvt_line_char(l, ' ');
	hvt_line_dec(l, ev->size);
	hvt_line_char(l, ' ');
	if (values && ev->val_len) {
		if (ev->access & HVT_ACC_W) {
			put_value(l, r, ev, ev->old);
			hvt_line_put(l, " -> ", 4);
		}
		put_value(l, r, ev, ev->new_);
		hvt_line_char(l, ' ');
	}
	if (ev->ip_sym.name || (ev->ip_sym.obj && !ev->ip_sym.kernel))
		hvt_put_place(l, &ev->ip_sym, ev->ip);
	else
		hvt_line_char(l, '?');
}
