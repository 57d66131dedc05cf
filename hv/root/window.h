/* SPDX-License-Identifier: GPL-2.0-only */
/* Which instructions a trace wants, as pure functions: root mode and the unit tests have the same. */
#ifndef HVT_ROOT_WINDOW_H
#define HVT_ROOT_WINDOW_H

#include "trace.h"

/* Something opens it. False: it is open, or there will be no other. */
bool hvt_window_open(struct hvt_thread *t);

/* Is the instruction at @ip wanted, should it retire now? Kernel code always is. */
bool hvt_window_wants(const struct hvt_thread *t, u64 ip, bool user);

/*
 * It has retired. True: it is to be recorded. The window may have closed behind it.
 */
bool hvt_window_take(struct hvt_thread *t, u64 ip, bool wanted);

/*
 * Can nothing in the page of the instruction at @ip (in both, if it may cross into another),
 * or nowhere at all, be of interest before something else happens?
 */
bool hvt_window_bored(const struct hvt_thread *t, u64 ip);
bool hvt_window_bored_everywhere(const struct hvt_thread *t);

#endif
