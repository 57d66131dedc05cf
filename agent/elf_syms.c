// SPDX-License-Identifier: GPL-2.0-only
/*
 * Symbols, load bias and build-id out of one ELF file with libelf. The file belongs to
 * whoever is traced: read with read(2) (a mapped file that shrinks kills the reader
 * with SIGBUS), nothing in it believed.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_syms.h"

#define PAGE_MASK_4K (~0xfffull)

/*
 * libelf allocates by the section count, which the extended numbering (gABI, Sections)
 * takes from anywhere in the file: billions in a sparse one. No program has it.
 */
static bool plausible(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr h32;
		Elf64_Ehdr h64;
	} e;
	ssize_t got = pread(fd, &e, sizeof(e), 0);

	if (got < (ssize_t)sizeof(e.h32) || memcmp(e.ident, ELFMAG, SELFMAG) ||
	    e.ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (e.ident[EI_CLASS] == ELFCLASS32)
		return e.h32.e_phnum != PN_XNUM && (e.h32.e_shnum || !e.h32.e_shoff);
	return got == (ssize_t)sizeof(e.h64) && e.h64.e_phnum != PN_XNUM &&
	       (e.h64.e_shnum || !e.h64.e_shoff);
}

Elf *elf_open(int fd)
{
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE || !plausible(fd))
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return NULL;
	}
	return elf;
}

/* Is "foo", "foo@V" or "foo@@V" the symbol foo? An @V one is not the default version. */
static bool name_is(const char *name, const char *want, bool *old_version)
{
	size_t len = strlen(want);

	if (strncmp(name, want, len))
		return false;
	*old_version = name[len] == '@' && name[len + 1] != '@';
	return name[len] == '\0' || name[len] == '@';
}

/* 0: not usable. Global before local, then the kind that was asked for, then version. */
static int score_symbol(const GElf_Sym *sym, bool exec, bool old_version)
{
	int bind = GELF_ST_BIND(sym->st_info), kind;

	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_OBJECT:
	case STT_COMMON:
		kind = exec ? 2 : 3;
		break;
	case STT_FUNC:
		kind = exec ? 3 : 2;
		break;
	case STT_NOTYPE:
		kind = 1;
		break;
	default:
		return 0;
	}
	return (bind != STB_LOCAL ? 16 : 0) + kind * 2 + !old_version;
}

static void consider(struct elf_sym *found, const GElf_Sym *sym, int score)
{
	unsigned int i;

	if (score < found->score)
		return;
	if (score > found->score) {
		found->score = score;
		found->value = found->values[0] = sym->st_value;
		found->size = sym->st_size;
		found->equal = 1;
		return;
	}
	for (i = 0; i < found->equal && i < ELF_SYM_SHOWN; i++) {
		if (found->values[i] == sym->st_value)
			return;
	}
	if (i < ELF_SYM_SHOWN)
		found->values[i] = sym->st_value;
	found->equal++;
}

/* The version table of .dynsym, NULL when there is none. */
static Elf_Data *version_table(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_GNU_versym)
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

static void search_table(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, const char *want, bool exec,
			 struct elf_sym *found)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Data *versions = sh->sh_type == SHT_DYNSYM ? version_table(elf) : NULL;
	size_t i, nr = sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;

	for (i = 0; data && i < nr; i++) {
		bool old_version;
		const char *name;
		GElf_Versym version;
		GElf_Sym sym;
		int score;

		if (!gelf_getsym(data, (int)i, &sym))
			break;
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS)
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (!name || !name_is(name, want, &old_version))
			continue;
		if (GELF_ST_TYPE(sym.st_info) == STT_TLS) {
			found->tls = true;
			continue;
		}
		/* Bit 15: hidden, that is, not the default version. */
		if (versions && gelf_getversym(versions, (int)i, &version) && version & 0x8000)
			old_version = true;
		score = score_symbol(&sym, exec, old_version);
		if (score)
			consider(found, &sym, score);
	}
}

enum elf_sym_result elf_find_symbol(int fd, const char *name, bool exec, struct elf_sym *found)
{
	static const GElf_Word tables[] = { SHT_SYMTAB, SHT_DYNSYM };
	Elf *elf = elf_open(fd);
	size_t i;

