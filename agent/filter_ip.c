// SPDX-License-Identifier: GPL-2.0-only
/*
 * What code --ip means: a range, the kernel, a module, an object as it is mapped in each
 * process, or a symbol of one of them. Looked up once, before anything is armed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"
#include "device.h"
#include "filter.h"
#include "kallsyms.h"
#include "resolve.h"
#include "resolve_user.h"

/* One --ip being looked up. */
struct look {
	struct filter_want *w;
	const struct device *dev;
	const char *text;
	bool added;   /* it meant something */
	int32_t *pid; /* in whose memory user code is looked for */
	size_t nr_pids;
	bool all; /* nobody was named */
};

static int add_range(struct look *l, uint64_t lo, uint64_t hi, int32_t pid)
{
	struct hvt_filter *f = &l->w->f;
	struct hvt_filter_ip *last = f->nr_ips ? &f->ip[f->nr_ips - 1] : NULL;

	l->added = true;
	/* the mappings of one file often follow each other */
	if (last && last->pid == (uint32_t)pid && last->hi == lo) {
		last->hi = hi;
		return AGENT_OK;
	}
	if (f->nr_ips == HVT_FILTER_IPS)
		return complain(
			AGENT_ERROR,
			"--ip %s: more than %d pieces of code in all; try: --pid, for those "
			"of fewer processes",
			l->text, HVT_FILTER_IPS);
	f->ip[f->nr_ips++] = (struct hvt_filter_ip){ lo, hi, (uint32_t)pid, 0 };
	return AGENT_OK;
}

static void add_pid(struct look *l, int32_t pid)
{
	l->pid = xrealloc(l->pid, (l->nr_pids + 1) * sizeof(*l->pid));
	l->pid[l->nr_pids++] = pid;
}

static void find_pids(struct look *l, int32_t target)
{
	const struct hvt_filter *f = &l->w->f;
	struct dirent *d;
	uint32_t i;
	DIR *dir;

	for (i = 0; i < f->nr_pids; i++) {
		if (f->pid[i])
			add_pid(l, (int32_t)f->pid[i]);
	}
	if (!f->nr_pids && target)
		add_pid(l, target);
	l->all = !f->nr_pids && !target;
	dir = l->all ? opendir("/proc") : NULL;
	while (dir && (d = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)d->d_name[0]))
			add_pid(l, (int32_t)strtol(d->d_name, NULL, 10));
	}
	if (dir)
		closedir(dir);
}

/* The executable mappings of an object. */
static int add_object(struct look *l)
{
	int rc = AGENT_OK;
	size_t i, k;

	for (i = 0; i < l->nr_pids && rc == AGENT_OK; i++) {
		struct maps maps;

		if (maps_read(&maps, l->pid[i]))
			continue; /* it has ended, or has no memory of its own */
		for (k = 0; k < maps.nr && rc == AGENT_OK; k++) {
			const struct map_entry *m = &maps.e[k];

			if (m->prot & PROT_EXEC && object_matches(m->path, l->text))
				rc = add_range(l, m->start, m->end, l->pid[i]);
		}
		maps_free(&maps);
	}
	return rc;
}

static int add_user_symbol(struct look *l, const struct spec *spec)
{
	int rc = AGENT_OK;
	size_t i;

	for (i = 0; i < l->nr_pids && rc == AGENT_OK; i++) {
		struct want want = { .text = l->text, .access = HVT_ACC_X, .spec = *spec };
		struct target target = { .pid = l->pid[i] };
		bool found = false;

		want.len = spec->len ? spec->len : spec->off ? 1 : 0;
		rc = find_user(&target, &want, &found);
		if (rc == AGENT_OK && found)
			rc = add_range(l, want.addr, want.addr + want.len, l->pid[i]);
		target_free(&target);
	}
	return rc;
}

