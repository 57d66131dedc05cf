// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a SPEC to an address: which half of the address space, and who looks it up.
 * User symbols are in resolve_user.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hvtrace/uapi.h>

#include "agent.h"
#include "kallsyms.h"
#include "resolve.h"
#include "resolve_user.h"

int target_check(int32_t pid)
{
	struct proc_stat stat;
	int rc = proc_stat(pid, &stat);

	if (rc == -ENOENT || rc == -ESRCH)
		return complain(AGENT_ERROR, "PID %d: no such process; try: ps", pid);
	if (rc)
		return complain(AGENT_ERROR, "PID %d: /proc: %s; try: as root with /proc mounted",
				pid, strerror(-rc));
	if (stat.kthread)
		return complain(AGENT_ERROR,
				"PID %d: a kernel thread has no memory of its own; "
				"try: without -p",
				pid);
	if (stat.state == 'Z' || stat.state == 'X')
		return complain(AGENT_ERROR, "PID %d: has exited already; try: ps", pid);
	if (stat.tgid != pid)
		return complain(AGENT_ERROR, "PID %d: is a thread of process %d; try: -p %d", pid,
				stat.tgid, stat.tgid);
	return AGENT_OK;
}

static int kernel_symbol(struct want *w, const struct kallsym *sym)
{
	const char *name = w->spec.sym;

	if (!sym->found)
		return complain(AGENT_ERROR,
				"%s: no such kernel symbol; try: grep -w '%s' "
				"/proc/kallsyms%s",
				name, name,
				w->spec.kernel ? "" : ", or -p PID for a variable of a process");
	if (!sym->addr)
		return complain(AGENT_ERROR,
				"%s: /proc/kallsyms hides addresses; try: as root, or "
				"sysctl kernel.kptr_restrict=1",
				name);
	if (sym->addr < KERNEL_START)
		return complain(AGENT_ERROR,
				"%s: is a per-CPU variable, one for each CPU; try: its "
				"address on one of them",
				name);
	if (!sym->global && sym->locals > 1)
		return complain(AGENT_ERROR,
				"%s: %u local kernel symbols have this name; try: one "
				"address, 0x%llx or 0x%llx",
				name, sym->locals, (unsigned long long)sym->addr,
				(unsigned long long)sym->other);
	if (__builtin_add_overflow(sym->addr, w->spec.off, &w->addr))
		return complain(AGENT_USAGE, "%s: the offset wraps around; try: a smaller one",
				w->text);
	return AGENT_OK;
}

/* All kernel names in one pass: making /proc/kallsyms is slow. */
int resolve_kernel(struct want *want, size_t nr)
{
	struct kallsym *syms = xrealloc(NULL, nr * sizeof(*syms));
	int rc = AGENT_OK, fd, err;
	size_t i, n = 0;

	memset(syms, 0, nr * sizeof(*syms));
	for (i = 0; i < nr; i++) {
		if (want[i].kernel && want[i].spec.sym[0])
			syms[n++].name = want[i].spec.sym;
	}
	if (!n)
		goto out;
	fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : kallsyms_find(fd, syms, n);
	if (fd >= 0)
		close(fd);
	if (err) {
		rc = complain(AGENT_ERROR,
			      "/proc/kallsyms: %s; try: a kernel address instead of a name",
			      strerror(-err));
		goto out;
	}
	for (i = 0, n = 0; i < nr && rc == AGENT_OK; i++) {
		if (want[i].kernel && want[i].spec.sym[0])
			rc = kernel_symbol(&want[i], &syms[n++]);
	}
out:
	free(syms);
	return rc;
}

static int sort_out(struct want *w, int32_t pid)
{
	if (!pid && w->spec.object[0])
		return complain(AGENT_USAGE, "%s: is in a process; try: -p PID %s", w->text,
				w->text);
	w->kernel = w->spec.kernel || (!pid && w->spec.sym[0]);
	w->len = w->spec.len;
	if (w->spec.sym[0])
		return AGENT_OK;
	w->addr = w->spec.addr;
	if (!w->kernel && !w->physical && !pid)
		return complain(AGENT_USAGE, "%s: a user address without a process; try: -p PID %s",
				w->text, w->text);
	if (!w->len)
		w->len = 8;
	if (w->physical)
		iomem_find(w->addr, &w->io);
	return AGENT_OK;
}

int resolve_all(struct want *want, size_t nr, int32_t pid)
{
	struct target target = { .pid = pid };
	int rc = AGENT_OK;
	size_t i;

	for (i = 0; i < nr && rc == AGENT_OK; i++)
		rc = sort_out(&want[i], pid);
	for (i = 0; i < nr && rc == AGENT_OK; i++) {
		if (!want[i].kernel && want[i].spec.sym[0])
			rc = resolve_user(&target, &want[i]);
	}
	for (i = 0; i < nr && rc == AGENT_OK; i++) {
		if (want[i].kernel || want[i].physical)
			continue;
		rc = range_check(want[i].text, want[i].addr, want[i].len);
		if (rc == AGENT_OK)
			rc = check_mapped(&target, &want[i]);
	}
	target_free(&target);
	if (rc == AGENT_OK)
		rc = resolve_kernel(want, nr);
	for (i = 0; i < nr && rc == AGENT_OK; i++) {
		if (!want[i].physical)
			rc = range_check(want[i].text, want[i].addr, want[i].len ? want[i].len : 1);
	}
	return rc;
}
