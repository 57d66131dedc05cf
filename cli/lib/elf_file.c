/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* ELF facts with libelf (gABI chapters 4 and 5). Input files are hostile: check all. */
#include "elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

struct elf_seg {
	uint64_t offset, filesz, vaddr, memsz;
	bool exec;
};

struct elf_sym {
	uint64_t value, size;
	const char *name;
	uint8_t rank; /* higher is the better name for the address */
};

struct hvt_elf {
	struct elf_seg *segs;
	size_t nr_segs, cap_segs;
	struct elf_sym *syms; /* sorted by value, then rank, best last */
	size_t nr_syms, cap_syms;
	char **strtabs; /* copies that names point into */
	size_t nr_strtabs, cap_strtabs;
	bool symtab;
};

void hvt_elf_free(struct hvt_elf *elf)
{
	size_t i;

	if (!elf)
		return;
	for (i = 0; i < elf->nr_strtabs; i++)
		free(elf->strtabs[i]);
	free(elf->strtabs);
	free(elf->syms);
	free(elf->segs);
	free(elf);
}

static bool read_segments(struct hvt_elf *elf, Elf *e)
{
	struct elf_seg *s;
	GElf_Phdr ph;
	size_t n, i;

	if (elf_getphdrnum(e, &n))
		return false;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(e, (int)i, &ph))
			return false;
		if (ph.p_type != PT_LOAD)
			continue;
		if (hvt_grow((void **)&elf->segs, &elf->cap_segs, elf->nr_segs, sizeof(*elf->segs)))
			return false;
		s = &elf->segs[elf->nr_segs++];
		s->offset = ph.p_offset;
		s->filesz = ph.p_filesz;
		s->vaddr = ph.p_vaddr;
		s->memsz = ph.p_memsz;
		s->exec = ph.p_flags & PF_X;
	}
	return true;
}

static uint8_t rank_of(const GElf_Sym *sym, const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info), bind = GELF_ST_BIND(sym->st_info);
	uint8_t rank = 0;

	if (type != STT_NOTYPE)
		rank += 8;
	if (bind == STB_GLOBAL)
		rank += 4;
	if (name[0] != '_')
		rank += 2;
	if (sym->st_size)
		rank += 1;
	return rank;
}

static bool read_symbols(struct hvt_elf *elf, Elf *e, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Scn *str_scn = elf_getscn(e, sh->sh_link);
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Data *str = str_scn ? elf_getdata(str_scn, NULL) : NULL;
	struct elf_sym *s;
	size_t i, n;
	GElf_Sym sym;
	char *names;
	int type;

	if (!data || !str || !str->d_buf || !str->d_size || !sh->sh_entsize)
		return true; /* nothing usable, no reason to give the file up */
	if (hvt_grow((void **)&elf->strtabs, &elf->cap_strtabs, elf->nr_strtabs,
		     sizeof(*elf->strtabs)))
		return false;
	names = hvt_copy_string(str->d_buf, str->d_size);
	if (!names)
		return false;
	elf->strtabs[elf->nr_strtabs++] = names;
	n = data->d_size / sh->sh_entsize;
	for (i = 1; i < n && i < INT32_MAX; i++) {
		if (!gelf_getsym(data, (int)i, &sym))
			break;
		type = GELF_ST_TYPE(sym.st_info);
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS ||
		    sym.st_name >= str->d_size || !names[sym.st_name] || type == STT_SECTION ||
		    type == STT_FILE || type == STT_TLS)
			continue;
		if (hvt_grow((void **)&elf->syms, &elf->cap_syms, elf->nr_syms, sizeof(*elf->syms)))
			return false;
		s = &elf->syms[elf->nr_syms++];
		s->value = sym.st_value;
		s->size = sym.st_size;
		s->name = names + sym.st_name;
		s->rank = rank_of(&sym, s->name);
	}
	return true;
}

static bool read_sections(struct hvt_elf *elf, Elf *e)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(e, scn))) {
		if (!gelf_getshdr(scn, &sh))
			return false;
		if (sh.sh_type == SHT_SYMTAB)
			elf->symtab = true;
		if ((sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM) &&
		    !read_symbols(elf, e, scn, &sh))
			return false;
	}
	return true;
}

static bool note_is(Elf_Data *data, const uint8_t *id, size_t len, bool *found)
{
	size_t at = 0, name, desc;
	GElf_Nhdr nh;

	while (data && (at = gelf_getnote(data, at, &nh, &name, &desc)) > 0) {
		if (nh.n_type != NT_GNU_BUILD_ID || nh.n_namesz != 4 ||
		    memcmp((char *)data->d_buf + name, "GNU", 4))
			continue;
		*found = true;
		return nh.n_descsz == len && !memcmp((char *)data->d_buf + desc, id, len);
	}
	return false;
}

