/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching a library's variable in a command that has just been started: the dynamic
 * loader has yet to map the library. The command is run from system call to system call
 * until it has, or until code outside the loader makes one. Nothing in the command is
 * changed for that, and no debug register is used.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/elf_file.h"
#include "watch.h"

#define FILES_MAX    256
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* The files mapped so far, each read once. */
struct files {
	int pid;
	size_t n;
	struct {
		char *path;
		struct hvt_symtab *elf; /* NULL: not ELF, or unreadable to us */
		bool code;		/* its code is mapped: behind its head, by another call */
	} f[FILES_MAX];
	char *interp; /* the one that AT_BASE lies in */
	uint64_t interp_lo, interp_hi;
};

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

static void add_file(struct files *m, const char *path, bool code)
{
	size_t i;

	for (i = 0; i < m->n && strcmp(m->f[i].path, path); i++)
		;
	if (i == FILES_MAX)
		return;
	if (i == m->n) {
		m->f[i].path = strdup(path);
		if (!m->f[i].path)
			return;
		m->f[i].elf = hvt_elf_open(path, NULL, 0);
		m->f[i].code = false;
		m->n++;
	}
	m->f[i].code |= code;
}

static void read_maps(struct files *m, uint64_t base)
{
	unsigned long long lo, hi;
	char path[64], perms[5], *line = NULL, *name;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", m->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		name = strchr(line, '/');
		if (!name || sscanf(line, "%llx-%llx %4s", &lo, &hi, perms) != 3)
			continue;
		add_file(m, name, strchr(perms, 'x'));
		if (base >= lo && base < hi && !m->interp)
			m->interp = strdup(name);
		if (!m->interp || strcmp(m->interp, name))
			continue;
		if (!m->interp_lo || lo < m->interp_lo)
			m->interp_lo = lo;
		if (hi > m->interp_hi)
			m->interp_hi = hi;
	}
	free(line);
	fclose(f);
}

static void free_files(struct files *m)
{
	while (m->n) {
		m->n--;
		hvt_symtab_free(m->f[m->n].elf);
		free(m->f[m->n].path);
	}
	free(m->interp);
}

/* Is OBJECT of a SPEC this file? By its path, or its name up to ".so" or the end. */
static bool is_object(const char *object, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len = strlen(object);

	if (!object[0] || !strcmp(object, path))
		return true;
	base = base ? base + 1 : path;
	return !strncmp(base, object, len) && (!base[len] || base[len] == '.' || base[len] == '-');
}

static bool is_mapped(const struct files *m, const struct hvt_spec *spec)
{
	size_t i;

	if (spec->kernel || (!spec->symbol[0] && !spec->object[0]))
		return true;
	for (i = 0; i < m->n; i++)
		if (m->f[i].elf && is_object(spec->object, m->f[i].path) &&
		    (spec->symbol[0] ? hvt_symtab_defines(m->f[i].elf, spec->symbol) :
				       m->f[i].code))
			return true;
	return false;
}

static bool all_mapped(const struct files *m, const struct hvt_spec *specs, size_t n)
{
	while (n && is_mapped(m, &specs[n - 1]))
		n--;
	return !n;
}

/* True: stopped at a system call's beginning or end, *info filled. */
static bool next_syscall(struct hvt_target *t, struct __ptrace_syscall_info *info)
{
	int sig = 0;

	do {
		if (ptrace(PTRACE_SYSCALL, t->pid, NULL, (void *)(intptr_t)sig) ||
		    !hvt_target_wait(t, &sig))
			return false;
	} while (sig != SYSCALL_STOP);
	return ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, (void *)sizeof(*info), info) > 0;
}

void hvt_target_map_libraries(struct hvt_target *t, const struct hvt_spec *specs, size_t n)
{
	struct files m = { .pid = t->pid };
	struct __ptrace_syscall_info info;
	uint64_t base = auxv(t->pid, AT_BASE), nr = 0;

	if (!t->held || !base)
		return; /* no loader: all there is is mapped */
	read_maps(&m, base);
	if (!all_mapped(&m, specs, n) && m.interp_hi &&
	    !ptrace(PTRACE_SETOPTIONS, t->pid, NULL,
		    (void *)(intptr_t)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))) {
		while (next_syscall(t, &info)) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
				nr = info.entry.nr;
				if (info.instruction_pointer < m.interp_lo ||
				    info.instruction_pointer >= m.interp_hi)
					break; /* the loader is done: what is not there is not there */
			} else if (nr == SYS_mmap) {
				read_maps(&m, base);
				if (all_mapped(&m, specs, n))
					break;
			}
		}
	}
	free_files(&m);
}
