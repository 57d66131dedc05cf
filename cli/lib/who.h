/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The part of a line that says who: the same few, again and again. What a function makes of
 * an event's comm, pid and tid is kept and copied.
 */
#ifndef HVT_LIB_WHO_H
#define HVT_LIB_WHO_H

#include <hvtrace/hvtrace.h>

#include "line.h"

#define HVT_WHO_SLOTS 64u /* a power of two */
#define HVT_WHO_BYTES 160u

struct hvt_who {
	uint32_t pid, tid, len; /* len 0: unused */
	char comm[sizeof(((struct hvt_event *)0)->comm)];
	char bytes[HVT_WHO_BYTES];
};

/* slots: HVT_WHO_SLOTS, of this thread and this function. */
static inline void hvt_line_who(struct hvt_line *l, const struct hvt_event *ev,
				struct hvt_who *slots,
				void (*make)(struct hvt_line *l, const struct hvt_event *ev))
{
	struct hvt_who *w = &slots[(ev->tid + 31 * ev->pid) & (HVT_WHO_SLOTS - 1)];
	size_t from = l->len;

	if (w->len && w->tid == ev->tid && w->pid == ev->pid &&
	    !memcmp(w->comm, ev->comm, sizeof(w->comm))) {
		hvt_line_put(l, w->bytes, w->len);
		return;
	}
	make(l, ev);
	w->len = 0;
	if (l->len - from > sizeof(w->bytes))
		return;
	w->len = (uint32_t)(l->len - from);
	w->pid = ev->pid;
	w->tid = ev->tid;
	memcpy(w->comm, ev->comm, sizeof(w->comm));
	memcpy(w->bytes, l->p + from, w->len);
}

#endif
