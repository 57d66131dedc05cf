/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace diff: where do two runs part? */
#include "cli.h"
#include "logfile.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyse/names.h"
#include "analyse/portable.h"
#include "analyse/streams.h"
#include "lib/json.h"
#include "lib/line.h"

/* As diff(1), which has no third one for wrong usage, either. */
enum { SAME = 0, DIFFERENT = 1, TROUBLE = 2 };

enum { NO_VALUES, ANY_THREAD, FORMAT, QUIET };

static const struct hvt_option options[] = {
	[NO_VALUES] = { "no-values", 0, NULL, "compare no values" },
	[ANY_THREAD] = { "any-thread", 0, NULL, "one stream for each watch, not for each thread" },
	[FORMAT] = HVT_OPT_FORMAT,
	[QUIET] = { "quiet", 'q', NULL, "say nothing, exit with the result" },
	HVT_OPT_HELP,
	{ 0 },
};

struct side {
	const char *path;
	int fd;
	struct hvt_reader *reader;
	struct hvt_threads threads;
	uint64_t number;
	bool over; /* no more events */
	bool lost; /* records: what comes behind is not compared */
};

struct diff {
	struct side sides[HVT_SIDES];
	struct hvt_streams streams;
	bool values, any_thread, as_json, quiet;
};

static void open_side(struct side *s, const char *path)
{
	s->path = path;
	s->reader = hvt_logfile_open(path, 0, &s->fd);
	if (!s->reader)
		hvt_die(TROUBLE, "%s: %s; try: hvtrace watch -o FILE makes one", path,
			strerror(errno));
}

/* The next event; false: there is none. */
static bool next(struct side *s, struct hvt_event *ev)
{
	int n;

	while (!hvt_reader_next(s->reader, ev)) {
		if (s->over)
			return false;
		n = hvt_reader_read(s->reader, s->fd);
		if (n < 0)
			hvt_die(TROUBLE, "%s: %s; try: another FILE", s->path, strerror(-n));
		s->over = !n || hvt_reader_state(s->reader) != HVT_LOG_OPEN;
	}
	s->number++;
	return true;
}

static void take(struct diff *d, int side, const struct hvt_event *ev)
{
	struct side *s = &d->sides[side];
	const struct hvt_watch_fact *w = hvt_watch_of(s->reader, ev->watch);
	struct hvt_line *l = hvt_line_start();
	uint32_t nth = 0;
	size_t name;

	if (ev->type == HVT_EV_LOST)
		s->lost = true;
	if (ev->type != HVT_EV_ACCESS || s->lost)
		return;
	if (!d->any_thread && hvt_threads_find(&s->threads, ev, &nth))
		hvt_die(TROUBLE, "diff: no memory; try: --any-thread");
	hvt_line_str(l, "watch ");
	hvt_put_escaped(l, w ? w->spec : "?");
	if (!d->any_thread) {
		hvt_line_str(l, ", thread ");
		hvt_put_escaped(l, ev->comm);
	}
	if (nth > 1) {
		hvt_line_char(l, '#');
		hvt_line_dec(l, nth);
	}
	name = l->len;
	hvt_put_portable(l, s->reader, ev, d->values);
	if (hvt_streams_take(&d->streams, side, l->p, name, l->p + name, l->len - name, s->number))
		hvt_die(TROUBLE, "diff: no memory; try: shorter logs");
}

static void text_side(const struct hvt_stream *st, int side, char sign, const char *colour)
{
	printf("%s%c%s%s\n", colour, sign, st->first[side] ? st->first[side]->line : "(no more)",
	       *colour ? "\033[0m" : "");
}

