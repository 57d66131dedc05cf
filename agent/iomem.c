// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lies at a physical address, out of the text of /proc/iomem: lines of
 * "start-end : name", indented by how deep they are in others (kernel/resource.c).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "iomem.h"

static bool parse_line(const char *line, uint64_t *start, uint64_t *end, const char **name)
{
	int at = 0;

	if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %n", start, end, &at) != 2 || !at)
		return false;
	*name = line + at;
	/* hidden addresses are all zeros */
	return *end >= *start && *end;
}

void iomem_parse(char *text, uint64_t addr, struct iomem *found)
{
	uint64_t start, end;
	const char *name;
	char *line, *next;

	memset(found, 0, sizeof(*found));
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!parse_line(line, &start, &end, &name) || addr < start || addr > end ||
		    (found->len && end - start + 1 >= found->len))
			continue;
		found->start = start;
		found->len = end - start + 1;
		snprintf(found->name, sizeof(found->name), "%s", name);
	}
	if (!strcmp(found->name, "System RAM"))
		found->name[0] = '\0';
}

void iomem_find(uint64_t addr, struct iomem *found)
{
	struct buf b = { 0 };

	memset(found, 0, sizeof(*found));
	if (buf_read_file(&b, "/proc/iomem", 16u << 20) == 0)
		iomem_parse((char *)b.p, addr, found);
	buf_free(&b);
}
