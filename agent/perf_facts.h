/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own news of processes (mmap, exec, fork, exit, names): one perf dummy
 * event for each CPU.
 */
#ifndef AGENT_PERF_FACTS_H
#define AGENT_PERF_FACTS_H

#include <stdint.h>

#include "facts.h"

struct perf_cpu {
	int fd;
	void *page; /* struct perf_event_mmap_page, then the data */
};

struct perf_facts {
	struct perf_cpu *cpu;
	uint32_t nr;
	struct buf bytes;
};

/* Opens one event for each online CPU. Returns 0 or a negative errno (nothing is open). */
int perf_open(struct perf_facts *p, uint32_t nr_cpus);
/* Reads all that is there and writes it as facts. */
void perf_drain(struct perf_facts *p, struct facts *f);
void perf_close(struct perf_facts *p);

#endif
