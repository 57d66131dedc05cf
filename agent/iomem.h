/* SPDX-License-Identifier: GPL-2.0-only */
/* What lies at a physical address, out of the text of /proc/iomem. */
#ifndef AGENT_IOMEM_H
#define AGENT_IOMEM_H

#include <stdint.h>

#define IOMEM_NAME_MAX 128

struct iomem {
	uint64_t start, len;
	char name[IOMEM_NAME_MAX]; /* "" when nothing is known, or it is plain memory */
};

/* The smallest line of text that holds addr; the first one of equals. text is changed. */
void iomem_parse(char *text, uint64_t addr, struct iomem *found);

/* The same of this machine; nobody but root is told addresses. */
void iomem_find(uint64_t addr, struct iomem *found);

#endif
