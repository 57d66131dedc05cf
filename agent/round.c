// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass over all rings: see how far everybody is, write the facts that the records
 * need, then the records, then how far a reader may merge.
 */
#include <string.h>
#include <x86intrin.h>

#include "agent.h"
#include "session.h"

static void see_record(struct session *s, const uint8_t *rec, unsigned int type)
{
	struct hvt_rec_access access;
	struct hvt_rec_remap remap;
	char comm[sizeof(access.comm) + 1];

	switch (type) {
	case HVT_REC_ACCESS:
		memcpy(&access, rec, sizeof(access));
		memcpy(comm, access.comm, sizeof(access.comm));
		comm[sizeof(access.comm)] = '\0';
		ksyms_see(&s->ksyms, access.ip);
		ksyms_see(&s->ksyms, access.gla);
		facts_see(&s->facts, access.pid, access.tid, comm);
		break;
	case HVT_REC_REMAP:
		memcpy(&remap, rec, sizeof(remap));
		facts_see(&s->facts, remap.pid, remap.tid, "");
		break;
	default:
		break;
	}
}

static void write_chunk(struct session *s, uint32_t cpu, const struct ring_chunk *chunk)
{
	struct hvt_section head = {
		.type = HVT_SEC_EVENTS,
		.cpu = cpu,
		.count = chunk->records,
		.tsc_first = chunk->tsc_first,
		.tsc_last = chunk->tsc_last,
	};
	struct log_part part = { s->chunk, chunk->bytes };
	uint32_t at;

	/* ring_copy() has checked that the records are whole. */
	for (at = 0; at < chunk->bytes; at += s->chunk[at + 1] * HVT_SLOT)
		see_record(s, s->chunk + at, s->chunk[at]);
	log_section(&s->log, &head, &part, 1);
}

/* Takes one ring up to where it was looked at. Returns whether any record came. */
static bool drain_cpu(struct session *s, uint32_t cpu)
{
	struct ring *ring = &s->dev.rings[cpu];
	bool was_corrupt = ring->corrupt, any = false;
	struct ring_chunk chunk;

	while (!s->log.err && ring_copy(ring, s->chunk, &chunk) == 0 && chunk.bytes) {
		any = true;
		if (chunk.tsc_last > s->newest_tsc)
			s->newest_tsc = chunk.tsc_last;
		write_chunk(s, cpu, &chunk);
	}
	if (ring->corrupt && !was_corrupt) {
		complain(AGENT_ERROR, "watch: CPU %u: its ring makes no sense; try: report it",
			 cpu);
		s->end_reason = HVT_END_BROKEN;
	}
	return any;
}

bool session_round(struct session *s)
{
	uint32_t nr = s->dev.hello.nr_cpus, cpu;
	uint64_t now, watermark;
	bool any = false;

	/*
	 * The clock before the rings: a record that is not published by the time its ring
	 * is looked at is either announced in inflight_tsc or gets a later tsc than this.
	 * The fences keep RDTSC between the loads before and after it.
	 */
	_mm_lfence();
	now = watermark = __rdtsc();
	_mm_lfence();
	for (cpu = 0; cpu < nr; cpu++) {
		uint64_t tsc = ring_look(&s->dev.rings[cpu]);

		if (tsc < watermark)
			watermark = tsc;
	}
	s->in_flight = watermark != now;
	/*
	 * After the look, before the records: a mapping is told before it can be used, so
	 * what these records need is in perf's buffers by now.
	 */
	perf_drain(&s->perf, &s->facts);
	for (cpu = 0; cpu < nr; cpu++)
		any |= drain_cpu(s, cpu);

	if (s->newest_tsc >= s->round_tsc && watermark > s->round_tsc) {
		struct hvt_log_round round = { .tsc = watermark };

		log_plain(&s->log, HVT_SEC_ROUND, &round, sizeof(round));
		s->round_tsc = watermark;
	}
	return any;
}
