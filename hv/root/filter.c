// SPDX-License-Identifier: GPL-2.0-only
/* The tests of a filter, pure: see filter.h. */
#include "filter.h"

static bool in_list(const u32 *list, u32 n, u32 id)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

static bool same_comm(const char *want, const char *comm)
{
	u32 i;

	/* The last byte of a task's comm is always NUL. */
	for (i = 0; i < 15; i++) {
		if (want[i] != comm[i])
			return false;
		if (!want[i])
			return true;
	}
	return true;
}

static bool comm_passes(const struct hvt_filter *f, const char *comm)
{
	u32 i;

	for (i = 0; i < f->nr_comms; i++)
		if (same_comm(f->comm[i], comm))
			return true;
	return false;
}

static bool ip_passes(const struct hvt_filter *f, const struct hvt_accessor *a)
{
	u32 i;

	for (i = 0; i < f->nr_ips; i++)
		if (a->ip >= f->ip[i].lo && a->ip < f->ip[i].hi &&
		    (!f->ip[i].pid || f->ip[i].pid == a->pid))
			return true;
	return false;
}

bool hvt_filter_who(const struct hvt_filter *f, const struct hvt_accessor *a)
{
	if ((f->flags & HVT_FF_USER) && !a->user)
		return false;
	if ((f->flags & HVT_FF_KERNEL) && a->user)
		return false;
	if ((f->flags & HVT_FF_CPUS) &&
	    (a->cpu >= 512 || !(f->cpus[a->cpu / 64] >> (a->cpu % 64) & 1)))
		return false;
	if (f->nr_pids && !in_list(f->pid, f->nr_pids, a->pid))
		return false;
	if (f->nr_tids && !in_list(f->tid, f->nr_tids, a->tid))
		return false;
	if (f->nr_comms && !comm_passes(f, a->comm))
		return false;
	return !f->nr_ips || ip_passes(f, a);
}

static bool differ(const u8 *a, const u8 *b, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (a[i] != b[i])
			return true;
	return false;
}

bool hvt_filter_value(const struct hvt_filter *f, const u8 *old, const u8 *new, u32 n,
		      bool have_old)
{
	u64 low = 0;
	bool high = false; /* a byte above the operand's 64 bits */
	u32 i;

	if ((f->flags & HVT_FF_CHANGED) && have_old && !differ(old, new, n))
		return false;
	for (i = 0; i < n; i++) {
		if (i < 8)
			low |= (u64)new[i] << (8 * i);
		else if (new[i])
			high = true;
	}
	switch (f->op) {
	case HVT_OP_EQ:
		return !high && low == f->value;
	case HVT_OP_NE:
		return high || low != f->value;
	case HVT_OP_LT:
		return !high && low < f->value;
	case HVT_OP_LE:
		return !high && low <= f->value;
	case HVT_OP_GT:
		return high || low > f->value;
	case HVT_OP_GE:
		return high || low >= f->value;
	case HVT_OP_AND:
		return low & f->value;
	default:
		return true;
	}
}
