/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ELF files on disk, read with libelf: symbol names, load segments, build-ids. Nothing
 * stays open: a struct hvt_elf is a copy of the few facts that naming needs.
 */
#ifndef HVT_LIB_ELF_FILE_H
#define HVT_LIB_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hvt_elf;

/*
 * NULL when path is no readable regular ELF file or when build_id_len is not 0 and the
 * file's build-id is another one. Owned by the caller.
 */
struct hvt_elf *hvt_elf_open(const char *path, const uint8_t *build_id, size_t build_id_len);
void hvt_elf_free(struct hvt_elf *elf);

/*
 * The link-time address of byte `off` of the file in a mapping that begins with byte
 * map_off and is executable or not. seg_end (if not NULL) gets the end of the segment's
 * memory image. False when no load segment holds it.
 */
bool hvt_elf_vaddr(const struct hvt_elf *elf, uint64_t map_off, bool exec, uint64_t off,
		   uint64_t *vaddr, uint64_t *seg_end);

/* The symbol that covers vaddr, NULL when none; *off from its first byte. */
const char *hvt_elf_symbol(const struct hvt_elf *elf, uint64_t vaddr, uint64_t *off);

/* Is name a defined symbol in .symtab or .dynsym? */
bool hvt_elf_defines(const struct hvt_elf *elf, const char *name);

#endif
