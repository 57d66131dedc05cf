/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Reading a log file from any place in it. A place is a tsc: a new reader gets the facts
 * that stand before it, then the stream from the first section on that reaches it, without
 * the EVENTS that end before it. What such a section still has from before the place is
 * read and dropped here. The index only says where to look: the reader judges what is
 * there.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "index.h"

#define PIECE	65536u
#define ANY_CPU UINT32_MAX

struct hvt_log {
	int fd;
	unsigned int flags;
	uint64_t begin; /* of the first section; 0: it is no log */
	struct hvt_index index;
	bool indexed;
	struct hvt_reader *facts; /* NULL: not asked for yet */
	struct hvt_selection selection;

	/* the reading that is going on */
	struct hvt_reader *reader;
	uint64_t at;	  /* of the next section to be fed */
	uint64_t since;	  /* EVENTS that end before this tsc are not fed */
	uint64_t skipped; /* records in them */
	bool skip;	  /* what comes before all of these: */
	uint64_t from_ns, from_record, from_seq;
	uint32_t from_cpu; /* of from_seq */
};

/* Up to len bytes, fewer at the end of the file only: how many, or -errno. */
static ssize_t read_at(const struct hvt_log *log, void *to, size_t len, uint64_t off)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(log->fd, (uint8_t *)to + got, len - got, (off_t)(off + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static uint64_t section_size(const struct hvt_section *s)
{
	return sizeof(*s) + ((s->len + 7) & ~7ull);
}

/* The header of the section at off: 0, -EBADMSG when it is not there or wrong, or -errno. */
static int section_at(const struct hvt_log *log, uint64_t off, struct hvt_section *s)
{
	ssize_t n = read_at(log, s, sizeof(*s), off);

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(*s) || s->len > HVT_SECTION_MAX ||
	    s->hcrc != (uint32_t)crc32(0, (const void *)s, offsetof(struct hvt_section, hcrc)))
		return -EBADMSG;
	return 0;
}

/* Give bytes [off, off + len) of the file to r, fewer at its end. 0 or -errno. */
static int feed(const struct hvt_log *log, struct hvt_reader *r, uint64_t off, uint64_t len)
{
	uint8_t piece[PIECE];
	ssize_t n;
	int rc = 0;

	while (len && !rc) {
		n = read_at(log, piece, len < PIECE ? (size_t)len : PIECE, off);
		if (n <= 0)
			return (int)n;
		rc = hvt_reader_feed(r, piece, (size_t)n);
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return rc;
}

static bool leaves_out(const struct hvt_log *log, uint32_t type, uint32_t cpu)
{
	return type == HVT_SEC_EVENTS && log->selection.flags & HVT_SELECT_CPU &&
	       cpu != log->selection.cpu;
}

/* Does the section have nothing for a reading from `since` on? */
static bool is_before(const struct hvt_log *log, uint32_t type, uint64_t tsc_last)
{
	return type == HVT_SEC_EVENTS && tsc_last < log->since;
}

/* Feed the sections that tell facts and begin before `before`. 0 or -errno. */
static int feed_facts(struct hvt_log *log, struct hvt_reader *r, uint64_t before)
{
	struct hvt_section s;
	size_t i;
	int rc = 0;

	for (i = 0; i < log->index.n && !rc && r->state == HVT_LOG_OPEN; i++) {
		if (log->index.v[i].off >= before)
			break;
		if (log->index.v[i].type == HVT_SEC_EVENTS)
			continue;
		rc = section_at(log, log->index.v[i].off, &s);
		if (rc)
			return rc == -EBADMSG ? 0 : rc;
		/* an index may lie; what ends a log is not a fact */
		if (s.type == HVT_SEC_EVENTS || s.type == HVT_SEC_END)
			continue;
		r->consumed = log->index.v[i].off;
		rc = feed(log, r, log->index.v[i].off, section_size(&s));
	}
	return rc;
}

/* A reader that knows the log's header. 0 or -errno. */
static int new_reader(struct hvt_log *log, struct hvt_reader **out)
{
	struct hvt_reader *r = hvt_reader_new(log->flags);
	int rc;

	if (!r)
		return -ENOMEM;
	rc = feed(log, r, 0, sizeof(struct hvt_log_header));
	if (!rc && r->have_header) {
		log->begin = r->header.header_len;
		rc = feed(log, r, sizeof(r->header), log->begin - sizeof(r->header));
	}
	if (!rc && !r->have_header)
		rc = hvt_reader_finish(r);
	if (rc)
		hvt_reader_free(r);
	else
		*out = r;
	return rc;
}

static int start(struct hvt_log *log, uint64_t since)
{
	struct hvt_reader *r;
	size_t i;
	int rc = new_reader(log, &r);

	if (rc)
		return rc;
	hvt_reader_free(log->reader);
	log->reader = r;
	log->since = since;
	log->skipped = 0;
	log->skip = false;
	log->from_ns = log->from_record = log->from_seq = 0;
	log->from_cpu = ANY_CPU;
	log->at = log->begin;
	if (!since || !r->have_header)
		return 0;
	for (i = log->index.n; i--;) {
		if (log->index.v[i].type != HVT_SEC_EVENTS ||
		    leaves_out(log, log->index.v[i].type, log->index.v[i].cpu))
			continue;
		if (is_before(log, log->index.v[i].type, log->index.v[i].tsc_last))
			log->skipped += log->index.v[i].count;
		else
			log->at = log->index.v[i].off;
	}
	return feed_facts(log, r, log->at);
}

static int load_index(struct hvt_log *log)
{
	int rc = log->indexed || !log->begin ? 0 : hvt_index_load(&log->index, log->fd);

	log->indexed = !rc;
	return rc == -EBADMSG ? 0 : rc;
}

int hvt_log_rewind(struct hvt_log *log)
{
	return start(log, 0);
}

int hvt_log_select(struct hvt_log *log, const struct hvt_selection *selection)
{
	log->selection = selection ? *selection : (struct hvt_selection){ 0 };
	return start(log, 0);
}

/* The smallest tsc whose time may be ns or later. */
static uint64_t tsc_of(const struct hvt_clocks *c, uint64_t ns)
{
	const struct hvt_log_clock *k;
	__int128 tsc;
	size_t i;

	for (i = 0; i < c->n; i++) {
		k = &c->v[i];
		if (k->tsc_khz >> 40) /* a clock that cannot be: from the start, then */
			return 0;
		/* one tick early: times are rounded */
		tsc = ((__int128)ns - k->mono_ns) * k->tsc_khz / 1000000 + k->tsc - 1;
		if (i && tsc < k->tsc)
			tsc = k->tsc;
		if (i + 1 == c->n || tsc < c->v[i + 1].tsc)
			return tsc < 0 ? 0 : tsc > UINT64_MAX ? UINT64_MAX : (uint64_t)tsc;
	}
	return 0;
}

int hvt_log_seek_ns(struct hvt_log *log, uint64_t ns)
{
	const struct hvt_reader *facts = hvt_log_facts(log);
	int rc;

	if (!facts)
		return -ENOMEM;
	rc = start(log, tsc_of(&facts->clocks, ns));
	log->skip = true;
	log->from_ns = ns;
	return rc;
}

static int by_first(const void *a, const void *b)
{
	const struct hvt_log_index_entry *const *x = a, *const *y = b;

	if ((*x)->tsc_first != (*y)->tsc_first)
		return (*x)->tsc_first < (*y)->tsc_first ? -1 : 1;
	return 0;
}

int hvt_log_seek_record(struct hvt_log *log, uint64_t n)
{
	const struct hvt_log_index_entry **sorted;
	uint64_t before = 0, since = 0;
	size_t i, k = 0;
	int rc = load_index(log);

	if (rc)
		return rc;
	sorted = calloc(log->index.n + 1, sizeof(struct hvt_log_index_entry *));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < log->index.n; i++)
		if (log->index.v[i].type == HVT_SEC_EVENTS &&
		    !leaves_out(log, HVT_SEC_EVENTS, log->index.v[i].cpu))
			sorted[k++] = &log->index.v[i];
	qsort(sorted, k, sizeof(struct hvt_log_index_entry *), by_first);
	/* at most `before` records have a tsc below that of sorted[i] */
	for (i = 0; i < k && before <= n; i++) {
		since = sorted[i]->tsc_first;
		before += sorted[i]->count;
	}
	free(sorted);
	rc = start(log, since);
	log->skip = true;
	log->from_record = n;
	return rc;
}

int hvt_log_seek_seq(struct hvt_log *log, uint32_t cpu, uint64_t seq)
{
	uint64_t since = 0;
	size_t i;
	int rc = load_index(log);

	if (rc)
		return rc;
	for (i = 0; i < log->index.n; i++)
		if (log->index.v[i].type == HVT_SEC_EVENTS && log->index.v[i].cpu == cpu &&
		    log->index.v[i].seq_first <= seq)
			since = log->index.v[i].tsc_first;
	rc = start(log, since);
	log->skip = true;
	log->from_cpu = cpu;
	log->from_seq = seq;
	return rc;
}

/* Feed one more section, or what is left of the file. 0 or -errno. */
static int advance(struct hvt_log *log)
{
	struct hvt_reader *r = log->reader;
	struct hvt_section s;
	uint64_t off = log->at;
	int rc = section_at(log, off, &s);

	if (rc && rc != -EBADMSG)
		return rc;
	if (rc) {
		/* the reader says what is wrong with it, and where */
		if (r->pos == r->len)
			r->consumed = off;
		rc = feed(log, r, off, PIECE);
		return rc ? rc : hvt_reader_finish(r);
	}
	log->at += section_size(&s);
	if (is_before(log, s.type, s.tsc_last) || leaves_out(log, s.type, s.cpu))
		return 0;
	r->consumed = off;
	return feed(log, r, off, log->at - off);
}

/* The place that was asked for begins with the first event for which this holds. */
static bool reached(const struct hvt_log *log, const struct hvt_event *ev)
{
	if (ev->tsc < log->since || ev->ns < log->from_ns)
		return false;
	/* a mark stands before the record that comes next */
	if (log->from_record && log->skipped + log->reader->given <= log->from_record)
		return false;
	return log->from_cpu == ANY_CPU || (ev->cpu == log->from_cpu && ev->seq >= log->from_seq);
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

static bool is_selected(const struct hvt_selection *s, const struct hvt_event *ev)
{
	uint32_t i;

	if ((s->flags & HVT_SELECT_CPU && ev->cpu != s->cpu) ||
	    (s->flags & HVT_SELECT_PID && ev->pid != s->pid) ||
	    (s->flags & HVT_SELECT_TID && ev->tid != s->tid))
		return false;
	if (ev->type == HVT_EV_INSN || ev->type == HVT_EV_FLOW)
		return !(s->flags & (HVT_SELECT_ACCESS | HVT_SELECT_ADDR)) &&
		       !(s->flags & HVT_SELECT_IP && !overlap(ev->ip, 1, s->ip, s->ip_len)) &&
		       !(s->flags & HVT_SELECT_WATCH && ev->watch != s->watch);
	if (ev->type != HVT_EV_ACCESS)
		return !(s->flags &
			 (HVT_SELECT_ACCESS | HVT_SELECT_ADDR | HVT_SELECT_IP | HVT_SELECT_WATCH));
	if ((s->flags & HVT_SELECT_ACCESS && !(ev->access & s->access)) ||
	    (s->flags & HVT_SELECT_ADDR &&
	     !overlap(ev->addr, ev->size ? ev->size : 1, s->addr, s->addr_len)) ||
	    (s->flags & HVT_SELECT_IP && !overlap(ev->ip, 1, s->ip, s->ip_len)))
		return false;
	for (i = 0; s->flags & HVT_SELECT_WATCH && i < ev->nr_watches; i++)
		if (ev->watches[i] == s->watch)
			return true;
	return !(s->flags & HVT_SELECT_WATCH);
}

int hvt_log_event(struct hvt_log *log, struct hvt_event *ev)
{
	struct hvt_reader *r = log->reader;
	int rc = 0;

	while (!rc) {
		while (hvt_reader_next(r, ev)) {
			if (log->skip && !reached(log, ev))
				continue;
			log->skip = false;
			if (log->selection.flags & HVT_SELECT_BEFORE &&
			    ev->ns >= log->selection.before_ns)
				return 0;
			if (is_selected(&log->selection, ev))
				return 1;
		}
		if (r->state != HVT_LOG_OPEN || r->finished)
			return 0;
		rc = advance(log);
	}
	return rc;
}

uint64_t hvt_log_record(const struct hvt_log *log)
{
	uint64_t upto = log->skipped + log->reader->given;

	return upto ? upto - 1 : 0;
}

uint64_t hvt_log_records(struct hvt_log *log)
{
	uint64_t n = 0;
	size_t i;

	if (load_index(log))
		return 0;
	for (i = 0; i < log->index.n; i++)
		if (log->index.v[i].type == HVT_SEC_EVENTS &&
		    !leaves_out(log, HVT_SEC_EVENTS, log->index.v[i].cpu))
			n += log->index.v[i].count;
	return n;
}

struct hvt_reader *hvt_log_reader(struct hvt_log *log)
{
	return log->reader;
}

struct hvt_reader *hvt_log_facts(struct hvt_log *log)
{
	if (log->facts || load_index(log) || new_reader(log, &log->facts))
		return log->facts;
	if (feed_facts(log, log->facts, UINT64_MAX)) {
		hvt_reader_free(log->facts);
		log->facts = NULL;
	}
	return log->facts;
}

struct hvt_log *hvt_log_open(const char *path, unsigned int flags)
{
	struct hvt_log *log = calloc(1, sizeof(*log));
	struct stat st;
	int rc = 0;

	if (!log)
		return NULL;
	log->flags = flags;
	log->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (log->fd < 0 || fstat(log->fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	if (!rc)
		rc = hvt_log_rewind(log);
	if (!rc)
		return log;
	hvt_log_close(log);
	errno = -rc;
	return NULL;
}

void hvt_log_close(struct hvt_log *log)
{
	if (!log)
		return;
	hvt_reader_free(log->reader);
	hvt_reader_free(log->facts);
	hvt_index_free(&log->index);
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}
