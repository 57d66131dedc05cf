// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the agent talks to people: one line on stderr. Everything that may end up
 * there passes through here, so that no file or symbol name can drive a terminal.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

bool agent_verbose;

static void say(const char *fmt, va_list ap)
{
	char line[1024] = "hvtrace: ";
	size_t len = strlen(line), i;
	ssize_t put;

	/* One byte is kept for the newline. */
	vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	len = strlen(line);
	for (i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	put = write(STDERR_FILENO, line, len);
	(void)put; /* there is nobody left to tell */
}

int complain(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return code;
}

void remark(const char *fmt, ...)
{
	va_list ap;

	if (!agent_verbose)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	return complain(AGENT_ERROR, "stdout: %s; try: another place for the output",
			strerror(errno));
}
