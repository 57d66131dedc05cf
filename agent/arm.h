/* SPDX-License-Identifier: GPL-2.0-only */
/* From what is wanted to armed watches, and their sections in the log. */
#ifndef AGENT_ARM_H
#define AGENT_ARM_H

#include "filter.h"
#include "resolve.h"
#include "session.h"

/* The filter of all watches to come, if there is one. AGENT_OK, or a code after complaining. */
int arm_filter(struct session *s, const struct filter_want *w);

/* pid: whose memory; flags: HVT_WATCH_* of all. The same returns. */
int arm_watches(struct session *s, const struct want *want, size_t nr, int32_t pid, uint32_t flags);

/* All there is to be armed is: says so in the log. */
void arm_done(struct session *s);

#endif
