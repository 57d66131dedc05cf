/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Symbols, load bias and build-id out of one ELF file. The file belongs to whoever is
 * traced: read with read(2), never mapped, nothing in it believed.
 */
#ifndef AGENT_ELF_SYMS_H
#define AGENT_ELF_SYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include "proc.h"

#define BUILD_ID_MAX 32

/*
 * The file as libelf sees it, or NULL when it is no little-endian ELF file, or one that
 * libelf would need unlimited memory for. elf_end() frees it; fd stays open.
 */
Elf *elf_open(int fd);

enum elf_sym_result {
	ELF_SYM_NONE, /* not there, or not an ELF file */
	ELF_SYM_FOUND,
	ELF_SYM_TLS,	   /* only as a thread-local variable */
	ELF_SYM_AMBIGUOUS, /* several local ones, no global one */
};

#define ELF_SYM_SHOWN 4

struct elf_sym {
	uint64_t value; /* as in the file; add the load bias */
	uint64_t size;
	int score;			/* how good a match it is; 0: none */
	unsigned int equal;		/* matches of that score at different values */
	uint64_t values[ELF_SYM_SHOWN]; /* the first of them */
	bool tls;			/* a thread-local one was met */
};

/*
 * Looks for name in .symtab, then in .dynsym. exec: the user wants to watch execution,
 * so functions come before objects. found must be zeroed by the caller.
 */
enum elf_sym_result elf_find_symbol(int fd, const char *name, bool exec, struct elf_sym *found);

/* Is there a .symtab (with sections), or has it been stripped? */
bool elf_has_symtab(int fd);

/*
 * Load bias of a file from one of its mappings (ELF specification, program loading;
 * gABI chapter 5). Returns 0 or a negative errno when no segment fits.
 */
int elf_load_bias(int fd, const struct map_entry *map, uint64_t *bias);

/* Returns the bytes of the build-id (NT_GNU_BUILD_ID), 0 when there is none. */
size_t elf_build_id(int fd, uint8_t id[BUILD_ID_MAX]);

/*
 * Opens the symbols that were stripped from the file of a process and installed apart,
 * found by its build-id. An fd or a negative errno.
 */
int elf_open_debug(int fd, int32_t pid);

#endif
