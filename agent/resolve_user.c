// SPDX-License-Identifier: GPL-2.0-only
/*
 * User symbols: the target's executable, then its libraries in the order of its maps.
 * Files are opened through /proc/PID, so that containers and deleted files work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hvtrace/uapi.h>

#include "agent.h"
#include "elf_syms.h"
#include "resolve_user.h"

static size_t base_len(const char *base)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(base), tail = sizeof(deleted) - 1;

	return len > tail && !strcmp(base + len - tail, deleted) ? len - tail : len;
}

bool object_matches(const char *path, const char *object)
{
	size_t len = base_len(path), want = strlen(object);
	const char *base, *rest;

	if (object[0] == '/')
		return len == want && !memcmp(path, object, len);
	base = strrchr(path, '/');
	if (path[0] != '/' || !base)
		return false;
	base++;
	len -= (size_t)(base - path);
	if (len < want || memcmp(base, object, want))
		return false;
	if (len == want)
		return true;
	/*
	 * libc.so: libc.so.6; libc: libc.so.6, and libc-2.31.so of older systems;
	 * libsqlite3.so.0, as programs name it: libsqlite3.so.0.8.6, as the file is called
	 */
	rest = base + want;
	if (*rest == '.' &&
	    ((want > 3 && !strcmp(object + want - 3, ".so")) || strstr(object, ".so.")))
		return true;
	if (*rest == '-')
		rest += 1 + strspn(rest + 1, "0123456789.");
	if (rest > base + want && rest[-1] == '.')
		rest--;
	return !strncmp(rest, ".so", 3) && (rest[3] == '.' || rest + 3 == base + len);
}

/* 0 or a negative errno. */
static int load(struct target *t)
{
	char link[64];
	ssize_t len;
	int rc;

	if (t->loaded)
		return 0;
	snprintf(link, sizeof(link), "/proc/%d/exe", t->pid);
	len = readlink(link, t->exe, sizeof(t->exe) - 1);
	if (len < 0)
		return -errno;
	t->exe[len] = '\0';
	rc = maps_read(&t->maps, t->pid);
	t->loaded = !rc;
	return rc;
}

static int load_target(struct target *t)
{
	int rc = load(t);

	return rc ? complain(AGENT_ERROR, "PID %d: its executable and maps: %s; try: ps", t->pid,
			     strerror(-rc)) :
		    AGENT_OK;
}

void target_free(struct target *target)
{
	maps_free(&target->maps);
}

static enum elf_sym_result find_in_file(const struct target *t, int fd, const char *name, bool exec,
					struct elf_sym *sym)
{
	enum elf_sym_result result = ELF_SYM_NONE;

	if (!elf_has_symtab(fd)) {
		int dbg = elf_open_debug(fd, t->pid);

		if (dbg >= 0) {
			result = elf_find_symbol(dbg, name, exec, sym);
			close(dbg);
		}
	}
	return result == ELF_SYM_NONE ? elf_find_symbol(fd, name, exec, sym) : result;
}

static int ambiguous(const struct want *w, const char *path, const struct elf_sym *sym,
		     uint64_t bias)
{
	char list[128];
	unsigned int i;
	size_t at = 0;

	for (i = 0; i < sym->equal && i < ELF_SYM_SHOWN && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s0x%llx", i ? ", " : "",
				       (unsigned long long)(sym->values[i] + bias));
	return complain(AGENT_ERROR,
			"%s: %u local symbols of %s have this name; try: one address: "
			"%s%s",
			w->spec.sym, sym->equal, path, list,
			sym->equal > ELF_SYM_SHOWN ? ", ..." : "");
}

static int use_symbol(struct want *w, const struct elf_sym *sym, uint64_t bias)
{
	uint64_t off = w->spec.off;

	w->addr = sym->value + bias + off;
	if (w->len)
		return AGENT_OK;
	if (sym->size && off >= sym->size)
		return complain(AGENT_USAGE,
				"%s: beyond the end of %s, which has %llu bytes; try: with "
				"a length, %s,8",
				w->text, w->spec.sym, (unsigned long long)sym->size, w->text);
	w->len = sym->size ? sym->size - off : 8;
	return AGENT_OK;
}

static void keep(struct target *t, const struct want *w, const struct elf_sym *sym, uint64_t bias)
{
	memcpy(t->last.object, w->spec.object, sizeof(t->last.object));
	memcpy(t->last.name, w->spec.sym, sizeof(t->last.name));
	t->last.exec = w->access & HVT_ACC_X;
	t->last.sym = *sym;
	t->last.bias = bias;
	t->last.valid = true;
}

static bool is_kept(const struct target *t, const struct want *w)
{
	return t->last.valid && t->last.exec == !!(w->access & HVT_ACC_X) &&
	       !strcmp(t->last.name, w->spec.sym) && !strcmp(t->last.object, w->spec.object);
}

/*
 * Looks in the file of the maps' entry i. *done says that the search ends here, found
 * or not.
 */
