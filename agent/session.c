// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a session: wait, drain, and end in order. What one drain does is in
 * round.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent.h"
#include "blocked.h"
#include "session.h"

/* How often to look without being woken: for perf's news, and for a late watermark. */
#define IDLE_MS	  250
#define BEHIND_MS 10
/* What a slow reader may leave in our memory before the rings have to hold the rest. */
#define BACKLOG_MAX (256u << 20)
/* How long a record may be in the making after everything was disarmed. */
#define DRAIN_MAX_NS 1000000000ull

enum { P_DEVICE, P_SIGNAL, P_CONTROL, P_TARGET, P_OUT, P_MARK, NR_POLL };

static int lookup_ksym(void *ctx, struct hvt_ksym *sym)
{
	return device_ioctl(ctx, HVT_IOC_KSYM, sym);
}

/* Ends all watches and the trace of this session; the rings keep what they hold. */
static void disarm(struct session *s)
{
	size_t i;

	if (s->disarmed)
		return;
	s->disarmed = true;
	if (s->trace) {
		struct hvt_watch_del del = { .size = sizeof(del), .id = s->trace };

		device_ioctl(&s->dev, HVT_IOC_TRACE_DEL, &del);
	}
	for (i = 0; i < s->nr_watches; i++) {
		struct hvt_watch_del del = { .size = sizeof(del), .id = s->watch_ids[i] };

		/* It may have gone with its process; there is nothing else to do. */
		device_ioctl(&s->dev, HVT_IOC_WATCH_DEL, &del);
	}
	s->nr_watches = 0;
}

/* Has the filter recorded all that it ever will? */
static bool limit_reached(const struct session *s)
{
	struct hvt_filter f = { .size = sizeof(f), .id = s->filter };

	return s->limit && device_ioctl(&s->dev, HVT_IOC_FILTER_INFO, &f) == 0 &&
	       f.passed >= s->limit;
}

/* Is nothing traced any more? With nobody left the target is gone, else the limit reached. */
static bool trace_over(const struct session *s, enum hvt_end_reason *reason)
{
	struct hvt_trace_info info = { .size = sizeof(info) };

	if (!s->trace)
		return false;
	do {
		if (device_ioctl(&s->dev, HVT_IOC_TRACE_INFO, &info))
			return false;
		info.index++;
	} while (info.id != s->trace);
	*reason = info.pid && !info.threads ? HVT_END_TARGET : HVT_END_LIMIT;
	return info.state & HVT_TRACE_OVER || *reason == HVT_END_TARGET;
}

static void end(struct session *s, enum hvt_end_reason reason)
{
	if (!s->end_reason)
		s->end_reason = reason;
}

