// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own news of processes: one perf dummy event for each CPU, for all
 * processes. An event per target would miss its threads that exist already (inherit
 * covers new ones only) and the processes that are met later; facts.c filters instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "perf_facts.h"
#include "perf_parse.h"

#define DATA_PAGES 64u
#define PAGE	   4096u
#define DATA_BYTES (DATA_PAGES * PAGE)

static int open_event(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.mmap = 1,
		.mmap2 = 1,
		.mmap_data = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.exclude_kernel = 1,
	};
	long fd;

#ifdef PERF_RECORD_MISC_MMAP_BUILD_ID
	attr.build_id = 1;
#endif
	fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
#ifdef PERF_RECORD_MISC_MMAP_BUILD_ID
	if (fd < 0 && (errno == EINVAL || errno == E2BIG)) {
		attr.build_id = 0;
		fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
#endif
	return fd < 0 ? -errno : (int)fd;
}

int perf_open(struct perf_facts *p, uint32_t nr_cpus)
{
	int err = -ENODEV;
	uint32_t i;

	memset(p, 0, sizeof(*p));
	p->cpu = xrealloc(NULL, nr_cpus * sizeof(*p->cpu));
	for (i = 0; i < nr_cpus; i++) {
		struct perf_cpu *c = &p->cpu[p->nr];
		int fd = open_event((int)i);

		if (fd == -ENODEV)
			continue; /* that CPU is offline */
		if (fd < 0) {
			err = fd;
			goto fail;
		}
		c->fd = fd;
		c->page = mmap(NULL, PAGE + DATA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (c->page == MAP_FAILED) {
			err = -errno;
			close(fd);
			goto fail;
		}
		p->nr++;
	}
	if (p->nr)
		return 0;
fail:
	perf_close(p);
	return err;
}

static void take_cpu(struct perf_facts *p, const struct perf_cpu *c)
{
	struct perf_event_mmap_page *page = c->page;
	const uint8_t *data = (const uint8_t *)c->page + PAGE;
	/* Pairs with the kernel's barrier before it moves data_head. */
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = page->data_tail;
	size_t len = (size_t)(head - tail), start = (size_t)(tail % DATA_BYTES), first;

	if (!len || len > DATA_BYTES)
		return;
	first = DATA_BYTES - start < len ? DATA_BYTES - start : len;
	buf_put(&p->bytes, data + start, first);
	buf_put(&p->bytes, data, len - first);
	__atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
}

void perf_drain(struct perf_facts *p, struct facts *f)
{
	uint32_t i;

	p->bytes.len = 0;
	for (i = 0; i < p->nr; i++)
		take_cpu(p, &p->cpu[i]);
	if (p->bytes.len && perf_translate(f, p->bytes.p, p->bytes.len))
		facts_forget_all(f);
}

void perf_close(struct perf_facts *p)
{
	uint32_t i;

	for (i = 0; i < p->nr; i++) {
		munmap(p->cpu[i].page, PAGE + DATA_BYTES);
		close(p->cpu[i].fd);
	}
	free(p->cpu);
	buf_free(&p->bytes);
	memset(p, 0, sizeof(*p));
}
