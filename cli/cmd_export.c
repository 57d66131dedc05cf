/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace export: a log's events in the formats of other tools (export/). */
#include "cli.h"
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/export.h"

#define FORMATS "ctf|perfetto|lackey|folded|drcov|lcov|tenet"

enum { FORMAT, OUTPUT };

static const struct hvt_option options[] = {
	[FORMAT] = { "format", 0, FORMATS, "for which tools" },
	[OUTPUT] = { "output", 'o', "OUT", "write there; a new directory for ctf" },
	HVT_OPT_HELP,
	{ 0 },
};

static const struct hvt_exporter *const exporters[] = {
	&hvt_export_ctf,   &hvt_export_perfetto, &hvt_export_lackey, &hvt_export_folded,
	&hvt_export_drcov, &hvt_export_lcov,	 &hvt_export_tenet,
};

struct export
{
	const struct hvt_exporter *to;
	void *state;
	struct hvt_reader *reader;
	const char *directory; /* that was made for it */
	uint64_t instructions;
};

static const struct hvt_exporter *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(exporters) / sizeof(exporters[0]); i++)
		if (!strcmp(exporters[i]->name, name))
			return exporters[i];
	hvt_die(HVT_USAGE, "--format %s: no such format; try: one of " FORMATS, name);
}

/* What the format is about is not in the log: nothing is left behind. */
static _Noreturn void refuse(const struct export *x, const char *lacks, const char *remedy)
{
	if (x->directory)
		rmdir(x->directory);
	hvt_die(HVT_ERROR, "export: %s: the log has no %s; try: hvtrace trace%s", x->to->name,
		lacks, remedy);
}

static void check_trace(const struct export *x, uint32_t id)
{
	const struct hvt_trace_fact *f;
	uint32_t flags = 0;
	size_t i;

	for (i = 0; (f = hvt_reader_trace(x->reader, i)); i++)
		if (f->id == id)
			flags = f->flags;
	if (x->to->needs & ~flags & HVT_TRACE_REGS)
		refuse(x, "registers", " --regs --mem");
	if (x->to->needs & ~flags & HVT_TRACE_MEM)
		refuse(x, "memory operands", " --regs --mem");
}

static void each(const struct hvt_event *ev, void *arg)
{
	struct export *x = arg;

	if (ev->type == HVT_EV_INSN && !x->instructions++ && x->to->needs)
		check_trace(x, ev->watch);
	x->to->event(x->state, x->reader, ev);
}

/* A directory that was not there before: nothing of another trace is mixed in. */
static int make_directory(const char *path)
{
	int fd = -1;

	if (!mkdir(path, 0777))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		hvt_die(HVT_ERROR, "%s: %s; try: -o DIRECTORY, a new one", path, strerror(errno));
	return fd;
}

static FILE *make_file(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		hvt_die(HVT_ERROR, "%s: %s; try: another -o FILE", path, strerror(errno));
	return f;
}

/* 0, or errno of what went wrong since it was made. */
static int close_file(FILE *f)
{
	bool bad = ferror(f);

	errno = 0;
	if (fclose(f) || bad)
		return errno ? errno : EIO;
	return 0;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	const char *path, *output = NULL;
	struct export x = { 0 };
	int o, code, rc, dir = -1;
	FILE *out = stdout;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0) {
		if (o == FORMAT)
			x.to = find(optarg);
		else
			output = optarg;
	}
	if (!x.to)
		hvt_die(HVT_USAGE, "%s: --format is missing; try: hvtrace %s --help", cmd->name,
			cmd->name);
	if (x.to->directory && !output)
		hvt_die(HVT_USAGE, "%s: %s is a directory; try: -o DIRECTORY", cmd->name,
			x.to->name);
	path = hvt_log_operand(cmd, argc, argv);
	if (strcmp(path, "-") && access(path, R_OK))
		hvt_die(HVT_ERROR, "%s: %s; try: hvtrace watch -o FILE makes one", path,
			strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	if (x.to->directory)
		dir = make_directory(x.directory = output);
	else if (output && strcmp(output, "-"))
		out = make_file(output);
	x.state = x.to->begin(out, dir);
	if (!x.state)
		hvt_die(HVT_ERROR, "%s: out of memory; try: later", cmd->name);
	code = hvt_log_read(path, 0, each, &x, &x.reader);
	if (x.to->instructions && !x.instructions && hvt_reader_state(x.reader) == HVT_LOG_COMPLETE)
		refuse(&x, "instructions", "");
	rc = x.to->end(x.state, x.reader);
	hvt_reader_free(x.reader);
	if (dir < 0 && out == stdout)
		return hvt_finish_output(code);
	if (dir < 0)
		rc = close_file(out);
	if (!rc)
		return code;
	hvt_warn("%s: %s; try: another place for it", output, strerror(rc));
	return HVT_ERROR;
}

const struct hvt_command hvt_cmd_export = {
	"export", run, "convert a log for other tools", "--format FORMAT [-o OUT] [FILE]", options,
};
