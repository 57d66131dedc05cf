/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ELF files on this machine, read with libelf, for what a log lacks. Nothing stays open.
 */
#ifndef HVT_LIB_ELF_FILE_H
#define HVT_LIB_ELF_FILE_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "symtab.h"

/* Where distributions put debug files. */
#define HVT_DEBUG_ROOT "/usr/lib/debug"

/*
 * NULL when path is no readable regular ELF file or when build_id_len is not 0 and the
 * file's build-id is another one. Owned by the caller, for hvt_symtab_free().
 */
struct hvt_symtab *hvt_elf_open(const char *path, const uint8_t *build_id, size_t build_id_len);

/* A descriptor and *e, both the caller's; -1: it is no readable regular ELF file. */
int hvt_elf_open_file(const char *path, Elf **e);
/* Is this the file whose build-id the log recorded? */
bool hvt_elf_has_build_id(Elf *e, const uint8_t *id, size_t len);
/* Of Debian's -dbgsym packages: the debug file of a build-id, up to 64 bytes long. */
void hvt_elf_debug_path(const uint8_t *id, size_t id_len, char *path, size_t size);

#endif
