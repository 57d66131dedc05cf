/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The one order of all CPUs' records: (tsc, cpu, seq). Sections wait here, as they are
 * stored, until a ROUND says that nothing earlier can still come; one is begun when its
 * first record is the next, so that there is in memory, for each CPU, what covers the
 * place of the merge, and of that some records at a time. Records of one instruction share
 * a tsc and keep their seq order; two CPUs cannot share a tsc on one page, whose lock passed
 * from one to the other in between.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More decoded records at one time than the agent ever lets wait: it is made up. */
#define DECODED_MAX (256u << 20)

struct hvt_stored {
	struct hvt_stored *next;
	uint64_t off;
	struct hvt_section s;
	uint8_t payload[];
};

static bool before(const struct hvt_merge *m, uint32_t a, uint32_t b)
{
	uint64_t x = m->cpus[a].tsc, y = m->cpus[b].tsc;

	return x != y ? x < y : a < b;
}

/* m->heap[at] may have become larger than those below it. */
static void sift_down(struct hvt_merge *m, size_t at)
{
	uint32_t cpu = m->heap[at];
	size_t child;

	for (; (child = 2 * at + 1) < m->nr_heap; at = child) {
		if (child + 1 < m->nr_heap && before(m, m->heap[child + 1], m->heap[child]))
			child++;
		if (before(m, cpu, m->heap[child]))
			break;
		m->heap[at] = m->heap[child];
	}
	m->heap[at] = cpu;
}

static void push(struct hvt_merge *m, uint32_t cpu)
{
	size_t at = m->nr_heap++, up;

	for (; at && before(m, cpu, m->heap[up = (at - 1) / 2]); at = up)
		m->heap[at] = m->heap[up];
	m->heap[at] = cpu;
}

int hvt_merge_init(struct hvt_merge *m, uint32_t nr_cpus)
{
	m->cpus = calloc(nr_cpus, sizeof(*m->cpus));
	m->heap = calloc(nr_cpus, sizeof(*m->heap));
	m->nr_cpus = nr_cpus;
	return m->cpus && m->heap ? 0 : -ENOMEM;
}

int hvt_merge_add(struct hvt_merge *m, const struct hvt_section *s, uint64_t off,
		  const uint8_t *payload)
{
	struct hvt_merge_cpu *c = &m->cpus[s->cpu];
	struct hvt_stored *st, **tail = &c->stored;

	if (hvt_columns_open(&m->columns, s, payload))
		return -EBADMSG;
	st = malloc(sizeof(*st) + s->len);
	if (!st)
		return -ENOMEM;
	st->next = NULL;
	st->off = off;
	st->s = *s;
	memcpy(st->payload, payload, s->len);
	if (c->stored)
		tail = &c->last->next;
	*tail = c->last = st;
	if (!c->cursor && tail == &c->stored) {
		c->tsc = s->tsc_first;
		push(m, s->cpu);
	}
	return 0;
}

void hvt_merge_release(struct hvt_merge *m, uint64_t tsc, bool all)
{
	if (tsc > m->limit)
		m->limit = tsc;
	m->all |= all;
}

static struct hvt_rec head_at(const struct hvt_chunk *c, size_t at)
{
	struct hvt_rec h;

	memcpy(&h, c->bytes + at, sizeof(h));
	return h;
}

/* Begin the next section of a CPU. 0, or -EBADMSG or -ENOMEM with m->bad. */
static int begin(struct hvt_merge *m, uint32_t cpu)
{
	struct hvt_merge_cpu *c = &m->cpus[cpu];
	struct hvt_stored *st = c->stored;
	int rc = hvt_columns_open(&m->columns, &st->s, st->payload);

	if (!rc)
		rc = hvt_cursor_open(&m->columns, &c->cursor);
	if (!rc && m->decoded + hvt_cursor_bytes(c->cursor) > DECODED_MAX) {
		hvt_cursor_close(&m->columns, c->cursor);
		c->cursor = NULL;
		rc = -EBADMSG;
	}
	if (rc) {
		m->bad = st->off;
		return rc;
	}
	m->decoded += hvt_cursor_bytes(c->cursor);
	c->tsc = hvt_cursor_tsc(c->cursor);
	c->stored = st->next;
	free(st);
	return 0;
}

