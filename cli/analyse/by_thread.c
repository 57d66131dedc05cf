/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads by their ids: see by_thread.h. */
#include "by_thread.h"

#include <search.h>
#include <stdlib.h>

#include "lib/internal.h"

static int compare(const void *a, const void *b)
{
	const struct hvt_thread *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static struct hvt_thread *add(struct hvt_by_thread *t, const struct hvt_thread *key)
{
	struct hvt_thread *new;

	if (hvt_grow((void **)&t->v, &t->cap, t->n, sizeof(void *)))
		return NULL;
	new = calloc(1, t->size);
	if (!new)
		return NULL;
	*new = *key;
	if (!tsearch(new, &t->by_key, compare)) {
		free(new);
		return NULL;
	}
	return t->v[t->n++] = new;
}

void *hvt_by_thread_find(struct hvt_by_thread *t, const struct hvt_event *ev, uint32_t trace)
{
	const struct hvt_thread key = { trace, ev->pid, ev->tid, ev->tid ? 0 : ev->cpu };
	struct hvt_thread **found;

	if (t->recent && !compare(t->recent, &key))
		return t->recent;
	found = tfind(&key, &t->by_key, compare);
	t->recent = found ? *found : add(t, &key);
	return t->recent;
}

void hvt_by_thread_free(struct hvt_by_thread *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		tdelete(t->v[i], &t->by_key, compare);
	for (i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
}
