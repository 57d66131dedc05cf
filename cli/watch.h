/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of `hvtrace watch` and `hvtrace trace` share. */
#ifndef HVT_CLI_WATCH_H
#define HVT_CLI_WATCH_H

#include <signal.h>
#include <stdint.h>

#include "cli.h"

/* ---- spec.c: ADDR|SYM[+OFF][,LEN], syntax only ---- */

struct hvt_spec {
	const char *text;   /* as the user wrote it */
	const char *access; /* letters */
	char object[4096];  /* before the colon, "" when there is none */
	char symbol[512];   /* "" for an address */
	uint64_t addr;	    /* the address, or the offset of a symbol */
	uint64_t len;	    /* 0: not given */
	bool kernel;	    /* kernel:SYM or an address in the kernel's half */
	bool physical;	    /* text is for the agent alone */
};

/*
 * NULL, or why text is malformed as "why; try: remedy" (static storage). Nothing is
 * looked up.
 */
const char *hvt_spec_parse(const char *text, struct hvt_spec *spec);

/*
 * The library that --ip's argument names, as a spec for hvt_target_map_libraries(): with a
 * symbol or without. False: it names none.
 */
bool hvt_spec_library(const char *text, struct hvt_spec *spec);

/* The same for -a: one or more of r, w, x. */
const char *hvt_access_check(const char *letters);

/* A positive decimal number of at most max; false on anything else. */
bool hvt_number(const char *text, uint64_t max, uint64_t *value);

/* ---- target.c: the command behind -- ---- */

struct hvt_target {
	int pid;   /* 0: none */
	bool held; /* stopped at its exec (or in the loader), traced by us */
	bool ended;
	int status; /* of wait(), when ended */
};

/*
 * Start argv as a child that is stopped before its first instruction. `mask` is the
 * signal mask it gets. Exits with 127 or 126 when it cannot be executed.
 */
void hvt_target_start(struct hvt_target *t, char **argv, const sigset_t *mask);

/* Wait for its next stop, *sig filled. False when it has ended instead. */
bool hvt_target_wait(struct hvt_target *t, int *sig);

/*
 * libraries.c: when a SPEC names a symbol that no file mapped yet defines, or an object that
 * is not mapped yet, let it run from system call to system call until one is, or until the
 * dynamic loader is done.
 */
void hvt_target_map_libraries(struct hvt_target *t, const struct hvt_spec *specs, size_t n);

/* Let it go: from here on nobody traces it. */
void hvt_target_release(struct hvt_target *t);

/* Has it ended? Reaps it if so. */
bool hvt_target_poll(struct hvt_target *t);

/* Its exit status as a shell would report it: 128 + n when killed by signal n. */
int hvt_target_code(const struct hvt_target *t);

/* ---- tee.c: the -o file ---- */

struct hvt_tee {
	const char *path; /* NULL: none */
	int fd;
	bool fresh; /* we created it */
	bool begun; /* bytes were written */
	bool failed;
	uint64_t bytes;
};

/*
 * Opens before anything is armed; exits when path cannot be written. "-" is stdout. *t
 * must live until the process exits, which closes it.
 */
void hvt_tee_open(struct hvt_tee *t, const char *path);
/* False when the bytes could not be written; it has complained then. */
bool hvt_tee_write(struct hvt_tee *t, const void *bytes, size_t len);
/* Closes; removes a file that was created for nothing. False as hvt_tee_write(). */
bool hvt_tee_close(struct hvt_tee *t);

/* ---- live.c: from the agent's stream to lines ---- */

struct hvt_live {
	const char *name; /* of the command */
	bool follow;	  /* the agent's end, and not the target's, is ours */
	struct hvt_agent agent;
	struct hvt_target target;
	struct hvt_tee tee;
	struct hvt_printer printer;
	bool quiet, lines;
	int signals;   /* a signalfd */
	uint64_t lost; /* out: records that were lost */
};

/* Runs until the stream and the target have ended. An exit code. */
int hvt_live_run(struct hvt_live *l);

/* ---- recording.c: a command that records, from its options to its end ---- */

struct hvt_recording {
	const char *name; /* of the command, the agent's as well */
	const char *output;
	enum hvt_format format;
	unsigned int reader_flags; /* HVT_READER_* */
	bool quiet, fail_on_loss, follow;
	char **command;		/* behind --, NULL: none */
	struct hvt_spec *specs; /* what has to be mapped before anything is armed */
	size_t nr_specs;
	char **args; /* the agent's */
	size_t nr_args;
};

/* One of the options that all such commands have. False: another one. */
bool hvt_recording_option(struct hvt_recording *r, const char *option, const char *arg);
/* What is left of the command line behind --. */
void hvt_recording_command(struct hvt_recording *r, int argc, char **argv);
/* One argument for the agent, which gets -p PID of the command by itself. */
void hvt_recording_pass(struct hvt_recording *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* One more of specs, zeroed. Valid until the next call. */
struct hvt_spec *hvt_recording_spec(struct hvt_recording *r);
/* All of it, once. An exit code; *r is done with then. */
int hvt_recording_run(struct hvt_recording *r);

#endif
