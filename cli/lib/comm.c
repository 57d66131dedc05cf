/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a thread was called at a time: traces are of so many instructions that their
 * records do not say. For each thread its facts, in the order of time.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS	  4096u /* a power of two */
#define FORKS_MAX 64	/* how far a name is followed from child to parent */

struct hvt_comm_thread {
	struct hvt_comm_thread *next;
	uint32_t tid;
	size_t *v; /* positions in hvt_processes.v */
	size_t n, cap;
};

static struct hvt_comm_thread *find(const struct hvt_processes *p, uint32_t tid)
{
	struct hvt_comm_thread *t = p->threads ? p->threads[tid & (BUCKETS - 1)] : NULL;

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

static struct hvt_comm_thread *get(struct hvt_processes *p, uint32_t tid)
{
	struct hvt_comm_thread *t = find(p, tid);

	if (t)
		return t;
	if (!p->threads)
		p->threads = calloc(BUCKETS, sizeof(struct hvt_comm_thread *));
	t = p->threads ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	t->tid = tid;
	t->next = p->threads[tid & (BUCKETS - 1)];
	p->threads[tid & (BUCKETS - 1)] = t;
	return t;
}

int hvt_comms_add(struct hvt_processes *p, size_t fact)
{
	struct hvt_comm_thread *t = get(p, p->v[fact].task.tid);
	size_t i;

	if (!t || hvt_grow((void **)&t->v, &t->cap, t->n, sizeof(*t->v)))
		return -ENOMEM;
	for (i = t->n++; i && p->v[t->v[i - 1]].ns > p->v[fact].ns; i--)
		t->v[i] = t->v[i - 1];
	t->v[i] = fact;
	return 0;
}

/* How many facts of a thread are of ns or before. */
static size_t facts_until(const struct hvt_processes *p, const struct hvt_comm_thread *t,
			  uint64_t ns)
{
	size_t lo = 0, hi = t->n, mid;

	if (t->n && p->v[t->v[t->n - 1]].ns <= ns)
		return t->n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (p->v[t->v[mid]].ns <= ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const char *first_name(const struct hvt_processes *p, const struct hvt_comm_thread *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (p->v[t->v[i]].task.comm[0])
			return p->v[t->v[i]].task.comm;
	return "";
}

const char *hvt_comm_at(const struct hvt_processes *p, uint32_t pid, uint32_t tid, uint64_t ns)
{
	const struct hvt_comm_thread *t = find(p, tid);
	const struct hvt_process_fact *fact;
	int forks;
	size_t i;

	if (!t)
		t = find(p, pid);
	for (forks = 0; t && forks < FORKS_MAX; forks++) {
		i = facts_until(p, t, ns);
		if (!i) /* who is met for the first time had been there before */
			return first_name(p, t);
		do {
			fact = &p->v[t->v[--i]];
			if (fact->task.comm[0])
				return fact->task.comm;
		} while (i && fact->what != HVT_TASK_FORK);
		if (fact->what != HVT_TASK_FORK)
			break;
		t = find(p, fact->ptid);
		ns = fact->ns;
	}
	return "";
}

void hvt_comms_free(struct hvt_processes *p)
{
	struct hvt_comm_thread *t, *next;
	size_t i;

	for (i = 0; p->threads && i < BUCKETS; i++) {
		for (t = p->threads[i]; t; t = next) {
			next = t->next;
			free(t->v);
			free(t);
		}
	}
	free(p->threads);
}
