/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where the sections of a log are: told by its INDEX sections, which END leads to, or
 * found by walking the section headers when it was cut short.
 */
#ifndef HVT_LIB_INDEX_H
#define HVT_LIB_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

struct hvt_index {
	struct hvt_log_index_entry *v; /* in the order of the stream */
	size_t n, cap;
	bool complete; /* the log has its END */
};

/*
 * The index of the log in fd, a file; what idx held is forgotten. 0, -EBADMSG when it does
 * not begin as a log, -ENOMEM, or what read() failed with. Payloads of indexed sections are
 * not looked at: whoever reads one checks its CRCs.
 */
int hvt_index_load(struct hvt_index *idx, int fd);
/* The same from the section headers alone: up to the first one that is not good. */
int hvt_index_walk(struct hvt_index *idx, int fd);

/* Takes a section at off of the stream, if it is of those that an INDEX lists. 0 or -ENOMEM. */
int hvt_index_note(struct hvt_index *idx, const struct hvt_section *s, uint64_t off);

/*
 * Is this INDEX section, with its plain payload, what idx says, and is the one before it at
 * prev? *found is where it says that one is.
 */
bool hvt_index_is(const struct hvt_index *idx, const struct hvt_section *s, const uint8_t *payload,
		  uint64_t prev, uint64_t *found);

void hvt_index_free(struct hvt_index *idx);

#endif