	if (!elf)
		return ELF_SYM_NONE;
	for (i = 0; i < 2 && !found->score; i++) {
		Elf_Scn *scn = NULL;
		GElf_Shdr sh;

		while ((scn = elf_nextscn(elf, scn)) != NULL) {
			if (gelf_getshdr(scn, &sh) && sh.sh_type == tables[i])
				search_table(elf, scn, &sh, name, exec, found);
		}
	}
	elf_end(elf);
	if (!found->score)
		return found->tls ? ELF_SYM_TLS : ELF_SYM_NONE;
	return found->score < 16 && found->equal > 1 ? ELF_SYM_AMBIGUOUS : ELF_SYM_FOUND;
}

bool elf_has_symtab(int fd)
{
	Elf *elf = elf_open(fd);
	Elf_Scn *scn = NULL;
	bool has = false;
	GElf_Shdr sh;

	if (!elf)
		return false;
	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			has = true;
	}
	elf_end(elf);
	return has;
}

/* How well a segment explains a mapping: 0 not, 1 contains its offset, 2 and 3 better. */
static int segment_fit(const GElf_Phdr *ph, const struct map_entry *map)
{
	bool exec = !!(ph->p_flags & PF_X), write = !!(ph->p_flags & PF_W);
	uint64_t first = ph->p_offset & PAGE_MASK_4K;
	int fit = 1;

	if (ph->p_type != PT_LOAD || map->offset < first ||
	    map->offset >= ph->p_offset + ph->p_filesz)
		return 0;
	if (map->offset == first)
		fit++;
	/* RELRO takes write permission away, mprotect may add any: a hint, no more. */
	if (exec == !!(map->prot & PROT_EXEC) && write == !!(map->prot & PROT_WRITE))
		fit++;
	return fit;
}

int elf_load_bias(int fd, const struct map_entry *map, uint64_t *bias)
{
	Elf *elf = elf_open(fd);
	size_t i, nr = 0;
	int best = 0;

	if (!elf)
		return -ENOEXEC;
	elf_getphdrnum(elf, &nr);
	for (i = 0; i < nr; i++) {
		GElf_Phdr ph;
		int fit;

		if (!gelf_getphdr(elf, (int)i, &ph))
			break;
		fit = segment_fit(&ph, map);
		if (fit > best) {
			best = fit;
			*bias = map->start - map->offset + ph.p_offset - ph.p_vaddr;
		}
	}
	elf_end(elf);
	return best ? 0 : -ENOENT;
}

static size_t note_build_id(Elf_Data *data, uint8_t id[BUILD_ID_MAX])
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr note;

	while (data && (next = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp((char *)data->d_buf + name, "GNU", 4) && note.n_descsz &&
		    note.n_descsz <= BUILD_ID_MAX) {
			memcpy(id, (char *)data->d_buf + desc, note.n_descsz);
			return note.n_descsz;
		}
		at = next;
	}
	return 0;
}

size_t elf_build_id(int fd, uint8_t id[BUILD_ID_MAX])
{
	Elf *elf = elf_open(fd);
	size_t i, nr = 0, len = 0;

	if (!elf)
		return 0;
	elf_getphdrnum(elf, &nr);
	for (i = 0; i < nr && !len; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			break;
		if (ph.p_type != PT_NOTE || ph.p_filesz > 65536)
			continue;
		len = note_build_id(elf_getdata_rawchunk(elf, (int64_t)ph.p_offset, ph.p_filesz,
							 ph.p_align == 8 ? ELF_T_NHDR8 :
									   ELF_T_NHDR),
				    id);
	}
	elf_end(elf);
	return len;
}

int elf_open_debug(int fd, int32_t pid)
{
	static const char *const roots[] = { "/proc/%d/root", "" };
	uint8_t id[BUILD_ID_MAX], found[BUILD_ID_MAX];
	size_t len = elf_build_id(fd, id), i, j;
	char path[256];

	if (len < 2)
		return -ENOENT;
	for (i = 0; i < 2; i++) {
		int at = 0, dbg;

		if (roots[i][0])
			at = snprintf(path, sizeof(path), "/proc/%d/root", pid);
		at += snprintf(path + at, sizeof(path) - (size_t)at,
			       "/usr/lib/debug/.build-id/%02x/", id[0]);
		for (j = 1; j < len; j++)
			at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x", id[j]);
		snprintf(path + at, sizeof(path) - (size_t)at, ".debug");
		dbg = open_regular(path);
		if (dbg < 0)
			continue;
		if (elf_build_id(dbg, found) == len && !memcmp(found, id, len))
			return dbg;
		close(dbg);
	}
	return -ENOENT;
}
