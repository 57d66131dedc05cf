// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc says of a process, as plain data (proc(5)). Reads, never writes a log.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc.h"

#define MAPS_BYTES_MAX (64u << 20)
#define PF_KTHREAD     0x00200000 /* include/linux/sched.h; proc(5) stat field 9 */

static uint32_t parse_prot(const char *perms)
{
	return (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
	       (perms[2] == 'x' ? PROT_EXEC : 0);
}

/* "start-end perms offset major:minor inode   path" */
static int parse_map(char *line, struct map_entry *m)
{
	char perms[5];
	int path = 0;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &m->start, &m->end, perms, &m->offset, &m->major, &m->minor, &m->inode,
		   &path) != 7 ||
	    !path || strlen(perms) != 4 || m->end <= m->start)
		return -EINVAL;
	m->prot = parse_prot(perms);
	m->shared = perms[3] == 's';
	m->path = line + path;
	return 0;
}

void maps_parse(struct maps *maps)
{
	char *line = (char *)maps->text.p, *next;
	size_t cap = 0;

	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (maps->nr == cap) {
			cap = cap ? cap * 2 : 64;
			maps->e = xrealloc(maps->e, cap * sizeof(*maps->e));
		}
		if (parse_map(line, &maps->e[maps->nr]) == 0)
			maps->nr++;
	}
}

int maps_read(struct maps *maps, int32_t pid)
{
	char path[64];
	int rc;

	memset(maps, 0, sizeof(*maps));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	rc = buf_read_file(&maps->text, path, MAPS_BYTES_MAX);
	if (rc)
		maps_free(maps);
	else
		maps_parse(maps);
	return rc;
}

void maps_free(struct maps *maps)
{
	free(maps->e);
	buf_free(&maps->text);
	memset(maps, 0, sizeof(*maps));
}

void proc_comm(int32_t pid, int32_t tid, char comm[16])
{
	struct buf b = { 0 };
	char path[64];
	size_t len;

	memset(comm, 0, 16);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	if (buf_read_file(&b, path, 256) == 0 && b.len) {
		len = b.len - (b.p[b.len - 1] == '\n');
		memcpy(comm, b.p, len < 15 ? len : 15);
	}
	buf_free(&b);
}

static int parse_tgid(int32_t pid, int32_t *tgid)
{
	struct buf b = { 0 };
	char path[64];
	const char *at;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	rc = buf_read_file(&b, path, 65536);
	if (!rc) {
		at = strstr((char *)b.p, "\nTgid:");
		if (!at || sscanf(at, "\nTgid: %d", tgid) != 1)
			rc = -EPROTO;
	}
	buf_free(&b);
	return rc;
}

int proc_stat(int32_t pid, struct proc_stat *stat)
{
	struct buf b = { 0 };
	unsigned int flags = 0;
	char path[64];
	const char *at;
	int rc;

	memset(stat, 0, sizeof(*stat));
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	rc = buf_read_file(&b, path, 65536);
	if (!rc) {
		/* The name is in parentheses and may hold anything, parentheses too. */
		at = strrchr((char *)b.p, ')');
		if (!at || sscanf(at, ") %c %d %*d %*d %*d %*d %u", &stat->state, &stat->ppid,
				  &flags) != 3)
			rc = -EPROTO;
	}
	buf_free(&b);
	stat->kthread = !!(flags & PF_KTHREAD);
	return rc ? rc : parse_tgid(pid, &stat->tgid);
}

int open_regular(const char *path)
{
	/* O_NONBLOCK: opening a device, a FIFO or a leased file may wait or act. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENXIO;
	}
	return fd;
}

int proc_open_mapped(int32_t pid, const struct map_entry *map)
{
	char path[4200];
	int fd;

	if (map->path[0] != '/')
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, map->start,
		 map->end);
	fd = open_regular(path);
	if (fd >= 0 || fd == -ENXIO)
		return fd;
	if (snprintf(path, sizeof(path), "/proc/%d/root%s", pid, map->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return open_regular(path);
}
