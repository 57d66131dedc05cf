/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The traces that a log has: whose instructions, and which of them. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_traces_add(struct hvt_traces *t, const uint8_t *payload, size_t len)
{
	struct hvt_trace_range *range = NULL;
	struct hvt_trace_fact *f;
	struct hvt_log_trace h;
	size_t ranges;
	char *spec;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	payload += sizeof(h);
	len -= sizeof(h);
	if (h.nr_only > HVT_TRACE_RANGES || h.nr_skip > HVT_TRACE_RANGES - h.nr_only)
		return -EBADMSG;
	ranges = (h.nr_only + h.nr_skip) * sizeof(*range);
	if (ranges > len || h.spec_len > len - ranges)
		return -EBADMSG;
	rc = hvt_grow((void **)&t->v, &t->cap, t->n, sizeof(*t->v));
	if (rc)
		return rc;
	spec = hvt_copy_string(payload + ranges, h.spec_len);
	range = malloc(ranges + 1);
	if (!spec || !range) {
		free(spec);
		free(range);
		return -ENOMEM;
	}
	memcpy(range, payload, ranges);
	f = &t->v[t->n++];
	*f = (struct hvt_trace_fact){
		.id = h.id,
		.flags = h.flags,
		.pid = h.pid,
		.addr = h.addr,
		.len = h.len,
		.from = h.from,
		.to = h.to,
		.after = h.after,
		.count = h.count,
		.on = h.on,
		.nr_only = h.nr_only,
		.nr_skip = h.nr_skip,
		.range = range,
		.spec = spec,
	};
	return 0;
}

struct hvt_trace_fact *hvt_traces_find(const struct hvt_traces *t, uint32_t id)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].id == id)
			return &t->v[i];
	return NULL;
}

void hvt_traces_free(struct hvt_traces *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		free((struct hvt_trace_range *)t->v[i].range);
		free((char *)t->v[i].spec);
	}
	free(t->v);
}
