/* SPDX-License-Identifier: GPL-2.0-only */
/* The nodes of a call tree, and a hash table of all children: see calltree.h. */
#include "calltree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/internal.h"

static size_t hash_of(const struct hvt_call *parent, enum hvt_call_kind kind, uint64_t entry)
{
	uint64_t h = ((uint64_t)parent->id << 3 | kind) * 0x9e3779b97f4a7c15ull;

	h = (h ^ entry) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_symbol(const struct hvt_symbol *a, const struct hvt_symbol *b)
{
	return !b || (same_text(a->name, b->name) && same_text(a->obj, b->obj));
}

static struct hvt_call **place(struct hvt_calltree *t, const struct hvt_call *parent,
			       enum hvt_call_kind kind, uint64_t entry,
			       const struct hvt_symbol *sym)
{
	size_t at = hash_of(parent, kind, entry) & (t->slots - 1);
	struct hvt_call *n;

	for (; (n = t->index[at]); at = (at + 1) & (t->slots - 1))
		if (n->parent == parent && n->kind == kind && n->entry == entry &&
		    same_symbol(&n->sym, sym))
			break;
	return &t->index[at];
}

static bool grow_index(struct hvt_calltree *t)
{
	size_t slots = t->slots ? t->slots * 2 : 1024, i;
	struct hvt_call **old = t->index, *n;

	t->index = calloc(slots, sizeof(*t->index));
	if (!t->index) {
		t->index = old;
		return false;
	}
	t->slots = slots;
	for (i = 0; i < t->n; i++) {
		n = t->nodes[i];
		if (n->parent)
			*place(t, n->parent, n->kind, n->entry, &n->sym) = n;
	}
	free(old);
	return true;
}

/* The event's strings are gone with the next event. */
static bool keep(struct hvt_calltree *t, const char **s)
{
	char *copy;

	if (!*s)
		return true;
	if (hvt_grow((void **)&t->strings, &t->cap_strings, t->nr_strings, sizeof(*t->strings)))
		return false;
	copy = strdup(*s);
	if (!copy)
		return false;
	t->strings[t->nr_strings++] = copy;
	*s = copy;
	return true;
}

static struct hvt_call *new_node(struct hvt_calltree *t, struct hvt_call *parent,
				 enum hvt_call_kind kind, uint64_t entry,
				 const struct hvt_symbol *sym)
{
	struct hvt_call *n;

	if (hvt_grow((void **)&t->nodes, &t->cap, t->n, sizeof(*t->nodes)))
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->parent = parent;
	n->kind = kind;
	n->entry = entry;
	if (sym) {
		n->sym = *sym;
		n->sym.obj_off -= sym->name ? sym->off : 0;
		n->sym.off = 0;
		n->sym.raw = NULL;
		n->sym.label = NULL;
	}
	if (!keep(t, &n->sym.name) || !keep(t, &n->sym.obj)) {
		free(n);
		return NULL;
	}
	t->nodes[t->n++] = n;
	n->id = t->n;
	if (!parent)
		return n;
	n->depth = parent->depth + 1;
	if (parent->last)
		parent->last->next = n;
	else
		parent->child = n;
	parent->last = n;
	return n;
}

struct hvt_call *hvt_calltree_child(struct hvt_calltree *t, struct hvt_call *parent,
				    enum hvt_call_kind kind, uint64_t entry,
				    const struct hvt_symbol *sym)
{
	struct hvt_call **slot;

	if (!parent)
		return new_node(t, NULL, kind, entry, sym);
	if (parent->depth >= HVT_CALL_DEPTH)
		parent = parent->parent;
	if (t->n >= t->slots / 2 && !grow_index(t))
		return NULL;
	slot = place(t, parent, kind, entry, sym);
	if (!*slot)
		*slot = new_node(t, parent, kind, entry, sym);
	return *slot;
}

void hvt_calltree_sum(struct hvt_calltree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		t->nodes[i]->total = t->nodes[i]->self;
	/* children are younger than their parents */
	for (i = t->n; i--;)
		if (t->nodes[i]->parent)
			t->nodes[i]->parent->total += t->nodes[i]->total;
}

const struct hvt_call *hvt_call_after(const struct hvt_call *n)
{
	if (n->child)
		return n->child;
	while (n->parent && !n->next)
		n = n->parent;
	return n->parent ? n->next : NULL;
}

void hvt_calltree_free(struct hvt_calltree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->nodes[i]);
	for (i = 0; i < t->nr_strings; i++)
		free(t->strings[i]);
	free(t->nodes);
	free(t->index);
	free(t->strings);
	memset(t, 0, sizeof(*t));
}
