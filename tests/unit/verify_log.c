// SPDX-License-Identifier: GPL-2.0-only
/* A log as module and agent would write it, for the tests of hvt_verify(). */
#include "verify_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

void vl_begin(struct vlog *l, uint32_t cpus)
{
	memset(l, 0, sizeof(*l));
	l->cpus = cpus;
	l->now = 1000;
	lb_header(&l->lb, cpus);
}

struct hvt_rec_access vl_access(struct vlog *l, uint32_t cpu, uint64_t gla, uint32_t size,
				uint8_t access)
{
	struct hvt_rec_access a = lb_access(l->seq[cpu], l->now += 10, gla);

	a.gpa = VL_GPA(gla);
	a.size = size;
	a.access = access;
	a.old = a.new_ = 0;
	a.order = ++l->order;
	return a;
}

static void count(struct vlog *l, uint32_t cpu, const struct hvt_rec *h)
{
	l->seq[cpu] = h->seq + 1;
	l->tsc[cpu] = h->tsc;
	l->stat[cpu].produced++;
	l->stat[cpu].consumed++;
}

void vl_put_wide(struct vlog *l, uint32_t cpu, struct hvt_rec_access *a, const uint64_t *gpr,
		 const void *old, const void *new_, uint32_t len)
{
	lb_record(&l->rec[cpu], a, gpr, 0, old, new_, len);
	count(l, cpu, &a->h);
}

void vl_put(struct vlog *l, uint32_t cpu, struct hvt_rec_access *a)
{
	vl_put_wide(l, cpu, a, NULL, NULL, NULL, 0);
}

void vl_lose(struct vlog *l, uint32_t cpu)
{
	l->now += 10;
	l->gap[cpu]++;
}

void vl_lost(struct vlog *l, uint32_t cpu)
{
	lb_lost(&l->rec[cpu], l->seq[cpu], l->now + 10, l->gap[cpu]);
	l->seq[cpu] += l->gap[cpu];
	l->stat[cpu].produced += l->gap[cpu];
	l->stat[cpu].lost += l->gap[cpu];
	l->gap[cpu] = 0;
}

void vl_remap(struct vlog *l, uint32_t cpu, uint64_t va, uint64_t old_gpa, uint64_t new_gpa)
{
	struct hvt_rec h = { .seq = l->seq[cpu], .tsc = l->now += 10 };

	lb_remap(&l->rec[cpu], h.seq, h.tsc, va, old_gpa, new_gpa);
	count(l, cpu, &h);
}

void vl_flush(struct vlog *l, uint32_t cpu)
{
	if (!l->rec[cpu].len)
		return;
	l->last_section = l->lb.len;
	lb_section(&l->lb, HVT_SEC_EVENTS, cpu, l->rec[cpu].bytes, l->rec[cpu].len);
	lb_free(&l->rec[cpu]);
}

void vl_round(struct vlog *l)
{
	uint32_t cpu;

	for (cpu = 0; cpu < l->cpus; cpu++)
		vl_flush(l, cpu);
	lb_round(&l->lb, l->now + 1);
}

void vl_finish(struct vlog *l)
{
	uint32_t cpu;

	for (cpu = 0; cpu < l->cpus; cpu++)
		vl_flush(l, cpu);
	lb_round(&l->lb, UINT64_MAX);
	if (!l->no_stat)
		lb_section(&l->lb, HVT_SEC_STAT, 0, l->stat, l->cpus * sizeof(*l->stat));
	lb_end(&l->lb, HVT_END_STOP);
	if (l->trailing)
		lb_bytes(&l->lb, "", 1);
}

void vl_verify(struct vlog *l, struct hvt_verdict *v)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, l->lb.bytes, l->lb.len), l->lb.len);
	assert_int_equal(hvt_verify(fd, v), 0);
	close(fd);
}

void vl_free(struct vlog *l)
{
	uint32_t cpu;

	lb_free(&l->lb);
	for (cpu = 0; cpu < l->cpus; cpu++)
		lb_free(&l->rec[cpu]);
}

void vl_end(struct vlog *l, struct hvt_verdict *v)
{
	vl_finish(l);
	vl_verify(l, v);
	vl_free(l);
}

void vl_expect_good(const struct hvt_verdict *v)
{
	int k;

	if (v->state != HVT_LOG_COMPLETE)
		fail_msg("%s", v->why);
	for (k = 0; k < HVT_FLAW_KINDS; k++)
		if (v->count[k])
			fail_msg("%llu times: %s (seq %llu, expected %llu, found %llu)",
				 (unsigned long long)v->count[k], hvt_flaw_name(k),
				 (unsigned long long)v->first[k][0].seq,
				 (unsigned long long)v->first[k][0].expected,
				 (unsigned long long)v->first[k][0].found);
}
