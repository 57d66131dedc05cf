/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Debug information, all of it read by libdw. The addresses in it are those of the file at
 * link time, in a debug file, too. libdwfl would do more: ask servers for what is not here.
 */
#include "debug_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "internal.h"

#define KNOWN 1024u /* a power of two */

struct hvt_debug {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	struct known { /* answers given before; file NULL and line 0: there is none */
		uint64_t vaddr;
		const char *file;
		int line;
		bool used;
	} known[KNOWN];
};

bool hvt_debug_available(void)
{
	return true;
}

void hvt_debug_close(struct hvt_debug *d)
{
	if (!d)
		return;
	dwarf_end(d->dwarf);
	elf_end(d->elf);
	close(d->fd);
	free(d);
}

/* NULL: it is not there, another file, or has no debug information. */
static struct hvt_debug *open_one(const char *path, const uint8_t *id, size_t id_len)
{
	struct hvt_debug *d = calloc(1, sizeof(*d));
	Dwarf_CU *unit = NULL;

	if (!d)
		return NULL;
	d->fd = hvt_elf_open_file(path, &d->elf);
	if (d->fd < 0) {
		free(d);
		return NULL;
	}
	if (hvt_elf_has_build_id(d->elf, id, id_len))
		d->dwarf = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	if (d->dwarf && !dwarf_get_units(d->dwarf, NULL, &unit, NULL, NULL, NULL, NULL))
		return d;
	hvt_debug_close(d);
	return NULL;
}

/* What the stripped file calls its debug file: a name without a directory. False: nothing. */
static bool debug_name(const char *path, const uint8_t *id, size_t id_len, char name[NAME_MAX + 1])
{
	const char *link = NULL;
	GElf_Word crc;
	bool good;
	Elf *e;
	int fd = hvt_elf_open_file(path, &e);

	if (fd < 0)
		return false;
	if (hvt_elf_has_build_id(e, id, id_len))
		link = dwelf_elf_gnu_debuglink(e, &crc);
	good = link && *link && strlen(link) <= NAME_MAX && !strchr(link, '/');
	if (good)
		strcpy(name, link);
	elf_end(e);
	close(fd);
	return good;
}

struct hvt_debug *hvt_debug_open(const char *path, const uint8_t *id, size_t id_len)
{
	/* where gdb looks, too: "Debugging Information in Separate Files" in its manual */
	static const char *const places[] = { "", "/.debug", NULL };
	char name[NAME_MAX + 1], candidate[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct hvt_debug *d;
	int dir, n;
	size_t i;

	if (!id_len || !slash)
		return NULL;
	d = open_one(path, id, id_len);
	if (d)
		return d;
	hvt_elf_debug_path(id, id_len, candidate, sizeof(candidate));
	d = open_one(candidate, id, id_len);
	if (d || !debug_name(path, id, id_len, name))
		return d;
	dir = slash - path < PATH_MAX ? (int)(slash - path) : 0;
	for (i = 0; i < sizeof(places) / sizeof(places[0]) && !d; i++) {
		n = snprintf(candidate, sizeof(candidate), "%s%.*s%s/%s",
			     places[i] ? "" : HVT_DEBUG_ROOT, dir, path, places[i] ? places[i] : "",
			     name);
		if (n > 0 && (size_t)n < sizeof(candidate))
			d = open_one(candidate, id, id_len);
	}
	return d;
}

/* The unit that the address is of; not all compilers write a table of them. */
static bool unit_of(Dwarf *dwarf, uint64_t vaddr, Dwarf_Die *die)
{
	Dwarf_CU *unit = NULL;

	if (dwarf_addrdie(dwarf, vaddr, die))
		return true;
	while (!dwarf_get_units(dwarf, unit, &unit, NULL, NULL, die, NULL))
		if (dwarf_haspc(die, vaddr) > 0)
			return true;
	return false;
}

int hvt_debug_line(struct hvt_debug *d, uint64_t vaddr, const char **file)
{
	struct known *k = &d->known[(vaddr ^ vaddr >> 10) & (KNOWN - 1)];
	Dwarf_Line *line;
	Dwarf_Die die;

	if (!k->used || k->vaddr != vaddr) {
		*k = (struct known){ .vaddr = vaddr, .used = true };
		line = unit_of(d->dwarf, vaddr, &die) ? dwarf_getsrc_die(&die, vaddr) : NULL;
		/* line 0: of no line, as what a compiler made up */
		if (line && !dwarf_lineno(line, &k->line) && k->line > 0)
			k->file = dwarf_linesrc(line, NULL, NULL);
		if (!k->file)
			k->line = 0;
	}
	*file = k->file;
	return k->line;
}

typedef bool line_fn(uint64_t vaddr, uint64_t end, const char *file, int line, void *arg);
typedef bool copy_fn(const struct hvt_debug_copy *copy, void *arg);

/* False: the callback has had enough. */
static bool lines_of(Dwarf_Die *unit, line_fn *each, void *arg)
{
	Dwarf_Addr addr, next, ended = ~(Dwarf_Addr)0;
	Dwarf_Lines *lines;
	const char *file;
	Dwarf_Line *line;
	size_t n, i;
	bool end;
	int nr;

	if (dwarf_getsrclines(unit, &lines, &n))
		return true;
	/* the last one only says where the code ends */
	for (i = 0; i + 1 < n; i++) {
		line = dwarf_onesrcline(lines, i);
		if (dwarf_lineendsequence(line, &end) || dwarf_lineaddr(line, &addr))
			continue;
		if (end)
			ended = addr;
		if (end || dwarf_lineno(line, &nr) || nr < 1 ||
		    dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &next) || next <= addr)
			continue;
		/* A row of no bytes at the end of the code comes behind that end here. */
		if (addr == ended && dwarf_haspc(unit, addr) <= 0)
			continue;
		file = dwarf_linesrc(line, NULL, NULL);
		if (file && !each(addr, next, file, nr, arg))
			return false;
	}
	return true;
}

