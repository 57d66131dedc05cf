/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel symbol names to addresses, out of the text of /proc/kallsyms.
 */
#ifndef AGENT_KALLSYMS_H
#define AGENT_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kallsym {
	const char *name; /* in */
	uint64_t addr;	  /* out: the global one, else the first local one */
	bool found, global;
	unsigned int locals; /* addresses that local ones have; 1: unambiguous */
	uint64_t other;	     /* another of those */
};

/*
 * One pass over fd for all names; ends early when each was found as a global symbol.
 * Returns 0 or a negative errno.
 */
int kallsyms_find(int fd, struct kallsym *want, size_t nr);

/* The first and the last symbol of a module's code; 0 when there is none. */
int kallsyms_module(int fd, const char *name, uint64_t *first, uint64_t *last);

#endif
