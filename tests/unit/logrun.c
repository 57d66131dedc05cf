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
