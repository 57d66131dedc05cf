/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The log stream's parser: header, sections, CRCs, compression. Bytes come in any pieces;
 * a section is looked at only when it is there as a whole and its two CRCs are right.
 * Everything in this file treats the stream as hostile.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define HEADER_MAX 4096u
#define CPUS_MAX   65536u

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
	bool older;

	memcpy(h, r->buf + r->pos, sizeof(*h));
	if (memcmp(h->magic, HVT_LOG_MAGIC, sizeof(h->magic))) {
		stop(r, HVT_LOG_FOREIGN, "it does not begin with the magic of an hvtrace log");
		return 0;
	}
	if (h->crc != crc_of(h, offsetof(struct hvt_log_header, crc))) {
		stop(r, HVT_LOG_DAMAGED, "the header's checksum is wrong");
		return 0;
	}
	if (h->version != HVT_LOG_VERSION || h->abi > HVT_ABI) {
		older = h->version < HVT_LOG_VERSION;
		stop(r, older ? HVT_LOG_OLDER : HVT_LOG_NEWER,
		     "its version %" PRIu32 ".%" PRIu32 " is %s than this reader's %d.%d",
		     h->version, h->abi, older ? "older" : "newer", HVT_LOG_VERSION, HVT_ABI);
		return 0;
	}
	if (h->header_len < sizeof(*h) || h->header_len > HEADER_MAX || !h->nr_cpus ||
	    h->nr_cpus > CPUS_MAX) {
		stop(r, HVT_LOG_DAMAGED, "the header is malformed");
		return 0;
	}
	r->cpus = calloc(h->nr_cpus, sizeof(*r->cpus));
	if (!r->cpus || hvt_merge_init(&r->merge, h->nr_cpus))
		return -ENOMEM;
	r->skip = h->header_len - sizeof(*h);
	r->have_header = true;
	return 0;
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
	int rc;

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
	case HVT_SEC_TRACE:
		return hvt_traces_add(&r->traces, payload, s->len);
	case HVT_SEC_FILTER:
		return hvt_filters_add(&r->filters, payload, s->len);
	case HVT_SEC_EVENTS:
		if (s->cpu >= r->header.nr_cpus)
			return -EBADMSG;
		r->stats.event_bytes += sizeof(*s) + ((s->len + 7) & ~7ull);
		return hvt_merge_add(&r->merge, s, r->consumed, payload);
	case HVT_SEC_ROUND:
		if (s->len < sizeof(round))
			return -EBADMSG;
		memcpy(&round, payload, sizeof(round));
		hvt_merge_release(&r->merge, round.tsc, false);
		r->marks.before = round.tsc;
		return 0;
	case HVT_SEC_MARK:
		return hvt_marks_add(&r->marks, payload, s->len);
	case HVT_SEC_TASK:
		rc = hvt_processes_add(&r->processes, payload, s->len);
		return rc ? rc : hvt_symbols_add(&r->symbols, s->type, payload, s->len);
	case HVT_SEC_KSYM:
	case HVT_SEC_MAP:
	case HVT_SEC_OBJECT:
	case HVT_SEC_SYMTAB:
		return hvt_symbols_add(&r->symbols, s->type, payload, s->len);
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
	default: /* SCHEMA and INDEX are for others; unknown types are to be passed over */
		return 0;
	}
}

static bool section_head_is_good(const struct hvt_section *s)
{
	if (s->hcrc != crc_of(s, offsetof(struct hvt_section, hcrc)) || s->len > HVT_SECTION_MAX ||
	    s->raw_len > HVT_SECTION_MAX)
		return false;
	return s->codec != HVT_CODEC_PLAIN || s->len == s->raw_len;
}

/* The payload as it was before it was compressed, and s->len with it. */
static int decompress(struct hvt_reader *r, struct hvt_section *s, const uint8_t **payload)
{
	uint8_t *p;

	if (s->codec == HVT_CODEC_PLAIN)
		return 0;
	if (s->codec != HVT_CODEC_ZSTD || s->type == HVT_SEC_EVENTS || s->type == HVT_SEC_END)
		return -EBADMSG;
	if (s->raw_len > r->raw_room) {
		p = realloc(r->raw, s->raw_len);
		if (!p)
			return -ENOMEM;
		r->raw = p;
		r->raw_room = s->raw_len;
	}
	if (!r->zstd)
		r->zstd = ZSTD_createDCtx();
	if (!r->zstd)
		return -ENOMEM;
	if (ZSTD_decompressDCtx(r->zstd, r->raw, s->raw_len, *payload, s->len) != s->raw_len)
		return -EBADMSG;
	*payload = r->raw;
	s->len = s->raw_len;
	return 0;
}

static void malformed(struct hvt_reader *r, uint64_t off, uint32_t type)
{
	stop(r, HVT_LOG_DAMAGED,
	     "damaged at byte %" PRIu64 " (malformed section of type %" PRIu32 ")", off, type);
}

/* One section if it is there as a whole: 1, 0 when more bytes are needed, -ENOMEM. */
static int parse_section(struct hvt_reader *r)
{
	const uint8_t *payload = r->buf + r->pos + sizeof(struct hvt_section);
	size_t avail = r->len - r->pos, padded;
	struct hvt_section s;
	int rc;

	if (avail < sizeof(s))
		return 0;
	memcpy(&s, r->buf + r->pos, sizeof(s));
	if (!section_head_is_good(&s)) {
		stop(r, HVT_LOG_DAMAGED, "damaged at byte %" PRIu64 " (section header)",
		     r->consumed);
		return 1;
	}
	padded = sizeof(s) + ((s.len + 7) & ~7ull);
	if (avail < padded)
		return 0;
	if (s.crc != crc_of(payload, s.len)) {
		stop(r, HVT_LOG_DAMAGED,
		     "damaged at byte %" PRIu64 " (checksum of a section of type %" PRIu32 ")",
		     r->consumed, s.type);
		return 1;
	}
	rc = decompress(r, &s, &payload);
	if (!rc)
		rc = section(r, &s, payload);
	if (!rc && r->tap)
		rc = r->tap(r->tap_arg, &s, payload);
	if (rc == -ENOMEM)
		return rc;
	if (rc) {
		malformed(r, r->consumed, s.type);
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

int hvt_log_next(struct hvt_reader *r, const struct hvt_pending **given, int max)
{
	int n;

	for (;;) {
		n = hvt_merge_next(&r->merge, given, max);
		if (n != -EBADMSG)
			return n;
		/* its CRC was right, so this is found only now; what came before it goes out */
		malformed(r, r->merge.bad, HVT_SEC_EVENTS);
		hvt_merge_drop(&r->merge, r->merge.bad);
		hvt_merge_release(&r->merge, 0, true);
	}
}
