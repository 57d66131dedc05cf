/* SPDX-License-Identifier: GPL-2.0-only */
/* hvtrace mark: a note into the logs that are being written now. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS 2000

enum { SESSION };

static const struct hvt_option options[] = {
	[SESSION] = { "session", 's', "PID", "only into that of this hvtrace-agent" },
	HVT_OPT_HELP,
	{ 0 },
};

/* The text goes to one agent. What it answers: 0, or an errno. */
static int send_to(const char *pid, const char *text)
{
	struct sockaddr_un self = { .sun_family = AF_UNIX }, to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), n, rc = 0;
	struct pollfd p = { fd, POLLIN, 0 };
	char answer = 0;

	if (fd < 0)
		return errno;
	n = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, HVT_MARK_SOCKET "%s", pid);
	/* no name asked for: the kernel chooses one, so that it can be answered (unix(7)) */
	if (n < 0 || n > (int)sizeof(to.sun_path) - 2) {
		rc = ENOENT;
	} else if (bind(fd, (struct sockaddr *)&self, sizeof(sa_family_t)) ||
		   sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) <
			   0) {
		rc = errno;
	} else if (poll(&p, 1, ANSWER_MS) <= 0 || recv(fd, &answer, 1, 0) != 1) {
		rc = ETIMEDOUT;
	} else {
		rc = answer;
	}
	close(fd);
	return rc;
}

static const char *why(int rc)
{
	switch (rc) {
	case EPERM:
		return "it is somebody else's; try: sudo";
	case ECONNREFUSED:
	case ENOENT:
		return "there is no such session; try: hvtrace watch";
	case ETIMEDOUT:
		return "no answer; try: again";
	default:
		return NULL;
	}
}

static void complain(const char *pid, int rc)
{
	if (why(rc))
		hvt_warn("mark: session %s: %s", pid, why(rc));
	else
		hvt_warn("mark: session %s: %s; try: again", pid, strerror(rc));
}

/* To all sessions that the kernel knows of (unix(7)): how many took it. */
static size_t send_to_all(const char *text, int *last, char *last_pid, size_t size)
{
	FILE *sockets = fopen("/proc/net/unix", "re");
	char line[512], *name;
	size_t n = 0;
	int rc;

	while (sockets && fgets(line, sizeof(line), sockets)) {
		name = strstr(line, " @" HVT_MARK_SOCKET);
		if (!name)
			continue;
		name += strlen(" @" HVT_MARK_SOCKET);
		name[strcspn(name, "\n")] = '\0';
		rc = send_to(name, text);
		n += !rc;
		if (rc) {
			*last = rc;
			snprintf(last_pid, size, "%s", name);
		}
	}
	if (sockets)
		fclose(sockets);
	return n;
}

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	char text[HVT_MARK_MAX + 1] = "", pid[32] = "";
	const char *session = NULL;
	size_t at = 0, len;
	int rc = 0;

	while (hvt_next_option(cmd, argc, argv, false) >= 0)
		session = optarg;
	for (; optind < argc; optind++) {
		len = strlen(argv[optind]);
		if (at + len + !!at > HVT_MARK_MAX)
			hvt_die(HVT_USAGE, "mark: more than %d bytes; try: fewer", HVT_MARK_MAX);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? " " : "",
				       argv[optind]);
	}
	if (!at)
		hvt_die(HVT_USAGE, "mark: no TEXT; try: hvtrace mark before the reboot");
	if (session) {
		rc = send_to(session, text);
		if (rc)
			complain(session, rc);
		return rc == EPERM ? HVT_UNSUPPORTED : rc ? HVT_ERROR : HVT_OK;
	}
	if (send_to_all(text, &rc, pid, sizeof(pid)))
		return HVT_OK;
	if (rc)
		complain(pid, rc);
	else
		hvt_warn("mark: nothing is being watched; try: hvtrace watch");
	return rc == EPERM ? HVT_UNSUPPORTED : HVT_ERROR;
}

const struct hvt_command hvt_cmd_mark = {
	"mark", run, "put a note into the logs being written", "[OPTION...] TEXT...", options,
};
