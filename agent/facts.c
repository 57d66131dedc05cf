// SPDX-License-Identifier: GPL-2.0-only
/*
 * TASK and MAP sections: who exists, what is mapped, and which processes the log knows
 * already.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts.h"

/* PID_MAX_LIMIT of 64-bit kernels (include/linux/threads.h). */
#define PID_LIMIT (4u << 20)

uint64_t mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static bool bit(const uint8_t *map, uint32_t n)
{
	return map && n < PID_LIMIT && map[n / 8] >> (n % 8) & 1;
}

static void set_bit(uint8_t **map, uint32_t n, bool on)
{
	if (n >= PID_LIMIT || (!*map && !on))
		return;
	if (!*map) {
		*map = xrealloc(NULL, PID_LIMIT / 8);
		memset(*map, 0, PID_LIMIT / 8);
	}
	if (on)
		(*map)[n / 8] |= (uint8_t)(1u << (n % 8));
	else
		(*map)[n / 8] &= (uint8_t) ~(1u << (n % 8));
}

void facts_task(struct facts *f, struct hvt_log_task *head, const char *comm)
{
	struct hvt_section section = { .type = HVT_SEC_TASK, .count = 1 };
	struct log_part parts[] = { { head, sizeof(*head) }, { comm, strnlen(comm, 64) } };

	head->comm_len = (uint32_t)parts[1].len;
	log_section(f->log, &section, parts, 2);
	if (head->what == HVT_TASK_FORK)
		objects_fork(&f->objects, head->ppid, head->pid);
	else if (head->what == HVT_TASK_EXIT && head->pid == head->tid)
		objects_exit(&f->objects, head->pid);
}

void facts_map(struct facts *f, struct hvt_log_map *head, const uint8_t *id, size_t id_len,
	       const char *path)
{
	struct hvt_section section = { .type = HVT_SEC_MAP, .count = 1 };
	struct log_part parts[] = {
		{ head, sizeof(*head) },
		{ id, id_len },
		{ path, strlen(path) },
	};

	head->build_id_len = (uint32_t)id_len;
	head->path_len = (uint32_t)parts[2].len;
	log_section(f->log, &section, parts, 3);
	objects_map(&f->objects, head, id, id_len, path);
}

bool facts_wants_path(const char *path)
{
	return path[0] == '/' ?
		       strcmp(path, "//anon") != 0 :
		       !strncmp(path, "[vdso]", 6) || !strncmp(path, "[heap]", 6) ||
			       !strncmp(path, "[stack]", 7) || !strncmp(path, "[vsyscall]", 10);
}

static void write_seen(struct facts *f, uint32_t pid, uint32_t tid, const char *comm)
{
	struct hvt_log_task head = {
		.ns = mono_ns(),
		.what = HVT_TASK_SEEN,
		.pid = pid,
		.tid = tid,
	};
	struct proc_stat stat;
	char now[16];

	proc_comm((int32_t)pid, (int32_t)tid, now);
	if (proc_stat((int32_t)pid, &stat) == 0)
		head.ppid = head.ptid = (uint32_t)stat.ppid;
	facts_task(f, &head, now[0] ? now : comm);
	set_bit(&f->tids, tid, true);
}

static void write_maps(struct facts *f, uint32_t pid)
{
	struct hvt_log_map head = { .ns = mono_ns(), .pid = pid };
	struct maps maps;
	size_t i;

	set_bit(&f->pids, pid, true);
	if (maps_read(&maps, (int32_t)pid))
		return; /* gone: its records carry pid and comm at least */
	for (i = 0; i < maps.nr; i++) {
		const struct map_entry *m = &maps.e[i];
		uint8_t id[BUILD_ID_MAX];

		if (!facts_wants_path(m->path))
			continue;
		head.start = m->start;
		head.end = m->end;
		head.offset = m->offset;
		head.prot = m->prot;
		facts_map(f, &head, id, build_ids_get(&f->ids, (int32_t)pid, m, id), m->path);
	}
	maps_free(&maps);
}

void facts_see(struct facts *f, uint32_t pid, uint32_t tid, const char *comm)
{
	/* pid 0 is the idle task of each CPU: not a process, not in /proc. */
	if (!pid || (pid == f->last_pid && tid == f->last_tid))
		return;
	f->last_pid = pid;
	f->last_tid = tid;
	if (tid != pid && !bit(f->tids, tid))
		write_seen(f, pid, tid, comm);
	if (!bit(f->tids, pid))
		write_seen(f, pid, pid, tid == pid ? comm : "");
	if (!bit(f->pids, pid))
		write_maps(f, pid);
}

void facts_snapshot(struct facts *f, uint32_t pid)
{
	struct dirent *d;
	char path[64];
	DIR *dir;

	facts_see(f, pid, pid, "");
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)) != NULL) {
		uint32_t tid = (uint32_t)strtoul(d->d_name, NULL, 10);

		if (tid)
			facts_see(f, pid, tid, "");
	}
	if (dir)
		closedir(dir);
}

bool facts_know(const struct facts *f, uint32_t pid)
{
	return bit(f->pids, pid);
}

void facts_adopt(struct facts *f, uint32_t pid, uint32_t tid)
{
	set_bit(&f->pids, pid, true);
	set_bit(&f->tids, tid, true);
}

void facts_forget(struct facts *f, uint32_t pid, uint32_t tid)
{
	set_bit(&f->tids, tid, false);
	if (tid == pid)
		set_bit(&f->pids, pid, false);
	f->last_pid = f->last_tid = 0;
}

void facts_forget_all(struct facts *f)
{
	if (f->tids)
		memset(f->tids, 0, PID_LIMIT / 8);
	if (f->pids)
		memset(f->pids, 0, PID_LIMIT / 8);
	f->last_pid = f->last_tid = 0;
}

void facts_free(struct facts *f)
{
	build_ids_free(&f->ids);
	objects_free(&f->objects);
	free(f->tids);
	free(f->pids);
	f->tids = f->pids = NULL;
}
