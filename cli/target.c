/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command behind --: started stopped, let go once its memory is armed. ptrace is used
 * only to stop it at its exec; while it runs nobody traces it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/elf_file.h"
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

/* Wait for the next stop. False when it has ended instead. */
static bool wait_stop(struct hvt_target *t, int *sig)
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
	while (wait_stop(t, &sig) && sig != SIGTRAP)
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

/* A value of the auxiliary vector, 0 when there is none. */
static uint64_t auxv(int pid, uint64_t type)
{
	uint64_t pair[2], found = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!found && fread(pair, sizeof(pair), 1, f) == 1)
		if (pair[0] == type)
			found = pair[1];
	fclose(f);
	return found;
}

static bool set_debugreg(int pid, size_t reg, uint64_t value)
{
	size_t off = offsetof(struct user, u_debugreg) + reg * sizeof(value);

	return !ptrace(PTRACE_POKEUSER, pid, (void *)off, (void *)value);
}

/* Run to addr. False when the target ended on the way or the CPU gave no breakpoint. */
static bool run_to(struct hvt_target *t, uint64_t addr)
{
	struct user_regs_struct regs;
	bool there = false;
	int sig = 0;

	/* DR7: L0 set, condition and length 0 are "execute" (SDM volume 3, 18.2.4) */
	if (!set_debugreg(t->pid, 0, addr) || !set_debugreg(t->pid, 7, 1))
		return false;
	while (!there) {
		if (ptrace(PTRACE_CONT, t->pid, NULL, (void *)(intptr_t)sig) || !wait_stop(t, &sig))
			return false;
		if (sig != SIGTRAP)
			continue;
		there = !ptrace(PTRACE_GETREGS, t->pid, NULL, &regs) && regs.rip == addr;
	}
	return set_debugreg(t->pid, 7, 0) && set_debugreg(t->pid, 0, 0) &&
	       set_debugreg(t->pid, 6, 0);
}

/* Does the SPEC name something that is not in the executable itself? */
static bool in_library(const struct hvt_spec *spec, const struct hvt_elf *elf, const char *exe)
{
	const char *base = strrchr(exe, '/'), *object = strrchr(spec->object, '/');

	if (spec->kernel || !spec->symbol[0])
		return false;
	base = base ? base + 1 : exe;
	object = object ? object + 1 : spec->object;
	if (spec->object[0] && strcmp(object, base))
		return true;
	return !hvt_elf_defines(elf, spec->symbol);
}

void hvt_target_map_libraries(struct hvt_target *t, const struct hvt_spec *specs, size_t n)
{
	char link[64], exe[4096];
	struct hvt_elf *elf;
	bool needed = false;
	uint64_t entry;
	ssize_t len;
	size_t i;

	if (!t->held)
		return;
	snprintf(link, sizeof(link), "/proc/%d/exe", t->pid);
	len = readlink(link, exe, sizeof(exe) - 1);
	elf = hvt_elf_open(link, NULL, 0);
	if (len < 0 || !elf) {
		hvt_elf_free(elf);
		return; /* unreadable to us: the agent says what it cannot find */
	}
	exe[len] = '\0';
	for (i = 0; i < n && !needed; i++)
		needed = in_library(&specs[i], elf, exe);
	needed = needed && hvt_elf_has_interp(elf);
	hvt_elf_free(elf);
	if (!needed)
		return;
	entry = auxv(t->pid, AT_ENTRY);
	if ((!entry || !run_to(t, entry)) && !t->ended)
		hvt_warn("%s: could not be run to its entry point; try: -p PID once it runs", exe);
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
