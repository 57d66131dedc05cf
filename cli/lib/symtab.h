/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What naming addresses needs of one object: its load segments and its symbols, from the
 * log (object.c) or from a file on this machine (elf_file.c).
 */
#ifndef HVT_LIB_SYMTAB_H
#define HVT_LIB_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct hvt_segment {
	uint64_t offset, filesz, vaddr, memsz;
	bool exec;
};

struct hvt_name {
	uint64_t value, size;
	const char *raw;
	char *shown; /* demangled; NULL: not yet, or it is raw as it is */
	struct hvt_label *label;
	uint8_t rank; /* higher is the better name for the address */
	bool tried;   /* to demangle it */
};

struct hvt_symtab {
	struct hvt_segment *segs;
	size_t nr_segs, cap_segs;
	struct hvt_name *names; /* sorted by value, then rank, best last */
	size_t nr_names, cap_names;
	char **strings; /* that names point into */
	size_t nr_strings, cap_strings;
	struct hvt_symtab *old; /* that this one replaced; freed with it */
};

struct hvt_symtab *hvt_symtab_new(void);
void hvt_symtab_free(struct hvt_symtab *t);

/* Each: 0 or -ENOMEM. */
int hvt_symtab_add_segment(struct hvt_symtab *t, const struct hvt_segment *seg);
int hvt_symtab_add_name(struct hvt_symtab *t, const struct hvt_name *name);
/* Keeps a copy of len bytes and a NUL, for names to point into; NULL: no memory. */
const char *hvt_symtab_add_strings(struct hvt_symtab *t, const void *bytes, size_t len);
/* After all names, unless they came in order. */
void hvt_symtab_sort(struct hvt_symtab *t);

/*
 * The link-time address of byte `off` of the file in a mapping that begins with byte
 * map_off and is executable or not. seg_end (if not NULL) gets the end of the segment's
 * memory image. False when no load segment holds it. Narrows the span to the segment.
 */
bool hvt_symtab_vaddr(const struct hvt_symtab *t, uint64_t map_off, bool exec, uint64_t off,
		      uint64_t *vaddr, uint64_t *seg_end, struct hvt_span *span);

/* The symbol that covers vaddr, NULL when none. Narrows the span to it, or to where none is. */
struct hvt_name *hvt_symtab_find(const struct hvt_symtab *t, uint64_t vaddr, struct hvt_span *span);

/* Is there a symbol of this name? */
bool hvt_symtab_defines(const struct hvt_symtab *t, const char *name);

#endif
