/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * How far around an address an answer holds: so many addresses before it and behind it have
 * the same name, at other offsets. Who looks an answer up narrows it to where another one
 * begins.
 */
#ifndef HVT_LIB_SPAN_H
#define HVT_LIB_SPAN_H

#include <stdint.h>

struct hvt_span {
	uint64_t before, behind;
};

static inline void hvt_span_begins(struct hvt_span *s, uint64_t before)
{
	if (before < s->before)
		s->before = before;
}

static inline void hvt_span_ends(struct hvt_span *s, uint64_t behind)
{
	if (behind < s->behind)
		s->behind = behind;
}

#endif
