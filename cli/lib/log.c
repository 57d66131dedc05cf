/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The log stream's parser: header, sections, CRCs. Bytes come in any pieces; a section
 * is looked at only when it is there as a whole and its two CRCs are right. Everything
 * in this file treats the stream as hostile.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SECTION_MAX (1ull << 30) /* longer payloads are taken for damage */
#define HEADER_MAX  4096u
#define CPUS_MAX    65536u

static uint32_t crc_of(const void *p, size_t len)
{
	return (uint32_t)crc32(0, p, (uInt)len);
}

static void __attribute__((format(printf, 3, 4)))
stop(struct hvt_reader *r, enum hvt_log_state state, const char *fmt, ...)
{
	va_list ap;

	r->state = state;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

static int parse_header(struct hvt_reader *r)
{
	struct hvt_log_header *h = &r->header;

	memcpy(h, r->buf + r->pos, sizeof(*h));
	if (memcmp(h->magic, HVT_LOG_MAGIC, sizeof(h->magic))) {
		stop(r, HVT_LOG_FOREIGN, "it does not begin with the magic of an hvtrace log");
		return 0;
	}
	if (h->crc != crc_of(h, offsetof(struct hvt_log_header, crc))) {
		stop(r, HVT_LOG_DAMAGED, "the header's checksum is wrong");
		return 0;
	}
	if (h->version > HVT_LOG_VERSION || h->abi > HVT_ABI) {
		stop(r, HVT_LOG_NEWER,
		     "its version %" PRIu32 ".%" PRIu32 " is newer than this reader's %d.%d",
		     h->version, h->abi, HVT_LOG_VERSION, HVT_ABI);
		return 0;
	}
	if (h->header_len < sizeof(*h) || h->header_len > HEADER_MAX || !h->nr_cpus ||
	    h->nr_cpus > CPUS_MAX) {
		stop(r, HVT_LOG_DAMAGED, "the header is malformed");
		return 0;
	}
	r->cpus = calloc(h->nr_cpus, sizeof(*r->cpus));
	if (!r->cpus)
		return -ENOMEM;
	r->skip = h->header_len - sizeof(*h);
	r->have_header = true;
	return 0;
}

/* Queue the records of one EVENTS section. */
static int events(struct hvt_reader *r, const struct hvt_section *s, const uint8_t *payload)
{
	struct hvt_chunk *chunk;
	struct hvt_pending p;
	size_t at, size;
	struct hvt_rec h;
	int rc = 0;

	if (s->cpu >= r->header.nr_cpus)
		return -EBADMSG;
	/* whole or not at all: a malformed record makes its section untrustworthy */
	for (at = 0; at < s->len; at += size) {
		size = hvt_record_check(payload + at, s->len - at);
		if (!size)
			return -EBADMSG;
	}
	chunk = malloc(sizeof(*chunk) + s->len);
	if (!chunk)
		return -ENOMEM;
	memcpy(chunk->bytes, payload, s->len);
	chunk->refs = 1;
	chunk->cpu = s->cpu;
	for (at = 0; at < s->len && !rc; at += size) {
		size = hvt_record_check(payload + at, s->len - at);
		memcpy(&h, payload + at, sizeof(h));
		p.tsc = h.tsc;
		p.seq = h.seq;
		p.cpu = s->cpu;
		p.offset = (uint32_t)at;
		p.chunk = chunk;
		rc = hvt_merge_add(&r->merge, &p);
	}
	if (!--chunk->refs)
		free(chunk);
	return rc;
}

static int stat_section(struct hvt_reader *r, const uint8_t *payload, size_t len)
{
	struct hvt_log_stat st;
	size_t at;

	if (len % sizeof(st) || len / sizeof(st) > r->header.nr_cpus)
		return -EBADMSG;
	r->stats.agent_lost = 0;
	r->stats.agent_produced = 0;
	for (at = 0; at < len; at += sizeof(st)) {
		memcpy(&st, payload + at, sizeof(st));
		r->stats.agent_lost += st.lost;
		r->stats.agent_produced += st.produced;
	}
	r->stats.have_stat = true;
	return 0;
}

/* 0, -ENOMEM, or -EBADMSG when the payload is malformed although its CRC is right. */
static int section(struct hvt_reader *r, const struct hvt_section *s, const uint8_t *payload)
{
	struct hvt_log_clock clock;
	struct hvt_log_round round;
	struct hvt_log_end end;

	switch (s->type) {
	case HVT_SEC_HOST:
		free(r->host);
		r->host = hvt_copy_string(payload, s->len);
		return r->host ? 0 : -ENOMEM;
	case HVT_SEC_CLOCK:
		if (s->len < sizeof(clock))
			return -EBADMSG;
		memcpy(&clock, payload, sizeof(clock));
		return hvt_clocks_add(&r->clocks, &clock);
	case HVT_SEC_WATCH:
		return hvt_watches_add(&r->watches, &r->filters, payload, s->len);
	case HVT_SEC_FILTER:
		return hvt_filters_add(&r->filters, payload, s->len);
	case HVT_SEC_EVENTS:
		return events(r, s, payload);
	case HVT_SEC_ROUND:
		if (s->len < sizeof(round))
			return -EBADMSG;
		memcpy(&round, payload, sizeof(round));
		hvt_merge_release(&r->merge, round.tsc, false);
		return 0;
	case HVT_SEC_KSYM:
		return hvt_ksyms_add(&r->symbols.ksyms, payload, s->len);
	case HVT_SEC_TASK:
		return hvt_tasks_add_task(r->symbols.tasks, payload, s->len);
	case HVT_SEC_MAP:
		return hvt_tasks_add_map(r->symbols.tasks, payload, s->len);
	case HVT_SEC_ARMED:
		r->armed = true;
		return 0;
	case HVT_SEC_STAT:
		return stat_section(r, payload, s->len);
	case HVT_SEC_END:
		if (s->len < sizeof(end))
			return -EBADMSG;
		memcpy(&end, payload, sizeof(end));
		r->stats.end_reason = end.reason;
		hvt_merge_release(&r->merge, 0, true);
		stop(r, HVT_LOG_COMPLETE, "complete");
		return 0;
	default: /* SCHEMA is for other readers; unknown types are to be passed over */
		return 0;
	}
}

/* One section if it is there as a whole: 1, 0 when more bytes are needed, -ENOMEM. */
static int parse_section(struct hvt_reader *r)
{
	const uint8_t *at = r->buf + r->pos;
	size_t avail = r->len - r->pos, padded;
	struct hvt_section s;
	int rc;

	if (avail < sizeof(s))
		return 0;
	memcpy(&s, at, sizeof(s));
	if (s.hcrc != crc_of(&s, offsetof(struct hvt_section, hcrc)) || s.len > SECTION_MAX) {
		stop(r, HVT_LOG_DAMAGED, "damaged at byte %" PRIu64 " (section header)",
		     r->consumed);
		return 1;
	}
	padded = sizeof(s) + ((s.len + 7) & ~7ull);
	if (avail < padded)
		return 0;
	if (s.crc != crc_of(at + sizeof(s), s.len)) {
		stop(r, HVT_LOG_DAMAGED,
		     "damaged at byte %" PRIu64 " (checksum of a section of type %" PRIu32 ")",
		     r->consumed, s.type);
		return 1;
	}
	rc = s.codec ? -EBADMSG : section(r, &s, at + sizeof(s));
	if (!rc && r->tap)
		rc = r->tap(r->tap_arg, &s, at + sizeof(s));
	if (rc == -ENOMEM)
		return rc;
	if (rc) {
		stop(r, HVT_LOG_DAMAGED,
		     "damaged at byte %" PRIu64 " (malformed section of type %" PRIu32 ")",
		     r->consumed, s.type);
		return 1;
	}
	r->pos += padded;
	r->consumed += padded;
	r->stats.sections++;
	r->stats.bytes = r->consumed;
	return 1;
}

int hvt_log_parse(struct hvt_reader *r)
{
	size_t n;
	int rc = 1;

	if (!r->have_header) {
		if (r->len - r->pos < sizeof(r->header))
			return 0;
		rc = parse_header(r);
		if (rc || r->state != HVT_LOG_OPEN)
			return rc;
		r->pos += sizeof(r->header);
		r->consumed += sizeof(r->header);
		r->stats.bytes = r->consumed;
	}
	n = r->len - r->pos < r->skip ? r->len - r->pos : r->skip;
	r->pos += n;
	r->consumed += n;
	r->skip -= n;
	if (r->skip)
		return 0;
	do {
		rc = parse_section(r);
	} while (rc > 0 && r->state == HVT_LOG_OPEN);
	/* damage ends the log: what came before it is good and goes out */
	if (r->state == HVT_LOG_DAMAGED)
		hvt_merge_release(&r->merge, 0, true);
	return rc < 0 ? rc : 0;
}
