/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The filters of a log. Root mode has applied them already; what is done again here are
 * the tests of values, on accesses whose place only the refinement has found.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_filters_add(struct hvt_filters *f, const uint8_t *payload, size_t len)
{
	struct hvt_filter *one;
	int rc;

	/* a newer one may be longer: it grows at the end only */
	if (len < sizeof(*one))
		return -EBADMSG;
	rc = hvt_grow((void **)&f->v, &f->cap, f->n, sizeof(*f->v));
	if (rc)
		return rc;
	one = malloc(sizeof(*one));
	if (!one)
		return -ENOMEM;
	memcpy(one, payload, sizeof(*one));
	f->v[f->n++] = one;
	if (one->nr_pids > HVT_FILTER_LIST || one->nr_tids > HVT_FILTER_LIST ||
	    one->nr_comms > HVT_FILTER_LIST || one->nr_ips > HVT_FILTER_IPS)
		return -EBADMSG;
	return 0;
}

const struct hvt_filter *hvt_filters_find(const struct hvt_filters *f, uint32_t id)
{
	size_t i;

	for (i = f->n; i; i--)
		if (f->v[i - 1]->id == id)
			return f->v[i - 1];
	return NULL;
}

void hvt_filters_free(struct hvt_filters *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->v[i]);
	free(f->v);
}

/* len bytes as an unsigned little-endian number against a 64-bit one: -1, 0, 1. */
static int compare(const uint8_t *bytes, uint64_t len, uint64_t with)
{
	uint64_t v = 0, i;

	for (i = len; i; i--) {
		if (i > 8 && bytes[i - 1])
			return 1;
		if (i <= 8)
			v = v << 8 | bytes[i - 1];
	}
	return v < with ? -1 : v > with;
}

static bool op_holds(uint32_t op, const uint8_t *bytes, uint64_t len, uint64_t with)
{
	int c = compare(bytes, len, with);
	uint64_t low = 0;

	switch (op) {
	case HVT_OP_EQ:
		return c == 0;
	case HVT_OP_NE:
		return c != 0;
	case HVT_OP_LT:
		return c < 0;
	case HVT_OP_LE:
		return c <= 0;
	case HVT_OP_GT:
		return c > 0;
	case HVT_OP_GE:
		return c >= 0;
	case HVT_OP_AND:
		memcpy(&low, bytes, len < 8 ? len : 8);
		return low & with;
	default:
		return true;
	}
}

bool hvt_filter_values(const struct hvt_filter *f, const struct hvt_event *ev, uint64_t first,
		       uint64_t last)
{
	uint64_t from = first - ev->addr - ev->val_off, len = last - first + 1;

	if (!ev->new_ || !ev->val_len || first < ev->addr + ev->val_off || from >= ev->val_len ||
	    len > ev->val_len - from)
		return true;
	if (!op_holds(f->op, ev->new_ + from, len, f->value))
		return false;
	return !(f->flags & HVT_FF_CHANGED) || !ev->old ||
	       memcmp(ev->old + from, ev->new_ + from, len);
}
