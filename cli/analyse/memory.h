/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a log tells about a range of watched memory, event after event: the bytes, and who
 * wrote them last. A byte is known from the event that read or wrote it with its value
 * until something may have changed it unseen: a write without a value, a lost record, a
 * page that moved, a byte whose writes are not watched. It is never guessed.
 */
#ifndef HVT_CLI_MEMORY_H
#define HVT_CLI_MEMORY_H

#include <hvtrace/hvtrace.h>

#define HVT_MEMORY_MAX (1u << 20)

/* Which memory: of a process, the kernel's (pid 0), or physical. */
struct hvt_space {
	int32_t pid;
	bool physical;
};

enum hvt_writer_kind {
	HVT_WRITER_NONE = 0, /* no write was seen */
	HVT_WRITER_EVENT,    /* this event wrote it */
	HVT_WRITER_MAYBE,    /* this event may have: through another address, or not decoded */
	HVT_WRITER_UNKNOWN,  /* since this loss or remap nobody knows */
};

struct hvt_byte {
	uint8_t value, known;
	uint8_t writer; /* enum hvt_writer_kind */
	uint8_t torn;	/* written without a value: 1 by an earlier event of `group`, 2 by this */
	uint64_t by;	/* number of the event that `writer` is about */
	uint64_t seen;	/* ... and of the one that told the value */
	uint64_t group; /* of the instruction that wrote it last */
};

struct hvt_memory;

/* NULL: no memory. len is 1 .. HVT_MEMORY_MAX. */
struct hvt_memory *hvt_memory_new(const struct hvt_reader *r, struct hvt_space space, uint64_t addr,
				  uint64_t len);
void hvt_memory_free(struct hvt_memory *m);

/*
 * The next event and its number. True: it says something of the range: hvt_memory_bytes()
 * may have changed.
 */
bool hvt_memory_take(struct hvt_memory *m, const struct hvt_event *ev, uint64_t number);

/* The bytes after the last event taken. */
const struct hvt_byte *hvt_memory_bytes(const struct hvt_memory *m);

/*
 * Keep what is known now, to be asked for when all events were taken: that records of
 * another CPU are missing around this time is told only by a later one. What the last
 * event itself told stays known whatever is missing. 0 or -ENOMEM.
 */
int hvt_memory_keep(struct hvt_memory *m);
/* The same of the moment before `next`, which is not taken yet. */
int hvt_memory_keep_before(struct hvt_memory *m, const struct hvt_event *next);
/* The kept bytes, less what turned out to be uncertain; NULL: nothing was kept. */
const struct hvt_byte *hvt_memory_kept(struct hvt_memory *m);
/* Were records missing at the kept moment? */
bool hvt_memory_kept_in_loss(const struct hvt_memory *m);

/* Is each write to the byte at i in the log, as far as nothing is lost? */
bool hvt_memory_covered(const struct hvt_memory *m, uint64_t i);

#endif
