/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names for addresses: kernel names from the log, user names from the mapped files. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "label.h"
#include "symtab.h"

/* A name as it is shown, asked for once. */
static const char *shown(const struct hvt_symbols *s, const char *raw, char **known, bool *tried)
{
	if (!*tried && !s->no_demangle)
		*known = hvt_demangle(raw);
	*tried = true;
	return *known ? *known : raw;
}

static const struct hvt_label *label(const struct hvt_symbols *s, const struct hvt_symbol *sym,
				     struct hvt_label **known)
{
	if (!*known && !s->uncached)
		*known = hvt_label_new(sym);
	return *known;
}

static void kernel_name(struct hvt_symbols *s, uint64_t addr, struct hvt_symbol *sym,
			struct hvt_span *span)
{
	struct hvt_ksym_name *k = hvt_ksyms_find(&s->ksyms, addr, span);

	sym->kernel = true;
	sym->obj = "[kernel]";
	if (!k) {
		sym->label = label(s, sym, &s->kernel_label);
		return;
	}
	sym->raw = k->name;
	sym->name = shown(s, k->name, &k->shown, &k->tried);
	sym->off = addr - k->start;
	if (k->module[0])
		sym->obj = k->module;
	sym->label = label(s, sym, &k->label);
}

void hvt_symbols_physical(struct hvt_symbols *s, uint64_t gpa, struct hvt_symbol *sym)
{
	struct hvt_span span = { 0 };
	const struct hvt_ksym_name *k = hvt_ksyms_find(&s->ksyms, gpa, &span);

	memset(sym, 0, sizeof(*sym));
	if (!k)
		return;
	sym->name = sym->raw = k->name;
	sym->off = gpa - k->start;
}

/*
 * addr is in the mapping m of a file, or behind it: is it in its .bss? A mapping has its
 * object in any case, what is behind it only with a segment.
 */
static void user_name(struct hvt_symbols *s, const struct hvt_mapping *m, uint64_t addr,
		      bool behind, struct hvt_symbol *sym, struct hvt_span *span)
{
	const struct hvt_symtab *t = hvt_object_symtab(m->obj, s->no_elf);
	uint64_t off = m->offset + (addr - m->start), vaddr, end;
	struct hvt_name *n = NULL;
	bool known;

	known = t && hvt_symtab_vaddr(t, m->offset, m->prot & PROT_EXEC, off, &vaddr, &end, span);
	if (known && behind && vaddr >= end)
		hvt_span_begins(span, vaddr - end);
	else if (known && behind)
		hvt_span_ends(span, end - vaddr - 1);
	if (behind && (!known || vaddr >= end))
		return;
	sym->obj = m->obj->base;
	sym->obj_off = off;
	if (known)
		n = hvt_symtab_find(t, vaddr, span);
	if (!n) {
		sym->label = label(s, sym, &m->obj->label);
		return;
	}
	sym->raw = n->raw;
	sym->name = shown(s, n->raw, &n->shown, &n->tried);
	sym->off = vaddr - n->value;
	sym->label = label(s, sym, &n->label);
}

/* True: the answer holds from ns on. */
static bool user_symbol(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
			struct hvt_symbol *sym, struct hvt_span *span)
{
	const struct hvt_mapping *m;
	bool lasting, below_lasting;

	m = hvt_tasks_find(s->tasks, pid, ns, addr, false, &lasting);
	if (m && m->obj) {
		user_name(s, m, addr, false, sym, span);
		return lasting;
	}
	m = hvt_tasks_find(s->tasks, pid, ns, addr, true, &below_lasting);
	if (m)
		user_name(s, m, addr, true, sym, span);
	return lasting && below_lasting;
}

/* Bytes that share a slot, by how far an answer holds. */
enum level { LINE, PAGE, FEW, LEVELS };
static const unsigned int shifts[LEVELS] = { [LINE] = 6, [PAGE] = 12, [FEW] = 3 };

static struct hvt_resolved *slot_of(struct hvt_symbols *s, uint32_t pid, uint64_t addr,
				    enum level level)
{
	uint64_t h = (addr >> shifts[level]) + ((uint64_t)pid << 40) + level;
	struct hvt_resolved **block;

	h = h * 0x9e3779b97f4a7c15ull >> 32 & (HVT_RESOLVED - 1);
	block = &s->resolved[h / HVT_RESOLVED_BLOCK];
	if (!*block && !s->uncached)
		*block = calloc(HVT_RESOLVED_BLOCK, sizeof(**block));
	return *block ? &(*block)[h % HVT_RESOLVED_BLOCK] : NULL;
}

/* Have all bytes of this level around addr the answer? */
static bool covers(const struct hvt_span *span, uint64_t addr, enum level level)
{
	uint64_t mask = (1ull << shifts[level]) - 1;

	return span->before >= (addr & mask) && span->behind >= (~addr & mask);
}

/* What c holds, at addr; false: it is of something else. */
static bool recall(const struct hvt_resolved *c, size_t changes, uint32_t pid, uint64_t ns,
		   uint64_t addr, struct hvt_symbol *sym)
{
	uint64_t apart;

	if (!c || c->changes != changes || c->pid != pid || ns < c->from)
		return false;
	apart = addr - c->addr;
	if (apart > c->span.behind && -apart > c->span.before)
		return false;
	*sym = c->sym;
	if (sym->name)
		sym->off += apart;
	if (sym->obj && !sym->kernel)
		sym->obj_off += apart;
	return true;
}

int hvt_symbols_add(struct hvt_symbols *s, uint32_t type, const uint8_t *payload, size_t len)
{
	s->changes++;
	switch (type) {
	case HVT_SEC_KSYM:
		return hvt_ksyms_add(&s->ksyms, payload, len);
	case HVT_SEC_TASK:
		return hvt_tasks_add_task(s->tasks, payload, len);
	case HVT_SEC_MAP:
		return hvt_tasks_add_map(s->tasks, payload, len);
	case HVT_SEC_OBJECT:
		return hvt_objects_add(s->objects, payload, len);
	default:
		return hvt_objects_add_symtab(s->objects, payload, len);
	}
}

bool hvt_symbols_resolve(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
			 struct hvt_symbol *sym)
{
	uint64_t in_page = addr & (HVT_PAGE - 1);
	/* maps may say something else of the next page */
	struct hvt_span span = { in_page, HVT_PAGE - 1 - in_page };
	struct hvt_resolved *c;
	bool lasting = true;
	enum level i;

	/* the kernel's half is the same for all */
	if (addr >> 63)
		pid = 0;
	for (i = 0; i < LEVELS; i++)
		if (recall(slot_of(s, pid, addr, i), s->changes + 1, pid, ns, addr, sym))
			return true;
	memset(sym, 0, sizeof(*sym));
	if (addr >> 63)
		kernel_name(s, addr, sym, &span);
	else
		lasting = user_symbol(s, pid, ns, addr, sym, &span);
	i = covers(&span, addr, PAGE) ? PAGE : covers(&span, addr, LINE) ? LINE : FEW;
	c = lasting ? slot_of(s, pid, addr, i) : NULL;
	if (c)
		*c = (struct hvt_resolved){ addr, addr >> 63 ? 0 : ns, span, s->changes + 1, pid,
					    *sym };
	return lasting;
}

void hvt_symbols_free(struct hvt_symbols *s)
{
	size_t i;

	hvt_ksyms_free(&s->ksyms);
	hvt_tasks_free(s->tasks);
	hvt_objects_free(s->objects);
	free(s->kernel_label);
	for (i = 0; i < HVT_RESOLVED / HVT_RESOLVED_BLOCK; i++)
		free(s->resolved[i]);
}
