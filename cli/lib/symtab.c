/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Segments and symbols of one object: see symtab.h. Nothing in them is believed. */
#include "symtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct hvt_symtab *hvt_symtab_new(void)
{
	return calloc(1, sizeof(struct hvt_symtab));
}

void hvt_symtab_free(struct hvt_symtab *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->nr_strings; i++)
		free(t->strings[i]);
	for (i = 0; i < t->nr_names; i++) {
		free(t->names[i].shown);
		free(t->names[i].label);
	}
	free(t->strings);
	free(t->names);
	free(t->segs);
	hvt_symtab_free(t->old);
	free(t);
}

int hvt_symtab_add_segment(struct hvt_symtab *t, const struct hvt_segment *seg)
{
	if (hvt_grow((void **)&t->segs, &t->cap_segs, t->nr_segs, sizeof(*t->segs)))
		return -ENOMEM;
	t->segs[t->nr_segs++] = *seg;
	return 0;
}

int hvt_symtab_add_name(struct hvt_symtab *t, const struct hvt_name *name)
{
	if (hvt_grow((void **)&t->names, &t->cap_names, t->nr_names, sizeof(*t->names)))
		return -ENOMEM;
	t->names[t->nr_names++] = *name;
	return 0;
}

const char *hvt_symtab_add_strings(struct hvt_symtab *t, const void *bytes, size_t len)
{
	char *copy;

	if (hvt_grow((void **)&t->strings, &t->cap_strings, t->nr_strings, sizeof(*t->strings)))
		return NULL;
	copy = hvt_copy_string(bytes, len);
	if (copy)
		t->strings[t->nr_strings++] = copy;
	return copy;
}

static int by_value(const void *a, const void *b)
{
	const struct hvt_name *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(y->raw, x->raw);
}

void hvt_symtab_sort(struct hvt_symtab *t)
{
	if (t->nr_names)
		qsort(t->names, t->nr_names, sizeof(*t->names), by_value);
}

bool hvt_symtab_vaddr(const struct hvt_symtab *t, uint64_t map_off, bool exec, uint64_t off,
		      uint64_t *vaddr, uint64_t *seg_end, struct hvt_span *span)
{
	const struct hvt_segment *s, *best = NULL;
	uint64_t mask = HVT_PAGE - 1;
	int score, best_score = -1;
	bool inside;
	size_t i;

	for (i = 0; i < t->nr_segs; i++) {
		s = &t->segs[i];
		/*
		 * The loader maps whole pages: neighbours may share one in the file, and
		 * .bss begins in the last page of .data.
		 */
		if (map_off < (s->offset & ~mask) || map_off > s->offset + s->filesz)
			continue;
		inside = off >= s->offset && off - s->offset < s->memsz;
		if (off < s->offset)
			hvt_span_ends(span, s->offset - off - 1);
		else if (inside)
			hvt_span_ends(span, s->memsz - 1 - (off - s->offset));
		if (off >= s->offset)
			hvt_span_begins(span, off - s->offset - (inside ? 0 : s->memsz));
		score = (s->exec == exec ? 2 : 0) + inside;
		if (score > best_score) {
			best = s;
			best_score = score;
		}
	}
	if (!best)
		return false;
	*vaddr = off - best->offset + best->vaddr;
	if (seg_end)
		*seg_end = best->vaddr + best->memsz;
	return true;
}

struct hvt_name *hvt_symtab_find(const struct hvt_symtab *t, uint64_t vaddr, struct hvt_span *span)
{
	size_t lo = 0, hi = t->nr_names, mid, back;
	struct hvt_name *n;
	uint64_t into;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->names[mid].value <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < t->nr_names)
		hvt_span_ends(span, t->names[lo].value - vaddr - 1);
	if (lo)
		hvt_span_begins(span, vaddr - t->names[lo - 1].value);
	/* a symbol inside another one may end before vaddr: look a few back */
	for (back = 0; lo && back < 64; lo--, back++) {
		n = &t->names[lo - 1];
		into = vaddr - n->value;
		if (n->size && into < n->size)
			hvt_span_ends(span, n->size - 1 - into);
		else if (n->size)
			hvt_span_begins(span, into - n->size);
		if (n->size ? into < n->size : back == 0)
			return n;
	}
	return NULL;
}

bool hvt_symtab_defines(const struct hvt_symtab *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nr_names; i++)
		if (!strcmp(t->names[i].raw, name))
			return true;
	return false;
}
