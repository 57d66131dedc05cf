/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a whole log for the commands that take FILE. */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int hvt_log_chatter;

const char *hvt_log_operand(const struct hvt_command *cmd, int argc, char **argv)
{
	if (optind + 1 < argc)
		hvt_die(HVT_USAGE, "%s: %s: one FILE is enough; try: hvtrace %s --help", cmd->name,
			argv[optind + 1], cmd->name);
	return optind < argc ? argv[optind] : HVT_DEFAULT_LOG;
}

/* How far a long read is, for people who look at something else than its output. */
struct progress {
	const char *path;
	uint64_t size, done; /* size 0: not known, or nobody looks */
	int percent;	     /* printed last, -1: none */
	time_t begun;
};

static void progress_begin(struct progress *p, const char *path, int fd)
{
	struct stat st;

	memset(p, 0, sizeof(*p));
	p->path = path;
	p->percent = -1;
	p->begun = time(NULL);
	if (hvt_log_chatter >= 0 && isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) &&
	    !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		p->size = (uint64_t)st.st_size;
}

static void progress_step(struct progress *p, int bytes)
{
	int percent;

	p->done += bytes > 0 ? (uint64_t)bytes : 0;
	if (!p->size || time(NULL) - p->begun < 2)
		return;
	percent = (int)(p->done < p->size ? p->done * 100 / p->size : 100);
	if (percent == p->percent)
		return;
	p->percent = percent;
	fprintf(stderr, "\rhvtrace: ");
	hvt_print_escaped(stderr, p->path, SIZE_MAX);
	fprintf(stderr, ": %d %%", percent);
}

static void progress_end(const struct progress *p, const struct hvt_reader *r)
{
	const struct hvt_reader_stats *s = hvt_reader_stats(r);

	if (p->percent >= 0)
		fputs("\r\033[K", stderr);
	if (hvt_log_chatter > 0)
		hvt_warn("%s: %llu bytes, %llu records, %llu accesses, %llu lost", p->path,
			 (unsigned long long)p->done, (unsigned long long)s->records,
			 (unsigned long long)s->accesses, (unsigned long long)(s->lost + s->gaps));
}

int hvt_log_verdict(const char *path, const struct hvt_reader *r)
{
	switch (hvt_reader_state(r)) {
	case HVT_LOG_COMPLETE:
		return HVT_OK;
	case HVT_LOG_FOREIGN:
		hvt_warn("%s: not an hvtrace log: %s; try: a FILE written by hvtrace watch -o",
			 path, hvt_reader_why(r));
		break;
	case HVT_LOG_NEWER:
		hvt_warn("%s: %s; try: a newer hvtrace", path, hvt_reader_why(r));
		break;
	case HVT_LOG_OLDER:
		hvt_warn("%s: %s; try: the hvtrace that wrote it", path, hvt_reader_why(r));
		break;
	default:
		hvt_warn("%s: %s; try: what was printed is good, the rest is gone", path,
			 hvt_reader_why(r));
	}
	return HVT_ERROR;
}

struct hvt_reader *hvt_logfile_open(const char *path, unsigned int flags, int *fd)
{
	struct hvt_reader *r;

	*fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
	if (*fd < 0)
		return NULL;
	r = hvt_reader_new(flags);
	if (!r)
		errno = ENOMEM; /* or there is no capstone */
	return r;
}

int hvt_log_read(const char *path, unsigned int flags,
		 void (*each)(const struct hvt_event *ev, void *arg), void *arg,
		 struct hvt_reader **out)
{
	bool from_stdin = !strcmp(path, "-");
	struct progress progress;
	struct hvt_reader *r;
	struct hvt_event ev;
	int fd, n;

	r = hvt_logfile_open(path, flags, &fd);
	if (!r)
		hvt_die(HVT_ERROR, "%s: %s; try: hvtrace watch -o FILE makes one", path,
			strerror(errno));
	*out = r;
	progress_begin(&progress, from_stdin ? "standard input" : path, fd);
	do {
		n = hvt_reader_read(r, fd);
		progress_step(&progress, n);
		while (hvt_reader_next(r, &ev))
			each(&ev, arg);
		/* a pipe is read as it fills: its lines go out as they come */
		if ((from_stdin && hvt_flush()) || ferror(stdout))
			return HVT_OK;
	} while (n > 0 && hvt_reader_state(r) == HVT_LOG_OPEN);
	progress_end(&progress, r);
	if (n < 0) {
		hvt_warn("%s: %s; try: another FILE", from_stdin ? "standard input" : path,
			 strerror(-n));
		return HVT_ERROR;
	}
	if (!from_stdin)
		close(fd);
	/* the lines first, then what is wrong with the log */
	if (hvt_flush())
		return HVT_OK;
	return hvt_log_verdict(from_stdin ? "standard input" : path, r);
}
