/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which file lies at an address, and where its image begins. */
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

#include "symtab.h"

static bool kernel_module(struct hvt_reader *r, uint64_t addr, struct hvt_module_fact *m)
{
	struct hvt_span span = { 0 };
	const struct hvt_ksym_name *k = hvt_ksyms_find(&r->symbols.ksyms, addr, &span);

	m->path = k && k->module[0] ? k->module : "[kernel]";
	m->kernel = true;
	return true;
}

/* The image that the file's load segments make when addr is at vaddr. */
static void image(const struct hvt_symtab *t, uint64_t addr, uint64_t vaddr,
		  struct hvt_module_fact *m)
{
	uint64_t first = UINT64_MAX, end = 0;
	size_t i;

	for (i = 0; i < t->nr_segs; i++) {
		if (t->segs[i].vaddr < first)
			first = t->segs[i].vaddr;
		if (t->segs[i].vaddr + t->segs[i].memsz > end)
			end = t->segs[i].vaddr + t->segs[i].memsz;
	}
	m->first = first & ~(HVT_PAGE - 1);
	m->base = addr - vaddr + m->first;
	m->end = addr - vaddr + end;
}

bool hvt_reader_module(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		       struct hvt_module_fact *m)
{
	struct hvt_span span = { 0 };
	const struct hvt_mapping *map;
	const struct hvt_symtab *t;
	uint64_t vaddr;
	bool lasting;

	memset(m, 0, sizeof(*m));
	if (addr >> 63)
		return kernel_module(r, addr, m);
	map = hvt_tasks_find(r->symbols.tasks, pid, ns, addr, false, &lasting);
	if (!map || !map->obj)
		return false;
	m->path = map->obj->path;
	m->build_id = map->obj->build_id;
	m->build_id_len = map->obj->build_id_len;
	m->base = map->start - map->offset;
	m->end = map->end;
	t = hvt_object_symtab(map->obj, r->symbols.no_elf);
	if (t && hvt_symtab_vaddr(t, map->offset, map->prot & PROT_EXEC,
				  map->offset + (addr - map->start), &vaddr, NULL, &span))
		image(t, addr, vaddr, m);
	return true;
}