void hvt_debug_each_line(struct hvt_debug *d, line_fn *each, void *arg)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (!dwarf_get_units(d->dwarf, unit, &unit, NULL, NULL, &die, NULL))
		if (!lines_of(&die, each, arg))
			return;
}

/* ------------------------------------------------------------------ */
/* Functions */

#define DEEPEST 256 /* blocks in blocks; what is deeper is damaged */

struct walk {
	copy_fn *each;
	void *arg;
	struct hvt_debug_range *ranges;
	size_t cap_ranges;
	Dwarf_Off last; /* the entry that was looked at last */
	int rc;
	bool enough;
};

/* The code that the entry has. False: none, or no memory for it. */
static bool ranges_of(struct walk *w, Dwarf_Die *die, struct hvt_debug_copy *copy)
{
	Dwarf_Addr base, begin, end;
	ptrdiff_t at = 0;

	copy->nr_ranges = 0;
	while ((at = dwarf_ranges(die, at, &base, &begin, &end)) > 0) {
		if (begin >= end)
			continue;
		w->rc = hvt_grow((void **)&w->ranges, &w->cap_ranges, copy->nr_ranges,
				 sizeof(*w->ranges));
		if (w->rc) {
			w->enough = true;
			return false;
		}
		w->ranges[copy->nr_ranges++] =
			(struct hvt_debug_range){ .begin = begin, .end = end };
	}
	copy->ranges = w->ranges;
	return copy->nr_ranges;
}

static void one_copy(struct walk *w, Dwarf_Die *die, bool inlined)
{
	struct hvt_debug_copy copy = { .file = dwarf_decl_file(die), .inlined = inlined };
	Dwarf_Attribute attr;
	Dwarf_Addr entry;

	/* what is only declared has no code; nor has a function itself that was inlined everywhere */
	if (!copy.file || dwarf_decl_line(die, &copy.line) || copy.line < 1 ||
	    !ranges_of(w, die, &copy))
		return;
	/* Of a function in pieces it is not said, but the first one is what is called. */
	copy.entry = dwarf_entrypc(die, &entry) ? copy.ranges[0].begin : entry;
	copy.name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	if (!copy.name)
		copy.name = dwarf_diename(die);
	if (copy.name && !w->each(&copy, w->arg))
		w->enough = true;
}

static void all_copies(struct walk *w, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;
	int tag;

	if (depth == DEEPEST || dwarf_child(parent, &die))
		return;
	do {
		if (dwarf_dieoffset(&die) <= w->last)
			return; /* damaged: it was there before */
		w->last = dwarf_dieoffset(&die);
		tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine)
			one_copy(w, &die, tag == DW_TAG_inlined_subroutine);
		if (!w->enough)
			all_copies(w, &die, depth + 1);
	} while (!w->enough && !dwarf_siblingof(&die, &die));
}

int hvt_debug_each_function(struct hvt_debug *d, copy_fn *each, void *arg)
{
	struct walk w = { .each = each, .arg = arg };
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (!w.enough && !dwarf_get_units(d->dwarf, unit, &unit, NULL, NULL, &die, NULL)) {
		w.last = dwarf_dieoffset(&die);
		all_copies(&w, &die, 0);
	}
	free(w.ranges);
	return w.rc;
}
