/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a whole log for the commands that take FILE. */
#ifndef HVT_CLI_LOGFILE_H
#define HVT_CLI_LOGFILE_H

#include <hvtrace/hvtrace.h>

#include "cli.h"

/* 1: say what was read (-v); -1: no progress, either (-q). */
extern int hvt_log_chatter;

/* The FILE operand behind the options: hvtrace.data when none, "-" is stdin. */
const char *hvt_log_operand(const struct hvt_command *cmd, int argc, char **argv);

/* A reader with HVT_READER_* flags for path ("-" is stdin), and *fd to read; NULL with errno. */
struct hvt_reader *hvt_logfile_open(const char *path, unsigned int flags, int *fd);

/* The state as an exit code, after one line on stderr unless it is complete. */
int hvt_log_verdict(const char *path, const struct hvt_reader *r);

/*
 * Read all of path with HVT_READER_* flags, giving each event to each(ev, arg); ends early
 * when stdout is gone.
 * *r is the reader with all that it learned, owned by the caller. HVT_OK when the log is
 * complete; HVT_ERROR after one line on stderr when it is not. Exits when there is
 * nothing to read at all.
 */
int hvt_log_read(const char *path, unsigned int flags,
		 void (*each)(const struct hvt_event *ev, void *arg), void *arg,
		 struct hvt_reader **r);

#endif
