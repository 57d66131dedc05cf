/* SPDX-License-Identifier: GPL-2.0-only */
/* Random logs of a machine whose memory is known: see lograndom.c. */
#ifndef LOGRANDOM_H
#define LOGRANDOM_H

#include <stdint.h>
#include <stdio.h>

#include "logbuild.h"

/*
 * The log of a random run, the same for the same seed. truth (or NULL) gets JSON lines: for
 * each record what all bytes that may be asked for were once its instruction was over.
 */
void lb_random(struct logbuild *lb, uint64_t seed, FILE *truth);

/*
 * A run of one program at base; in change "value", "ip", "short" (one access less) or
 * "lost" one access is other than in a run with "" (logrun.c).
 */
void lb_run(struct logbuild *lb, uint64_t base, uint32_t seed, const char *change);

/*
 * Ten accesses on two CPUs at tsc 2000, 2100, ...; marks at 1500, 2000, 2250, 2250, 9999 in
 * sections wherever.
 */
void lb_marks(struct logbuild *lb);

/* 200 accesses by and to names that would act on a page of HTML, XML or a terminal. */
void lb_hostile(struct logbuild *lb);

#endif
