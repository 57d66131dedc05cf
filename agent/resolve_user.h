/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User symbols: the target's executable, then its libraries in the order of its maps.
 */
#ifndef AGENT_RESOLVE_USER_H
#define AGENT_RESOLVE_USER_H

#include "proc.h"
#include "resolve.h"

/* The maps are read when first needed. */
struct target {
	int32_t pid;
	bool loaded;
	struct maps maps;
	char exe[4096]; /* as the maps name it */
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
