// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent watch: options, and the order in which a session comes to life. Nothing
 * is touched in the machine before everything that can be checked has been.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"
#include "arm.h"
#include "filter.h"
#include "privilege.h"
#include "resolve.h"
#include "schema.h"
#include "session.h"

#define WATCHES_MAX 65536

/* getopt's values of the filter options begin here, behind all letters. */
#define FILTER_OPTION 256

/* A kernel symbol longer than this is a gap between sections, not a variable. */
#define KSYM_LEN_MAX (1u << 20)

struct watch_options {
	int32_t pid;
	uint32_t ring_slots;
	int control_fd;
	uint32_t flags; /* HVT_WATCH_* of all watches */
	struct filter_want filter;
	struct want *want;
	size_t nr;
	bool open; /* the last --watch waits for its --access */
};

static int parse_pid(const char *text, int32_t *pid)
{
	uint64_t n;

	if (!number_parse(text, &n) || !n || n > INT32_MAX)
		return complain(AGENT_USAGE, "-p %s: not a process number; try: -p PID", text);
	*pid = (int32_t)n;
	return AGENT_OK;
}

static int parse_slots(const char *text, uint32_t *slots)
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

static int parse_control(const char *text, int *fd)
{
	uint64_t n;

	if (!number_parse(text, &n) || n > INT32_MAX || fcntl((int)n, F_GETFD) < 0)
		return complain(AGENT_USAGE,
				"--control-fd %s: not an open file; try: the number of one", text);
	*fd = (int)n;
	return AGENT_OK;
}

static int add_want(struct watch_options *o, const char *text, bool physical)
{
	struct want *w;

	if (o->open)
		return complain(AGENT_USAGE,
				"--watch %s: the one before it has no --access; try: "
				"--watch SPEC --access rw",
				text);
	if (o->nr == WATCHES_MAX)
		return complain(AGENT_USAGE, "--watch %s: more than %d; try: fewer and longer ones",
				text, WATCHES_MAX);
	o->want = xrealloc(o->want, (o->nr + 1) * sizeof(*o->want));
	w = &o->want[o->nr++];
	memset(w, 0, sizeof(*w));
	w->text = text;
	w->physical = physical;
	o->open = true;
	return physical ? spec_parse_physical(text, &w->spec) : spec_parse(text, &w->spec);
}

static int add_access(struct watch_options *o, const char *text)
{
	if (!o->open)
		return complain(AGENT_USAGE,
				"--access %s: no --watch before it; try: --watch SPEC "
				"--access %s",
				text, text);
	o->open = false;
	return access_parse(text, &o->want[o->nr - 1].access);
}

