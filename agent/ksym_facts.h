/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which kernel addresses have their symbol in the log already, and the asking for the
 * others: once per symbol, not once per event.
 */
#ifndef AGENT_KSYM_FACTS_H
#define AGENT_KSYM_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/uapi.h>

#include "log_writer.h"

struct ksym_range {
	uint64_t start, end;
};

struct ksyms {
	struct log_writer *log;
	/* Fills sym->start, len, name and module for sym->addr. 0 or a negative errno. */
	int (*lookup)(void *ctx, struct hvt_ksym *sym);
	void *ctx;
	struct ksym_range *known; /* sorted, apart from each other */
	size_t nr, cap;
	struct ksym_range last; /* the latest hit */
};

/* Makes sure that the symbol of addr, if there is one, is in the log. */
void ksyms_see(struct ksyms *k, uint64_t addr);
void ksyms_free(struct ksyms *k);

#endif
