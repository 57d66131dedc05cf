/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exporters: each writes the events of a log in a format of other tools. To add one, add
 * a file here and a line to cmd_export.c.
 */
#ifndef HVT_EXPORT_H
#define HVT_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <hvtrace/hvtrace.h>

struct hvt_exporter {
	const char *name;
	bool directory;	   /* writes files of its own into a new directory */
	bool instructions; /* is about those that a trace recorded, ... */
	uint32_t needs;	   /* ... with these HVT_TRACE_* */

	/*
	 * One of out and dir is what to write to. NULL: out of memory. A FILE keeps the
	 * error of what could not be written; of a directory end() tells: 0 or errno.
	 */
	void *(*begin)(FILE *out, int dir);
	void (*event)(void *export, struct hvt_reader *r, const struct hvt_event *ev);
	int (*end)(void *export, const struct hvt_reader *r); /* frees export */
};

/*
 * The access as one of HVT_ACC_R, HVT_ACC_W, both (a read-modify-write, also what only a
 * damaged record leaves open) and HVT_ACC_X.
 */
static inline unsigned int hvt_export_access(const struct hvt_event *ev)
{
	const unsigned int rw = ev->access & (HVT_ACC_R | HVT_ACC_W);

	if (ev->access & HVT_ACC_X)
		return HVT_ACC_X;
	return rw ? rw : HVT_ACC_R | HVT_ACC_W;
}

extern const struct hvt_exporter hvt_export_ctf, hvt_export_drcov, hvt_export_folded,
	hvt_export_lackey, hvt_export_lcov, hvt_export_perfetto, hvt_export_tenet;

#endif