static int parse_options(struct watch_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "process", required_argument, NULL, 'p' },
		{ "ring-slots", required_argument, NULL, 's' },
		{ "control-fd", required_argument, NULL, 'c' },
		{ "watch", required_argument, NULL, 'w' },
		{ "phys", required_argument, NULL, 'P' },
		{ "access", required_argument, NULL, 'a' },
		{ "coalesce", no_argument, NULL, 'C' },
		{ "pid", required_argument, NULL, FILTER_OPTION + FILTER_PID },
		{ "tid", required_argument, NULL, FILTER_OPTION + FILTER_TID },
		{ "comm", required_argument, NULL, FILTER_OPTION + FILTER_COMM },
		{ "cpu", required_argument, NULL, FILTER_OPTION + FILTER_CPU },
		{ "user", no_argument, NULL, FILTER_OPTION + FILTER_USER },
		{ "kernel", no_argument, NULL, FILTER_OPTION + FILTER_KERNEL },
		{ "ip", required_argument, NULL, FILTER_OPTION + FILTER_IP },
		{ "changed", no_argument, NULL, FILTER_OPTION + FILTER_CHANGED },
		{ "value", required_argument, NULL, FILTER_OPTION + FILTER_VALUE },
		{ "every", required_argument, NULL, FILTER_OPTION + FILTER_EVERY },
		{ "limit", required_argument, NULL, FILTER_OPTION + FILTER_LIMIT },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	int c, rc = AGENT_OK;

	opterr = 0;
	while (rc == AGENT_OK && (c = getopt_long(argc, argv, "+:p:a:v", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			rc = parse_pid(optarg, &o->pid);
			break;
		case 's':
			rc = parse_slots(optarg, &o->ring_slots);
			break;
		case 'c':
			rc = parse_control(optarg, &o->control_fd);
			break;
		case 'w':
			rc = add_want(o, optarg, false);
			break;
		case 'P':
			rc = add_want(o, optarg, true);
			break;
		case 'C':
			o->flags |= HVT_WATCH_COALESCE;
			break;
		case 'a':
			rc = add_access(o, optarg);
			break;
		case 'v':
			agent_verbose = true;
			break;
		case ':':
		case '?':
			rc = complain(AGENT_USAGE, "watch %s: %s; try: hvtrace-agent --help",
				      argv[optind - 1],
				      c == ':' ? "needs an argument" : "no such option");
			break;
		default:
			rc = filter_take(&o->filter, (enum filter_option)(c - FILTER_OPTION),
					 optarg);
		}
	}
	if (rc)
		return rc;
	if (optind < argc)
		return complain(AGENT_USAGE, "watch %s: not an option; try: --watch %s",
				argv[optind], argv[optind]);
	if (!o->nr || o->open)
		return complain(AGENT_USAGE, "watch: %s; try: --watch SPEC --access rw",
				o->nr ? "the last --watch has no --access" : "nothing to watch");
	/* A run has no value of its own, and none of its iterations may be left out. */
	if (o->flags & HVT_WATCH_COALESCE &&
	    (o->filter.f.op || o->filter.f.flags & HVT_FF_CHANGED || o->filter.f.every > 1 ||
	     o->filter.f.limit))
		return complain(
			AGENT_USAGE,
			"--coalesce: does not go with --value, --changed, --every and --limit; try: "
			"one or the other");
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

/* The length of kernel symbols whose user gave none. */
static void kernel_lengths(const struct session *s, struct watch_options *o)
{
	size_t i;

	for (i = 0; i < o->nr; i++) {
		struct want *w = &o->want[i];
		struct hvt_ksym sym = { .size = sizeof(sym), .addr = w->addr };
		uint64_t off = w->spec.off;

		if (w->len)
			continue;
		w->len = 8;
		if (device_ioctl(&s->dev, HVT_IOC_KSYM, &sym) == 0 && sym.len <= KSYM_LEN_MAX &&
		    sym.start == w->addr - off && off < sym.len)
			w->len = sym.len - off;
	}
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

/* From the open device to the first armed watch. */
static int start(struct session *s, struct watch_options *o, int argc, char **argv)
{
	struct hvt_log_clock clock;
	size_t i;
	int rc;

	kernel_lengths(s, o);
	for (i = 0; i < o->nr; i++) {
		rc = o->want[i].physical ?
			     AGENT_OK :
			     range_check(o->want[i].text, o->want[i].addr, o->want[i].len);
		if (rc)
			return rc;
	}
	rc = filter_resolve(&o->filter, o->pid, &s->dev);
	if (rc)
		return rc;
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
	rc = arm_filter(s, &o->filter);
	return rc ? rc : arm_watches(s, o->want, o->nr, o->pid, o->flags);
}

int cmd_watch(int argc, char **argv)
{
	struct watch_options o = { .control_fd = -1 };
	struct session s;
	int rc;

	session_init(&s);
	rc = parse_options(&o, argc, argv);
	if (rc == AGENT_OK)
		rc = require_root("watch");
	if (rc == AGENT_OK && o.pid)
		rc = target_check(o.pid);
	if (rc == AGENT_OK)
		rc = filter_check(&o.filter);
	if (rc == AGENT_OK)
		rc = open_signals(&s);
	if (rc == AGENT_OK)
		rc = open_target(&s, o.pid);
	if (rc == AGENT_OK)
		rc = resolve_all(o.want, o.nr, o.pid);
	if (rc == AGENT_OK && isatty(STDOUT_FILENO))
		rc = complain(AGENT_USAGE,
			      "watch: the log is not for a terminal; try: hvtrace watch");
	if (rc == AGENT_OK) {
		s.control_fd = o.control_fd;
		open_output();
		rc = device_open(&s.dev);
	}
	if (rc == AGENT_OK)
		rc = start(&s, &o, argc, argv);
	if (rc == AGENT_OK)
		rc = session_run(&s);
	session_disarm(&s);
	session_free(&s);
	filter_free(&o.filter);
	free(o.want);
	return rc;
}