/* Is this the file whose build-id the log recorded? */
static bool build_id_is(Elf *e, const uint8_t *id, size_t len)
{
	bool found = false;
	GElf_Phdr ph;
	size_t n, i;

	if (elf_getphdrnum(e, &n))
		return false;
	for (i = 0; i < n && !found; i++)
		if (gelf_getphdr(e, (int)i, &ph) && ph.p_type == PT_NOTE &&
		    note_is(elf_getdata_rawchunk(e, (int64_t)ph.p_offset, ph.p_filesz,
						 ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
			    id, len, &found))
			return true;
	return false;
}

static int by_value(const void *a, const void *b)
{
	const struct elf_sym *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(y->name, x->name);
}

/* Open path as ELF. -1 or a descriptor; only regular files are ever opened. */
static int open_elf(const char *path, Elf **e)
{
	struct stat st;
	int fd;

	if (elf_version(EV_CURRENT) == EV_NONE || stat(path, &st) || !S_ISREG(st.st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	*e = elf_begin(fd, ELF_C_READ, NULL);
	if (*e && elf_kind(*e) == ELF_K_ELF)
		return fd;
	elf_end(*e);
	close(fd);
	return -1;
}

/* Debian's -dbgsym packages: the names of a stripped file, filed by its build-id. */
static void read_debug_file(struct hvt_elf *elf, const uint8_t *id, size_t len)
{
	char path[256];
	size_t i, at;
	Elf *e;
	int fd;

	at = (size_t)snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/", id[0]);
	for (i = 1; i < len; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	fd = open_elf(path, &e);
	if (fd < 0)
		return;
	if (build_id_is(e, id, len))
		read_sections(elf, e);
	elf_end(e);
	close(fd);
}

struct hvt_elf *hvt_elf_open(const char *path, const uint8_t *build_id, size_t build_id_len)
{
	struct hvt_elf *elf = NULL;
	bool ok = false;
	Elf *e;
	int fd;

	fd = open_elf(path, &e);
	if (fd < 0)
		return NULL;
	if (build_id_len && !build_id_is(e, build_id, build_id_len))
		goto out;
	elf = calloc(1, sizeof(*elf));
	if (!elf)
		goto out;
	ok = read_segments(elf, e) && read_sections(elf, e);
	if (ok && !elf->symtab && build_id_len && build_id_len <= 64)
		read_debug_file(elf, build_id, build_id_len);
	if (elf->nr_syms)
		qsort(elf->syms, elf->nr_syms, sizeof(*elf->syms), by_value);
out:
	elf_end(e);
	close(fd);
	if (ok)
		return elf;
	hvt_elf_free(elf);
	return NULL;
}

bool hvt_elf_vaddr(const struct hvt_elf *elf, uint64_t map_off, bool exec, uint64_t off,
		   uint64_t *vaddr, uint64_t *seg_end)
{
	const struct elf_seg *s, *best = NULL;
	uint64_t mask = HVT_PAGE - 1;
	int score, best_score = -1;
	size_t i;

	for (i = 0; i < elf->nr_segs; i++) {
		s = &elf->segs[i];
		/*
		 * The loader maps whole pages: neighbours may share one in the file, and
		 * .bss begins in the last page of .data.
		 */
		if (map_off < (s->offset & ~mask) || map_off > s->offset + s->filesz)
			continue;
		score = (s->exec == exec ? 2 : 0) +
			(off >= s->offset && off - s->offset < s->memsz ? 1 : 0);
		if (score > best_score) {
			best = s;
			best_score = score;
		}
	}
	if (!best)
		return false;
	*vaddr = off - best->offset + best->vaddr;
	if (seg_end)
		*seg_end = best->vaddr + best->memsz;
	return true;
}

const char *hvt_elf_symbol(const struct hvt_elf *elf, uint64_t vaddr, uint64_t *off)
{
	size_t lo = 0, hi = elf->nr_syms, mid, back;
	const struct elf_sym *s;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (elf->syms[mid].value <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* a symbol inside another one may end before vaddr: look a few back */
	for (back = 0; lo && back < 64; lo--, back++) {
		s = &elf->syms[lo - 1];
		if (s->size ? vaddr - s->value < s->size : back == 0) {
			*off = vaddr - s->value;
			return s->name;
		}
	}
	return NULL;
}

bool hvt_elf_defines(const struct hvt_elf *elf, const char *name)
{
	size_t i;

	for (i = 0; i < elf->nr_syms; i++)
		if (!strcmp(elf->syms[i].name, name))
			return true;
	return false;
}
