/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The public face of the reader: feeding, and questions about what was read. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "debug_info.h"

#define READ_SIZE 65536u

struct hvt_reader *hvt_reader_new(unsigned int flags)
{
	struct hvt_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->symbols.no_elf = flags & HVT_READER_NO_SYMBOLS;
	r->symbols.no_demangle = flags & HVT_READER_NO_DEMANGLE;
	r->symbols.lines = flags & HVT_READER_LINES && hvt_debug_available();
	r->symbols.objects = hvt_objects_new();
	r->symbols.tasks = hvt_tasks_new(r->symbols.objects);
	r->decoder = hvt_decoder_new();
	if (r->symbols.objects && r->symbols.tasks && r->decoder)
		return r;
	hvt_reader_free(r);
	return NULL;
}

void hvt_reader_free(struct hvt_reader *r)
{
	if (!r)
		return;
	hvt_merge_free(&r->merge);
	hvt_marks_free(&r->marks);
	hvt_watches_free(&r->watches);
	hvt_traces_free(&r->traces);
	hvt_filters_free(&r->filters);
	hvt_symbols_free(&r->symbols);
	hvt_processes_free(&r->processes);
	hvt_clocks_free(&r->clocks);
	hvt_decoder_free(r->decoder);
	ZSTD_freeDCtx(r->zstd);
	free(r->operands);
	free(r->raw);
	free(r->host);
	free(r->cpus);
	free(r->buf);
	free(r);
}

/* Room for len more bytes behind what is not consumed yet. */
static int reserve(struct hvt_reader *r, size_t len)
{
	size_t want;
	uint8_t *p;

	if (r->pos) {
		r->len -= r->pos;
		if (r->len)
			memmove(r->buf, r->buf + r->pos, r->len);
		r->pos = 0;
	}
	if (len <= r->cap - r->len)
		return 0;
	want = r->len + len;
	if (want < len)
		return -ENOMEM;
	if (want < r->cap * 2)
		want = r->cap * 2;
	p = realloc(r->buf, want);
	if (!p)
		return -ENOMEM;
	r->buf = p;
	r->cap = want;
	return 0;
}

int hvt_reader_feed(struct hvt_reader *r, const void *bytes, size_t len)
{
	int rc;

	if (r->broken)
		return -ENOMEM;
	if (r->state != HVT_LOG_OPEN || r->finished || !len)
		return 0;
	rc = reserve(r, len);
	if (!rc) {
		memcpy(r->buf + r->len, bytes, len);
		r->len += len;
		rc = hvt_log_parse(r);
	}
	r->broken = rc < 0;
	return rc;
}

int hvt_reader_finish(struct hvt_reader *r)
{
	if (r->broken)
		return -ENOMEM;
	if (r->finished || r->state != HVT_LOG_OPEN) {
		r->finished = true;
		return 0;
	}
	r->finished = true;
	if (!r->have_header) {
		r->state = HVT_LOG_FOREIGN;
		snprintf(r->why, sizeof(r->why), "%s",
			 r->len > r->pos ? "it is too short for an hvtrace log" : "it is empty");
		return 0;
	}
	r->state = HVT_LOG_CUT;
	snprintf(r->why, sizeof(r->why), "cut short after byte %llu: no END section",
		 (unsigned long long)r->consumed);
	hvt_merge_release(&r->merge, 0, true);
	return 0;
}

int hvt_reader_read(struct hvt_reader *r, int fd)
{
	uint8_t buf[READ_SIZE];
	ssize_t n;
	int rc;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	rc = n ? hvt_reader_feed(r, buf, (size_t)n) : hvt_reader_finish(r);
	return rc < 0 ? rc : (int)n;
}

int hvt_reader_next(struct hvt_reader *r, struct hvt_event *ev)
{
	return hvt_marks_next(r, ev);
}

enum hvt_log_state hvt_reader_state(const struct hvt_reader *r)
{
	return r->state;
}

const char *hvt_reader_why(const struct hvt_reader *r)
{
	return r->why[0] ? r->why : "more bytes may come";
}

bool hvt_reader_armed(const struct hvt_reader *r)
{
	return r->armed;
}

const struct hvt_reader_stats *hvt_reader_stats(const struct hvt_reader *r)
{
	return &r->stats;
}

const struct hvt_log_header *hvt_reader_header(const struct hvt_reader *r)
{
	return r->have_header ? &r->header : NULL;
}

const struct hvt_watch_fact *hvt_reader_watch(const struct hvt_reader *r, size_t i)
{
	return i < r->watches.n ? &r->watches.v[i] : NULL;
}

const struct hvt_watch_fact *hvt_reader_find_watch(const struct hvt_reader *r, uint32_t id)
{
	return hvt_watches_find(&r->watches, id);
}

const struct hvt_trace_fact *hvt_reader_trace(const struct hvt_reader *r, size_t i)
{
	return i < r->traces.n ? &r->traces.v[i] : NULL;
}

const struct hvt_log_clock *hvt_reader_clock(const struct hvt_reader *r, size_t i)
{
	return i < r->clocks.n ? &r->clocks.v[i] : NULL;
}

const char *hvt_reader_host(const struct hvt_reader *r)
{
	return r->host;
}

uint64_t hvt_reader_tsc_to_ns(const struct hvt_reader *r, uint64_t tsc)
{
	return hvt_clocks_ns(&r->clocks, tsc);
}

void hvt_reader_symbol(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		       struct hvt_symbol *sym)
{
	hvt_symbols_resolve(&r->symbols, pid, ns, addr, sym);
}

void hvt_reader_physical_symbol(struct hvt_reader *r, uint64_t gpa, struct hvt_symbol *sym)
{
	hvt_symbols_physical(&r->symbols, gpa, sym);
}

const char *hvt_reader_insn(struct hvt_reader *r, uint64_t ip, uint32_t flags, const uint8_t *bytes,
			    size_t len)
{
	uint8_t room[HVT_INSN_BYTES] = { 0 };
	const struct hvt_insn *insn;

	if (len > sizeof(room))
		len = sizeof(room);
	if (len)
		memcpy(room, bytes, len);
	insn = hvt_decode(r->decoder, ip, flags, room, len);
	return insn ? insn->text : NULL;
}
