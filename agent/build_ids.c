// SPDX-License-Identifier: GPL-2.0-only
/*
 * Build-ids of mapped files, read once per file. A fixed table: a newer file pushes an
 * older one of the same hash out, which costs a second read and nothing else.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build_ids.h"

#define ENTRIES 1024u

struct build_id_entry {
	uint64_t inode, path_hash;
	uint32_t major, minor;
	uint8_t used, len;
	uint8_t id[BUILD_ID_MAX];
};

/* FNV-1a */
static uint64_t hash_path(const char *path)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3ull;
	return h;
}

size_t build_ids_get(struct build_ids *ids, int32_t pid, const struct map_entry *map,
		     uint8_t id[BUILD_ID_MAX])
{
	uint64_t hash = hash_path(map->path);
	struct build_id_entry *e;
	int fd;

	if (map->path[0] != '/' || map->shared)
		return 0;
	if (!ids->e) {
		ids->e = xrealloc(NULL, ENTRIES * sizeof(*ids->e));
		memset(ids->e, 0, ENTRIES * sizeof(*ids->e));
	}
	e = &ids->e[(hash ^ map->inode) % ENTRIES];
	if (!e->used || e->inode != map->inode || e->path_hash != hash || e->major != map->major ||
	    e->minor != map->minor) {
		memset(e, 0, sizeof(*e));
		fd = proc_open_mapped(pid, map);
		if (fd < 0)
			return 0; /* gone or forbidden; another process may have it still */
		e->len = (uint8_t)elf_build_id(fd, e->id);
		close(fd);
		e->used = 1;
		e->inode = map->inode;
		e->path_hash = hash;
		e->major = map->major;
		e->minor = map->minor;
	}
	memcpy(id, e->id, e->len);
	return e->len;
}

void build_ids_free(struct build_ids *ids)
{
	free(ids->e);
	ids->e = NULL;
}
