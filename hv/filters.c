// SPDX-License-Identifier: GPL-2.0-only
/* Filters of an open fd: checked, kept for root mode, freed with the fd. */
#include <linux/slab.h>
#include "hv.h"

struct hvt_filter_node {
	struct list_head node;		/* hvt_file.filters */
	struct hvt_filter_state st;
};

static u32 next_id = 1;

static int check(const struct hvt_filter *f)
{
	u32 i;

	if (f->id || f->passed || f->op > HVT_OP_AND ||
	    f->flags & ~(HVT_FF_USER | HVT_FF_KERNEL | HVT_FF_CPUS | HVT_FF_CHANGED) ||
	    (f->flags & HVT_FF_USER && f->flags & HVT_FF_KERNEL))
		return -EINVAL;
	if (f->nr_pids > HVT_FILTER_LIST || f->nr_tids > HVT_FILTER_LIST ||
	    f->nr_comms > HVT_FILTER_LIST || f->nr_ips > HVT_FILTER_IPS)
		return -EINVAL;
	for (i = 0; i < f->nr_ips; i++)
		if (f->ip[i].lo >= f->ip[i].hi || f->ip[i].pad)
			return -EINVAL;
	return 0;
}

/* -EINVAL, -ENOMEM */
int hvt_filter_add(struct hvt_file *f, struct hvt_filter *a)
{
	struct hvt_filter_node *n;
	int rc = check(a);

	if (rc)
		return rc;
	n = kzalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	a->id = next_id++;
	n->st.f = *a;
	list_add_tail(&n->node, &f->filters);
	return 0;
}

struct hvt_filter_state *hvt_filter_find(struct hvt_file *f, u32 id)
{
	struct hvt_filter_node *n;

	list_for_each_entry(n, &f->filters, node)
		if (n->st.f.id == id)
			return &n->st;
	return NULL;
}

/* Any fd's. */
int hvt_filter_info(struct hvt_filter *a)
{
	struct hvt_filter_state *st;
	struct hvt_file *f;
	u32 size = a->size;
	u64 n;

	list_for_each_entry(f, &hvt_files, node) {
		st = hvt_filter_find(f, a->id);
		if (!st)
			continue;
		*a = st->f;
		a->size = size;
		n = READ_ONCE(st->taken);
		a->passed = a->limit ? min(n, a->limit) : n;
		return 0;
	}
	return -ENOENT;
}

/* No watch uses them any more. */
void hvt_filter_free_all(struct hvt_file *f)
{
	struct hvt_filter_node *n, *next;

	list_for_each_entry_safe(n, next, &f->filters, node)
		kfree(n);
}
