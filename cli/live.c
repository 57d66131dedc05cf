/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live loop: bytes from the agent go to the -o file and to the reader, events become
 * lines at once, signals and ends are turned into an orderly stop. Every way out ends
 * with the agent gone, and with it everything disarmed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hvtrace/hvtrace.h>

#include "watch.h"

#define CHUNK	 65536
#define GRACE_MS 2000 /* between the target's end and the agent's */

/* What the loop knows beyond struct hvt_live. */
struct loop {
	struct hvt_live *l;
	bool eof; /* the agent's stream has ended */
	bool agent_gone;
	int agent_status;
	bool armed;
	bool silent;  /* stdout is closed or full: print no more */
	bool stopped; /* we asked the agent to end */
	int code;     /* an error of ours, HVT_OK so far */
	int terms;    /* SIGTERM and SIGHUP seen */
};

static void stop(struct loop *s)
{
	s->stopped = true;
	hvt_agent_stop(&s->l->agent);
}

static void fail(struct loop *s, int code)
{
	s->code = code;
	stop(s);
}

/* Print what the reader lets out now; one flush for the whole batch. */
static void print_events(struct loop *s)
{
	struct hvt_live *l = s->l;
	struct hvt_event ev;
	int rc;

	while (hvt_reader_next(l->printer.reader, &ev)) {
		if (!l->lines || s->silent)
			continue;
		hvt_print_live(&l->printer, &ev);
	}
	if (s->eof && s->armed && l->lines && !s->silent)
		hvt_print_live(&l->printer, NULL);
	rc = l->lines && !s->silent ? hvt_flush() : 0;
	if (!rc)
		return;
	s->silent = true;
	stop(s);
	if (rc == EPIPE)
		return; /* the reader of our pipe has seen enough */
	hvt_warn("standard output: %s; try: another place for it", strerror(rc));
	s->code = HVT_ERROR;
}

/* Everything that was asked for is armed: say so, and let the target go. */
static void now_armed(struct loop *s)
{
	const struct hvt_watch_fact *w;
	const struct hvt_trace_fact *t;
	size_t i;

	s->armed = true;
	for (i = 0;
	     !s->l->quiet && !s->l->target.pid && (t = hvt_reader_trace(s->l->printer.reader, i));
	     i++)
		hvt_warn("tracing %s", t->spec);
	for (i = 0;
	     !s->l->quiet && !s->l->target.pid && (w = hvt_reader_watch(s->l->printer.reader, i));
	     i++)
		hvt_warn("watching %s at 0x%llx, %llu bytes, %s%s%s", w->spec,
			 (unsigned long long)w->addr, (unsigned long long)w->len,
			 w->access & HVT_ACC_R ? "r" : "", w->access & HVT_ACC_W ? "w" : "",
			 w->access & HVT_ACC_X ? "x" : "");
	hvt_target_release(&s->l->target);
}

static void take_stream(struct loop *s)
{
	static uint8_t buf[CHUNK];
	struct hvt_live *l = s->l;
	ssize_t n = read(l->agent.stream, buf, sizeof(buf));
	int rc;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		s->eof = true;
		hvt_reader_finish(l->printer.reader);
		print_events(s);
		return;
	}
	if (!hvt_tee_write(&l->tee, buf, (size_t)n) && !s->stopped)
		fail(s, errno == EPIPE ? s->code : HVT_ERROR);
	rc = hvt_reader_feed(l->printer.reader, buf, (size_t)n);
	if (rc && !s->code) {
		hvt_warn("%s: %s; try: fewer events at a time", l->name, strerror(-rc));
		fail(s, HVT_ERROR);
	}
	if (!s->armed && hvt_reader_armed(l->printer.reader))
		now_armed(s);
	print_events(s);
}