static void text(const struct diff *d, const struct hvt_stream *st, size_t n)
{
	bool colours = hvt_colours();
	int i;

	for (i = 0; i < HVT_SIDES; i++) {
		fputs(i == HVT_A ? "--- " : "+++ ", stdout);
		hvt_print_escaped(stdout, d->sides[i].path, SIZE_MAX);
		if (st->first[i])
			printf(" event %" PRIu64, st->first[i]->number);
		putchar('\n');
	}
	printf("@@ %s, behind %" PRIu64 " alike @@\n", hvt_stream_name(&d->streams, st),
	       st->matched);
	for (i = HVT_CONTEXT; i > 0; i--)
		if (st->context[i - 1])
			printf(" %s\n", st->context[i - 1]->line);
	text_side(st, HVT_A, '-', colours ? "\033[31m" : "");
	text_side(st, HVT_B, '+', colours ? "\033[32m" : "");
	if (n > 1)
		printf("%zu more streams differ, at later events\n", n - 1);
}

static void json_side(struct hvt_json *j, const struct hvt_stream *st, int side)
{
	hvt_json_open(j, side == HVT_A ? "a" : "b");
	if (st->first[side])
		hvt_json_u64(j, "event", st->first[side]->number);
	else
		hvt_json_null(j, "event");
	hvt_json_str(j, "access", st->first[side] ? st->first[side]->line : NULL);
	hvt_json_close(j);
}

static void json(const struct diff *d, const struct hvt_stream *st, size_t n)
{
	struct hvt_json j;

	hvt_json_begin(&j, stdout);
	hvt_json_str(&j, "type", "diff");
	hvt_json_u64(&j, "streams", d->streams.names.n);
	hvt_json_u64(&j, "differ", n);
	hvt_json_u64(&j, "matched", d->streams.matched);
	hvt_json_str(&j, "stream", st ? hvt_stream_name(&d->streams, st) : NULL);
	if (st) {
		json_side(&j, st, HVT_A);
		json_side(&j, st, HVT_B);
	}
	hvt_json_end(&j);
}

static int compare(struct diff *d)
{
	struct side *a = &d->sides[HVT_A], *b = &d->sides[HVT_B];
	bool ended[HVT_SIDES], more[HVT_SIDES] = { true, true };
	const struct hvt_stream *first;
	struct hvt_event ev;
	int side, code = SAME;
	size_t n;

	/* side by side: what waits to be matched stays short */
	while (more[HVT_A] || more[HVT_B]) {
		side = !more[HVT_A] || (more[HVT_B] && b->number < a->number) ? HVT_B : HVT_A;
		more[side] = next(&d->sides[side], &ev);
		if (more[side])
			take(d, side, &ev);
	}
	for (side = 0; side < HVT_SIDES; side++) {
		struct side *s = &d->sides[side];

		ended[side] = !s->lost && hvt_reader_state(s->reader) == HVT_LOG_COMPLETE;
		if (hvt_log_verdict(s->path, s->reader))
			code = TROUBLE;
		else if (!hvt_reader_header(s->reader))
			return TROUBLE;
		if (s->lost) {
			hvt_warn("%s: records are lost; try: a larger --ring-slots (what follows "
				 "the loss is not compared)",
				 s->path);
			code = TROUBLE;
		}
	}
	n = hvt_streams_finish(&d->streams, ended, &first);
	if (d->as_json && !d->quiet)
		json(d, first, n);
	else if (n && !d->quiet)
		text(d, first, n);
	return n ? DIFFERENT : code;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	struct diff d = { .values = true };
	int o, code, i;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == FORMAT)
			d.as_json = hvt_format_is_json(optarg);
		d.values &= o != NO_VALUES;
		d.any_thread |= o == ANY_THREAD;
		d.quiet |= o == QUIET;
	}
	if (argc - optind != 2)
		hvt_die(TROUBLE, "diff: it takes two FILEs; try: hvtrace diff a.data b.data");
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < HVT_SIDES; i++)
		open_side(&d.sides[i], argv[optind + i]);
	code = compare(&d);
	for (i = 0; i < HVT_SIDES; i++) {
		hvt_threads_free(&d.sides[i].threads);
		hvt_reader_free(d.sides[i].reader);
	}
	hvt_streams_free(&d.streams);
	return hvt_finish_output(HVT_OK) ? TROUBLE : code;
}

const struct hvt_command hvt_cmd_diff = {
	"diff", run, "find where two runs part", "[OPTION...] FILE FILE", options,
};
