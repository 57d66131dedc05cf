/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One session of watches or of a trace: from an armed device to the end of its log.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "device.h"
#include "facts.h"
#include "ksym_facts.h"
#include "log_writer.h"
#include "mark.h"
#include "perf_facts.h"

struct session {
	const char *name; /* of the command, for complaints */
	struct device dev;
	struct log_writer log;
	struct facts facts;
	struct ksyms ksyms;
	struct perf_facts perf;
	struct mark_socket marks;
	int control_fd; /* -1: none; its end means stop */
	int signal_fd;
	int pid_fd;	     /* -1: no target */
	uint32_t *watch_ids; /* armed and not yet disarmed */
	size_t nr_watches;
	uint32_t filter;     /* of the watches, 0: none */
	uint64_t limit;	     /* of its records, 0: none */
	uint32_t trace;	     /* begun and not yet ended, 0: none */
	bool trace_alone;    /* it, and not the target, says when all is over */
	uint32_t end_reason; /* enum hvt_end_reason, 0 while running */
	bool disarmed;
	uint64_t round_tsc;  /* of the last ROUND */
	uint64_t newest_tsc; /* of the records in the log */
	bool in_flight;	     /* some CPU was making a record in the last round */
	uint8_t *batch;	     /* RING_BATCH_SLOTS slots out of a ring */
	/* Records that are not yet enough for a section, of each CPU; NULL: never any */
	struct chunk **chunks;
	uint64_t held_since; /* the first of them, mono_ns(); 0: there are none */
	size_t unmerged;     /* bytes of records taken since there were none */
	struct buf payload;  /* of the section that is being written */
};

/* Fills in what does not need the machine; fds are set by the caller. */
void session_init(struct session *s, const char *name);

/* Runs until the end and writes it. AGENT_OK, or a code after complaining. */
int session_run(struct session *s);

/*
 * How long records may wait for more of them: each section costs a reader and the disk
 * something, and a live reader sees nothing meanwhile.
 */
#define HOLD_NS 100000000ull

/* One pass over all rings: facts, EVENTS, ROUND. Returns true when any record came. */
bool session_round(struct session *s);

/* One record of a CPU, checked, on its way into the log. */
void session_take(struct session *s, uint32_t cpu, const uint8_t *rec);

/* Writes all records that were taken. */
void session_write_chunks(struct session *s);

void session_free(struct session *s);

/*
 * The rest of a command: runs what was armed when rc is AGENT_OK; disarms and frees in any
 * case. Its exit code.
 */
int session_finish(struct session *s, int rc);

#endif
