/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that naming addresses needs of one ELF file: its load segments and its symbols in
 * the order of the log (log.h, SYMTAB). The file belongs to whoever is traced.
 */
#ifndef AGENT_ELF_TABLE_H
#define AGENT_ELF_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

#include "buf.h"

/*
 * What one file may cost. Browsers have 500,000 symbols, with debug files more. A symbol
 * takes 21 bytes of the table at most, so that both fit into a section (HVT_SECTION_MAX).
 */
#define ELF_TABLE_SYMS_MAX    (1u << 20)
#define ELF_TABLE_NAMES_MAX   (32u << 20)
#define ELF_TABLE_STRINGS_MAX (128u << 20) /* of the file, which other symbols use, too */

struct elf_table_sym {
	uint64_t value, size;
	size_t name; /* in names */
	uint8_t info;
};

struct elf_table {
	uint32_t flags; /* HVT_OBJECT_STRIPPED, _CUT */
	struct hvt_log_segment *segs;
	struct elf_table_sym *syms;
	struct buf names;
	size_t nr_segs, nr_syms, cap_syms;
};

/* Adds the file's segments. No ELF file has none. */
void elf_table_segments(struct elf_table *t, int fd);
/* Adds the file's symbols, those of a debug file to those of its program. */
void elf_table_symbols(struct elf_table *t, int fd);
/* Brings what was added into order, each symbol once. */
void elf_table_sort(struct elf_table *t);
/* The table[] and the names[] of SYMTAB. */
void elf_table_encode(const struct elf_table *t, struct buf *table, struct buf *names);
void elf_table_free(struct elf_table *t);

#endif
