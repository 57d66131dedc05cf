/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The part of a line that says who: the same few, again and again. What a function makes of
 * an event's comm, pid and tid is kept and copied.
 */
#ifndef HVT_LIB_WHO_H
#define HVT_LIB_WHO_H

#include <hvtrace/hvtrace.h>

#include "line.h"
#include "put.h"

#define HVT_WHO_SLOTS 64u /* 2^6: the upper bits of a hash */
#define HVT_WHO_BYTES 160u

struct hvt_who {
	uint32_t pid, tid, len; /* len 0: unused */
	char comm[sizeof(((struct hvt_event *)0)->comm)];
	char bytes[HVT_WHO_BYTES + HVT_PUT_BEYOND];
};

/* slots: HVT_WHO_SLOTS, of this thread and this function. */
static inline void hvt_line_who(struct hvt_line *l, const struct hvt_event *ev,
				struct hvt_who *slots,
				void (*make)(struct hvt_line *l, const struct hvt_event *ev))
{
	struct hvt_who *w = &slots[(ev->tid * 0x9e3779b1u + ev->pid * 0x85ebca6bu) >> 26];
	size_t from = l->len;

	if (w->len && w->tid == ev->tid && w->pid == ev->pid &&
	    !memcmp(w->comm, ev->comm, sizeof(w->comm))) {
		if (hvt_line_room(l, w->len + HVT_PUT_BEYOND))
			l->len = (size_t)(hvt_put_copy(l->p + from, w->bytes, w->len) - l->p);
		return;
	}
	make(l, ev);
	w->len = 0;
	if (l->len - from > HVT_WHO_BYTES)
		return;
	w->len = (uint32_t)(l->len - from);
	w->pid = ev->pid;
	w->tid = ev->tid;
	memcpy(w->comm, ev->comm, sizeof(w->comm));
	memcpy(w->bytes, l->p + from, w->len);
}

#endif
