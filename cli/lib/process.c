/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The process table as of any moment: the TASK sections are kept as they came, and what
 * was true at a time follows from those of a thread up to then.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_processes_add(struct hvt_processes *p, const uint8_t *payload, size_t len)
{
	struct hvt_log_task h;
	char *comm;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	if (h.comm_len > len - sizeof(h))
		return -EBADMSG;
	rc = hvt_grow((void **)&p->v, &p->cap, p->n, sizeof(*p->v));
	if (rc)
		return rc;
	comm = hvt_copy_string(payload + sizeof(h), h.comm_len);
	if (!comm)
		return -ENOMEM;
	p->v[p->n] = (struct hvt_process_fact){
		h.ns, p->n, h.what, h.ptid, { h.pid, h.tid, h.ppid, h.ns, comm }
	};
	return hvt_comms_add(p, p->n++);
}

void hvt_processes_free(struct hvt_processes *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free((char *)p->v[i].task.comm);
	free(p->v);
	hvt_comms_free(p);
}

static int by_thread(const void *a, const void *b)
{
	const struct hvt_process_fact *x = a, *y = b;

	if (x->task.tid != y->task.tid)
		return x->task.tid < y->task.tid ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->age < y->age ? -1 : x->age > y->age;
}

static int by_ids(const void *a, const void *b)
{
	const struct hvt_task_fact *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* The name that a thread had when it forked another one at ns. v is sorted by thread. */
static const char *comm_at(const struct hvt_process_fact *v, size_t n, uint32_t tid, uint64_t ns)
{
	const char *comm = "";
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v[mid].task.tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && v[lo].task.tid == tid && v[lo].ns <= ns; lo++)
		if (v[lo].task.comm[0])
			comm = v[lo].task.comm;
	return comm;
}

/* The thread whose facts are v[0 .. n) was there at ns: fill *t. */
static bool was_there(const struct hvt_process_fact *all, size_t nr_all,
		      const struct hvt_process_fact *v, size_t n, uint64_t ns,
		      struct hvt_task_fact *t)
{
	bool there = false;
	size_t i;

	for (i = 0; i < n; i++) {
		/* who was seen first had been there before */
		if (v[i].ns > ns && !(v[i].what == HVT_TASK_SEEN && i == 0))
			break;
		if (v[i].what == HVT_TASK_EXIT) {
			there = false;
		} else if (!there || v[i].what == HVT_TASK_SEEN || v[i].what == HVT_TASK_FORK) {
			*t = v[i].task;
			there = true;
			if (v[i].what == HVT_TASK_FORK && !t->comm[0])
				t->comm = comm_at(all, nr_all, v[i].ptid, v[i].ns);
		} else {
			t->pid = v[i].task.pid;
			if (v[i].task.comm[0])
				t->comm = v[i].task.comm;
		}
	}
	return there;
}

int hvt_reader_tasks(const struct hvt_reader *r, uint64_t ns,
		     bool (*each)(const struct hvt_task_fact *task, void *arg), void *arg)
{
	const struct hvt_processes *p = &r->processes;
	struct hvt_process_fact *v = calloc(p->n + 1, sizeof(*v));
	struct hvt_task_fact *tasks = calloc(p->n + 1, sizeof(*tasks));
	size_t i, end, n = 0;

	if (v && tasks) {
		if (p->n)
			memcpy(v, p->v, p->n * sizeof(*v));
		qsort(v, p->n, sizeof(*v), by_thread);
		for (i = 0; i < p->n; i = end) {
			for (end = i + 1; end < p->n && v[end].task.tid == v[i].task.tid;)
				end++;
			n += was_there(v, p->n, v + i, end - i, ns, &tasks[n]);
		}
		qsort(tasks, n, sizeof(*tasks), by_ids);
		for (i = 0; i < n && each(&tasks[i], arg);)
			i++;
	}
	i = v && tasks;
	free(v);
	free(tasks);
	return i ? 0 : -ENOMEM;
}
