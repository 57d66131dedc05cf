/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Build-ids of mapped files, read once per file.
 */
#ifndef AGENT_BUILD_IDS_H
#define AGENT_BUILD_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "elf_syms.h"
#include "proc.h"

struct build_ids {
	struct build_id_entry *e; /* a table by hash, one place per file */
};

/*
 * Returns the bytes put in id, 0 when the file has no build-id or cannot be read. A shared
 * mapping's file is not read: it is memory of those who share it, and may be watched.
 */
size_t build_ids_get(struct build_ids *ids, int32_t pid, const struct map_entry *map,
		     uint8_t id[BUILD_ID_MAX]);
void build_ids_free(struct build_ids *ids);

#endif
