// SPDX-License-Identifier: GPL-2.0-only
/* Tasks and mappings of a stepped program, as sections of the log: see stepper.h. */
#include "stepper.h"

#include <string.h>
#include <sys/mman.h>

void step_task(struct stepper *s, uint32_t what, int pid, int tid, int parent)
{
	struct hvt_log_task t = { .ns = s->tsc,
				  .what = what,
				  .pid = (uint32_t)pid,
				  .tid = (uint32_t)tid,
				  .ppid = (uint32_t)parent,
				  .ptid = (uint32_t)parent };
	char comm[17] = "";

	proc_comm(pid, tid, comm);
	lb_task_with(s->log, &t, comm);
}

void step_maps(struct stepper *s, int pid)
{
	uint8_t id[BUILD_ID_MAX];
	struct maps maps = { 0 };
	size_t i;

	if (!maps_read(&maps, pid))
		for (i = 0; i < maps.nr; i++) {
			const struct map_entry *m = &maps.e[i];

			if (!(m->prot & PROT_EXEC) || !*m->path)
				continue;
			lb_map(s->log, s->tsc, (uint32_t)pid, m->start, m->end, m->offset, m->prot,
			       m->path, id, build_ids_get(&s->ids, pid, m, id));
		}
	maps_free(&maps);
}
