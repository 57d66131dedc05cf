// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent trace: whose instructions, and which of them, by its options. The window
 * that they make is the module's business; what its ends and its code mean is looked up
 * here, once.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "arm.h"
#include "begin.h"
#include "blocked.h"
#include "code.h"
#include "resolve.h"
#include "session.h"

/* Places that are looked up together. */
enum { FROM, TO, ON, FUNCTION, NR_PLACES };

/* --only or --skip, one of their parts. */
struct piece {
	const char *option;
	char *text;
};

struct trace_options {
	struct begin_options begin;
	bool function; /* without a target: of a kernel function */
	struct want place[NR_PLACES];
	struct piece *piece;
	size_t nr_pieces;
	struct hvt_trace_add add;
	char spec[SPEC_NAME_MAX + 32]; /* for the log */
};

static int take_place(struct trace_options *o, int which, const char *option, const char *text)
{
	struct want *w = &o->place[which];

	if (w->text)
		return complain(AGENT_USAGE, "%s %s: a second one; try: one of them", option, text);
	w->text = text;
	if (which != ON)
		w->access = HVT_ACC_X;
	return spec_parse(text, &w->spec);
}

/* LO-HI: numbers; else a symbol of the kernel. */
static int take_function(struct trace_options *o, const char *text)
{
	struct want *w = &o->place[FUNCTION];
	uint64_t lo, hi;
	int rc = code_parse("--function", text, &lo, &hi);

	if (rc)
		return rc;
	o->function = true;
	if (!hi || !strchr(text, '-'))
		return take_place(o, FUNCTION, "--function", text);
	if (lo < KERNEL_START)
		return complain(AGENT_USAGE, "%s: not kernel addresses; try: -p PID --from 0x%llx",
				text, (unsigned long long)lo);
	w->text = text;
	w->access = HVT_ACC_X;
	w->spec.addr = lo;
	w->spec.len = hi - lo;
	w->spec.kernel = true;
	return AGENT_OK;
}

static void add_piece(struct trace_options *o, const char *option, const char *text, size_t len)
{
	o->piece = xrealloc(o->piece, (o->nr_pieces + 1) * sizeof(*o->piece));
	o->piece[o->nr_pieces++] = (struct piece){ option, xstrndup(text, len) };
}

/* Parts with commas between them; a number behind a comma is a length: ADDR,LEN */
static int take_code(struct trace_options *o, const char *option, const char *text)
{
	const char *at = text, *end, *next;
	uint64_t lo, hi, n;
	int rc = AGENT_OK;
	char *len;

	for (; rc == AGENT_OK; at = end + 1) {
		end = at + strcspn(at, ",");
		next = *end ? end + 1 + strcspn(end + 1, ",") : end;
		len = xstrndup(end, (size_t)(next - end));
		if (len[0] && number_parse(len + 1, &n))
			end = next;
		free(len);
		add_piece(o, option, at, (size_t)(end - at));
		rc = code_parse(option, o->piece[o->nr_pieces - 1].text, &lo, &hi);
		if (!*end)
			break;
	}
	return rc;
}

static int take_count(const char *option, const char *text, __u64 *count)
{
	uint64_t n;

	if (!number_parse(text, &n) || !n)
		return complain(AGENT_USAGE, "%s %s: not a positive number; try: %s 1000", option,
				text, option);
	*count = n;
	return AGENT_OK;
}

static int take_option(struct trace_options *o, int c, char *arg)
{
	switch (c) {
	case 'p':
		return begin_number("-p", arg, &o->begin.pid);
	case 't':
		o->add.flags |= HVT_TRACE_THREAD;
		return begin_number("-t", arg, &o->begin.tid);
	case 'S':
		return begin_slots(arg, &o->begin.ring_slots);
	case 'c':
		return begin_control(arg, &o->begin.control_fd);
	case 'f':
		o->add.flags |= HVT_TRACE_FOLLOW;
		return AGENT_OK;
	case 'k':
		o->add.flags |= HVT_TRACE_KERNEL;
		return AGENT_OK;
	case 'F':
		return take_function(o, arg);
	case 'b':
		return take_place(o, FROM, "--from", arg);
	case 'e':
		return take_place(o, TO, "--to", arg);
	case 'o':
		return take_place(o, ON, "--on", arg);
	case 'a':
		return access_parse(arg, &o->place[ON].access);
	case 'n':
		return take_count("--count", arg, &o->add.count);
	case 'A':
		return take_count("--after", arg, &o->add.after);
	case 'R':
		o->add.flags |= HVT_TRACE_REPEAT;
		return AGENT_OK;
	case 'O':
		return take_code(o, "--only", arg);
	case 's':
		return take_code(o, "--skip", arg);
	case 'r':
		o->add.flags |= HVT_TRACE_REGS;
		return AGENT_OK;
	case 'm':
		o->add.flags |= HVT_TRACE_MEM;
		return AGENT_OK;
	default:
		agent_verbose = true;
		return AGENT_OK;
	}
}

