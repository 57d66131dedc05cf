/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TASK and MAP sections: who exists, what is mapped, and which processes the log knows
 * already.
 */
#ifndef AGENT_FACTS_H
#define AGENT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "build_ids.h"
#include "log_writer.h"
#include "objects.h"
#include "proc.h"

struct facts {
	struct log_writer *log;
	struct build_ids ids;
	struct objects objects;
	uint8_t *tids;		     /* bitmaps by number: a TASK section was written ... */
	uint8_t *pids;		     /* ... and the maps of the process */
	bool only_known;	     /* there is a target: others only when first met in a record */
	uint32_t last_pid, last_tid; /* seen by the record before */
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t mono_ns(void);

/* Writes what /proc says of a task and its process unless the log has it; comm may be "". */
void facts_see(struct facts *f, uint32_t pid, uint32_t tid, const char *comm);

/* Writes all threads and maps of a process that the log does not know yet. */
void facts_snapshot(struct facts *f, uint32_t pid);

bool facts_know(const struct facts *f, uint32_t pid);
/* pid's maps will be told as they come: a child of a process that is known. */
void facts_adopt(struct facts *f, uint32_t pid, uint32_t tid);
void facts_forget(struct facts *f, uint32_t pid, uint32_t tid);
/* Something was missed: read /proc again for everyone who is met from now on. */
void facts_forget_all(struct facts *f);

/* One section each. comm_len at most 64; head->comm_len and the like are set here. */
void facts_task(struct facts *f, struct hvt_log_task *head, const char *comm);
void facts_map(struct facts *f, struct hvt_log_map *head, const uint8_t *id, size_t id_len,
	       const char *path);

/* Files and the kernel's own names in brackets; anonymous memory has no symbols. */
bool facts_wants_path(const char *path);

void facts_free(struct facts *f);

#endif