static void take_signal(struct loop *s)
{
	struct signalfd_siginfo si;
	struct hvt_target *t = &s->l->target;

	if (read(s->l->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGCHLD:
		if (!s->agent_gone &&
		    waitpid(s->l->agent.pid, &s->agent_status, WNOHANG) == s->l->agent.pid)
			s->agent_gone = true;
		hvt_target_poll(t);
		break;
	case SIGINT:
		/* the terminal sent it to the target as well: its end is our end */
		if (!t->pid || t->ended || t->held)
			stop(s);
		break;
	default:
		/* SIGTERM and SIGHUP came to us alone: pass the first on, obey the second */
		if (t->pid && !t->ended && !t->held && !s->terms++ &&
		    !kill(t->pid, (int)si.ssi_signo))
			break;
		stop(s);
	}
}

/* The loop is over when both have ended; a target that was never let go does not count. */
static bool done(const struct loop *s)
{
	const struct hvt_target *t = &s->l->target;

	if (!s->eof)
		return false;
	return !t->pid || t->ended || t->held || s->terms > 1;
}

static void loop(struct loop *s)
{
	struct pollfd fds[3];
	int timeout, n;

	while (!done(s)) {
		fds[0] =
			(struct pollfd){ .fd = s->eof ? -1 : s->l->agent.stream, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = s->l->signals, .events = POLLIN };
		/* no event wanted: it tells when the other end of our pipe has gone */
		fds[2] = (struct pollfd){ .fd = s->l->lines && !s->silent ? STDOUT_FILENO : -1 };
		/* with children that are followed the target's end is not the end */
		timeout = s->l->target.ended && !s->stopped && !s->l->follow ? GRACE_MS : -1;
		n = poll(fds, 3, timeout);
		if (n < 0 && errno != EINTR) {
			hvt_warn("poll: %s; try: again", strerror(errno));
			fail(s, HVT_ERROR);
			return;
		}
		if (n == 0)
			stop(s); /* the agent has not noticed that the target is gone */
		if (n <= 0)
			continue;
		if (fds[1].revents)
			take_signal(s);
		if (fds[0].revents)
			take_stream(s);
		if (fds[2].revents & (POLLERR | POLLNVAL)) {
			s->silent = true;
			stop(s);
		}
	}
}

static void summary(const struct loop *s, uint64_t lost)
{
	const struct hvt_reader_stats *st = hvt_reader_stats(s->l->printer.reader);
	const struct hvt_tee *t = &s->l->tee;
	char counts[128];

	if (s->l->quiet)
		return;
	if (hvt_reader_trace(s->l->printer.reader, 0))
		snprintf(counts, sizeof(counts), "%llu instructions, %llu events, %llu lost",
			 (unsigned long long)st->instructions,
			 (unsigned long long)(st->accesses + st->flows), (unsigned long long)lost);
	else
		snprintf(counts, sizeof(counts), "%llu events, %llu lost",
			 (unsigned long long)st->accesses, (unsigned long long)lost);
	if (t->path && strcmp(t->path, "-"))
		hvt_warn("%s, %llu bytes in %s", counts, (unsigned long long)t->bytes, t->path);
	else
		hvt_warn("%s", counts);
}

/* How did the agent and its stream end? HVT_OK, or a code after saying what is wrong. */
static int verdict(struct loop *s)
{
	const struct hvt_reader_stats *st = hvt_reader_stats(s->l->printer.reader);
	enum hvt_log_state state = hvt_reader_state(s->l->printer.reader);

	while (!s->agent_gone && waitpid(s->l->agent.pid, &s->agent_status, 0) < 0 &&
	       errno == EINTR)
		;
	if (WIFSIGNALED(s->agent_status)) {
		hvt_warn("hvtrace-agent: killed by signal %d; try: again (what arrived is kept)",
			 WTERMSIG(s->agent_status));
		return HVT_ERROR;
	}
	/* it has said why by itself */
	if (WEXITSTATUS(s->agent_status))
		return WEXITSTATUS(s->agent_status);
	if (state != HVT_LOG_COMPLETE) {
		hvt_warn(
			"hvtrace-agent: its stream is no good: %s; try: again (what arrived is kept)",
			hvt_reader_why(s->l->printer.reader));
		return HVT_ERROR;
	}
	if (st->end_reason == HVT_END_BROKEN) {
		hvt_warn("%s: the hypervisor gave up; try: dmesg, then reload the module",
			 s->l->name);
		return HVT_ERROR;
	}
	return HVT_OK;
}

int hvt_live_run(struct hvt_live *l)
{
	const struct hvt_reader_stats *st = hvt_reader_stats(l->printer.reader);
	struct loop s = { .l = l };
	uint64_t lost;
	int code;

	loop(&s);
	stop(&s);
	code = verdict(&s);
	if (!hvt_tee_close(&l->tee) && !s.code && !s.silent)
		s.code = strcmp(l->tee.path, "-") ? HVT_ERROR : HVT_OK;
	lost = st->lost + st->gaps;
	if (st->agent_lost > lost)
		lost = st->agent_lost;
	if (s.armed && !s.silent) /* a reader that left wants no summary either */
		summary(&s, lost);
	l->lost = lost;
	if (code || s.code)
		return code ? code : s.code;
	return l->target.ended ? hvt_target_code(&l->target) : HVT_OK;
}
