/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The one order of all CPUs' records: (tsc, cpu, seq). Records wait here until a ROUND
 * says that nothing earlier can still come. Records of one instruction share a tsc and
 * keep their seq order; two CPUs cannot share a tsc on one page, whose lock passed from
 * one to the other in between.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static int by_time(const void *a, const void *b)
{
	const struct hvt_pending *x = a, *y = b;

	if (x->tsc != y->tsc)
		return x->tsc < y->tsc ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void unref(struct hvt_chunk *c)
{
	if (!--c->refs)
		free(c);
}

int hvt_merge_add(struct hvt_merge *m, const struct hvt_pending *p)
{
	int rc = hvt_grow((void **)&m->v, &m->cap, m->n, sizeof(*m->v));

	if (rc)
		return rc;
	m->v[m->n++] = *p;
	p->chunk->refs++;
	return 0;
}

/* Forget what went out, but for the last: an event that was made of it is still there. */
static void drop_done(struct hvt_merge *m)
{
	size_t done = m->pos ? m->pos - 1 : 0, i;

	for (i = 0; i < done; i++)
		unref(m->v[i].chunk);
	m->n -= done;
	m->ready -= done;
	m->pos -= done;
	if (done)
		memmove(m->v, m->v + done, m->n * sizeof(*m->v));
}

void hvt_merge_release(struct hvt_merge *m, uint64_t tsc, bool all)
{
	drop_done(m);
	if (!m->n)
		return;
	/*
	 * What is ready already was promised to go first; only the rest is sorted, so a
	 * record that comes later than a ROUND allowed does not disturb it.
	 */
	qsort(m->v + m->ready, m->n - m->ready, sizeof(*m->v), by_time);
	while (m->ready < m->n && (all || m->v[m->ready].tsc < tsc))
		m->ready++;
}

const struct hvt_pending *hvt_merge_next(struct hvt_merge *m)
{
	return m->pos < m->ready ? &m->v[m->pos++] : NULL;
}

size_t hvt_merge_next_group(struct hvt_merge *m, const struct hvt_pending **group)
{
	const struct hvt_pending *first = hvt_merge_next(m), *p;
	size_t n;

	if (!first)
		return 0;
	for (n = 1; m->pos < m->ready; n++, m->pos++) {
		p = &m->v[m->pos];
		if (p->cpu != first->cpu || p->tsc != first->tsc)
			break;
	}
	*group = first;
	return n;
}

void hvt_merge_free(struct hvt_merge *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		unref(m->v[i].chunk);
	free(m->v);
}
