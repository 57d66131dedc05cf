/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a SPEC to an address: in the target's files, or in the kernel's symbols.
 */
#ifndef AGENT_RESOLVE_H
#define AGENT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iomem.h"
#include "proc.h"
#include "spec.h"

struct want {
	const char *text; /* as the user wrote it */
	uint32_t access;  /* HVT_ACC_* */
	struct spec spec;
	bool kernel;	 /* the kernel's memory */
	bool physical;	 /* addr is a physical address */
	struct iomem io; /* what lies there */
	bool wait;	 /* the process has no memory at all of it, as at unmapped */
	uint64_t unmapped;
	uint64_t addr; /* first byte */
	uint64_t len;  /* 0: a kernel symbol's, not known yet */
};

/* Says whether pid can be a target. AGENT_OK, or a code after complaining. */
int target_check(int32_t pid);

/*
 * Fills kernel and addr of each want, and len except for kernel symbols without one.
 * pid 0: no target. AGENT_OK, or a code after complaining.
 */
int resolve_all(struct want *want, size_t nr, int32_t pid);

/*
 * Fills addr of the wants that name a kernel symbol (kernel and spec.sym), in one pass.
 * AGENT_OK, or a code after complaining.
 */
int resolve_kernel(struct want *want, size_t nr);

/* Does the name that a user gave to an object mean the file at path? */
bool object_matches(const char *path, const char *object);

#endif
