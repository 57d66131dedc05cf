/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc says of a process, as plain data: its maps, its name, what kind of task it
 * is. Reads, never writes a log.
 */
#ifndef AGENT_PROC_H
#define AGENT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct map_entry {
	uint64_t start, end, offset;
	uint32_t prot; /* PROT_* */
	bool shared;   /* MAP_SHARED */
	uint32_t major, minor;
	uint64_t inode;
	const char *path; /* in the maps' text; "" when anonymous */
};

struct maps {
	struct buf text; /* owns the paths */
	struct map_entry *e;
	size_t nr;
};

/* Parses maps->text, changing it. Lines that make no sense are left out. */
void maps_parse(struct maps *maps);
/* 0 or a negative errno. */
int maps_read(struct maps *maps, int32_t pid);
void maps_free(struct maps *maps);

/* Copies the name of a thread, "" when it is gone. */
void proc_comm(int32_t pid, int32_t tid, char comm[16]);

struct proc_stat {
	char state;
	int32_t tgid, ppid;
	int kthread;
};

/* 0 or a negative errno; -ENOENT when there is no such task. */
int proc_stat(int32_t pid, struct proc_stat *stat);

/* Opens a regular file to read and nothing else. An fd or a negative errno. */
int open_regular(const char *path);

/*
 * Opens the file behind a mapping: the very one that is mapped when the kernel lets us
 * (map_files), else the path in the root of the process. An fd or a negative errno.
 */
int proc_open_mapped(int32_t pid, const struct map_entry *map);

#endif
