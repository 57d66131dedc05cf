// SPDX-License-Identifier: GPL-2.0-only
/* See begin.h. Nothing is touched in the machine before everything that can be checked has been. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"
#include "begin.h"
#include "privilege.h"
#include "proc.h"
#include "resolve.h"
#include "schema.h"
#include "spec.h"

int begin_number(const char *option, const char *text, int32_t *pid)
{
	uint64_t n;

	if (!number_parse(text, &n) || !n || n > INT32_MAX)
		return complain(AGENT_USAGE, "%s %s: not a %s number; try: ps", option, text,
				strcmp(option, "-t") ? "process" : "thread");
	*pid = (int32_t)n;
	return AGENT_OK;
}

int begin_slots(const char *text, uint32_t *slots)
{
	uint64_t n;

	if (!number_parse(text, &n) || n < 64 || n > 1u << 24 || n & (n - 1))
		return complain(AGENT_USAGE,
				"--ring-slots %s: not a power of two from 64 to %u; "
				"try: 16384",
				text, 1u << 24);
	*slots = (uint32_t)n;
	return AGENT_OK;
}

int begin_control(const char *text, int *fd)
{
	uint64_t n;

	if (!number_parse(text, &n) || n > INT32_MAX || fcntl((int)n, F_GETFD) < 0)
		return complain(AGENT_USAGE,
				"--control-fd %s: not an open file; try: the number of one", text);
	*fd = (int)n;
	return AGENT_OK;
}

static int open_signals(struct session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return complain(AGENT_ERROR, "signalfd: %s; try: more open files", strerror(errno));
	return AGENT_OK;
}

static int open_target(struct session *s, int32_t pid)
{
	if (!pid)
		return AGENT_OK;
	s->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (s->pid_fd >= 0)
		return AGENT_OK;
	if (errno == ESRCH)
		return complain(AGENT_ERROR, "PID %d: no such process; try: ps", pid);
	return complain(AGENT_ERROR, "PID %d: pidfd_open: %s; try: a kernel from 5.3 on", pid,
			strerror(errno));
}

int begin_target(struct session *s, struct begin_options *o)
{
	struct proc_stat stat;
	int rc = require_root(s->name);

	if (rc)
		return rc;
	if (o->tid) {
		if (proc_stat(o->tid, &stat))
			return complain(AGENT_ERROR, "TID %d: no such thread; try: ps -eL", o->tid);
		o->pid = stat.tgid;
	}
	if (o->pid)
		rc = target_check(o->pid);
	if (rc == AGENT_OK)
		rc = open_signals(s);
	return rc ? rc : open_target(s, o->pid);
}

/*
 * A pipe gets a description of its own, non-blocking, so that a reader that stalls
 * cannot keep us from hearing signals. Where that is not possible writes block.
 */
static void open_output(void)
{
	struct stat st;
	int fd;

	if (fstat(STDOUT_FILENO, &st) || !S_ISFIFO(st.st_mode))
		return;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	/* The old description would keep the pipe open; there is nothing else on it. */
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

int begin_device(struct session *s, const struct begin_options *o)
{
	if (isatty(STDOUT_FILENO))
		return complain(AGENT_USAGE, "%s: the log is not for a terminal; try: hvtrace %s",
				s->name, s->name);
	s->control_fd = o->control_fd;
	open_output();
	return device_open(&s->dev);
}

static void write_start(struct session *s, int argc, char **argv, const struct hvt_log_clock *clock)
{
	struct buf text = { 0 };

	log_header(&s->log, s->dev.hello.nr_cpus);
	schema_json(&text);
	log_plain(&s->log, HVT_SEC_SCHEMA, text.p, text.len);
	text.len = 0;
	host_json(&text, &s->dev.hello, argc, argv);
	log_plain(&s->log, HVT_SEC_HOST, text.p, text.len);
	buf_free(&text);
	log_plain(&s->log, HVT_SEC_CLOCK, clock, sizeof(*clock));
}

int begin_attached(struct session *s, const struct begin_options *o, int argc, char **argv)
{
	struct hvt_log_clock clock;
	int rc;

	/* Before the first look at /proc, so that nothing falls between the two. */
	rc = perf_open(&s->perf, s->dev.hello.nr_cpus);
	if (rc)
		remark("perf_event_open: %s; going on with /proc alone", strerror(-rc));
	rc = device_rings(&s->dev, o->ring_slots);
	if (rc)
		return rc;
	rc = device_attach(&s->dev, 0);
	if (rc)
		return rc;
	rc = device_clock(&s->dev, &clock);
	if (rc)
		return rc;
	rc = mark_open(&s->marks);
	if (rc)
		remark("mark: %s; this session takes none", strerror(-rc));
	/* The rings fill while we wait for the CPU: go first. */
	if (setpriority(PRIO_PROCESS, 0, -10))
		remark("setpriority: %s", strerror(errno));
	rc = privilege_drop();
	if (rc)
		remark("capset: %s; keeping all privileges", strerror(-rc));
	write_start(s, argc, argv, &clock);
	s->facts.only_known = o->pid != 0;
	if (o->pid)
		facts_snapshot(&s->facts, (uint32_t)o->pid);
	return AGENT_OK;
}
