/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * From an address in a process to a line of source. Which file it is, and where in it the
 * address lies, is what the log says; a file without a build-id could be any, so it is not
 * asked.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

#include "debug_info.h"
#include "symtab.h"

int hvt_reader_line(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		    const char **file)
{
	struct hvt_symbols *s = &r->symbols;
	struct hvt_span span = { 0 };
	const struct hvt_mapping *m;
	const struct hvt_symtab *t;
	struct hvt_object *o;
	uint64_t vaddr;
	bool lasting;

	*file = NULL;
	if (!hvt_debug_available())
		return -ENOSYS;
	m = addr >> 63 || s->no_elf ? NULL :
				      hvt_tasks_find(s->tasks, pid, ns, addr, false, &lasting);
	o = m ? m->obj : NULL;
	if (!o || !o->build_id_len || o->path[0] != '/')
		return 0;
	t = hvt_object_symtab(o, s->no_elf);
	if (!t || !hvt_symtab_vaddr(t, m->offset, m->prot & PROT_EXEC,
				    m->offset + (addr - m->start), &vaddr, NULL, &span))
		return 0;
	if (!o->debug_tried)
		o->debug = hvt_debug_open(o->path, o->build_id, o->build_id_len);
	o->debug_tried = true;
	return o->debug ? hvt_debug_line(o->debug, vaddr, file) : 0;
}
