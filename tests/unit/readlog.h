/* SPDX-License-Identifier: GPL-2.0-only */
/* A log of logbuild.h in a reader, as most tests of the reader begin. */
#ifndef READLOG_H
#define READLOG_H

#include <hvtrace/hvtrace.h>

#include "logbuild.h"

/* All of it is fed; flags are HVT_READER_*. */
static inline struct hvt_reader *read_log(const struct logbuild *lb, unsigned int flags)
{
	struct hvt_reader *r = hvt_reader_new(flags);

	assert_non_null(r);
	assert_int_equal(hvt_reader_feed(r, lb->bytes, lb->len), 0);
	return r;
}

/* One that has come to its end. */
static inline struct hvt_reader *read_whole(const struct logbuild *lb)
{
	struct hvt_reader *r = read_log(lb, HVT_READER_NO_SYMBOLS);

	assert_int_equal(hvt_reader_finish(r), 0);
	return r;
}

#endif