/* Options that do not go together. */
static int check_options(const struct trace_options *o)
{
	int targets = !!o->begin.pid + !!o->begin.tid + o->function;
	bool opens = o->place[FROM].text || o->place[ON].text;

	if (targets != 1)
		return complain(AGENT_USAGE, "trace: %s; try: -p PID, -t TID or --kernel SYMBOL",
				targets ? "more than one target" : "no target");
	if (o->function && o->add.flags & HVT_TRACE_FOLLOW)
		return complain(AGENT_USAGE,
				"--follow: whoever enters a function is traced; try: without it");
	if (o->function && (o->place[FROM].text || o->place[TO].text || o->place[ON].text))
		return complain(AGENT_USAGE, "trace: a function is traced from its entry to its "
					     "return; try: without --from, --to, --on");
	if (o->function && o->nr_pieces)
		return complain(
			AGENT_USAGE,
			"%s %s: chooses user code, a function is the kernel's; try: without it",
			o->piece[0].option, o->piece[0].text);
	if (o->place[ON].text && o->place[FROM].text)
		return complain(AGENT_USAGE, "--on --from: both open the window; try: one of them");
	if (o->add.flags & HVT_TRACE_REPEAT && !opens)
		return complain(AGENT_USAGE, "--repeat: the window opens once; try: --from SPEC or "
					     "--on SPEC");
	if (o->add.flags & HVT_TRACE_REPEAT && !o->place[TO].text && !o->add.count)
		return complain(AGENT_USAGE,
				"--repeat: nothing closes the window; try: --to SPEC or --count N");
	return AGENT_OK;
}

static int parse_options(struct trace_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "process", required_argument, NULL, 'p' },
		{ "thread", required_argument, NULL, 't' },
		{ "ring-slots", required_argument, NULL, 'S' },
		{ "control-fd", required_argument, NULL, 'c' },
		{ "follow", no_argument, NULL, 'f' },
		{ "kernel", no_argument, NULL, 'k' },
		{ "function", required_argument, NULL, 'F' },
		{ "from", required_argument, NULL, 'b' },
		{ "to", required_argument, NULL, 'e' },
		{ "on", required_argument, NULL, 'o' },
		{ "access", required_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "after", required_argument, NULL, 'A' },
		{ "repeat", no_argument, NULL, 'R' },
		{ "only", required_argument, NULL, 'O' },
		{ "skip", required_argument, NULL, 's' },
		{ "regs", no_argument, NULL, 'r' },
		{ "mem", no_argument, NULL, 'm' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	int c, rc = AGENT_OK;

	o->place[ON].access = HVT_ACC_R | HVT_ACC_W;
	opterr = 0;
	while (rc == AGENT_OK && (c = getopt_long(argc, argv, "+:p:t:v", options, NULL)) != -1) {
		if (c == ':' || c == '?')
			rc = complain(AGENT_USAGE, "trace %s: %s; try: hvtrace-agent --help",
				      argv[optind - 1],
				      c == ':' ? "needs an argument" : "no such option");
		else
			rc = take_option(o, c, optarg);
	}
	if (rc)
		return rc;
	if (optind < argc)
		return complain(AGENT_USAGE, "trace %s: not an option; try: --function %s",
				argv[optind], argv[optind]);
	return check_options(o);
}

static void say_target(struct trace_options *o)
{
	const char *also = o->add.flags & HVT_TRACE_FOLLOW ? " --follow" : "";

	if (o->function)
		snprintf(o->spec, sizeof(o->spec), "--kernel %s", o->place[FUNCTION].text);
	else if (o->begin.tid)
		snprintf(o->spec, sizeof(o->spec), "-t %d%s", o->begin.tid, also);
	else
		snprintf(o->spec, sizeof(o->spec), "-p %d%s", o->begin.pid, also);
}

/* The places that were given, with their addresses. */
static int resolve_places(struct trace_options *o)
{
	struct want want[NR_PLACES];
	int i, n = 0, rc;

	for (i = 0; i < NR_PLACES; i++) {
		if (o->place[i].text)
			want[n++] = o->place[i];
	}
	rc = n ? resolve_all(want, (size_t)n, o->begin.pid) : AGENT_OK;
	for (i = 0, n = 0; i < NR_PLACES; i++) {
		if (o->place[i].text)
			o->place[i] = want[n++];
	}
	return rc;
}

/* All of a kernel function, whose length the module knows. */
static int find_function(const struct session *s, struct trace_options *o)
{
	struct want *w = &o->place[FUNCTION];
	struct hvt_ksym sym = { .size = sizeof(sym), .addr = w->addr };

	if (!o->function)
		return AGENT_OK;
	if (!w->spec.len && (device_ioctl(&s->dev, HVT_IOC_KSYM, &sym) || sym.start != w->addr))
		return complain(AGENT_ERROR,
				"--kernel %s: its length is not known; try: a range, 0x%llx-0x%llx",
				w->text, (unsigned long long)w->addr,
				(unsigned long long)w->addr + 64);
	o->add.flags |= HVT_TRACE_BODY;
	o->add.addr = w->addr;
	o->add.len = w->spec.len ? w->spec.len : sym.len;
	return AGENT_OK;
}

