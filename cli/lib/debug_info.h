/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Lines of source, out of the debug information of files on this machine: read by libdw
 * (debug_info.c), or not at all when that was not there to build with (debug_none.c).
 */
#ifndef HVT_LIB_DEBUG_INFO_H
#define HVT_LIB_DEBUG_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hvt_debug;

bool hvt_debug_available(void);

/*
 * That of the file which had this path and this build-id: in it, or in its debug file. What
 * has another build-id, or none, is not used. NULL: there is none. For hvt_debug_close().
 */
struct hvt_debug *hvt_debug_open(const char *path, const uint8_t *id, size_t id_len);
void hvt_debug_close(struct hvt_debug *d);

/*
 * The line that the instruction at a link-time address is of, from 1; 0: not known. *file: its
 * name, any bytes but NUL, until hvt_debug_close().
 */
int hvt_debug_line(struct hvt_debug *d, uint64_t vaddr, const char **file);

/*
 * A copy of a function's code: what is called by its name, at entry, or what was inlined into
 * another function, which may have no one place where it is entered. file and line: where the
 * function is declared; name: the one that linkers know.
 */
struct hvt_debug_range {
	uint64_t begin, end;
};
struct hvt_debug_copy {
	const char *file, *name;
	int line;
	bool inlined;
	uint64_t entry;
	const struct hvt_debug_range *ranges;
	size_t nr_ranges;
};

/*
 * All lines that there is code of: it begins at vaddr, and what begins at end is of another
 * one, or nothing. And all copies of all functions. Each until the callback returns false. The
 * strings live until hvt_debug_close(), the ranges until the callback returns. 0 or -ENOMEM.
 */
void hvt_debug_each_line(struct hvt_debug *d,
			 bool (*each)(uint64_t vaddr, uint64_t end, const char *file, int line,
				      void *arg),
			 void *arg);
int hvt_debug_each_function(struct hvt_debug *d,
			    bool (*each)(const struct hvt_debug_copy *copy, void *arg), void *arg);

#endif
