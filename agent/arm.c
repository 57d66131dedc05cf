// SPDX-License-Identifier: GPL-2.0-only
/*
 * From what is wanted to armed watches, and their sections in the log.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "agent.h"
#include "arm.h"
#include "blocked.h"
#include "iomem.h"

int arm_filter(struct session *s, const struct filter_want *w)
{
	struct hvt_filter f = w->f;
	unsigned int cpu;
	int rc;

	if (!w->any)
		return AGENT_OK;
	for (cpu = s->dev.hello.nr_cpus; cpu < 8 * sizeof(f.cpus); cpu++) {
		if (f.cpus[cpu / 64] >> (cpu % 64) & 1)
			return complain(AGENT_ERROR,
					"--cpu %u: no such CPU; try: below %u, as in lscpu", cpu,
					s->dev.hello.nr_cpus);
	}
	f.size = sizeof(f);
	rc = device_ioctl(&s->dev, HVT_IOC_FILTER_ADD, &f);
	if (rc)
		return module_complain(CALL_FILTER_ADD, "filter", rc);
	s->filter = f.id;
	s->limit = f.limit;
	log_plain(&s->log, HVT_SEC_FILTER, &f, sizeof(f));
	return AGENT_OK;
}

/* The device that a watch is on, for the reader to name its registers by. */
static void write_iomem(struct session *s, const struct iomem *io)
{
	struct hvt_log_ksym head = {
		.start = io->start,
		.len = io->len,
		.name_len = (uint32_t)strlen(io->name),
	};
	struct hvt_section section = { .type = HVT_SEC_KSYM, .count = 1 };
	struct log_part parts[] = { { &head, sizeof(head) }, { io->name, head.name_len } };

	if (head.name_len)
		log_section(&s->log, &section, parts, 2);
}

static void write_watch(struct session *s, const struct want *w, const struct hvt_watch_add *add)
{
	struct hvt_section section = { .type = HVT_SEC_WATCH, .count = 1 };
	struct hvt_log_watch watch = {
		.id = add->id,
		.access = add->access,
		.pid = add->pid,
		.spec_len = (uint32_t)strlen(w->text),
		.addr = add->addr,
		.len = add->len,
		.flags = add->flags,
		.filter = add->filter,
	};
	struct log_part parts[] = { { &watch, sizeof(watch) }, { w->text, watch.spec_len } };

	log_section(&s->log, &section, parts, 2);
	if (w->physical)
		write_iomem(s, &w->io);
	else
		ksyms_see(&s->ksyms, w->addr);
}

#define EXECVE_POLL_MS 10
#define EXECVE_NOTE_MS 200

/*
 * In the middle of an execve a process has no memory to be watched: it is about to get
 * another one. That takes no time, unless somebody holds the process there.
 */
static int add_watch(struct session *s, const char *spec, struct hvt_watch_add *add)
{
	struct pollfd p[] = { { s->signal_fd, POLLIN, 0 }, { s->control_fd, POLLIN, 0 } };
	int rc, waited = 0;

	while ((rc = device_ioctl(&s->dev, HVT_IOC_WATCH_ADD, add)) == -EAGAIN) {
		if (waited == EXECVE_NOTE_MS)
			complain(AGENT_OK,
				 "%s: PID %d is in the middle of an execve; it is watched from "
				 "when it has come through",
				 spec, add->pid);
		if (poll(p, 2, EXECVE_POLL_MS) > 0)
			break; /* to be told to stop */
		waited += EXECVE_POLL_MS;
	}
	return rc;
}

int arm_watches(struct session *s, const struct want *want, size_t nr, int32_t pid, uint32_t flags)
{
	size_t i, waiting = 0;
	int rc;

	s->watch_ids = xrealloc(NULL, nr * sizeof(*s->watch_ids));
	for (i = 0; i < nr; i++) {
		const struct want *w = &want[i];
		struct hvt_watch_add add = {
			.size = sizeof(add),
			.access = w->access,
			.pid = w->kernel || w->physical ? 0 : pid,
			.addr = w->addr,
			.len = w->len,
			.flags = flags | (w->physical ? HVT_WATCH_PHYS : 0),
			.filter = s->filter,
		};

		rc = add_watch(s, w->text, &add);
		if (rc)
			return module_complain(w->physical ? CALL_PHYS_ADD : CALL_WATCH_ADD,
					       w->text, rc);
		s->watch_ids[s->nr_watches++] = add.id;
		if (w->wait && !waiting++)
			complain(AGENT_OK,
				 "%s: nothing is mapped at 0x%llx in PID %d yet; it is watched "
				 "from when it is",
				 w->text, (unsigned long long)w->unmapped, pid);
		else if (add.pid && !add.pages_mapped)
			remark("%s: not in memory yet; it is watched from when it is", w->text);
		write_watch(s, w, &add);
	}
	if (waiting > 1)
		complain(AGENT_OK, "%zu more specs: nothing is mapped there yet, either",
			 waiting - 1);
	return AGENT_OK;
}

void arm_done(struct session *s)
{
	log_plain(&s->log, HVT_SEC_ARMED, NULL, 0);
	log_finish(&s->log);
}
