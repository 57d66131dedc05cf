/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's front room: exit codes, the one way to complain, and the commands.
 * Nothing about devices, rings or logs belongs here.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef HVTRACE_VERSION
#define HVTRACE_VERSION "unknown"
#endif

enum agent_exit {
	AGENT_OK = 0,
	AGENT_ERROR = 1,
	AGENT_USAGE = 2,
	AGENT_UNSUPPORTED = 3, /* this machine, or this user, cannot do it */
};

/* Set by -v: say on stderr what was done without. */
extern bool agent_verbose;

/*
 * Prints "hvtrace: <message>" as one line on stderr and returns code, so that a
 * caller can return it. Control bytes in the message become '?', for names come
 * from other people's files. The message has the form "what: why; try: remedy".
 */
int complain(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, only with -v. */
void remark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

int cmd_watch(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);

/*
 * Reads [--format text|json] [-v], all that the machine commands take. Returns
 * AGENT_OK, or a code after complaining.
 */
int machine_options(int argc, char **argv, bool *json);

/*
 * Ends a command that printed on stdout. Returns code, or AGENT_ERROR after
 * complaining when the output could not be written.
 */
int finish_output(int code);

#endif