struct ranges {
	struct hvt_trace_add *add;
	const char *option;
	uint32_t *nr; /* which are being added: the others are not, or stand before */
};

static int add_range(void *ctx, const char *text, uint64_t lo, uint64_t hi, int32_t pid)
{
	struct ranges *r = ctx;
	uint32_t n = r->add->nr_only + r->add->nr_skip;
	struct hvt_trace_range *last = *r->nr ? &r->add->range[n - 1] : NULL;

	(void)pid; /* the target's */
	if (lo >= KERNEL_START)
		return complain(
			AGENT_USAGE,
			"%s %s: chooses user code, and with it what the kernel does for it; "
			"try: code of the process",
			r->option, text);
	if (last && last->hi == lo) {
		last->hi = hi;
		return AGENT_OK;
	}
	if (n == HVT_TRACE_RANGES)
		return complain(AGENT_ERROR,
				"%s %s: more than %d pieces of code in all; try: longer ranges",
				r->option, text, HVT_TRACE_RANGES);
	r->add->range[n] = (struct hvt_trace_range){ lo, hi };
	++*r->nr;
	return AGENT_OK;
}

static int resolve_code(const struct session *s, struct trace_options *o, const char *option,
			__u32 *nr)
{
	struct ranges ranges = { &o->add, option, nr };
	struct code_look look = { .option = option,
				  .dev = &s->dev,
				  .pid = &o->begin.pid,
				  .nr_pids = o->begin.pid ? 1 : 0,
				  .all = !o->begin.pid,
				  .add = add_range,
				  .ctx = &ranges };
	int rc = AGENT_OK;
	size_t i;

	for (i = 0; i < o->nr_pieces && rc == AGENT_OK; i++) {
		if (!strcmp(o->piece[i].option, option))
			rc = code_resolve(&look, o->piece[i].text);
	}
	return rc;
}

static void write_trace(struct session *s, const struct trace_options *o)
{
	const struct hvt_trace_add *a = &o->add;
	struct hvt_section section = { .type = HVT_SEC_TRACE, .count = 1 };
	struct hvt_log_trace trace = {
		.id = a->id,
		.flags = a->flags,
		.pid = a->pid,
		.spec_len = (uint32_t)strlen(o->spec),
		.addr = a->addr,
		.len = a->len,
		.from = a->from,
		.to = a->to,
		.after = a->after,
		.count = a->count,
		.on = a->on,
		.nr_only = a->nr_only,
		.nr_skip = a->nr_skip,
	};
	struct log_part parts[] = {
		{ &trace, sizeof(trace) },
		{ a->range, (a->nr_only + a->nr_skip) * sizeof(a->range[0]) },
		{ o->spec, trace.spec_len },
	};

	log_section(&s->log, &section, parts, 3);
	ksyms_see(&s->ksyms, a->addr);
}

static int start(struct session *s, struct trace_options *o, int argc, char **argv)
{
	struct hvt_trace_add *a = &o->add;
	int rc = find_function(s, o);

	if (rc == AGENT_OK)
		rc = resolve_code(s, o, "--only", &a->nr_only);
	if (rc == AGENT_OK)
		rc = resolve_code(s, o, "--skip", &a->nr_skip);
	if (rc == AGENT_OK)
		rc = begin_attached(s, &o->begin, argc, argv);
	if (rc == AGENT_OK && o->place[ON].text)
		rc = arm_watches(s, &o->place[ON], 1, o->begin.pid, 0);
	if (rc)
		return rc;
	a->size = sizeof(*a);
	a->pid = o->begin.tid ? o->begin.tid : o->begin.pid;
	a->from = o->place[FROM].addr;
	a->to = o->place[TO].addr;
	a->on = o->place[ON].text ? s->watch_ids[0] : 0;
	rc = device_ioctl(&s->dev, HVT_IOC_TRACE_ADD, a);
	if (rc)
		return module_complain(o->function ? CALL_FUNCTION_ADD : CALL_TRACE_ADD, o->spec,
				       rc);
	s->trace = a->id;
	s->trace_alone = a->flags & HVT_TRACE_FOLLOW;
	write_trace(s, o);
	arm_done(s);
	return AGENT_OK;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_options o = { .begin.control_fd = -1 };
	struct session s;
	int rc;

	session_init(&s, "trace");
	rc = parse_options(&o, argc, argv);
	if (rc == AGENT_OK)
		rc = begin_target(&s, &o.begin);
	if (rc == AGENT_OK)
		rc = resolve_places(&o);
	say_target(&o);
	if (rc == AGENT_OK)
		rc = begin_device(&s, &o.begin);
	if (rc == AGENT_OK)
		rc = start(&s, &o, argc, argv);
	rc = session_finish(&s, rc);
	while (o.nr_pieces)
		free(o.piece[--o.nr_pieces].text);
	free(o.piece);
	return rc;
}
