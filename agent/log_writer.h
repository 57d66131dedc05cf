/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns sections into the bytes of <hvtrace/log.h> and gets them out of the door in
 * large writes. Knows nothing of what the sections say.
 */
#ifndef AGENT_LOG_WRITER_H
#define AGENT_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

#include "buf.h"

struct log_writer {
	int fd;
	struct buf out; /* gathered; bytes before `done` are written */
	size_t done;
	uint64_t at;	   /* offset in the stream of what comes next */
	struct buf index;  /* entries since the last INDEX section, ... */
	uint64_t index_at; /* ... which is there; 0: none */
	/*
	 * What may stay unwritten while the fd is full, so that a reader that is slower
	 * than the events for a while costs memory and no records.
	 */
	size_t backlog_max;
	int err; /* first failure, negative errno; all later calls do nothing */
	/*
	 * Called when a non-blocking fd is full and no more may stay behind. Returns 0 to
	 * go on, or a negative errno to give up. May be NULL for a blocking fd.
	 */
	int (*wait)(void *ctx);
	void *wait_ctx;
};

struct log_part {
	const void *p;
	size_t len;
};

void log_header(struct log_writer *log, uint32_t nr_cpus);

/*
 * Appends one section: head gives type, cpu, count, the tsc fields and seq_first; the
 * parts in order are the payload. Writes when enough has gathered.
 */
void log_section(struct log_writer *log, const struct hvt_section *head,
		 const struct log_part *parts, size_t nr_parts);

/* A section of one struct or text, without tsc fields. */
void log_plain(struct log_writer *log, enum hvt_sec_type type, const void *p, size_t len);

/* The last INDEX, and END: end gives all but where the index is. */
void log_end(struct log_writer *log, struct hvt_log_end *end);

/* Writes what goes, and all but backlog_max bytes at any price. Returns log->err. */
int log_flush(struct log_writer *log);

/* Writes all that has gathered. Returns log->err. */
int log_finish(struct log_writer *log);

void log_free(struct log_writer *log);

static inline size_t log_backlog(const struct log_writer *log)
{
	return log->out.len - log->done;
}

#endif
