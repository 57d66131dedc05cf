// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the bytes of perf side-band records (perf_event_open(2), "MMAP layout") to TASK
 * and MAP facts. No perf file, no mmap: buffers in, facts out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/perf_event.h>
#include <sys/mman.h>

#include "perf_parse.h"

#ifndef PERF_RECORD_MISC_MMAP_BUILD_ID
#define PERF_RECORD_MISC_MMAP_BUILD_ID (1 << 14) /* since Linux 5.12 */
#endif

/* FORK and EXIT */
struct task_body {
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct mmap2_body {
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	union {
		struct {
			uint32_t major, minor;
			uint64_t inode, generation;
		};
		struct {
			uint8_t build_id_size, reserved[3];
			uint8_t build_id[20];
		};
	};
	uint32_t prot, flags;
	/* char filename[] */
};

struct comm_body {
	uint32_t pid, tid;
	/* char comm[] */
};

struct ref {
	uint64_t ns;
	uint32_t at, order;
};

static int by_time(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* A text of at most len bytes that starts at p, as a C string. */
static char *take_text(const uint8_t *p, size_t len)
{
	return xstrndup((const char *)p, strnlen((const char *)p, len));
}

static void do_task(struct facts *f, uint32_t type, const struct task_body *b, uint64_t ns)
{
	bool fork = type == PERF_RECORD_FORK;
	struct hvt_log_task head = {
		.ns = ns,
		.what = fork ? HVT_TASK_FORK : HVT_TASK_EXIT,
		.pid = b->pid,
		.tid = b->tid,
		.ppid = b->ppid,
		.ptid = b->ptid,
	};
	bool known = facts_know(f, fork ? b->ppid : b->pid);

	/*
	 * An exited process stays known, for its last records may still be in a ring. A
	 * number is used again by a fork only, and that decides anew.
	 */
	if (fork && known)
		facts_adopt(f, b->pid, b->tid);
	else if (fork)
		facts_forget(f, b->pid, b->tid);
	if (known || !f->only_known)
		facts_task(f, &head, "");
}

static void do_comm(struct facts *f, uint16_t misc, const struct comm_body *b, const uint8_t *text,
		    size_t len, uint64_t ns)
{
	struct hvt_log_task head = {
		.ns = ns,
		.what = misc & PERF_RECORD_MISC_COMM_EXEC ? HVT_TASK_EXEC : HVT_TASK_COMM,
		.pid = b->pid,
		.tid = b->tid,
	};
	char *comm;

	if (f->only_known && !facts_know(f, b->pid))
		return;
	comm = take_text(text, len);
	facts_task(f, &head, comm);
	free(comm);
	/* After execve every mapping is told by a record of its own. */
	if (head.what == HVT_TASK_EXEC)
		facts_adopt(f, b->pid, b->tid);
}

static void do_mmap(struct facts *f, uint16_t misc, const struct mmap2_body *b, const uint8_t *text,
		    size_t len, uint64_t ns)
{
	struct hvt_log_map head = {
		.ns = ns,
		.start = b->addr,
		.end = b->addr + b->len,
		.offset = b->pgoff,
		.pid = b->pid,
		.prot = b->prot,
	};
	uint8_t id[BUILD_ID_MAX];
	size_t id_len = 0;
	char *path;

	if (b->pid == (uint32_t)-1 || head.end <= head.start ||
	    (f->only_known && !facts_know(f, b->pid)))
		return;
	path = take_text(text, len);
	if (facts_wants_path(path)) {
		if (!(misc & PERF_RECORD_MISC_MMAP_BUILD_ID)) {
			struct map_entry map = {
				.start = head.start,
				.end = head.end,
				.path = path,
				.shared = b->flags & MAP_SHARED,
				.major = b->major,
				.minor = b->minor,
				.inode = b->inode,
			};

			id_len = build_ids_get(&f->ids, (int32_t)b->pid, &map, id);
		} else if (b->build_id_size <= sizeof(b->build_id)) {
			id_len = b->build_id_size;
			memcpy(id, b->build_id, id_len);
		}
		facts_map(f, &head, id, id_len, path);
	}
	free(path);
}

static void do_record(struct facts *f, const uint8_t *rec, uint64_t ns)
{
	struct perf_event_header head;
	const uint8_t *body = rec + sizeof(head);
	struct mmap2_body mmap2;
	struct task_body task;
	struct comm_body comm;
	size_t len;

	memcpy(&head, rec, sizeof(head));
	len = head.size - sizeof(head) - PERF_TRAILER;
	switch (head.type) {
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		if (len < sizeof(task))
			return;
		memcpy(&task, body, sizeof(task));
		do_task(f, head.type, &task, ns);
		break;
	case PERF_RECORD_COMM:
		if (len < sizeof(comm))
			return;
		memcpy(&comm, body, sizeof(comm));
		do_comm(f, head.misc, &comm, body + sizeof(comm), len - sizeof(comm), ns);
		break;
	case PERF_RECORD_MMAP2:
		if (len < sizeof(mmap2))
			return;
		memcpy(&mmap2, body, sizeof(mmap2));
		do_mmap(f, head.misc, &mmap2, body + sizeof(mmap2), len - sizeof(mmap2), ns);
		break;
	case PERF_RECORD_LOST:
		facts_forget_all(f);
		break;
	default:
		break;
	}
}

int perf_translate(struct facts *f, const uint8_t *bytes, size_t len)
{
	struct perf_event_header head;
	struct ref *refs = NULL;
	size_t at, nr = 0, cap = 0, i;
	int rc = 0;

	for (at = 0; at < len; at += head.size) {
		if (len - at < sizeof(head)) {
			rc = -EPROTO;
			break;
		}
		memcpy(&head, bytes + at, sizeof(head));
		if (head.size < sizeof(head) + PERF_TRAILER || head.size > len - at) {
			rc = -EPROTO;
			break;
		}
		if (nr == cap) {
			cap = cap ? cap * 2 : 64;
			refs = xrealloc(refs, cap * sizeof(*refs));
		}
		/* The time is the second 8 bytes of the trailer. */
		memcpy(&refs[nr].ns, bytes + at + head.size - PERF_TRAILER + 8, 8);
		refs[nr].at = (uint32_t)at;
		refs[nr].order = (uint32_t)nr;
		nr++;
	}
	if (nr > 1)
		qsort(refs, nr, sizeof(*refs), by_time);
	for (i = 0; i < nr; i++)
		do_record(f, bytes + refs[i].at, refs[i].ns);
	free(refs);
	return rc;
}
