// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns sections into bytes, keeps the index of them, and gets all out of the door in
 * large writes. Knows nothing of what the sections say.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include <hvtrace/uapi.h>

#include "encode.h"
#include "log_writer.h"

/* Gathered bytes are written from this size on; a section adds at most its own. */
#define FLUSH_AT (512u << 10)
/* Shorter payloads gain nothing that a reader would notice. */
#define COMPRESS_FROM 256u

static uint32_t crc_of(uint32_t crc, const void *p, size_t len)
{
	return (uint32_t)crc32_z(crc, p, len);
}

void log_header(struct log_writer *log, uint32_t nr_cpus)
{
	struct hvt_log_header h = {
		.version = HVT_LOG_VERSION,
		.header_len = sizeof(h),
		.abi = HVT_ABI,
		.nr_cpus = nr_cpus,
	};

	memcpy(h.magic, HVT_LOG_MAGIC, sizeof(h.magic));
	h.crc = crc_of(0, &h, offsetof(struct hvt_log_header, crc));
	buf_put(&log->out, &h, sizeof(h));
	log->at += sizeof(h);
}

/* One section, as it is. */
static void put_section(struct log_writer *log, struct hvt_section *s, const void *payload)
{
	static const uint8_t zeros[8];

	s->crc = s->len ? crc_of(0, payload, s->len) : 0;
	s->hcrc = crc_of(0, s, offsetof(struct hvt_section, hcrc));
	buf_put(&log->out, s, sizeof(*s));
	buf_put(&log->out, payload, s->len);
	buf_put(&log->out, zeros, -s->len & 7);
	log->at += sizeof(*s) + ((s->len + 7) & ~7ull);
	if (log_backlog(log) >= FLUSH_AT)
		log_flush(log);
}

/* The columns of EVENTS are compressed each by itself, and END must have one size. */
static bool compressible(const struct hvt_section *s)
{
	return s->type != HVT_SEC_EVENTS && s->type != HVT_SEC_END && s->len >= COMPRESS_FROM;
}

static void put_payload(struct log_writer *log, struct hvt_section *s, const struct buf *payload)
{
	struct buf small = { 0 };
	const void *p = payload->p;

	s->codec = HVT_CODEC_PLAIN;
	s->raw_len = s->len = payload->len;
	if (compressible(s) && compress_to(&small, p, payload->len)) {
		s->codec = HVT_CODEC_ZSTD;
		s->len = small.len;
		p = small.p;
	}
	put_section(log, s, p);
	buf_free(&small);
}

/* The entries so far become a section; the next ones follow on it. */
static void put_index(struct log_writer *log)
{
	struct hvt_log_index index = { .prev = log->index_at };
	struct hvt_section s = {
		.type = HVT_SEC_INDEX,
		.count = (uint32_t)(log->index.len / sizeof(struct hvt_log_index_entry)),
	};
	struct buf payload = { 0 };

	buf_put(&payload, &index, sizeof(index));
	buf_put(&payload, log->index.p, log->index.len);
	log->index.len = 0;
	log->index_at = log->at;
	put_payload(log, &s, &payload);
	buf_free(&payload);
}

static void note(struct log_writer *log, const struct hvt_section *s)
{
	struct hvt_log_index_entry e = {
		.off = log->at,
		.type = s->type,
		.cpu = s->cpu,
		.count = s->count,
		.tsc_first = s->tsc_first,
		.tsc_last = s->tsc_last,
		.seq_first = s->seq_first,
	};

	if (s->type == HVT_SEC_ROUND || s->type == HVT_SEC_END)
		return;
	if (log->index.len == HVT_INDEX_ENTRIES * sizeof(e)) {
		put_index(log);
		e.off = log->at;
	}
	buf_put(&log->index, &e, sizeof(e));
}

void log_section(struct log_writer *log, const struct hvt_section *head,
		 const struct log_part *parts, size_t nr_parts)
{
	struct hvt_section s = *head;
	struct buf payload = { 0 };
	size_t i;

	if (log->err)
		return;
	for (i = 0; i < nr_parts; i++)
		buf_put(&payload, parts[i].p, parts[i].len);
	note(log, &s);
	put_payload(log, &s, &payload);
	buf_free(&payload);
}

void log_plain(struct log_writer *log, enum hvt_sec_type type, const void *p, size_t len)
{
	struct hvt_section head = { .type = type, .count = len ? 1 : 0 };
	struct log_part part = { p, len };

	log_section(log, &head, &part, 1);
}

void log_end(struct log_writer *log, struct hvt_log_end *end)
{
	if (!log->err)
		put_index(log);
	end->index = log->index_at;
	log_plain(log, HVT_SEC_END, end, sizeof(*end));
}

/* Written bytes go once they are most of the buffer: moving them costs no more than that. */
static void forget_written(struct log_writer *log)
{
	if (log->done < log->out.len && log->done < log->out.len / 2)
		return;
	if (log_backlog(log))
		memmove(log->out.p, log->out.p + log->done, log_backlog(log));
	log->out.len -= log->done;
	log->done = 0;
}

static int flush_to(struct log_writer *log, size_t left)
{
	while (!log->err && log_backlog(log)) {
		ssize_t put = write(log->fd, log->out.p + log->done, log_backlog(log));

		if (put > 0) {
			log->done += (size_t)put;
		} else if (put < 0 && errno == EAGAIN && log->wait) {
			if (log_backlog(log) <= left)
				break;
			log->err = log->wait(log->wait_ctx);
		} else if (put < 0 && errno != EINTR) {
			log->err = -errno;
		}
	}
	if (log->err)
		log->done = log->out.len;
	forget_written(log);
	return log->err;
}

int log_flush(struct log_writer *log)
{
	return flush_to(log, log->backlog_max);
}

int log_finish(struct log_writer *log)
{
	return flush_to(log, 0);
}

void log_free(struct log_writer *log)
{
	buf_free(&log->out);
	buf_free(&log->index);
}
