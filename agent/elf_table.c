// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments and symbols out of an ELF file with libelf (gABI chapters 4 and 5). Whatever
 * the file says, the work and the memory are bounded by the limits in elf_table.h.
 */
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "elf_syms.h"
#include "elf_table.h"

#define SEGMENTS_MAX 256u

static void add_segment(struct elf_table *t, const GElf_Phdr *ph)
{
	t->segs = xrealloc(t->segs, (t->nr_segs + 1) * sizeof(*t->segs));
	t->segs[t->nr_segs++] = (struct hvt_log_segment){
		.offset = ph->p_offset,
		.filesz = ph->p_filesz,
		.vaddr = ph->p_vaddr,
		.memsz = ph->p_memsz,
		.prot = (ph->p_flags & PF_R ? PROT_READ : 0u) |
			(ph->p_flags & PF_W ? PROT_WRITE : 0u) |
			(ph->p_flags & PF_X ? PROT_EXEC : 0u),
	};
}

void elf_table_segments(struct elf_table *t, int fd)
{
	Elf *elf = elf_open(fd);
	size_t i, nr = 0;
	GElf_Phdr ph;

	if (!elf)
		return;
	elf_getphdrnum(elf, &nr);
	for (i = 0; i < nr && t->nr_segs < SEGMENTS_MAX && gelf_getphdr(elf, (int)i, &ph); i++) {
		if (ph.p_type == PT_LOAD)
			add_segment(t, &ph);
	}
	elf_end(elf);
}

/* Names no address of a program or library: undefined, absolute, thread-local, ... */
static bool nameless(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || type == STT_SECTION ||
	       type == STT_FILE || type == STT_TLS;
}

/* False: no more fit. */
static bool add_symbol(struct elf_table *t, const GElf_Sym *sym, const char *name, size_t len)
{
	if (t->nr_syms == ELF_TABLE_SYMS_MAX || len >= ELF_TABLE_NAMES_MAX - t->names.len) {
		t->flags |= HVT_OBJECT_CUT;
		return false;
	}
	if (t->nr_syms == t->cap_syms) {
		t->cap_syms = t->cap_syms ? t->cap_syms * 2 : 1024;
		t->syms = xrealloc(t->syms, t->cap_syms * sizeof(*t->syms));
	}
	t->syms[t->nr_syms++] = (struct elf_table_sym){
		.value = sym->st_value,
		.size = sym->st_size,
		.name = t->names.len,
		.info = sym->st_info,
	};
	buf_put(&t->names, name, len);
	buf_put(&t->names, "", 1);
	return true;
}

/* A section's bytes, read only when they are few enough. */
static Elf_Data *bytes_of(struct elf_table *t, Elf_Scn *scn, uint64_t max)
{
	GElf_Shdr sh;

	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
		return NULL;
	if (sh.sh_size > max) {
		t->flags |= HVT_OBJECT_CUT;
		return NULL;
	}
	return elf_getdata(scn, NULL);
}

static void add_section(struct elf_table *t, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	size_t size = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT), i, nr;
	Elf_Data *data, *strings;
	GElf_Sym sym;

	data = bytes_of(t, scn, (uint64_t)ELF_TABLE_SYMS_MAX * size);
	strings = bytes_of(t, elf_getscn(elf, sh->sh_link), ELF_TABLE_STRINGS_MAX);
	if (!size || !data || !strings || !strings->d_buf)
		return;
	nr = data->d_size / size;
	for (i = 1; i < nr && gelf_getsym(data, (int)i, &sym); i++) {
		const char *name = (const char *)strings->d_buf + sym.st_name;
		size_t len;

		if (nameless(&sym) || sym.st_name >= strings->d_size)
			continue;
		len = strnlen(name, strings->d_size - sym.st_name);
		if (len && !add_symbol(t, &sym, name, len))
			return;
	}
}

void elf_table_symbols(struct elf_table *t, int fd)
{
	/* A file has one of each; one that claims to have thousands is not indulged. */
	bool symtab = false, dynsym = false, *seen;
	Elf *elf = elf_open(fd);
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	if (!elf)
		return;
	while ((scn = elf_nextscn(elf, scn)) != NULL && gelf_getshdr(scn, &sh)) {
		if (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM)
			continue;
		seen = sh.sh_type == SHT_SYMTAB ? &symtab : &dynsym;
		if (!*seen)
			add_section(t, elf, scn, &sh);
		*seen = true;
	}
	elf_end(elf);
	if (!symtab)
		t->flags |= HVT_OBJECT_STRIPPED;
}

/* How good a name is for its address: as cli/lib/elf_file.c has it. */
static unsigned int rank_of(const struct elf_table_sym *sym, const char *name)
{
	return (GELF_ST_TYPE(sym->info) != STT_NOTYPE ? 8 : 0) +
	       (GELF_ST_BIND(sym->info) == STB_GLOBAL ? 4 : 0) + (name[0] != '_' ? 2 : 0) +
	       (sym->size ? 1 : 0);
}

static int by_value(const void *a, const void *b, void *names)
{
	const struct elf_table_sym *x = a, *y = b;
	const char *x_name = (const char *)names + x->name, *y_name = (const char *)names + y->name;
	unsigned int x_rank, y_rank;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	x_rank = rank_of(x, x_name);
	y_rank = rank_of(y, y_name);
	if (x_rank != y_rank)
		return x_rank < y_rank ? -1 : 1;
	return strcmp(y_name, x_name);
}

void elf_table_sort(struct elf_table *t)
{
	const char *names = (const char *)t->names.p;
	size_t i, n = 0;

	if (!t->nr_syms)
		return;
	qsort_r(t->syms, t->nr_syms, sizeof(*t->syms), by_value, t->names.p);
	/* .symtab has all of .dynsym again */
	for (i = 0; i < t->nr_syms; i++) {
		if (i && t->syms[i].value == t->syms[n - 1].value &&
		    t->syms[i].size == t->syms[n - 1].size &&
		    !strcmp(names + t->syms[i].name, names + t->syms[n - 1].name))
			continue;
		t->syms[n++] = t->syms[i];
	}
	t->nr_syms = n;
}

/* DWARF 5, 7.6 */
static void put_uleb(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = v & 0x7f;
		v >>= 7;
		if (v)
			bytes[n] |= 0x80;
		n++;
	} while (v);
	buf_put(b, bytes, n);
}

void elf_table_encode(const struct elf_table *t, struct buf *table, struct buf *names)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < t->nr_syms; i++) {
		const struct elf_table_sym *s = &t->syms[i];
		const char *name = (const char *)t->names.p + s->name;

		put_uleb(table, s->value - value);
		put_uleb(table, s->size);
		buf_put(table, &s->info, 1);
		buf_put(names, name, strlen(name) + 1);
		value = s->value;
	}
}

void elf_table_free(struct elf_table *t)
{
	free(t->segs);
	free(t->syms);
	buf_free(&t->names);
	memset(t, 0, sizeof(*t));
}
