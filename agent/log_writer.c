// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns sections into bytes and gets them out of the door in large writes. Knows
 * nothing of what the sections say.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include <hvtrace/uapi.h>

#include "log_writer.h"

/* Gathered bytes are written from this size on; a section adds at most its own. */
#define FLUSH_AT (512u << 10)

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
}

void log_section(struct log_writer *log, const struct hvt_section *head,
		 const struct log_part *parts, size_t nr_parts)
{
	static const uint8_t zeros[8];
	struct hvt_section s = *head;
	size_t i;

	if (log->err)
		return;
	s.codec = 0;
	s.len = 0;
	s.crc = 0;
	for (i = 0; i < nr_parts; i++) {
		/* crc32_z(crc, NULL, 0) would start over. */
		if (!parts[i].len)
			continue;
		s.len += parts[i].len;
		s.crc = crc_of(s.crc, parts[i].p, parts[i].len);
	}
	s.hcrc = crc_of(0, &s, offsetof(struct hvt_section, hcrc));

	buf_put(&log->out, &s, sizeof(s));
	for (i = 0; i < nr_parts; i++)
		buf_put(&log->out, parts[i].p, parts[i].len);
	buf_put(&log->out, zeros, -s.len & 7);
	if (log_backlog(log) >= FLUSH_AT)
		log_flush(log);
}

void log_plain(struct log_writer *log, enum hvt_sec_type type, const void *p, size_t len)
{
	struct hvt_section head = { .type = type, .count = len ? 1 : 0 };
	struct log_part part = { p, len };

	log_section(log, &head, &part, 1);
}

/* Written bytes go once they are most of the buffer: moving them costs no more than that. */
static void forget_written(struct log_writer *log)
{
	if (log->done < log->out.len && log->done < log->out.len / 2)
		return;
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
