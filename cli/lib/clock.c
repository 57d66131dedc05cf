/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * TSC to CLOCK_MONOTONIC. A time is computed from the last CLOCK section at or before it
 * (from the first one when it is earlier than all), so that the answer for an event is
 * the same live and from the file.
 */
#include "internal.h"

#include <stdlib.h>

int hvt_clocks_add(struct hvt_clocks *c, const struct hvt_log_clock *clock)
{
	int rc;

	/* a clock that goes back says nothing: keep the order that the search needs */
	if (!clock->tsc_khz || (c->n && clock->tsc <= c->v[c->n - 1].tsc))
		return 0;
	rc = hvt_grow((void **)&c->v, &c->cap, c->n, sizeof(*c->v));
	if (rc)
		return rc;
	c->v[c->n++] = *clock;
	return 0;
}

uint64_t hvt_clocks_ns(const struct hvt_clocks *c, uint64_t tsc)
{
	const struct hvt_log_clock *k;
	size_t lo = 0, hi = c->n, mid;
	__int128 ns;

	if (!c->n)
		return 0;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (c->v[mid].tsc <= tsc)
			lo = mid;
		else
			hi = mid;
	}
	k = &c->v[lo];
	/* within hours of the CLOCK, 64 bits do */
	if (tsc >= k->tsc && tsc - k->tsc < UINT64_MAX / 1000000) {
		uint64_t since = (tsc - k->tsc) * 1000000 / k->tsc_khz;

		return since > UINT64_MAX - k->mono_ns ? UINT64_MAX : since + k->mono_ns;
	}
	ns = (__int128)tsc - k->tsc;
	ns = ns * 1000000 / k->tsc_khz + k->mono_ns;
	return ns < 0 ? 0 : ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

void hvt_clocks_free(struct hvt_clocks *c)
{
	free(c->v);
}
