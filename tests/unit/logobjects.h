/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * OBJECT and SYMTAB sections in memory, for tests; as logbuild.h.
 */
#ifndef LOGOBJECTS_H
#define LOGOBJECTS_H

#include "logbuild.h"

struct lo_symbol {
	uint64_t value, size;
	const char *name;
	uint8_t info;
};

/* One executable segment at address and offset 0, len bytes long. */
void lo_object(struct logbuild *lb, uint32_t id, uint32_t flags, uint64_t len, const char *path,
	       const uint8_t *build_id, size_t id_len);
/* Symbols by ascending value. */
void lo_symtab(struct logbuild *lb, uint32_t object, const struct lo_symbol *syms, size_t nr);

#endif
