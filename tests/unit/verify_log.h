/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Logs for the tests of hvt_verify(): sequence numbers, times, ranks, counts and sections
 * as the module and the agent would make them, so that a test says only what is special.
 */
#ifndef VERIFY_LOG_H
#define VERIFY_LOG_H

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <hvtrace/hvtrace.h>

#include "logbuild.h"

#define VL_CPUS	    4
#define VL_GPA(gla) (0x12340000ull + ((gla)&0xffff))

struct vlog {
	struct logbuild lb, rec[VL_CPUS];
	uint32_t cpus;
	uint64_t now, seq[VL_CPUS], tsc[VL_CPUS], gap[VL_CPUS], order;
	struct hvt_log_stat stat[VL_CPUS];
	size_t last_section; /* offset of the last EVENTS */
	bool no_stat, trailing;
};

void vl_begin(struct vlog *l, uint32_t cpus);

/* The next access of a CPU, later than all before, at VL_GPA(gla). Values are zero. */
struct hvt_rec_access vl_access(struct vlog *l, uint32_t cpu, uint64_t gla, uint32_t size,
				uint8_t access);
/* Into the CPU's ring: values of up to 8 bytes are in the record, others are given. */
void vl_put(struct vlog *l, uint32_t cpu, struct hvt_rec_access *a);
void vl_put_wide(struct vlog *l, uint32_t cpu, struct hvt_rec_access *a, const uint64_t *gpr,
		 const void *old, const void *new_, uint32_t len);
/* A record that finds no room, and the LOST record for all of them so far. */
void vl_lose(struct vlog *l, uint32_t cpu);
void vl_lost(struct vlog *l, uint32_t cpu);
void vl_remap(struct vlog *l, uint32_t cpu, uint64_t va, uint64_t old_gpa, uint64_t new_gpa);

void vl_flush(struct vlog *l, uint32_t cpu); /* the ring, as a section */
void vl_round(struct vlog *l);

void vl_finish(struct vlog *l); /* STAT and END */
void vl_verify(struct vlog *l, struct hvt_verdict *v);
void vl_free(struct vlog *l);
/* All three. */
void vl_end(struct vlog *l, struct hvt_verdict *v);

/* Complete, and no flaw of any kind. */
void vl_expect_good(const struct hvt_verdict *v);

#endif
