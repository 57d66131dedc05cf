/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What does a log prove? This file reads it twice. The first pass sees the sections as
 * they were written: the sequence and the time of each CPU, the promises of the ROUNDs,
 * the counts of the STAT. It learns where records are missing, which the second pass has
 * to know beforehand: a LOST record comes after records of other CPUs that were made while
 * it was going on.
 */
#include "verify.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index.h"

#define READ_SIZE (1u << 20)

struct cpu {
	uint64_t next;	  /* sequence number */
	uint64_t tsc;	  /* of the last record */
	uint64_t records; /* LOST not counted */
	uint64_t lost;
	size_t loss; /* 1 + index of a loss that lasts until the next record; 0: none */
};

struct stream {
	struct hvt_verify *v;
	struct cpu *cpus;
	struct hvt_log_stat *stat; /* of `stated` CPUs */
	uint64_t round;
	struct hvt_columns columns;
	struct hvt_index index; /* as the sections are, since the last INDEX */
	uint64_t index_at;	/* which is there; 0: none */
};

void hvt_verify_flaw(struct hvt_verify *v, enum hvt_flaw_kind kind, const struct hvt_flaw *flaw)
{
	uint64_t n = v->verdict->count[kind]++;

	if (n < HVT_FLAWS_KEPT)
		v->verdict->first[kind][n] = *flaw;
}

const char *hvt_flaw_name(enum hvt_flaw_kind kind)
{
	switch (kind) {
	case HVT_FLAW_SECTION:
		return "a section is not what its header says";
	case HVT_FLAW_GAP:
		return "records are missing and no LOST record says so";
	case HVT_FLAW_REPEAT:
		return "a sequence number came again";
	case HVT_FLAW_TIME:
		return "the time of a CPU went back";
	case HVT_FLAW_ROUND:
		return "a record came after a ROUND that had promised it";
	case HVT_FLAW_STAT:
		return "the agent's counts are not those of the records";
	case HVT_FLAW_ORDER:
		return "a page's ranks are not in the order of time";
	case HVT_FLAW_PLACE:
		return "a record's two addresses are not one byte of a page";
	case HVT_FLAW_VALUE:
		return "old differs from last new: DMA or an unwatched alias, SMM, or a write "
		       "by a device";
	case HVT_FLAW_KINDS:
		break;
	}
	return "unknown";
}

static int add_loss(struct hvt_verify *v, uint64_t from, uint64_t to, bool run)
{
	int rc = hvt_grow((void **)&v->losses, &v->cap_losses, v->nr_losses, sizeof(*v->losses));

	if (!rc)
		v->losses[v->nr_losses++] = (struct hvt_loss){ from, to, run };
	return rc;
}

/* One record in its CPU's sequence. */
static int record(struct stream *s, uint32_t cpu, const struct hvt_rec *h, const uint8_t *rec)
{
	struct hvt_flaw f = { .cpu = cpu, .seq = h->seq, .tsc = h->tsc, .found = h->seq };
	struct hvt_verdict *out = s->v->verdict;
	struct cpu *c = &s->cpus[cpu];
	uint64_t before = c->tsc, count = 1;
	struct hvt_rec_lost lost;
	int rc = 0;

	f.expected = c->next;
	if (h->seq > c->next) {
		hvt_verify_flaw(s->v, HVT_FLAW_GAP, &f);
		rc = add_loss(s->v, before, h->tsc, false);
	} else if (h->seq < c->next) {
		hvt_verify_flaw(s->v, HVT_FLAW_REPEAT, &f);
	}
	c->loss = 0;
	f.found = h->tsc;
	if (h->tsc < c->tsc) {
		f.expected = c->tsc;
		hvt_verify_flaw(s->v, HVT_FLAW_TIME, &f);
	} else {
		c->tsc = h->tsc;
	}
	if (h->tsc < s->round) {
		f.expected = s->round;
		hvt_verify_flaw(s->v, HVT_FLAW_ROUND, &f);
	}
	if (h->type == HVT_REC_LOST) {
		memcpy(&lost, rec, sizeof(lost));
		count = lost.count;
		c->lost += count;
		out->lost += count;
		if (!rc)
			rc = add_loss(s->v, before, h->tsc, false);
		c->loss = s->v->nr_losses;
	} else {
		out->cpus += !c->records++;
		out->records++;
		out->instructions += h->type == HVT_REC_INSN;
		out->flows += h->type == HVT_REC_FLOW;
		if (!rc && h->type == HVT_REC_ACCESS && (h->flags & HVT_RF_RUN))
			rc = add_loss(s->v, before, h->tsc, true);
	}
	c->next = h->seq + count;
	return rc;
}