static int add_kernel_symbol(struct look *l, const struct spec *spec)
{
	struct want want = { .text = l->text, .access = HVT_ACC_X, .spec = *spec, .kernel = true };
	struct hvt_ksym sym = { .size = sizeof(sym) };
	uint64_t len = spec->len ? spec->len : 1;
	int rc = resolve_kernel(&want, 1);

	if (rc)
		return rc;
	sym.addr = want.addr;
	if (!spec->len && !spec->off) {
		if (device_ioctl(l->dev, HVT_IOC_KSYM, &sym) || sym.start != want.addr)
			return complain(AGENT_ERROR, "--ip %s: its length is not known; try: %s,16",
					l->text, l->text);
		len = sym.len;
	}
	return add_range(l, want.addr, want.addr + len, 0);
}

/* From _stext to _etext: the kernel without its modules (asm-generic/sections.h). */
static int add_kernel(struct look *l)
{
	struct kallsym ends[] = { { .name = "_stext" }, { .name = "_etext" } };
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : kallsyms_find(fd, ends, 2);

	if (fd >= 0)
		close(fd);
	if (err || !ends[0].addr || ends[1].addr <= ends[0].addr)
		return complain(AGENT_ERROR, "--ip %s: not in /proc/kallsyms; try: --kernel",
				l->text);
	return add_range(l, ends[0].addr, ends[1].addr, 0);
}

static bool is_module(const char *name)
{
	char path[SPEC_NAME_MAX + 32], *c;

	/* what is built in has no initstate */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	for (c = path; *c; c++)
		*c = *c == '-' ? '_' : *c;
	return access(path, F_OK) == 0;
}

/* A module's code is one piece; its last symbol is as long as the kernel says. */
static int add_module(struct look *l)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	struct hvt_ksym sym = { .size = sizeof(sym) };
	uint64_t first = 0, last = 0;
	int err = fd < 0 ? -errno : kallsyms_module(fd, l->text, &first, &last);

	if (fd >= 0)
		close(fd);
	if (err || !first)
		return complain(AGENT_ERROR,
				"--ip %s: no code of this module in /proc/kallsyms; try: lsmod",
				l->text);
	sym.addr = last;
	if (device_ioctl(l->dev, HVT_IOC_KSYM, &sym) == 0 && sym.start <= last &&
	    sym.len > last - sym.start)
		last = sym.start + sym.len - 1;
	return add_range(l, first, last + 1, 0);
}

static int no_such_code(const struct look *l)
{
	if (l->all)
		return complain(AGENT_ERROR,
				"--ip %s: no process has such code; try: lsmod, or a kernel symbol",
				l->text);
	return complain(AGENT_ERROR, "--ip %s: no such code in PID %d; try: grep xp /proc/%d/maps",
			l->text, l->nr_pids ? l->pid[0] : 0, l->nr_pids ? l->pid[0] : 0);
}

/* A name: an object comes before a module, that before a symbol. */
static int add_name(struct look *l)
{
	bool of_object = strchr(l->text, ':'),
	     path = strchr(l->text, '/') || strstr(l->text, ".so");
	struct spec spec;
	int rc = AGENT_OK;

	if (!of_object)
		rc = add_object(l);
	if (rc || l->added)
		return rc;
	if (!of_object && path)
		return no_such_code(l);
	if (is_module(l->text))
		return add_module(l);
	rc = spec_parse(l->text, &spec);
	/* without an object it is the process's, or the kernel's when that has none */
	if (rc == AGENT_OK && !spec.kernel && (spec.object[0] || !l->all))
		rc = add_user_symbol(l, &spec);
	if (rc || l->added)
		return rc;
	return spec.object[0] ? no_such_code(l) : add_kernel_symbol(l, &spec);
}

int filter_resolve(struct filter_want *w, int32_t target, const struct device *dev)
{
	struct look l = { .w = w, .dev = dev };
	int rc = AGENT_OK;
	uint64_t lo, hi;
	size_t i;

	w->f.nr_ips = 0;
	if (w->nr_code)
		find_pids(&l, target);
	for (i = 0; i < w->nr_code && rc == AGENT_OK; i++) {
		l.text = w->code[i];
		l.added = false;
		rc = code_parse(l.text, &lo, &hi);
		if (rc)
			break;
		if (hi)
			rc = add_range(&l, lo, hi, 0);
		else
			rc = strcmp(l.text, "kernel") ? add_name(&l) : add_kernel(&l);
	}
	free(l.pid);
	return rc;
}