static void end(struct hvt_merge *m, struct hvt_merge_cpu *c)
{
	m->decoded -= hvt_cursor_bytes(c->cursor);
	hvt_cursor_close(&m->columns, c->cursor);
	c->cursor = NULL;
}

/* Is there a record that may go out, of m->heap[0] then? 1, 0, or as begin(). */
static int ready(struct hvt_merge *m)
{
	struct hvt_merge_cpu *c;
	int rc;

	while (m->nr_heap) {
		c = &m->cpus[m->heap[0]];
		if (!m->all && c->tsc >= m->limit)
			return 0;
		if (c->chunk)
			return 1;
		if (c->cursor) {
			c->chunk = hvt_cursor_next(&m->columns, c->cursor, m->heap[0]);
			c->at = 0;
			return c->chunk ? 1 : -ENOMEM;
		}
		rc = begin(m, m->heap[0]);
		if (rc)
			return rc;
		sift_down(m, 0);
	}
	return 0;
}

static int give(struct hvt_merge *m)
{
	struct hvt_merge_cpu *c = &m->cpus[m->heap[0]];
	struct hvt_rec h = head_at(c->chunk, c->at);

	if (m->nr_given == m->cap_given &&
	    hvt_grow((void **)&m->given, &m->cap_given, m->nr_given, sizeof(*m->given)))
		return -ENOMEM;
	m->given[m->nr_given++] =
		(struct hvt_pending){ h.tsc, h.seq, m->heap[0], (uint32_t)c->at, c->chunk };
	c->chunk->refs++;
	c->at += (size_t)h.nslots * HVT_SLOT;
	if (c->at < c->chunk->len) {
		c->tsc = head_at(c->chunk, c->at).tsc;
	} else {
		hvt_chunk_put(&m->columns, c->chunk);
		c->chunk = NULL;
		if (hvt_cursor_left(c->cursor))
			c->tsc = hvt_cursor_tsc(c->cursor);
		else
			end(m, c);
		if (!c->cursor && c->stored)
			c->tsc = c->stored->s.tsc_first;
		else if (!c->cursor)
			m->heap[0] = m->heap[--m->nr_heap];
	}
	if (m->nr_heap)
		sift_down(m, 0);
	return 0;
}

static void forget_given(struct hvt_merge *m)
{
	while (m->nr_given)
		hvt_chunk_put(&m->columns, m->given[--m->nr_given].chunk);
}

int hvt_merge_next(struct hvt_merge *m, const struct hvt_pending **given, int max)
{
	const struct hvt_merge_cpu *c;
	int rc;

	forget_given(m);
	while ((int)m->nr_given < max && (rc = ready(m)) != 0) {
		c = &m->cpus[m->heap[0]];
		if (rc > 0 && m->nr_given &&
		    (m->heap[0] != m->given[0].cpu || c->tsc != m->given[0].tsc))
			break;
		if (rc > 0)
			rc = give(m);
		if (rc && !m->nr_given)
			return rc;
		if (rc)
			break; /* what there is goes out first */
	}
	*given = m->given;
	return (int)m->nr_given;
}

/* Who has nothing left is not in the heap. */
static void rebuild(struct hvt_merge *m)
{
	uint32_t cpu;

	m->nr_heap = 0;
	for (cpu = 0; cpu < m->nr_cpus; cpu++)
		if (m->cpus[cpu].cursor || m->cpus[cpu].stored)
			push(m, cpu);
}

void hvt_merge_drop(struct hvt_merge *m, uint64_t off)
{
	struct hvt_stored **p, *st;
	uint32_t cpu;

	for (cpu = 0; cpu < m->nr_cpus; cpu++) {
		p = &m->cpus[cpu].stored;
		while ((st = *p) && st->off < off) {
			m->cpus[cpu].last = st;
			p = &st->next;
		}
		while ((st = *p)) {
			*p = st->next;
			free(st);
		}
	}
	rebuild(m);
}

void hvt_merge_free(struct hvt_merge *m)
{
	uint32_t cpu;

	forget_given(m);
	if (m->cpus && m->heap)
		hvt_merge_drop(m, 0);
	for (cpu = 0; m->cpus && cpu < m->nr_cpus; cpu++) {
		hvt_chunk_put(&m->columns, m->cpus[cpu].chunk);
		hvt_cursor_close(&m->columns, m->cpus[cpu].cursor);
	}
	hvt_columns_close(&m->columns);
	free(m->given);
	free(m->cpus);
	free(m->heap);
}
