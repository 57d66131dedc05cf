/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace verify: what do logs prove, what can they not prove, what is wrong in them? */
#include "cli.h"

#include <hvtrace/hvtrace.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"

enum { FORMAT, QUIET, STRICT };

static const struct hvt_option options[] = {
	[FORMAT] = HVT_OPT_FORMAT,
	[QUIET] = { "quiet", 'q', NULL, "say nothing, exit with the result" },
	[STRICT] = { "strict", 0, NULL, "what is not proved counts as wrong" },
	HVT_OPT_HELP,
	{ 0 },
};

static const char *const keys[HVT_FLAW_KINDS] = {
	[HVT_FLAW_SECTION] = "section", [HVT_FLAW_GAP] = "gap",	    [HVT_FLAW_REPEAT] = "repeat",
	[HVT_FLAW_TIME] = "time",	[HVT_FLAW_ROUND] = "round", [HVT_FLAW_STAT] = "stat",
	[HVT_FLAW_ORDER] = "order",	[HVT_FLAW_PLACE] = "place", [HVT_FLAW_VALUE] = "value",
};

static uint64_t wrongs(const struct hvt_verdict *v)
{
	uint64_t n = v->state != HVT_LOG_COMPLETE;
	int k;

	for (k = 0; k < HVT_FLAW_KINDS; k++)
		n += k == HVT_FLAW_VALUE ? 0 : v->count[k];
	return n;
}

/* Is there anything that could be so or not? */
static bool unproved(const struct hvt_verdict *v)
{
	return v->lost || v->differ || v->voided || v->unvalued || v->unplaced || v->in_loss ||
	       v->filtered || v->read_only || !v->stated;
}

