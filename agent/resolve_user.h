/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User symbols: the target's executable, then its libraries in the order of its maps.
 */
#ifndef AGENT_RESOLVE_USER_H
#define AGENT_RESOLVE_USER_H

#include "elf_syms.h"
#include "proc.h"
#include "resolve.h"

/* The maps are read when first needed. */
struct target {
	int32_t pid;
	bool loaded;
	struct maps maps;
	char exe[4096]; /* as the maps name it */
	/* The last symbol found: many wants may be about parts of one. */
	struct {
		bool valid, exec;
		char object[4096], name[SPEC_NAME_MAX];
		struct elf_sym sym;
		uint64_t bias;
	} last;
};

/* Fills addr and len of a want that names a user symbol. A code of enum agent_exit. */
int resolve_user(struct target *target, struct want *want);
/* The same, but a symbol or a process that is not there is no error. */
int find_user(struct target *target, struct want *want, bool *found);
/*
 * Whether the process has memory at all of a want's bytes. If not: a complaint about a
 * symbol; an address is left to wait for memory.
 */
int check_mapped(struct target *target, struct want *want);
void target_free(struct target *target);

#endif
