/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ELF files on this machine, read with libelf, for what a log lacks. Nothing stays open.
 */
#ifndef HVT_LIB_ELF_FILE_H
#define HVT_LIB_ELF_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "symtab.h"

/*
 * NULL when path is no readable regular ELF file or when build_id_len is not 0 and the
 * file's build-id is another one. Owned by the caller, for hvt_symtab_free().
 */
struct hvt_symtab *hvt_elf_open(const char *path, const uint8_t *build_id, size_t build_id_len);

#endif