static int look_in(struct target *t, size_t i, struct want *w, bool *done)
{
	const struct map_entry *m = &t->maps.e[i];
	struct elf_sym sym = { 0 };
	enum elf_sym_result result;
	uint64_t bias = 0;
	int fd, rc = AGENT_OK;

	fd = proc_open_mapped(t->pid, m);
	if (fd < 0)
		return AGENT_OK;
	result = find_in_file(t, fd, w->spec.sym, !!(w->access & HVT_ACC_X), &sym);
	*done = result != ELF_SYM_NONE;
	if (*done && elf_load_bias(fd, m, &bias))
		rc = complain(AGENT_ERROR, "%s: cannot tell where %s is loaded; try: an address",
			      w->text, m->path);
	else if (result == ELF_SYM_TLS)
		rc = complain(AGENT_ERROR,
			      "%s: is thread-local in %s, one for each thread; try: its "
			      "address in one of them",
			      w->spec.sym, m->path);
	else if (result == ELF_SYM_AMBIGUOUS)
		rc = ambiguous(w, m->path, &sym, bias);
	else if (*done) {
		keep(t, w, &sym, bias);
		rc = use_symbol(w, &sym, bias);
	}
	close(fd);
	return rc;
}

/* Is entry i the first one of its file? */
static bool first_of_file(const struct maps *maps, size_t i)
{
	const struct map_entry *m = &maps->e[i];
	size_t j;

	if (m->path[0] != '/')
		return false;
	for (j = 0; j < i; j++) {
		if (maps->e[j].inode == m->inode && maps->e[j].major == m->major &&
		    maps->e[j].minor == m->minor && !strcmp(maps->e[j].path, m->path))
			return false;
	}
	return true;
}

/* Programs and libraries are mapped executable somewhere; locale data is not. */
static bool has_code(const struct maps *maps, const char *path)
{
	size_t i;

	for (i = 0; i < maps->nr; i++) {
		if (maps->e[i].prot & PROT_EXEC && !strcmp(maps->e[i].path, path))
			return true;
	}
	return false;
}

static int no_such_object(const struct target *t, const struct want *w)
{
	char list[400] = "";
	size_t i, at = 0;

	for (i = 0; i < t->maps.nr; i++) {
		const char *base = strrchr(t->maps.e[i].path, '/');

		if (!base || !first_of_file(&t->maps, i) ||
		    !has_code(&t->maps, t->maps.e[i].path) || strlen(base) + at + 8 > sizeof(list))
			continue;
		at += (size_t)sprintf(list + at, "%s%s", at ? ", " : "", base + 1);
	}
	return complain(AGENT_ERROR, "%s: PID %d has no such object mapped; try: %s",
			w->spec.object, t->pid, at ? list : "an address");
}

/* *any: there is an object to look in. *done: the symbol was found. */
static int search(struct target *t, struct want *w, bool *any, bool *done)
{
	int rc = AGENT_OK, pass;
	size_t i;

	if (is_kept(t, w)) {
		*any = *done = true;
		return use_symbol(w, &t->last.sym, t->last.bias);
	}
	/* Pass 0 is the executable, pass 1 the rest; an OBJECT is one search of all. */
	for (pass = w->spec.object[0] ? 1 : 0; pass < 2 && !*done; pass++) {
		for (i = 0; i < t->maps.nr && !*done && rc == AGENT_OK; i++) {
			const char *path = t->maps.e[i].path;
			bool exe = !strcmp(path, t->exe);

			if (!first_of_file(&t->maps, i))
				continue;
			if (w->spec.object[0] ? !object_matches(path, w->spec.object) :
						exe == !!pass)
				continue;
			*any = true;
			rc = look_in(t, i, w, done);
		}
	}
	return rc;
}

int find_user(struct target *t, struct want *w, bool *found)
{
	bool any = false;

	*found = false;
	return load(t) ? AGENT_OK : search(t, w, &any, found);
}

int resolve_user(struct target *t, struct want *w)
{
	bool any = false, done = false;
	int rc = load_target(t);

	if (rc == AGENT_OK)
		rc = search(t, w, &any, &done);
	if (rc || done)
		return rc;
	if (w->spec.object[0] && !any)
		return no_such_object(t, w);
	if (w->spec.object[0])
		return complain(AGENT_ERROR, "%s: no such symbol in %s; try: nm -D %s", w->spec.sym,
				w->spec.object, w->spec.object);
	return complain(AGENT_ERROR,
			"%s: no such symbol in PID %d's executable or libraries; "
			"try: kernel:%s or OBJECT:%s",
			w->spec.sym, t->pid, w->spec.sym, w->spec.sym);
}

int check_mapped(struct target *t, struct want *w)
{
	uint64_t at = w->addr, end = w->addr + w->len;
	int rc = load_target(t);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < t->maps.nr && at < end; i++) {
		const struct map_entry *m = &t->maps.e[i];

		if (m->start <= at && at < m->end)
			at = m->end;
	}
	if (at >= end)
		return AGENT_OK;
	/* who gives a number may know what is going to be there */
	w->unmapped = at;
	w->wait = !w->spec.sym[0];
	if (w->wait)
		return AGENT_OK;
	return complain(AGENT_ERROR,
			"%s: nothing is mapped at 0x%llx in PID %d; try: "
			"grep . /proc/%d/maps",
			w->text, (unsigned long long)at, t->pid, t->pid);
}
