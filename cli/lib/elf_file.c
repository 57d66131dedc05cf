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

static bool read_segments(struct hvt_symtab *t, Elf *e)
{
	struct hvt_segment s;
	GElf_Phdr ph;
	size_t n, i;

	if (elf_getphdrnum(e, &n))
		return false;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(e, (int)i, &ph))
			return false;
		if (ph.p_type != PT_LOAD)
			continue;
		s = (struct hvt_segment){ ph.p_offset, ph.p_filesz, ph.p_vaddr, ph.p_memsz,
					  ph.p_flags & PF_X };
		if (hvt_symtab_add_segment(t, &s))
			return false;
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

static bool read_symbols(struct hvt_symtab *t, Elf *e, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Scn *str_scn = elf_getscn(e, sh->sh_link);
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Data *str = str_scn ? elf_getdata(str_scn, NULL) : NULL;
	const char *names;
	size_t i, n;
	GElf_Sym sym;
	int type;

	if (!data || !str || !str->d_buf || !str->d_size || !sh->sh_entsize)
		return true; /* nothing usable, no reason to give the file up */
	names = hvt_symtab_add_strings(t, str->d_buf, str->d_size);
	if (!names)
		return false;
	n = data->d_size / sh->sh_entsize;
	for (i = 1; i < n && i < INT32_MAX; i++) {
		if (!gelf_getsym(data, (int)i, &sym))
			break;
		type = GELF_ST_TYPE(sym.st_info);
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS ||
		    sym.st_name >= str->d_size || !names[sym.st_name] || type == STT_SECTION ||
		    type == STT_FILE || type == STT_TLS)
			continue;
		if (hvt_symtab_add_name(
			    t, &(struct hvt_name){ .value = sym.st_value,
						   .size = sym.st_size,
						   .raw = names + sym.st_name,
						   .rank = rank_of(&sym, names + sym.st_name) }))
			return false;
	}
	return true;
}

static bool read_sections(struct hvt_symtab *t, Elf *e, bool *symtab)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(e, scn))) {
		if (!gelf_getshdr(scn, &sh))
			return false;
		if (sh.sh_type == SHT_SYMTAB)
			*symtab = true;
		if ((sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM) &&
		    !read_symbols(t, e, scn, &sh))
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

bool hvt_elf_has_build_id(Elf *e, const uint8_t *id, size_t len)
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

/* Only regular files are ever opened. */
int hvt_elf_open_file(const char *path, Elf **e)
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

void hvt_elf_debug_path(const uint8_t *id, size_t id_len, char *path, size_t size)
{
	size_t i, at;

	at = (size_t)snprintf(path, size, HVT_DEBUG_ROOT "/.build-id/%02x/", id[0]);
	for (i = 1; i < id_len; i++)
		at += (size_t)snprintf(path + at, size - at, "%02x", id[i]);
	snprintf(path + at, size - at, ".debug");
}

/* The names of a stripped file. */
static void read_debug_file(struct hvt_symtab *t, const uint8_t *id, size_t len)
{
	bool symtab = false;
	char path[256];
	Elf *e;
	int fd;

	hvt_elf_debug_path(id, len, path, sizeof(path));
	fd = hvt_elf_open_file(path, &e);
	if (fd < 0)
		return;
	if (hvt_elf_has_build_id(e, id, len))
		read_sections(t, e, &symtab);
	elf_end(e);
	close(fd);
}

struct hvt_symtab *hvt_elf_open(const char *path, const uint8_t *build_id, size_t build_id_len)
{
	bool ok = false, symtab = false;
	struct hvt_symtab *t = NULL;
	Elf *e;
	int fd;

	fd = hvt_elf_open_file(path, &e);
	if (fd < 0)
		return NULL;
	if (build_id_len && !hvt_elf_has_build_id(e, build_id, build_id_len))
		goto out;
	t = hvt_symtab_new();
	if (!t)
		goto out;
	ok = read_segments(t, e) && read_sections(t, e, &symtab);
	if (ok && !symtab && build_id_len && build_id_len <= 64)
		read_debug_file(t, build_id, build_id_len);
	hvt_symtab_sort(t);
out:
	elf_end(e);
	close(fd);
	if (ok)
		return t;
	hvt_symtab_free(t);
	return NULL;
}
