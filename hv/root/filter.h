/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests of a struct hvt_filter (uapi.h), as pure functions: root mode and the unit
 * tests on the host have the same.
 */
#ifndef HVT_ROOT_FILTER_H
#define HVT_ROOT_FILTER_H

#include "types.h"
#include <hvtrace/uapi.h>

/* Who accesses, from where. */
struct hvt_accessor {
	u32 cpu, pid, tid;
	bool user;
	u64 ip;
	const char *comm;	/* 16 bytes */
};

bool hvt_filter_who(const struct hvt_filter *f, const struct hvt_accessor *a);

/*
 * The accessed bytes inside the watch before and after: @n of each, least significant
 * first. @have_old: old is known.
 */
bool hvt_filter_value(const struct hvt_filter *f, const u8 *old, const u8 *new, u32 n,
		      bool have_old);

/* Does it test values at all? */
static inline bool hvt_filter_wants_value(const struct hvt_filter *f)
{
	return f->op != HVT_OP_NONE || (f->flags & HVT_FF_CHANGED);
}

#endif
