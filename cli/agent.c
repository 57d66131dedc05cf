/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding and starting hvtrace-agent, the only part that is privileged. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HVTRACE_AGENT_PATH
#error "the build says where the agent is installed"
#endif

/* Next to this executable in a build tree: ../agent/hvtrace-agent. */
static bool in_build_tree(char *path, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return false;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return false;
	*slash = '\0';
	n = snprintf(path, size, "%s/../agent/hvtrace-agent", exe);
	return n > 0 && (size_t)n < size && !access(path, X_OK);
}

const char *hvt_agent_path(void)
{
	static char path[PATH_MAX + 32];
	const char *env = getenv("HVTRACE_AGENT");

	if (env && *env) {
		if (access(env, X_OK))
			hvt_die(HVT_ERROR, "%s: %s; try: unset HVTRACE_AGENT", env,
				strerror(errno));
		return env;
	}
	if (in_build_tree(path, sizeof(path)))
		return path;
	if (!access(HVTRACE_AGENT_PATH, X_OK))
		return HVTRACE_AGENT_PATH;
	hvt_die(HVT_ERROR, "hvtrace-agent: not found at %s; try: install it, or set HVTRACE_AGENT",
		HVTRACE_AGENT_PATH);
}

void hvt_agent_exec(const char *command, bool json)
{
	const char *path = hvt_agent_path();

	execl(path, "hvtrace-agent", command, "--format", json ? "json" : "text", (char *)NULL);
	hvt_die(HVT_ERROR, "%s: %s; try: reinstall hvtrace", path, strerror(errno));
}

/* In the child: descriptors and signals as the agent expects them, then exec. */
static _Noreturn void become_agent(const char *path, char **argv, int stream, int control)
{
	sigset_t none;
	int null;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	null = open("/dev/null", O_RDONLY);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (dup2(stream, STDOUT_FILENO) >= 0 && fcntl(control, F_SETFD, 0) == 0)
		execv(path, argv);
	hvt_warn("%s: %s; try: reinstall hvtrace", path, strerror(errno));
	_exit(HVT_ERROR);
}

void hvt_agent_start(struct hvt_agent *agent, const char *command, char *const *args, size_t nargs)
{
	const char *path = hvt_agent_path();
	char name[] = "hvtrace-agent", option[] = "--control-fd";
	char number[16];
	int out[2], ctl[2];
	char **argv;

	argv = calloc(nargs + 5, sizeof(*argv));
	if (!argv || pipe2(out, O_CLOEXEC) || pipe2(ctl, O_CLOEXEC))
		hvt_die(HVT_ERROR, "pipe: %s; try: close some programs", strerror(errno));
	snprintf(number, sizeof(number), "%d", ctl[0]);
	argv[0] = name;
	argv[1] = (char *)command;
	argv[2] = option;
	argv[3] = number;
	memcpy(argv + 4, args, nargs * sizeof(*argv));
	agent->pid = fork();
	if (agent->pid < 0)
		hvt_die(HVT_ERROR, "fork: %s; try: close some programs", strerror(errno));
	if (!agent->pid)
		become_agent(path, argv, out[1], ctl[0]);
	setpgid(agent->pid, agent->pid); /* whoever comes first */
	free(argv);
	close(out[1]);
	close(ctl[0]);
	agent->stream = out[0];
	agent->control = ctl[1];
}

void hvt_agent_stop(struct hvt_agent *agent)
{
	if (agent->control >= 0)
		close(agent->control);
	agent->control = -1;
}
