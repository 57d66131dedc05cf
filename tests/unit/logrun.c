// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs of one program's runs that differ as runs do: where it is loaded, its process
 * number, the time, on which CPU which of its two threads is when. And, if asked for, in
 * one access.
 */
#include "lograndom.h"

#include <stdbool.h>
#include <string.h>

#define CODE	 0x1000u /* of /opt/prog */
#define DATA	 0x3010u
#define ACCESSES 60u /* of each thread */
#define CHANGED	 40u /* the one of the second thread that may differ */

static struct hvt_rec_access access_of(uint64_t base, uint32_t pid, unsigned int thread,
				       unsigned int i, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_access a = lb_access(seq, tsc, base + DATA + 8 * (i % 4));

	a.pid = pid;
	a.tid = pid + 3 * thread;
	a.ip = base + CODE + 16 * thread + 4 * (i % 3);
	a.size = 8;
	a.old = i;
	/* a pointer into the program, which is elsewhere in every run, or a number */
	a.new_ = i % 5 ? i + 1 : base + CODE + i;
	a.access = i % 2 ? HVT_ACC_W : HVT_ACC_R | HVT_ACC_W;
	return a;
}

void lb_run(struct logbuild *lb, uint64_t base, uint32_t seed, const char *change)
{
	uint32_t pid = 1000 + seed, dice = seed * 2654435761u + 1, done[2] = { 0 };
	uint64_t tsc = 5000 + seed, seq[2] = { 0 };
	struct logbuild cpus[2] = { { 0 }, { 0 } };
	unsigned int thread, cpu;
	struct hvt_rec_access a;
	bool here;

	while (done[0] + done[1] < 2 * ACCESSES) {
		dice = dice * 1664525 + 1013904223;
		thread = done[0] && (dice >> 16) % 2; /* the first one comes first */
		cpu = (dice >> 20) % 2;
		tsc += 1 + (dice >> 24);
		if (done[thread] == ACCESSES)
			continue;
		a = access_of(base, pid, thread, done[thread]++, seq[cpu]++, tsc);
		here = thread == 1 && done[thread] == CHANGED;
		if (here && !strcmp(change, "value"))
			a.new_ ^= 1;
		if (here && !strcmp(change, "ip"))
			a.ip += 2;
		if (here && !strcmp(change, "lost"))
			lb_lost(&cpus[cpu], a.h.seq, tsc, 1);
		else if (!here || strcmp(change, "short"))
			lb_record(&cpus[cpu], &a, NULL, 0, NULL, NULL, 0);
		else
			seq[cpu]--;
	}
	lb_header(lb, 2);
	lb_clock(lb, 1000, 5000000000ull + seed, 1000000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, (int32_t)pid, base + DATA, 32, "field,32");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	lb_map(lb, 0, pid, base, base + 0x4000, 0, 5, "/opt/prog", NULL, 0);
	for (cpu = 0; cpu < 2; cpu++) {
		lb_section(lb, HVT_SEC_EVENTS, cpu, cpus[cpu].bytes, cpus[cpu].len);
		lb_free(&cpus[cpu]);
	}
	lb_round(lb, tsc + 1);
	lb_end(lb, HVT_END_TARGET);
}

static void mark(struct logbuild *lb, uint64_t tsc, const char *text)
{
	struct hvt_log_mark h = {
		.ns = 7, .tsc = tsc, .uid = 1000, .pid = 77, .text_len = (uint32_t)strlen(text)
	};
	struct logbuild p = { 0 };

	lb_bytes(&p, &h, sizeof(h));
	lb_bytes(&p, text, strlen(text));
	lb_section(lb, HVT_SEC_MARK, 0, p.bytes, p.len);
	lb_free(&p);
}

void lb_marks(struct logbuild *lb)
{
	struct logbuild cpus[2] = { { 0 }, { 0 } };
	struct hvt_rec_access a;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		a = lb_access(i / 2, 2000 + 100 * i, 0x404010);
		lb_record(&cpus[i % 2], &a, NULL, 0, NULL, NULL, 0);
	}
	lb_header(lb, 2);
	lb_clock(lb, 1000, 5000000000ull, 1000000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, 100, 0x404010, 4, "counter");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	mark(lb, 1500, "before");
	mark(lb, 2000, "at the first");
	lb_section(lb, HVT_SEC_EVENTS, 0, cpus[0].bytes, cpus[0].len);
	mark(lb, 2250, "between");
	lb_section(lb, HVT_SEC_EVENTS, 1, cpus[1].bytes, cpus[1].len);
	mark(lb, 2250, "\x1b[31m\xff\"\\<evil>\n");
	lb_round(lb, 3000);
	mark(lb, 9999, "last");
	lb_end(lb, HVT_END_STOP);
	lb_free(&cpus[0]);
	lb_free(&cpus[1]);
}
