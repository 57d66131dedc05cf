/* SPDX-License-Identifier: GPL-2.0-only */
/* What users of `at` and `last-writer` type: which memory, which event. */
#ifndef HVT_CLI_WHERE_H
#define HVT_CLI_WHERE_H

#include <hvtrace/hvtrace.h>

#include "memory.h"

/* ADDR[,LEN], or a watch's name as it was asked for: NAME[+OFF][,LEN]. */
struct hvt_where {
	const char *text;
	size_t name_len; /* of text; 0: an address */
	uint64_t addr;	 /* or the offset behind the name */
	uint64_t len;	 /* 0: up to the end of the watch, at most HVT_WHERE_LEN */
	int32_t pid;	 /* whose memory; -1: any */
	bool physical;
	struct hvt_space space; /* after hvt_where_find() */
};

#define HVT_WHERE_LEN 256

/* An event's number, or CPU:SEQ of its record. */
struct hvt_which {
	bool by_seq;
	uint32_t cpu;
	uint64_t n;
};

/* All exit with HVT_USAGE on text that is malformed. */
void hvt_where_parse(struct hvt_where *w, const char *text);
void hvt_where_pid(struct hvt_where *w, const char *text);
void hvt_which_parse(struct hvt_which *w, const char *text);

bool hvt_is_which(const struct hvt_which *w, const struct hvt_event *ev, uint64_t number);

/*
 * Find it among the watches of the log: addr, len and space are final then. Exits when no
 * watch covers its first byte, or watches of several memories do.
 */
void hvt_where_find(struct hvt_where *w, const struct hvt_reader *r);

#endif
