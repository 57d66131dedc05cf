// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user's words for code mean: a range, the kernel, a module, an object as it is
 * mapped in each process, or a symbol of one of them. Looked up once, before anything is
 * armed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"
#include "code.h"
#include "device.h"
#include "kallsyms.h"
#include "resolve.h"
#include "resolve_user.h"

/* One of them being looked up. */
struct look {
	const struct code_look *in;
	const char *text;
	bool added; /* it meant something */
};

static int add_range(struct look *l, uint64_t lo, uint64_t hi, int32_t pid)
{
	l->added = true;
	return l->in->add(l->in->ctx, l->text, lo, hi, pid);
}

int code_parse(const char *option, const char *text, uint64_t *lo, uint64_t *hi)
{
	const char *dash = strchr(text, '-');
	struct spec spec;
	bool good;
	char *first;
	int rc;

	*lo = *hi = 0;
	/* names of libraries may hold what is syntax in a symbol's: libstdc++.so.6 */
	if (!strchr(text, ':') && (strchr(text, '/') || strstr(text, ".so")))
		return AGENT_OK;
	if (!isdigit((unsigned char)*text) || !dash) {
		rc = spec_parse(text, &spec);
		if (rc || spec.sym[0])
			return rc;
		*lo = spec.addr;
		*hi = spec.addr + (spec.len ? spec.len : 1);
		return AGENT_OK;
	}
	first = xstrndup(text, (size_t)(dash - text));
	good = number_parse(first, lo) && number_parse(dash + 1, hi) && *lo < *hi;
	free(first);
	if (good)
		return AGENT_OK;
	return complain(AGENT_USAGE, "%s %s: not a range of addresses; try: %s 0x1000-0x2000",
			option, text, option);
}

/* The executable mappings of an object. */
static int add_object(struct look *l)
{
	int rc = AGENT_OK;
	size_t i, k;

	for (i = 0; i < l->in->nr_pids && rc == AGENT_OK; i++) {
		struct maps maps;

		if (maps_read(&maps, l->in->pid[i]))
			continue; /* it has ended, or has no memory of its own */
		for (k = 0; k < maps.nr && rc == AGENT_OK; k++) {
			const struct map_entry *m = &maps.e[k];

			if (m->prot & PROT_EXEC && object_matches(m->path, l->text))
				rc = add_range(l, m->start, m->end, l->in->pid[i]);
		}
		maps_free(&maps);
	}
	return rc;
}

static int add_user_symbol(struct look *l, const struct spec *spec)
{
	int rc = AGENT_OK;
	size_t i;

	for (i = 0; i < l->in->nr_pids && rc == AGENT_OK; i++) {
		struct want want = { .text = l->text, .access = HVT_ACC_X, .spec = *spec };
		struct target target = { .pid = l->in->pid[i] };
		bool found = false;

		want.len = spec->len ? spec->len : spec->off ? 1 : 0;
		rc = find_user(&target, &want, &found);
		if (rc == AGENT_OK && found)
			rc = add_range(l, want.addr, want.addr + want.len, l->in->pid[i]);
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
		if (device_ioctl(l->in->dev, HVT_IOC_KSYM, &sym) || sym.start != want.addr)
			return complain(AGENT_ERROR, "%s %s: its length is not known; try: %s,16",
					l->in->option, l->text, l->text);
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
		return complain(AGENT_ERROR,
				"%s %s: not in /proc/kallsyms; try: a range of addresses",
				l->in->option, l->text);
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
				"%s %s: no code of this module in /proc/kallsyms; try: lsmod",
				l->in->option, l->text);
	sym.addr = last;
	if (device_ioctl(l->in->dev, HVT_IOC_KSYM, &sym) == 0 && sym.start <= last &&
	    sym.len > last - sym.start)
		last = sym.start + sym.len - 1;
	return add_range(l, first, last + 1, 0);
}

static int no_such_code(const struct look *l)
{
	if (l->in->all)
		return complain(AGENT_ERROR,
				"%s %s: no process has such code; try: lsmod, or a kernel symbol",
				l->in->option, l->text);
	return complain(AGENT_ERROR, "%s %s: no such code in PID %d; try: grep xp /proc/%d/maps",
			l->in->option, l->text, l->in->nr_pids ? l->in->pid[0] : 0,
			l->in->nr_pids ? l->in->pid[0] : 0);
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
	if (rc == AGENT_OK && !spec.kernel && (spec.object[0] || !l->in->all))
		rc = add_user_symbol(l, &spec);
	if (rc || l->added)
		return rc;
	return spec.object[0] ? no_such_code(l) : add_kernel_symbol(l, &spec);
}

int code_resolve(const struct code_look *in, const char *text)
{
	struct look l = { .in = in, .text = text };
	uint64_t lo, hi;
	int rc = code_parse(in->option, text, &lo, &hi);

	if (rc)
		return rc;
	if (hi)
		return add_range(&l, lo, hi, 0);
	return strcmp(text, "kernel") ? add_name(&l) : add_kernel(&l);
}
