/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names for addresses: kernel names from the log, user names from the mapped files. */
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

#include "symtab.h"

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

static void user_name(const struct hvt_symtab *t, uint64_t vaddr, struct hvt_symbol *sym)
{
	const struct hvt_name *n = hvt_symtab_find(t, vaddr);

	if (!n)
		return;
	sym->name = n->raw;
	sym->off = vaddr - n->value;
}

/* addr lies in anonymous memory: is it the bss of the file mapped below it? */
static bool bss_name(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
		     struct hvt_symbol *sym)
{
	const struct hvt_mapping *m = hvt_tasks_find(s->tasks, pid, ns, addr, true);
	const struct hvt_symtab *t = m ? hvt_object_symtab(m->obj, s->no_elf) : NULL;
	uint64_t vaddr, end;

	if (!t ||
	    !hvt_symtab_vaddr(t, m->offset, m->prot & PROT_EXEC, m->offset + (addr - m->start),
			      &vaddr, &end) ||
	    vaddr >= end)
		return false;
	sym->obj = m->obj->base;
	sym->obj_off = m->offset + (addr - m->start);
	user_name(t, vaddr, sym);
	return true;
}

void hvt_symbols_resolve(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
			 struct hvt_symbol *sym)
{
	const struct hvt_mapping *m;
	const struct hvt_symtab *t;
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
	t = hvt_object_symtab(m->obj, s->no_elf);
	if (t && hvt_symtab_vaddr(t, m->offset, m->prot & PROT_EXEC, sym->obj_off, &vaddr, NULL))
		user_name(t, vaddr, sym);
}
