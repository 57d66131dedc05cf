/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the CLI share: exit codes, the one way to complain, the command and
 * option tables. The CLI never opens the device and never needs a privilege of its own;
 * all that does is done by hvtrace-agent.
 */
#ifndef HVT_CLI_H
#define HVT_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvtrace/hvtrace.h>

enum hvt_exit {
	HVT_OK = 0,
	HVT_ERROR = 1,
	HVT_USAGE = 2,
	HVT_UNSUPPORTED = 3, /* this machine, or this user, cannot do it */
	HVT_LOST = 4,	     /* events were lost, under --fail-on-loss */
};

#define HVT_DEFAULT_LOG "hvtrace.data"

/* ---- die.c ---- */

/*
 * One line "hvtrace: <message>" on stderr; control bytes in it are escaped. The message
 * has the form "what: why; try: remedy".
 */
void hvt_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, then exit with code (enum hvt_exit). */
_Noreturn void hvt_die(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- options.c ---- */

struct hvt_option {
	const char *name; /* without the dashes; the table ends with NULL */
	char letter;	  /* its short form, 0: none */
	const char *arg;  /* what its argument is called, NULL: takes none; "a|b": the choice */
	const char *help; /* NULL: it shares the next one's line */
};

struct hvt_command {
	const char *name;
	int (*run)(const struct hvt_command *cmd, int argc, char **argv);
	const char *summary;  /* half a line, no full stop */
	const char *operands; /* for the usage line */
	const struct hvt_option *options;
};

#define HVT_FORMATS "text|json|csv|mmiotrace|perf-script"

/* clang-format off */
#define HVT_OPT_HELP   { "help", 'h', NULL, "print this and exit" }
#define HVT_OPT_FORMAT { "format", 0, "text|json", "lines for people (the default) or JSON lines" }
#define HVT_OPT_RAW    { "no-demangle", 0, NULL, "C++ and Rust names as symbol tables have them" }
#define HVT_OPT_EVENTS { "format", 0, HVT_FORMATS, "how to print them" }
/* clang-format on */

/* hvt_next_option() returns these besides table indexes. */
#define HVT_OPT_END	(-1) /* operands, if any, begin at optind */
#define HVT_OPT_OPERAND (-2) /* optarg is an operand (only with in_order) */

/*
 * The next option: its index in cmd->options, with optarg set, or one of the above.
 * Complains and exits on an unknown option; --help prints and exits. in_order: operands
 * are returned where they stand instead of after all options.
 */
int hvt_next_option(const struct hvt_command *cmd, int argc, char **argv, bool in_order);

void hvt_print_help(const struct hvt_command *cmd);

/* --format's argument: is it json? Exits on anything but text and json. */
bool hvt_format_is_json(const char *arg);

enum hvt_format {
	HVT_TEXT,
	HVT_JSON,
	HVT_CSV,
	HVT_MMIOTRACE,
	HVT_PERF_SCRIPT,
};

/* The same of the commands that print events. */
enum hvt_format hvt_format_of_events(const char *arg);

/* ---- the commands, one file each ---- */

extern const struct hvt_command hvt_cmd_at, hvt_cmd_attach, hvt_cmd_check, hvt_cmd_detach,
	hvt_cmd_diff, hvt_cmd_export, hvt_cmd_heatmap, hvt_cmd_info, hvt_cmd_last_writer,
	hvt_cmd_mark, hvt_cmd_report, hvt_cmd_script, hvt_cmd_stat, hvt_cmd_status, hvt_cmd_trace,
	hvt_cmd_verify, hvt_cmd_watch;

/* ---- agent.c ---- */

/* The agent's path, found once; exits when there is none. */
const char *hvt_agent_path(void);

/* Become the agent, running `command` with --format; exits when that fails. */
_Noreturn void hvt_agent_exec(const char *command, bool json);

struct hvt_agent {
	int pid;
	int stream;  /* its log stream, to read */
	int control; /* close it to end the agent; -1: closed */
};

/*
 * Start `hvtrace-agent command` with the nargs arguments in args, in a process group of its
 * own, so that the terminal's Ctrl-C does not reach it. Exits on failure.
 */
void hvt_agent_start(struct hvt_agent *agent, const char *command, char *const *args, size_t nargs);
void hvt_agent_stop(struct hvt_agent *agent);

/* ---- privilege.c ---- */

/* Under sudo: is there an invoking user, and who? */
bool hvt_invoking_user(unsigned int *uid, unsigned int *gid);

/* Become the invoking user for good. Exits when that fails; does nothing without sudo. */
void hvt_drop_privileges(void);

/* ---- people.c ---- */

/* May the output have colours? Only on a terminal, and not with NO_COLOR. */
bool hvt_colours(void);
/* May it have more than ASCII? */
bool hvt_unicode(void);
/* The terminal's columns (COLUMNS, or 80 when there is none), and its lines. */
unsigned int hvt_columns(unsigned int *lines);
/* On a terminal: what is printed from here on goes through PAGER, less when unset. */
void hvt_page(void);

/* ---- output.c ---- */

/* Flush stdout. 0, or errno of what went wrong (EPIPE: the reader left). */
int hvt_flush(void);

struct hvt_fields;

struct hvt_printer {
	enum hvt_format format;
	struct hvt_reader *reader; /* that the events come from */
	struct hvt_mmiotrace mmiotrace;
	struct hvt_fields *fields; /* of text and csv; NULL: all that belongs there */
	uint64_t number;	   /* of the event, from 1 */
	bool begun;
};

/* Print an event to stdout; NULL: the end, for formats that have one. */
void hvt_print_event(struct hvt_printer *p, const struct hvt_event *ev);
/* The same as untorn lines; hvt_flush() sends what is left. */
void hvt_print_live(struct hvt_printer *p, const struct hvt_event *ev);

/* The end of a command that printed on stdout: code, or HVT_ERROR after complaining. */
int hvt_finish_output(int code);

#endif
