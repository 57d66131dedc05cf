/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command behind --: started stopped, let go once its memory is armed. ptrace is used
 * only to stop it at its exec; while it runs nobody traces it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watch.h"

static _Noreturn void child(char **argv, const sigset_t *mask, int report)
{
	int err;

	/* ignored by us only; a disposition that we inherited is not touched */
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(HVT_ERROR);
	_exit(HVT_ERROR);
}

bool hvt_target_wait(struct hvt_target *t, int *sig)
{
	int status;

	while (waitpid(t->pid, &status, 0) < 0)
		if (errno != EINTR)
			hvt_die(HVT_ERROR, "wait: %s; try: again", strerror(errno));
	if (WIFSTOPPED(status)) {
		*sig = WSTOPSIG(status);
		return true;
	}
	t->ended = true;
	t->held = false;
	t->status = status;
	return false;
}

void hvt_target_start(struct hvt_target *t, char **argv, const sigset_t *mask)
{
	int report[2], err = 0, sig = 0;
	ssize_t n;

	memset(t, 0, sizeof(*t));
	if (pipe2(report, O_CLOEXEC))
		hvt_die(HVT_ERROR, "pipe: %s; try: close some programs", strerror(errno));
	t->pid = fork();
	if (t->pid < 0)
		hvt_die(HVT_ERROR, "fork: %s; try: close some programs", strerror(errno));
	if (!t->pid)
		child(argv, mask, report[1]);
	close(report[1]);
	/* signals that come before the exec are passed on; the exec itself is SIGTRAP */
	t->held = true;
	while (hvt_target_wait(t, &sig) && sig != SIGTRAP)
		ptrace(PTRACE_CONT, t->pid, NULL, (void *)(intptr_t)sig);
	n = t->ended ? read(report[0], &err, sizeof(err)) : 0;
	close(report[0]);
	if (n == (ssize_t)sizeof(err)) {
		if (err == ENOENT)
			hvt_die(127, "%s: not found; try: its full path", argv[0]);
		hvt_die(126, "%s: %s; try: an executable file", argv[0], strerror(err));
	}
	if (t->ended)
		return; /* killed before its exec */
	/* should we die before it is let go, it must not run unwatched */
	if (ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (void *)(intptr_t)PTRACE_O_EXITKILL))
		hvt_die(HVT_ERROR, "ptrace %s: %s; try: check", argv[0], strerror(errno));
}

void hvt_target_release(struct hvt_target *t)
{
	if (!t->held)
		return;
	t->held = false;
	if (ptrace(PTRACE_DETACH, t->pid, NULL, NULL) && errno != ESRCH)
		hvt_warn("ptrace detach: %s; try: kill -CONT %d", strerror(errno), t->pid);
}

bool hvt_target_poll(struct hvt_target *t)
{
	int status;

	if (t->pid && !t->ended && waitpid(t->pid, &status, WNOHANG) == t->pid &&
	    (WIFEXITED(status) || WIFSIGNALED(status))) {
		t->ended = true;
		t->held = false;
		t->status = status;
	}
	return t->ended;
}

int hvt_target_code(const struct hvt_target *t)
{
	return WIFSIGNALED(t->status) ? 128 + WTERMSIG(t->status) : WEXITSTATUS(t->status);
}
