/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values into few bytes: zstd, and the encodings of a column. Knows nothing of what the
 * values mean.
 */
#ifndef AGENT_ENCODE_H
#define AGENT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include <hvtrace/log.h>

#include "buf.h"

/* Appends one zstd frame of len bytes. False, and nothing appended, unless it is smaller. */
bool compress_to(struct buf *b, const void *bytes, size_t len);

/*
 * Appends the elements of a column and describes how. column gives field, width, count,
 * and the encoding to use when the elements are not all the same: planes for widths of 2,
 * 4 and 8, delta for 8. The rest is filled in.
 */
void encode_column(struct buf *b, struct hvt_log_column *column, const void *elements);

#endif