static int records(struct stream *s, const struct hvt_section *sec, const struct hvt_chunk *chunk)
{
	struct hvt_flaw f = { .cpu = sec->cpu, .seq = sec->type, .tsc = sec->tsc_first };
	uint64_t first = UINT64_MAX, last = 0, seq = 0;
	struct hvt_rec h;
	size_t at;
	int rc = 0;

	for (at = 0; at < chunk->len && !rc; at += (size_t)h.nslots * HVT_SLOT) {
		memcpy(&h, chunk->bytes + at, sizeof(h));
		if (!at)
			seq = h.seq;
		if (h.tsc < first)
			first = h.tsc;
		if (h.tsc > last)
			last = h.tsc;
		rc = record(s, sec->cpu, &h, chunk->bytes + at);
	}
	if (first != sec->tsc_first || last != sec->tsc_last || seq != sec->seq_first) {
		f.expected = sec->tsc_last;
		f.found = last;
		hvt_verify_flaw(s->v, HVT_FLAW_SECTION, &f);
	}
	return rc;
}

static int events(struct stream *s, const struct hvt_section *sec, const uint8_t *payload)
{
	struct hvt_chunk *chunk = NULL;
	int rc = hvt_columns_open(&s->columns, sec, payload);

	if (!rc)
		rc = hvt_chunk_decode(&s->columns, sec->cpu, &chunk);
	if (!rc)
		rc = records(s, sec, chunk);
	hvt_chunk_put(&s->columns, chunk);
	return rc;
}

static int stat(struct stream *s, const struct hvt_section *sec, const uint8_t *payload)
{
	struct hvt_log_stat *p = realloc(s->stat, sec->len + 1);

	if (!p)
		return -ENOMEM;
	s->stat = p;
	memcpy(p, payload, sec->len);
	s->v->verdict->stated = (uint32_t)(sec->len / sizeof(*p));
	return 0;
}

static int watch(struct hvt_verify *v, const uint8_t *payload)
{
	struct hvt_verdict *out = v->verdict;
	struct hvt_log_watch *w;
	int rc =
		hvt_grow((void **)&v->watches, &v->cap_watches, v->nr_watches, sizeof(*v->watches));

	if (rc)
		return rc;
	w = &v->watches[v->nr_watches++];
	memcpy(w, payload, sizeof(*w));
	out->watches++;
	out->filtered += w->filter != 0;
	out->read_only += (w->access & (HVT_ACC_R | HVT_ACC_W)) == HVT_ACC_R;
	return 0;
}

/* Does an INDEX say what was there, and END where it is? */
static int index_section(struct stream *s, const struct hvt_section *sec, const uint8_t *payload)
{
	uint64_t off = s->v->reader->consumed, found = s->index_at;
	struct hvt_flaw f = { .seq = sec->type, .expected = s->index_at };
	struct hvt_log_end end;
	bool good = true;

	if (sec->type == HVT_SEC_INDEX) {
		good = hvt_index_is(&s->index, sec, payload, s->index_at, &found);
		s->index.n = 0;
		s->index_at = off;
	} else if (sec->type == HVT_SEC_END) {
		memcpy(&end, payload, sizeof(end));
		found = end.index;
		good = end.index == s->index_at;
	} else {
		return hvt_index_note(&s->index, sec, off);
	}
	f.found = found;
	if (!good)
		hvt_verify_flaw(s->v, HVT_FLAW_SECTION, &f);
	return 0;
}

static int tap(void *arg, const struct hvt_section *sec, const uint8_t *payload)
{
	struct stream *s = arg;
	struct hvt_log_round round;
	int rc;

	if (!s->cpus) {
		s->cpus = calloc(hvt_reader_header(s->v->reader)->nr_cpus, sizeof(*s->cpus));
		if (!s->cpus)
			return -ENOMEM;
	}
	rc = index_section(s, sec, payload);
	if (rc)
		return rc;
	switch (sec->type) {
	case HVT_SEC_EVENTS:
		return events(s, sec, payload);
	case HVT_SEC_ROUND:
		memcpy(&round, payload, sizeof(round));
		if (round.tsc > s->round)
			s->round = round.tsc;
		s->v->verdict->rounds++;
		return 0;
	case HVT_SEC_STAT:
		return stat(s, sec, payload);
	case HVT_SEC_WATCH:
		return watch(s->v, payload);
	case HVT_SEC_TRACE:
		s->v->verdict->traces++;
		return 0;
	default:
		return 0;
	}
}

