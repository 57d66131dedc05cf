// SPDX-License-Identifier: GPL-2.0-only
/* hvtrace-agent watch: what is watched, by its options. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "arm.h"
#include "begin.h"
#include "filter.h"
#include "resolve.h"
#include "session.h"

#define WATCHES_MAX 65536

/* getopt's values of the filter options begin here, behind all letters. */
#define FILTER_OPTION 256

/* A kernel symbol longer than this is a gap between sections, not a variable. */
#define KSYM_LEN_MAX (1u << 20)

struct watch_options {
	struct begin_options begin;
	uint32_t flags; /* HVT_WATCH_* of all watches */
	struct filter_want filter;
	struct want *want;
	size_t nr;
	bool open; /* the last --watch waits for its --access */
};

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
			rc = begin_number("-p", optarg, &o->begin.pid);
			break;
		case 's':
			rc = begin_slots(optarg, &o->begin.ring_slots);
			break;
		case 'c':
			rc = begin_control(optarg, &o->begin.control_fd);
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

/* From the open device to the first armed watch. */
static int start(struct session *s, struct watch_options *o, int argc, char **argv)
{
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
	rc = filter_resolve(&o->filter, o->begin.pid, &s->dev);
	if (rc)
		return rc;
	rc = begin_attached(s, &o->begin, argc, argv);
	if (rc)
		return rc;
	rc = arm_filter(s, &o->filter);
	if (rc == AGENT_OK)
		rc = arm_watches(s, o->want, o->nr, o->begin.pid, o->flags);
	if (rc == AGENT_OK)
		arm_done(s);
	return rc;
}

int cmd_watch(int argc, char **argv)
{
	struct watch_options o = { .begin.control_fd = -1 };
	struct session s;
	int rc;

	session_init(&s, "watch");
	rc = parse_options(&o, argc, argv);
	if (rc == AGENT_OK)
		rc = begin_target(&s, &o.begin);
	if (rc == AGENT_OK)
		rc = filter_check(&o.filter);
	if (rc == AGENT_OK)
		rc = resolve_all(o.want, o.nr, o.begin.pid);
	if (rc == AGENT_OK)
		rc = begin_device(&s, &o.begin);
	if (rc == AGENT_OK)
		rc = start(&s, &o, argc, argv);
	rc = session_finish(&s, rc);
	filter_free(&o.filter);
	free(o.want);
	return rc;
}
