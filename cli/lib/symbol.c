/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names for addresses: kernel names from the log, user names from the mapped files. */
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

#include "elf_file.h"

static void kernel_name(struct hvt_symbols *s, uint64_t addr, struct hvt_symbol *sym)
{
	const struct hvt_ksym_name *k = hvt_ksyms_find(&s->ksyms, addr);

	sym->kernel = true;
	sym->obj = "[kernel]";
	if (!k)
		return;
	sym->name = k->name;
	sym->off = addr - k->start;
	if (k->module[0])
		sym->obj = k->module;
}

void hvt_symbols_physical(struct hvt_symbols *s, uint64_t gpa, struct hvt_symbol *sym)
{
	const struct hvt_ksym_name *k = hvt_ksyms_find(&s->ksyms, gpa);

	memset(sym, 0, sizeof(*sym));
	if (!k)
		return;
	sym->name = k->name;
	sym->off = gpa - k->start;
}

/* The object's ELF facts, read when first asked for; NULL when there are none. */
static struct hvt_elf *elf_of(struct hvt_symbols *s, struct hvt_object *o)
{
	if (!o->tried && !s->no_elf && o->path[0] == '/')
		o->elf = hvt_elf_open(o->path, o->build_id, o->build_id_len);
	o->tried = true;
	return o->elf;
}

/* addr lies in anonymous memory: is it the bss of the file mapped below it? */
static bool bss_name(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
		     struct hvt_symbol *sym)
{
	const struct hvt_mapping *m = hvt_tasks_find(s->tasks, pid, ns, addr, true);
	struct hvt_elf *elf = m ? elf_of(s, m->obj) : NULL;
	uint64_t vaddr, end;

	if (!elf ||
	    !hvt_elf_vaddr(elf, m->offset, m->prot & PROT_EXEC, m->offset + (addr - m->start),
			   &vaddr, &end) ||
	    vaddr >= end)
		return false;
	sym->obj = m->obj->base;
	sym->obj_off = m->offset + (addr - m->start);
	sym->name = hvt_elf_symbol(elf, vaddr, &sym->off);
	return true;
}

void hvt_symbols_resolve(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
			 struct hvt_symbol *sym)
{
	const struct hvt_mapping *m;
	struct hvt_elf *elf;
	uint64_t vaddr;

	memset(sym, 0, sizeof(*sym));
	if (addr >> 63) {
		kernel_name(s, addr, sym);
		return;
	}
	m = hvt_tasks_find(s->tasks, pid, ns, addr, false);
	if (!m || !m->obj) {
		bss_name(s, pid, ns, addr, sym);
		return;
	}
	sym->obj = m->obj->base;
	sym->obj_off = m->offset + (addr - m->start);
	elf = elf_of(s, m->obj);
	if (elf && hvt_elf_vaddr(elf, m->offset, m->prot & PROT_EXEC, sym->obj_off, &vaddr, NULL))
		sym->name = hvt_elf_symbol(elf, vaddr, &sym->off);
}