/* produced = consumed + lost, and both are what is there. */
static void check_stat(struct stream *s)
{
	const struct hvt_log_stat *st;
	struct hvt_flaw f = { 0 };
	const struct cpu *c;
	uint32_t i;

	for (i = 0; i < s->v->verdict->stated; i++) {
		st = &s->stat[i];
		c = &s->cpus[i];
		f.cpu = i;
		f.seq = c->next;
		if (st->produced != st->consumed + st->lost) {
			f.expected = st->consumed + st->lost;
			f.found = st->produced;
		} else if (st->consumed != c->records) {
			f.expected = st->consumed;
			f.found = c->records;
		} else if (st->lost != c->lost) {
			f.expected = st->lost;
			f.found = c->lost;
		} else {
			continue;
		}
		hvt_verify_flaw(s->v, HVT_FLAW_STAT, &f);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct hvt_loss *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void join_losses(struct hvt_verify *v)
{
	size_t i, n = 0;

	/* a CPU's own records are not made during its runs */
	for (i = 0; i < v->nr_losses; i++)
		if (!v->losses[i].run || v->verdict->cpus > 1)
			v->losses[n++] = v->losses[i];
	v->nr_losses = n;
	n = 0;
	if (!v->nr_losses)
		return;
	qsort(v->losses, v->nr_losses, sizeof(*v->losses), by_start);
	for (i = 1; i < v->nr_losses; i++) {
		if (v->losses[i].from > v->losses[n].to)
			v->losses[++n] = v->losses[i];
		else if (v->losses[i].to > v->losses[n].to)
			v->losses[n].to = v->losses[i].to;
	}
	v->nr_losses = n + 1;
}

/* Feed the first `limit` bytes of fd. How many there were, or -errno. */
static int64_t pass(struct hvt_verify *v, int fd, int64_t limit, struct hvt_chain *chain)
{
	struct hvt_reader *r = v->reader;
	const struct hvt_pending *group;
	int64_t at = 0, got = 1;
	uint8_t *buf = malloc(READ_SIZE);
	size_t n;
	int len, rc = buf ? 0 : -ENOMEM;

	while (!rc && got && hvt_reader_state(r) == HVT_LOG_OPEN) {
		n = limit - at < READ_SIZE ? (size_t)(limit - at) : READ_SIZE;
		got = pread(fd, buf, n, at);
		if (got < 0) {
			rc = errno == EINTR ? 0 : -errno;
			continue;
		}
		at += got;
		rc = got ? hvt_reader_feed(r, buf, (size_t)got) : hvt_reader_finish(r);
		while (!rc && (len = hvt_log_next(r, &group, INT_MAX)) != 0) {
			if (len < 0)
				rc = len;
			else if (chain)
				rc = hvt_chain_add(chain, group, (size_t)len);
		}
	}
	free(buf);
	return rc ? rc : at;
}

static int first_pass(struct hvt_verify *v, int fd, int64_t *len)
{
	struct hvt_verdict *out = v->verdict;
	struct stream s = { .v = v };
	struct hvt_flaw f = { .seq = HVT_SEC_END };
	int64_t rc;
	uint32_t i;

	v->reader->tap = tap;
	v->reader->tap_arg = &s;
	rc = pass(v, fd, INT64_MAX, NULL);
	if (rc >= 0) {
		*len = rc;
		out->state = hvt_reader_state(v->reader);
		snprintf(out->why, sizeof(out->why), "%s", hvt_reader_why(v->reader));
		out->bytes = hvt_reader_stats(v->reader)->bytes;
		out->sections = hvt_reader_stats(v->reader)->sections;
		f.expected = out->bytes;
		f.found = (uint64_t)lseek(fd, 0, SEEK_END);
		if (out->state == HVT_LOG_COMPLETE && f.found > f.expected)
			hvt_verify_flaw(v, HVT_FLAW_SECTION, &f);
		check_stat(&s);
		for (i = 0; s.cpus && i < hvt_reader_header(v->reader)->nr_cpus; i++)
			if (s.cpus[i].loss)
				v->losses[s.cpus[i].loss - 1].to = UINT64_MAX;
		join_losses(v);
	}
	hvt_columns_close(&s.columns);
	hvt_index_free(&s.index);
	free(s.cpus);
	free(s.stat);
	return rc < 0 ? (int)rc : 0;
}

static int second_pass(struct hvt_verify *v, int fd, int64_t len)
{
	struct hvt_chain *chain = hvt_chain_new(v);
	int64_t rc = chain ? pass(v, fd, len, chain) : -ENOMEM;

	hvt_chain_free(chain);
	return rc < 0 ? (int)rc : 0;
}

int hvt_verify(int fd, struct hvt_verdict *verdict)
{
	struct hvt_verify v = { .verdict = verdict };
	int64_t len = 0;
	int rc, i;

	memset(verdict, 0, sizeof(*verdict));
	rc = lseek(fd, 0, SEEK_CUR) < 0 ? -errno : 0;
	for (i = 0; i < 2 && !rc; i++) {
		v.reader = hvt_reader_new(HVT_READER_NO_SYMBOLS);
		if (!v.reader)
			rc = -ENOMEM;
		else
			rc = i ? second_pass(&v, fd, len) : first_pass(&v, fd, &len);
		hvt_reader_free(v.reader);
	}
	free(v.losses);
	free(v.watches);
	return rc;
}
