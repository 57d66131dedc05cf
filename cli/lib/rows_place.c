/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where rows belong in the order of time: behind those of their CPU that come before, and of
 * each other CPU behind those that are earlier, or as early and of a CPU before.
 */
#include "rows.h"

static inline bool earlier(uint64_t a, uint64_t b, bool or_equal)
{
	return or_equal ? a <= b : a < b;
}

/* The first of the rows [at, end), which ascend, that is not earlier than t. */
static uint64_t search(const uint64_t *tsc, uint64_t at, uint64_t end, uint64_t t, bool or_equal)
{
	uint64_t mid;

	while (at < end) {
		mid = at + (end - at) / 2;
		if (earlier(tsc[mid], t, or_equal))
			at = mid + 1;
		else
			end = mid;
	}
	return at;
}

void hvt_rows_place(const struct hvt_rows *rows, uint64_t first, uint32_t n, uint64_t *place)
{
	const uint64_t *tsc = rows->tsc, *start = rows->starts;
	uint64_t cpu = 0, other, at, end;
	uint32_t i;
	bool or_equal;

	while (start[cpu + 1] <= first)
		cpu++;
	for (i = 0; i < n; i++)
		place[i] = first - start[cpu] + i;
	for (other = 0; other < rows->nr_cpus; other++) {
		if (other == cpu)
			continue;
		or_equal = other < cpu;
		end = start[other + 1];
		at = search(tsc, start[other], end, tsc[first], or_equal);
		for (i = 0; i < n; i++) {
			while (at < end && earlier(tsc[at], tsc[first + i], or_equal))
				at++;
			place[i] += at - start[other];
		}
	}
}
