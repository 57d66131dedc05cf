/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands over logs have in common: the log to read, which of its events are
 * wanted, their numbers. An event's number is its place in the merged order, from 1: the
 * line on which `hvtrace script` prints it.
 */
#ifndef HVT_CLI_INPUT_H
#define HVT_CLI_INPUT_H

#include <hvtrace/hvtrace.h>

#include "cli.h"

#define HVT_RANGES 32

/* "1,3-5": inclusive ranges; none: everything. */
struct hvt_ranges {
	struct {
		uint64_t first, last;
	} v[HVT_RANGES];
	size_t n;
};

struct hvt_input {
	uint64_t from_ns, to_ns; /* inclusive; to_ns 0: no end */
	struct hvt_ranges watches, pids, cpus;
	unsigned int reader_flags; /* HVT_READER_* */
	struct hvt_reader *reader;
	uint64_t number; /* of the event that is being looked at */
	bool all;	 /* there is no test that an event could fail */
	void (*each)(const struct hvt_event *ev, void *arg);
	void *arg;
};

/* clang-format off */
#define HVT_OPT_TIME   { "time", 0, "FROM,TO", "only of these seconds; one may be left out" }
#define HVT_OPT_WATCH  { "watch", 0, "LIST", NULL }
#define HVT_OPT_PID    { "pid", 0, "LIST", NULL }
#define HVT_OPT_CPU    { "cpu", 0, "LIST", "only of these: 1,3-5" }
#define HVT_OPT_QUIET  { "quiet", 'q', NULL, NULL }
#define HVT_OPT_VERB   { "verbose", 'v', NULL, "no progress; what was read, at the end" }
/* All of them, as the last lines of a table. */
#define HVT_OPT_INPUT  HVT_OPT_TIME, HVT_OPT_WATCH, HVT_OPT_PID, HVT_OPT_CPU, HVT_OPT_QUIET, \
		       HVT_OPT_VERB, HVT_OPT_HELP
/* clang-format on */

/* Events are to have lines of source. Exits, naming what asked, when this build has none. */
void hvt_input_lines(struct hvt_input *in, const char *what);

/* Takes the option of that name if it is one of the above. Exits on a bad argument. */
bool hvt_input_option(struct hvt_input *in, const char *name, const char *arg);

bool hvt_ranges_have(const struct hvt_ranges *r, uint64_t v);

/*
 * Reads the log: each(ev, arg) for each wanted event, in->number set. Returns as
 * hvt_log_read(); in->reader is the caller's then, to be freed with hvt_reader_free().
 */
int hvt_input_read(struct hvt_input *in, const char *path,
		   void (*each)(const struct hvt_event *ev, void *arg), void *arg);

/* Decimal, or 0x and hexadecimal. False: it is no such number up to *end's place. */
bool hvt_parse_number(const char *text, uint64_t *value, const char **end);

#endif
