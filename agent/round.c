// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass over all rings: see how far everybody is, write the facts that the records
 * need, take the records, write those of them that are enough for a section, then how far
 * a reader may merge.
 */
#include <string.h>
#include <x86intrin.h>

#include "agent.h"
#include "session.h"

/*
 * What a reader has to keep, as in the ring, before all CPUs' records are there: one's may
 * be many while those of another wait to be enough.
 */
#define UNMERGED_MAX (8u << 20)

/* There are millions of these: most are by who did the last one, from the same page. */
static void see_insn(struct session *s, const uint8_t *rec)
{
	struct hvt_rec_insn in;

	memcpy(&in, rec, sizeof(in));
	facts_see(&s->facts, in.pid, in.tid, "");
	if (in.ip >> 63)
		ksyms_see(&s->ksyms, in.ip);
	else
		objects_see(&s->facts.objects, in.pid, in.ip);
}

static void see_flow(struct session *s, const uint8_t *rec)
{
	struct hvt_rec_flow f;

	memcpy(&f, rec, sizeof(f));
	/* without perf nobody tells of the new program's maps */
	if (f.what == HVT_FLOW_EXEC && !s->perf.nr)
		facts_forget(&s->facts, f.pid, f.tid);
	ksyms_see(&s->ksyms, f.ip);
	ksyms_see(&s->ksyms, f.to);
	facts_see(&s->facts, f.pid, f.tid, "");
	objects_see(&s->facts.objects, f.pid, f.ip);
	objects_see(&s->facts.objects, f.pid, f.to);
}

static void see_record(struct session *s, const uint8_t *rec, unsigned int type)
{
	struct hvt_rec_access access;
	struct hvt_rec_remap remap;
	char comm[sizeof(access.comm) + 1];

	switch (type) {
	case HVT_REC_INSN:
		see_insn(s, rec);
		break;
	case HVT_REC_FLOW:
		see_flow(s, rec);
		break;
	case HVT_REC_ACCESS:
		memcpy(&access, rec, sizeof(access));
		memcpy(comm, access.comm, sizeof(access.comm));
		comm[sizeof(access.comm)] = '\0';
		ksyms_see(&s->ksyms, access.ip);
		ksyms_see(&s->ksyms, access.gla);
		facts_see(&s->facts, access.pid, access.tid, comm);
		objects_see(&s->facts.objects, access.pid, access.ip);
		objects_see(&s->facts.objects, access.pid, access.gla);
		break;
	case HVT_REC_REMAP:
		memcpy(&remap, rec, sizeof(remap));
		facts_see(&s->facts, remap.pid, remap.tid, "");
		break;
	default:
		break;
	}
}

static void write_chunk(struct session *s, struct chunk *c)
{
	struct hvt_section head;
	struct log_part part;

	if (chunk_tsc_first(c) == ~0ull)
		return;
	chunk_seal(c, &head, &s->payload);
	part = (struct log_part){ s->payload.p, s->payload.len };
	log_section(&s->log, &head, &part, 1);
	if (head.tsc_last > s->newest_tsc)
		s->newest_tsc = head.tsc_last;
}

void session_write_chunks(struct session *s)
{
	uint32_t cpu;

	for (cpu = 0; s->chunks && cpu < s->dev.hello.nr_cpus; cpu++)
		if (s->chunks[cpu])
			write_chunk(s, s->chunks[cpu]);
	s->held_since = 0;
	s->unmerged = 0;
}

void session_take(struct session *s, uint32_t cpu, const uint8_t *rec)
{
	uint32_t nr = s->dev.hello.nr_cpus;
	struct chunk **c;

	if (!s->chunks) {
		s->chunks = xrealloc(NULL, nr * sizeof(*s->chunks));
		memset(s->chunks, 0, nr * sizeof(*s->chunks));
	}
	c = &s->chunks[cpu];
	if (!*c)
		*c = chunk_new(cpu);
	if (!s->held_since)
		s->held_since = mono_ns();
	s->unmerged += (size_t)rec[1] * HVT_SLOT;
	if (!chunk_add(*c, rec))
		write_chunk(s, *c);
	if (s->unmerged >= UNMERGED_MAX)
		session_write_chunks(s);
}

/* Takes one ring up to where it was looked at. Returns whether any record came. */
static bool drain_cpu(struct session *s, uint32_t cpu)
{
	struct ring *ring = &s->dev.rings[cpu];
	bool was_corrupt = ring->corrupt, any = false;
	uint32_t bytes, at;

	while (!s->log.err && ring_copy(ring, s->batch, &bytes) == 0 && bytes) {
		any = true;
		/* ring_copy() has checked that the records are whole. */
		for (at = 0; at < bytes; at += s->batch[at + 1] * HVT_SLOT) {
			see_record(s, s->batch + at, s->batch[at]);
			session_take(s, cpu, s->batch + at);
		}
	}
	if (ring->corrupt && !was_corrupt) {
		complain(AGENT_ERROR, "%s: CPU %u: its ring makes no sense; try: report it",
			 s->name, cpu);
		s->end_reason = HVT_END_BROKEN;
	}
	return any;
}

/* How far a reader may merge: to what is neither in the log nor sure to come later. */
static void write_round(struct session *s, uint64_t watermark)
{
	struct hvt_log_round round = { .tsc = watermark };
	uint32_t cpu;

	for (cpu = 0; s->chunks && cpu < s->dev.hello.nr_cpus; cpu++)
		if (s->chunks[cpu] && chunk_tsc_first(s->chunks[cpu]) < round.tsc)
			round.tsc = chunk_tsc_first(s->chunks[cpu]);
	if (s->newest_tsc < s->round_tsc || round.tsc <= s->round_tsc)
		return;
	log_plain(&s->log, HVT_SEC_ROUND, &round, sizeof(round));
	s->round_tsc = round.tsc;
}

/* Sees how far everybody is; the smallest tsc that is still to come from there. */
static uint64_t look(struct session *s)
{
	uint64_t smallest = ~0ull, tsc;
	uint32_t cpu;

	for (cpu = 0; cpu < s->dev.hello.nr_cpus; cpu++) {
		tsc = ring_look(&s->dev.rings[cpu]);
		if (tsc < smallest)
			smallest = tsc;
	}
	return smallest;
}

/* Takes all rings up to where they were looked at. Returns whether any record came. */
static bool take(struct session *s)
{
	bool any = false;
	uint32_t cpu;

	/*
	 * After the look, before the records: a mapping is told before it can be used, so
	 * what these records need is in perf's buffers by now.
	 */
	perf_drain(&s->perf, &s->facts);
	for (cpu = 0; cpu < s->dev.hello.nr_cpus; cpu++)
		any |= drain_cpu(s, cpu);
	return any;
}

bool session_round(struct session *s)
{
	uint64_t now, watermark, tsc;
	bool any;

	/*
	 * The clock before the rings: a record that is not published by the time its ring
	 * is looked at is either announced in inflight_tsc or gets a later tsc than this.
	 * The fences keep RDTSC between the loads before and after it.
	 */
	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	tsc = look(s);
	watermark = tsc < now ? tsc : now;
	s->in_flight = watermark != now;
	any = take(s);
	/* Reading a file's symbols takes long enough for a ring to fill. */
	while (!s->log.err && objects_write_one(&s->facts.objects)) {
		look(s);
		any |= take(s);
	}

	if (s->end_reason || (s->held_since && mono_ns() - s->held_since >= HOLD_NS))
		session_write_chunks(s);
	write_round(s, watermark);
	return any;
}
