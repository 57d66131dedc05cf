/* SPDX-License-Identifier: GPL-2.0-only */
/* What only people at a terminal get: colours, a pager. A pipe or a file gets neither. */
#include "cli.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager = -1;

bool hvt_colours(void)
{
	static int yes = -1; /* decided before a pager takes the terminal's place */
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (yes < 0)
		yes = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
		      strcmp(term, "dumb") != 0;
	return yes;
}

bool hvt_unicode(void)
{
	setlocale(LC_CTYPE, "");
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

unsigned int hvt_columns(unsigned int *lines)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws = { 0 };
	unsigned long n = columns ? strtoul(columns, NULL, 10) : 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col || !ws.ws_row) {
		ws.ws_col = 80;
		ws.ws_row = 24;
	}
	if (lines)
		*lines = ws.ws_row;
	return n >= 20 && n <= 1000 ? (unsigned int)n : ws.ws_col;
}

static void wait_for_pager(void)
{
	fclose(stdout);
	while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
		;
}

void hvt_page(void)
{
	const char *command = getenv("PAGER");
	int ends[2];

	if (!command)
		command = "less";
	if (!isatty(STDOUT_FILENO) || !*command || !strcmp(command, "cat"))
		return;
	hvt_colours();
	hvt_columns(NULL);
	if (pipe(ends))
		return;
	pager = fork();
	if (!pager) {
		/* a pager can run programs: under sudo not as root */
		hvt_drop_privileges();
		signal(SIGPIPE, SIG_DFL);
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		setenv("LESS", "FRX", 0); /* short output stays, colours pass */
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		atexit(wait_for_pager);
		signal(SIGINT, SIG_IGN); /* Ctrl-C is the pager's */
	}
	close(ends[0]);
	close(ends[1]);
}
