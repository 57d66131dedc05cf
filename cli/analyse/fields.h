/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as chosen fields, in columns of text or as CSV: hvtrace script --fields. */
#ifndef HVT_CLI_FIELDS_H
#define HVT_CLI_FIELDS_H

#include <hvtrace/hvtrace.h>

struct hvt_fields;

/* "a,b,c"; NULL: all. Exits when there is no such field. To be freed with free(). */
struct hvt_fields *hvt_fields_new(const char *list);

/* Is the field of this name one of them? */
bool hvt_fields_have(const struct hvt_fields *f, const char *name);

/* The names, as the first line of CSV. */
void hvt_fields_head(const struct hvt_fields *f, FILE *out);

/*
 * One line: text with a tab between the fields and - for what is not known or does not
 * apply, or CSV (RFC 4180, lines end with a newline alone) with nothing there. number is
 * the event's place in the merged order.
 */
void hvt_fields_put(const struct hvt_fields *f, FILE *out, bool csv, const struct hvt_reader *r,
		    const struct hvt_event *ev, uint64_t number);

/* One sample as `perf script` prints it with call chains of one entry. */
void hvt_perf_script(FILE *out, const struct hvt_event *ev);

#endif
