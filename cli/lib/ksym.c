/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Kernel names as the agent asked the kernel for them (KSYM sections): ranges with a
 * name and a module. A range that is named again (module reloaded) takes the later name.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_ksyms_add(struct hvt_ksyms *k, const uint8_t *payload, size_t len)
{
	struct hvt_log_ksym h;
	struct hvt_ksym_name *n;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	payload += sizeof(h);
	len -= sizeof(h);
	if (h.name_len > len || h.module_len > len - h.name_len)
		return -EBADMSG;
	rc = hvt_grow((void **)&k->v, &k->cap, k->n, sizeof(*k->v));
	if (rc)
		return rc;
	n = &k->v[k->n];
	n->start = h.start;
	n->len = h.len;
	n->age = k->n;
	n->shown = NULL;
	n->tried = false;
	n->label = NULL;
	n->name = hvt_copy_string(payload, h.name_len);
	n->module = hvt_copy_string(payload + h.name_len, h.module_len);
	if (!n->name || !n->module) {
		free(n->name);
		free(n->module);
		return -ENOMEM;
	}
	k->n++;
	k->sorted = false;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct hvt_ksym_name *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->age < y->age ? -1 : x->age > y->age;
}

struct hvt_ksym_name *hvt_ksyms_find(struct hvt_ksyms *k, uint64_t addr, struct hvt_span *span)
{
	size_t lo = 0, hi = k->n, mid;
	uint64_t into;

	if (!k->sorted && k->n)
		qsort(k->v, k->n, sizeof(*k->v), by_start);
	k->sorted = true;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (k->v[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < k->n)
		hvt_span_ends(span, k->v[lo].start - addr - 1);
	if (!lo)
		return NULL;
	/* lo - 1 is the nearest start at or below addr, the youngest of equal ones */
	into = addr - k->v[lo - 1].start;
	if (into >= k->v[lo - 1].len) {
		hvt_span_begins(span, into - k->v[lo - 1].len);
		return NULL;
	}
	hvt_span_begins(span, into);
	hvt_span_ends(span, k->v[lo - 1].len - 1 - into);
	return &k->v[lo - 1];
}

void hvt_ksyms_free(struct hvt_ksyms *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->v[i].name);
		free(k->v[i].module);
		free(k->v[i].shown);
		free(k->v[i].label);
	}
	free(k->v);
}