/* Does the control fd still have its other end? Takes what was written to it. */
static bool control_lives(struct session *s)
{
	char bytes[256];
	ssize_t got = read(s->control_fd, bytes, sizeof(bytes));

	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool take_signals(struct session *s)
{
	struct signalfd_siginfo info[4];

	return read(s->signal_fd, info, sizeof(info)) > 0;
}

static void say_broken(struct session *s)
{
	struct hvt_status st = { .size = sizeof(st) };
	char why[128];

	if (device_ioctl(&s->dev, HVT_IOC_STATUS, &st) || !(st.flags & HVT_ST_BROKEN)) {
		complain(AGENT_ERROR, "%s: the module ended the session; try: dmesg", s->name);
		return;
	}
	blocked_why(&st.blocked, why, sizeof(why));
	complain(AGENT_ERROR, "%s: CPU %u: root mode failed: %s; try: dmesg", s->name,
		 st.blocked.cpu, why);
}

static void prepare_poll(const struct session *s, struct pollfd p[NR_POLL])
{
	p[P_DEVICE] = (struct pollfd){ s->dev.fd, POLLIN, 0 };
	p[P_SIGNAL] = (struct pollfd){ s->signal_fd, POLLIN, 0 };
	p[P_CONTROL] = (struct pollfd){ s->control_fd, POLLIN, 0 };
	p[P_TARGET] = (struct pollfd){ s->trace_alone ? -1 : s->pid_fd, POLLIN, 0 };
	p[P_MARK] = (struct pollfd){ s->marks.fd, POLLIN, 0 };
	/* With nothing to write POLLERR comes anyway when the reader has gone. */
	p[P_OUT] = (struct pollfd){ s->log.fd, log_backlog(&s->log) ? POLLOUT : 0, 0 };
}

/* A mark waits for a ROUND as a record does. */
static void take_marks(struct session *s)
{
	uint64_t tsc = mark_take(&s->marks, &s->log);

	if (tsc > s->newest_tsc)
		s->newest_tsc = tsc;
}

static void take_events(struct session *s, const struct pollfd p[NR_POLL])
{
	if (p[P_MARK].revents)
		take_marks(s);
	if (p[P_SIGNAL].revents && take_signals(s))
		end(s, HVT_END_STOP);
	if (p[P_CONTROL].revents && !control_lives(s))
		end(s, HVT_END_STOP);
	if (p[P_TARGET].revents)
		end(s, HVT_END_TARGET);
	if (p[P_OUT].revents & POLLERR && !s->log.err)
		s->log.err = -EPIPE;
	if (p[P_DEVICE].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		say_broken(s);
		end(s, HVT_END_BROKEN);
	}
}

/*
 * The log's fd is full. A first wish to stop disarms at once and lets the reader catch
 * up; a second one gives the log up.
 */
static int wait_for_reader(void *ctx)
{
	struct session *s = ctx;
	bool stopping = s->end_reason != 0;
	struct pollfd p[NR_POLL];

	prepare_poll(s, p);
	p[P_DEVICE].fd = p[P_MARK].fd = -1;
	if (stopping)
		p[P_CONTROL].fd = p[P_TARGET].fd = -1;
	if (poll(p, NR_POLL, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (stopping && p[P_SIGNAL].revents && take_signals(s))
		return -ECANCELED;
	take_events(s, p);
	if (s->end_reason)
		disarm(s);
	return s->log.err;
}

void session_init(struct session *s, const char *name)
{
	memset(s, 0, sizeof(*s));
	s->name = name;
	s->dev.fd = s->control_fd = s->signal_fd = s->pid_fd = s->marks.fd = -1;
	s->log.fd = STDOUT_FILENO;
	s->log.backlog_max = BACKLOG_MAX;
	s->log.wait = wait_for_reader;
	s->log.wait_ctx = s;
	s->facts.log = s->facts.objects.log = s->ksyms.log = &s->log;
	s->ksyms.lookup = lookup_ksym;
	s->ksyms.ctx = &s->dev;
	s->batch = xrealloc(NULL, (size_t)RING_BATCH_SLOTS * HVT_SLOT);
}

static void write_stats(struct session *s)
{
	uint32_t nr = s->dev.hello.nr_cpus, cpu;
	struct hvt_log_stat *st = xrealloc(NULL, nr * sizeof(*st));
	struct hvt_section head = { .type = HVT_SEC_STAT, .count = nr };
	struct log_part part = { st, nr * sizeof(*st) };

	memset(st, 0, nr * sizeof(*st));
	for (cpu = 0; cpu < nr; cpu++) {
		const struct ring *r = &s->dev.rings[cpu];

		if (!r->present)
			continue;
		st[cpu].produced = __atomic_load_n(&r->head->produced, __ATOMIC_ACQUIRE);
		st[cpu].lost = __atomic_load_n(&r->head->lost, __ATOMIC_ACQUIRE);
		st[cpu].consumed = r->consumed;
		if (st[cpu].produced != st[cpu].consumed + st[cpu].lost)
			remark("%s: CPU %u: %llu records produced, %llu consumed, %llu lost",
			       s->name, cpu, (unsigned long long)st[cpu].produced,
			       (unsigned long long)st[cpu].consumed,
			       (unsigned long long)st[cpu].lost);
	}
	log_section(&s->log, &head, &part, 1);
	free(st);
}

/*
 * The module reports a gap with the next record that fits. After the last record there
 * is none: say it in its place, so that the gap is in the stream as well. Not before what
 * a ROUND said was all.
 */
static void write_last_gap(struct session *s, uint32_t cpu)
{
	const struct ring *r = &s->dev.rings[cpu];
	uint64_t lost = r->present ? __atomic_load_n(&r->head->lost, __ATOMIC_ACQUIRE) : 0;
	struct hvt_rec_lost rec = {
		.h = { .type = HVT_REC_LOST,
		       .nslots = sizeof(rec) / HVT_SLOT,
		       .seq = r->next_seq,
		       .tsc = s->newest_tsc > s->round_tsc ? s->newest_tsc : s->round_tsc },
		.count = lost - r->lost,
	};

	if (lost > r->lost)
		session_take(s, cpu, (const uint8_t *)&rec);
}

/* Nothing is armed any more: what is being made now is the last, until all is empty. */
static void drain_rest(struct session *s)
{
	uint64_t until = mono_ns() + DRAIN_MAX_NS;
	uint32_t cpu;

	while (!s->log.err) {
		if (session_round(s))
			continue;
		if (!s->in_flight || mono_ns() >= until)
			break;
		usleep(1000);
	}
	for (cpu = 0; cpu < s->dev.hello.nr_cpus; cpu++)
		write_last_gap(s, cpu);
	session_write_chunks(s);
}

static void finish(struct session *s)
{
	struct hvt_log_round last = { .tsc = ~0ull };
	struct hvt_log_clock clock;
	struct hvt_log_end end = { .reason = s->end_reason };

	drain_rest(s);
	log_plain(&s->log, HVT_SEC_ROUND, &last, sizeof(last));
	if (device_clock(&s->dev, &clock) == AGENT_OK)
		log_plain(&s->log, HVT_SEC_CLOCK, &clock, sizeof(clock));
	write_stats(s);
	end.ns = mono_ns();
	log_end(&s->log, &end);
	log_finish(&s->log);
}

/* When to look again although nobody calls, in ms. */
static int patience(const struct session *s)
{
	uint64_t held;

	if (s->newest_tsc >= s->round_tsc)
		return BEHIND_MS;
	if (!s->held_since)
		return IDLE_MS;
	held = mono_ns() - s->held_since;
	return held < HOLD_NS ? (int)((HOLD_NS - held) / 1000000 + 1) : 0;
}

int session_run(struct session *s)
{
	enum hvt_end_reason reason;

	while (!s->end_reason && !s->log.err) {
		struct pollfd p[NR_POLL];

		prepare_poll(s, p);
		if (poll(p, NR_POLL, patience(s)) < 0) {
			if (errno == EINTR)
				continue;
			s->log.err = -errno;
			break;
		}
		take_events(s, p);
		if (s->end_reason || s->log.err)
			break;
		session_round(s);
		log_flush(&s->log);
		if (limit_reached(s))
			end(s, HVT_END_LIMIT);
		else if (trace_over(s, &reason))
			end(s, reason);
	}
	disarm(s);
	if (!s->log.err)
		finish(s);
	switch (s->log.err) {
	case 0:
		return s->end_reason == HVT_END_BROKEN ? AGENT_ERROR : AGENT_OK;
	case -EPIPE:
		return AGENT_OK; /* the reader has seen enough */
	case -ECANCELED:
		return complain(AGENT_ERROR,
				"%s: stopped twice; the log is cut short; try: wait for "
				"the reader",
				s->name);
	case -ENOSPC:
	case -EDQUOT:
		return complain(AGENT_ERROR, "log: %s; try: another disk, or a pipe",
				strerror(-s->log.err));
	default:
		return complain(AGENT_ERROR, "log: %s; try: another output", strerror(-s->log.err));
	}
}

void session_free(struct session *s)
{
	uint32_t cpu;

	for (cpu = 0; s->chunks && cpu < s->dev.hello.nr_cpus; cpu++)
		chunk_free(s->chunks[cpu]);
	free(s->chunks);
	mark_close(&s->marks);
	device_close(&s->dev);
	perf_close(&s->perf);
	facts_free(&s->facts);
	ksyms_free(&s->ksyms);
	log_free(&s->log);
	buf_free(&s->payload);
	free(s->watch_ids);
	free(s->batch);
}

int session_finish(struct session *s, int rc)
{
	if (rc == AGENT_OK)
		rc = session_run(s);
	else
		disarm(s); /* what was armed before it went wrong */
	session_free(s);
	return rc;
}
