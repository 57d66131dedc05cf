/* SPDX-License-Identifier: GPL-2.0-only */
/* The log that a command reads, and which of its events are wanted: see input.h. */
#include "input.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/debug_info.h"
#include "logfile.h"

bool hvt_parse_number(const char *text, uint64_t *value, const char **end)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	char *stop;

	if (!isxdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*value = strtoull(digits, &stop, base);
	*end = stop;
	return stop != digits && !errno;
}

/*
 * A number of seconds with up to nine decimals, as ns. False: it is none. *end is behind
 * it.
 */
static bool parse_seconds(const char *text, uint64_t *ns, const char **end)
{
	uint64_t s = 0, unit = 100000000;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(s, 10, &s) ||
		    __builtin_add_overflow(s, (uint64_t)(*text - '0'), &s))
			return false;
	if (__builtin_mul_overflow(s, 1000000000, ns))
		return false;
	if (*text == '.' && isdigit((unsigned char)text[1]))
		for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
			if (__builtin_add_overflow(*ns, unit * (uint64_t)(*text - '0'), ns))
				return false;
	*end = text;
	return true;
}

static void take_time(struct hvt_input *in, const char *arg)
{
	const char *at = arg;
	bool good = *at == ',' || parse_seconds(at, &in->from_ns, &at);

	good = good && *at++ == ',';
	if (good && *at)
		good = parse_seconds(at, &in->to_ns, &at) && !*at && in->to_ns >= in->from_ns;
	if (!good || !strcmp(arg, ","))
		hvt_die(HVT_USAGE, "--time %s: not a span of seconds; try: 5.25,6 or 5.25, or ,6",
			arg);
}

static void take_list(struct hvt_ranges *r, const char *name, const char *arg)
{
	const char *at = arg;
	bool good = true;

	for (r->n = 0; good && r->n < HVT_RANGES; r->n++) {
		good = hvt_parse_number(at, &r->v[r->n].first, &at);
		r->v[r->n].last = r->v[r->n].first;
		if (good && *at == '-')
			good = hvt_parse_number(at + 1, &r->v[r->n].last, &at) &&
			       r->v[r->n].last >= r->v[r->n].first;
		if (good && !*at) {
			r->n++;
			return;
		}
		good = good && *at++ == ',';
	}
	hvt_die(HVT_USAGE, "--%s %s: not a list of at most %d numbers and ranges; try: 1,3-5", name,
		arg, HVT_RANGES);
}

void hvt_input_lines(struct hvt_input *in, const char *what)
{
	if (!hvt_debug_available())
		hvt_die(HVT_UNSUPPORTED,
			"%s: this hvtrace was built without libdw; try: a build where libdw-dev is",
			what);
	in->reader_flags |= HVT_READER_LINES;
}

bool hvt_input_option(struct hvt_input *in, const char *name, const char *arg)
{
	if (!strcmp(name, "time"))
		take_time(in, arg);
	else if (!strcmp(name, "watch"))
		take_list(&in->watches, name, arg);
	else if (!strcmp(name, "pid"))
		take_list(&in->pids, name, arg);
	else if (!strcmp(name, "cpu"))
		take_list(&in->cpus, name, arg);
	else if (!strcmp(name, "quiet"))
		hvt_log_chatter = -1;
	else if (!strcmp(name, "verbose"))
		hvt_log_chatter = 1;
	else
		return false;
	return true;
}

bool hvt_ranges_have(const struct hvt_ranges *r, uint64_t v)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (v >= r->v[i].first && v <= r->v[i].last)
			return true;
	return !r->n;
}

static bool watch_wanted(const struct hvt_ranges *r, const struct hvt_event *ev)
{
	uint32_t i;

	if (!ev->nr_watches)
		return hvt_ranges_have(r, ev->watch);
	for (i = 0; i < ev->nr_watches; i++)
		if (hvt_ranges_have(r, ev->watches[i]))
			return true;
	return false;
}

/* Is the event one of those that were asked for? Losses and marks are everybody's. */
static bool wants(const struct hvt_input *in, const struct hvt_event *ev)
{
	if (ev->ns < in->from_ns || (in->to_ns && ev->ns > in->to_ns))
		return false;
	if (ev->type == HVT_EV_MARK)
		return true;
	if (!hvt_ranges_have(&in->cpus, ev->cpu))
		return false;
	if (ev->type == HVT_EV_LOST)
		return true;
	return hvt_ranges_have(&in->pids, ev->pid) && watch_wanted(&in->watches, ev);
}

static void count(const struct hvt_event *ev, void *arg)
{
	struct hvt_input *in = arg;

	in->number++;
	if (in->all || wants(in, ev))
		in->each(ev, in->arg);
}

int hvt_input_read(struct hvt_input *in, const char *path,
		   void (*each)(const struct hvt_event *ev, void *arg), void *arg)
{
	in->number = 0;
	in->all = !in->from_ns && !in->to_ns && !in->watches.n && !in->pids.n && !in->cpus.n;
	in->each = each;
	in->arg = arg;
	return hvt_log_read(path, in->reader_flags, count, in, &in->reader);
}