static void __attribute__((format(printf, 3, 4)))
line(bool want, const char *what, const char *fmt, ...)
{
	va_list ap;

	if (!want)
		return;
	printf("  %s: ", what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void proved(const struct hvt_verdict *v)
{
	const char *yes = "proved";
	const uint64_t *n = v->count;

	line(v->state == HVT_LOG_COMPLETE && !n[HVT_FLAW_SECTION], yes,
	     "whole: %" PRIu64 " sections with good checksums, END", v->sections);
	line(!n[HVT_FLAW_GAP] && !n[HVT_FLAW_REPEAT], yes,
	     "sequence: none of %" PRIu64 " records of %" PRIu32 " CPUs is missing or twice%s",
	     v->records + v->lost, v->cpus, v->lost ? ", the lost ones counted" : "");
	line(v->stated && !n[HVT_FLAW_STAT], yes,
	     "counts: produced = consumed + lost on %" PRIu32 " CPUs", v->stated);
	line(v->instructions || v->flows, yes,
	     "traces: %" PRIu64 " of the records are instructions, %" PRIu64
	     " breaks of their sequence",
	     v->instructions, v->flows);
	line(!n[HVT_FLAW_TIME], yes, "time: grows on each CPU");
	line(!n[HVT_FLAW_ROUND], yes, "merge: no record came behind one of %" PRIu64 " rounds",
	     v->rounds);
	line(!n[HVT_FLAW_ORDER] && !n[HVT_FLAW_PLACE], yes,
	     "order: %" PRIu64 " ranks grow on %" PRIu64 " pages", v->ranks, v->pages);
	line(v->links, yes, "values: %" PRIu64 " bytes were as the record before left them",
	     v->links);
}

static void not_proved(const struct hvt_verdict *v)
{
	const char *no = "not proved";

	line(v->lost, no, "events: %" PRIu64 " records were lost", v->lost);
	line(!v->stated, no, "counts: the log has none of the agent's");
	line(v->differ, no, "values: %" PRIu64 " bytes in %" PRIu64 " records: %s", v->differ,
	     v->count[HVT_FLAW_VALUE], hvt_flaw_name(HVT_FLAW_VALUE));
	line(v->voided, no,
	     "values: %" PRIu64 " bytes after a loss, a remap or a value not recorded", v->voided);
	line(v->in_loss, no,
	     "values: %" PRIu64 " records made during a loss, or a run with several CPUs",
	     v->in_loss);
	line(v->unvalued, no, "values: %" PRIu64 " records that have none to compare", v->unvalued);
	line(v->unplaced, no,
	     "values: %" PRIu64 " records through another address of a page, not known of which",
	     v->unplaced);
	line(v->filtered, no, "values: %" PRIu32 " watches have a filter", v->filtered);
	line(v->read_only, no, "values: %" PRIu32 " watches see reads only", v->read_only);
}

static void wrong(const struct hvt_verdict *v)
{
	int k;

	line(v->state != HVT_LOG_COMPLETE, "wrong", "whole: %s", v->why);
	for (k = 0; k < HVT_FLAW_KINDS; k++)
		line(k != HVT_FLAW_VALUE && v->count[k], "wrong", "%s: %" PRIu64 " times: %s",
		     keys[k], v->count[k], hvt_flaw_name((enum hvt_flaw_kind)k));
}

static void flaw_lines(const struct hvt_verdict *v)
{
	const struct hvt_flaw *f;
	uint64_t i;
	int k;

	for (k = 0; k < HVT_FLAW_KINDS; k++)
		for (i = 0; i < v->count[k] && i < HVT_FLAWS_KEPT; i++) {
			f = &v->first[k][i];
			printf("    %s: CPU %" PRIu32 " seq %" PRIu64 " tsc %" PRIu64, keys[k],
			       f->cpu, f->seq, f->tsc);
			if (f->gpa)
				printf(" gpa 0x%" PRIx64, f->gpa);
			printf(k == HVT_FLAW_VALUE ? ": last new 0x%" PRIx64 ", old 0x%" PRIx64
						     "\n" :
						     ": expected %" PRIu64 ", found %" PRIu64 "\n",
			       f->expected, f->found);
		}
}

static void text(const char *path, const struct hvt_verdict *v)
{
	hvt_print_escaped(stdout, path, SIZE_MAX);
	printf(": %s\n", wrongs(v) ? "wrong" : unproved(v) ? "nothing wrong" : "proved");
	proved(v);
	not_proved(v);
	wrong(v);
	flaw_lines(v);
}

static void json_flaws(struct hvt_json *j, const struct hvt_verdict *v)
{
	const struct hvt_flaw *f;
	char key[24];
	uint64_t i;
	int k;

	hvt_json_open(j, "flaws");
	for (k = 0; k < HVT_FLAW_KINDS; k++) {
		if (!v->count[k])
			continue;
		hvt_json_open(j, keys[k]);
		hvt_json_u64(j, "count", v->count[k]);
		hvt_json_open(j, "first");
		for (i = 0; i < v->count[k] && i < HVT_FLAWS_KEPT; i++) {
			f = &v->first[k][i];
			snprintf(key, sizeof(key), "%" PRIu64, i);
			hvt_json_open(j, key);
			hvt_json_u64(j, "cpu", f->cpu);
			hvt_json_u64(j, "seq", f->seq);
			hvt_json_u64(j, "tsc", f->tsc);
			hvt_json_hex(j, "gpa", f->gpa);
			hvt_json_hex(j, "expected", f->expected);
			hvt_json_hex(j, "found", f->found);
			hvt_json_close(j);
		}
		hvt_json_close(j);
		hvt_json_close(j);
	}
	hvt_json_close(j);
}

static void json(const char *path, const struct hvt_verdict *v)
{
	struct hvt_json j;

	hvt_json_begin(&j, stdout);
	hvt_json_str(&j, "type", "verify");
	hvt_json_str(&j, "file", path);
	hvt_json_bool(&j, "complete", v->state == HVT_LOG_COMPLETE);
	hvt_json_str(&j, "why", v->why);
	hvt_json_bool(&j, "wrong", wrongs(v));
	hvt_json_bool(&j, "proved", !wrongs(v) && !unproved(v));
	hvt_json_u64(&j, "bytes", v->bytes);
	hvt_json_u64(&j, "sections", v->sections);
	hvt_json_u64(&j, "rounds", v->rounds);
	hvt_json_u64(&j, "cpus", v->cpus);
	hvt_json_u64(&j, "stated", v->stated);
	hvt_json_u64(&j, "records", v->records);
	hvt_json_u64(&j, "instructions", v->instructions);
	hvt_json_u64(&j, "flows", v->flows);
	hvt_json_u64(&j, "lost", v->lost);
	hvt_json_u64(&j, "pages", v->pages);
	hvt_json_u64(&j, "ranks", v->ranks);
	hvt_json_u64(&j, "links", v->links);
	hvt_json_u64(&j, "differ", v->differ);
	hvt_json_u64(&j, "voided", v->voided);
	hvt_json_u64(&j, "in_loss", v->in_loss);
	hvt_json_u64(&j, "unvalued", v->unvalued);
	hvt_json_u64(&j, "unplaced", v->unplaced);
	hvt_json_u64(&j, "traces", v->traces);
	hvt_json_u64(&j, "watches", v->watches);
	hvt_json_u64(&j, "filtered", v->filtered);
	hvt_json_u64(&j, "read_only", v->read_only);
	json_flaws(&j, v);
	hvt_json_end(&j);
}

/* One log. False when it cannot be read: complained. */
static bool verify(const char *path, struct hvt_verdict *v)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;

	if (fd < 0) {
		hvt_warn("%s: %s; try: hvtrace watch -o FILE makes one", path, strerror(errno));
		return false;
	}
	rc = hvt_verify(fd, v);
	close(fd);
	if (rc == -ESPIPE)
		hvt_warn("%s: it is read twice, which a pipe cannot be; try: a FILE", path);
	else if (rc)
		hvt_warn("%s: %s; try: another FILE", path, strerror(-rc));
	else if (v->state == HVT_LOG_FOREIGN)
		hvt_warn("%s: not an hvtrace log: %s; try: a FILE written by hvtrace watch -o",
			 path, v->why);
	else if (v->state == HVT_LOG_NEWER)
		hvt_warn("%s: %s; try: a newer hvtrace", path, v->why);
	else if (v->state == HVT_LOG_OLDER)
		hvt_warn("%s: %s; try: the hvtrace that wrote it", path, v->why);
	else
		return true;
	return false;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	bool as_json = false, quiet = false, strict = false;
	struct hvt_verdict v;
	int o, code = HVT_OK;
	const char *path;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == FORMAT)
			as_json = hvt_format_is_json(optarg);
		quiet |= o == QUIET;
		strict |= o == STRICT;
	}
	signal(SIGPIPE, SIG_IGN);
	do {
		path = optind < argc ? argv[optind] : HVT_DEFAULT_LOG;
		if (!verify(path, &v)) {
			code = HVT_ERROR;
			continue;
		}
		if (wrongs(&v) || (strict && unproved(&v)))
			code = HVT_ERROR;
		if (quiet)
			continue;
		if (as_json)
			json(path, &v);
		else
			text(path, &v);
	} while (++optind < argc);
	return hvt_finish_output(code);
}

const struct hvt_command hvt_cmd_verify = {
	"verify", run, "prove what logs say: order, counts, values", "[OPTION...] [FILE...]",
	options,
};
