// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arming in one address space: all the memory that root can ever need for it is
 * allocated and given to root mode, which then translates and restricts the pages.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "arm.h"
#include "root/root_fn.h"

#define CHUNK_PAGES 512		/* translated per stop of the other CPUs */

static u64 regions(const struct hvt_watch *w, u32 level)
{
	u32 shift = 12 + 9 * level;
	u64 first = w->first_page << 12, last = first + ((u64)w->npages << 12) - 1;

	return (last >> shift) - (first >> shift) + 1;
}

static void free_chunks(struct hvt_ref **chunk, u32 n)
{
	u32 i;

	for (i = 0; chunk && i < DIV_ROUND_UP(n, HVT_REF_CHUNK); i++)
		kfree(chunk[i]);
	kfree(chunk);
}

/* In chunks, since root mode needs the direct map and a large watch has many. */
static struct hvt_ref **alloc_chunks(u32 n)
{
	u32 nchunks = DIV_ROUND_UP(n, HVT_REF_CHUNK), i;
	struct hvt_ref **chunk = kcalloc(nchunks + 1, sizeof(*chunk), GFP_KERNEL);

	for (i = 0; chunk && i < nchunks; i++) {
		chunk[i] = kcalloc(min_t(u32, n - i * HVT_REF_CHUNK, HVT_REF_CHUNK),
				   sizeof(**chunk), GFP_KERNEL);
		if (!chunk[i]) {
			free_chunks(chunk, n);
			return NULL;
		}
	}
	return chunk;
}

static int alloc_refs(struct hvt_watch *w)
{
	u32 level, i;

	w->nguards = 0;
	for (level = 1; level <= w->levels && !w->phys; level++) {
		w->guard_base[level] = w->nguards;
		w->nguards += regions(w, level);
	}
	w->data = alloc_chunks(w->npages);
	w->guard = alloc_chunks(w->nguards);
	if (!w->data || !w->guard)
		return -ENOMEM;
	for (i = 0; i < w->nguards; i++)
		hvt_guard_ref(w, i)->watch = w;
	for (i = 0; i < w->npages; i++) {
		struct hvt_ref *r = hvt_data_ref(w, i);
		u64 va = (w->first_page + i) << 12;

		r->watch = w;
		r->kind = HVT_REF_DATA;
		r->va = va;
		r->va_end = va + PAGE_SIZE;
		r->lo = i ? 0 : w->va & ~PAGE_MASK;
		r->hi = min_t(u64, w->va + w->len - va, PAGE_SIZE);
	}
	return 0;
}

static void free_supply(struct hvt_supply *s)
{
	while (s->pages) {
		struct hvt_page *p = s->pages;

		s->pages = p->next;
		kfree(p);
	}
	while (s->tables) {
		void *t = s->tables;

		s->tables = *(void **)t;
		free_page((unsigned long)t);
	}
}

/*
 * EPT tables that ARMED needs in the worst case: each watched page and each guard in a
 * 2 MiB region of its own, as far as there are that many (guards are in RAM), and those
 * again in 1 GiB and 512 GiB regions of their own.
 */
static u64 tables_for(u64 npages, u64 nguards)
{
	u64 phys = 1ull << hvt_m.maxphyaddr;
	u64 n = min(min(nguards, (hvt_m.phys_limit >> 21) + 1) + npages, phys >> 21);

	return n + min(n, phys >> 30) + min(n, (phys >> 39) + 1);
}

/* Of all that is armed, under hvt_lock. */
static u64 total_pages, total_guards;

static int alloc_supply(struct hvt_inst *w)
{
	struct hvt_supply *s = &w->supply;
	u64 i;

	w->npages = w->w.npages + w->w.nguards;
	w->ntables = tables_for(total_pages + w->w.npages, total_guards + w->w.nguards) -
		     tables_for(total_pages, total_guards);
	memset(s, 0, sizeof(*s));
	for (i = 0; i < w->npages; i++) {
		struct hvt_page *p = kzalloc(sizeof(*p), GFP_KERNEL);

		if (!p)
			goto fail;
		p->next = s->pages;
		s->pages = p;
	}
	for (i = 0; i < w->ntables; i++) {
		void **t = (void **)__get_free_page(GFP_KERNEL);

		if (!t)
			goto fail;
		*t = s->tables;
		s->tables = t;
	}
	return 0;
fail:
	free_supply(s);
	return -ENOMEM;
}

/* In guest context on any attached CPU. */
u64 hvt_call_root(u64 nr, void *arg)
{
	u64 rc = ~0ull;

	preempt_disable();
	if (hvt_m.vcpu[smp_processor_id()] && hvt_m.vcpu[smp_processor_id()]->launched)
		rc = hvt_call(nr, (u64)arg);
	preempt_enable();
	return rc;
}

/* For root mode nothing is watched any more; its memory is still with root. */
void hvt_inst_unlink(struct hvt_inst *i)
{
	/* Suspended, or broken: with nobody under VMX root's tables are Linux's to change. */
	if (hvt_call_root(HVT_CALL_UNLINK, &i->w) && !hvt_cpus_attached())
		hvt_unfollow(NULL, &i->w);
}

void hvt_inst_disarm(struct hvt_inst *i)
{
	u64 before = tables_for(total_pages, total_guards);

	hvt_check_broken(); /* if this CPU left alone, the others leave now */
	hvt_inst_unlink(i);
	total_pages -= i->w.npages;
	total_guards -= i->w.nguards;
	i->supply = (struct hvt_supply){
		.npages = i->npages,
		.ntables = before - tables_for(total_pages, total_guards),
	};
	if (hvt_call_root(HVT_CALL_RECLAIM, &i->supply) && !hvt_cpus_attached())
		hvt_take_back(&i->supply);
	free_supply(&i->supply);
}

void hvt_inst_free(struct hvt_inst *i)
{
	if (i->mm)
		mmdrop(i->mm);
	free_chunks(i->w.data, i->w.npages);
	free_chunks(i->w.guard, i->w.nguards);
	kfree(i);
}

/* Translate and restrict all of it. */
int hvt_inst_link(struct hvt_inst *i)
{
	u64 va = i->w.first_page << 12, end = va + ((u64)i->w.npages << 12);

	for (; va < end; va = i->range.va_end) {
		i->range.watch = &i->w;
		i->range.va = va;
		i->range.va_end = min(end, va + CHUNK_PAGES * PAGE_SIZE);
		if (hvt_call_root(HVT_CALL_LINK, &i->range))
			return -EIO;
		cond_resched();
	}
	WRITE_ONCE(i->w.linked, true);
	return 0;
}

static int arm(struct hvt_inst *i)
{
	int rc;

	if (hvt_call_root(HVT_CALL_SUPPLY, &i->supply)) {
		free_supply(&i->supply);
		return -ENODEV;
	}
	total_pages += i->w.npages;
	total_guards += i->w.nguards;
	rc = hvt_inst_link(i);
	if (rc) {
		hvt_inst_disarm(i);
		return rc;
	}
	if (!i->mm && i->w.mapped != i->w.npages) {
		hvt_inst_disarm(i);
		return -EFAULT;
	}
	return 0;
}

/* The kernel's: any CPU's root top level has that half and never changes. */
static u64 kernel_root(void)
{
	u32 i;

	for (i = 0; i < hvt_m.ncpu; i++)
		if (hvt_m.vcpu[i])
			return hvt_m.vcpu[i]->host_cr3;
	return 0;
}

/*
 * Arm what @like says (id, access, session, flags, range, filter) in @mm, or with NULL
 * in the kernel's space or in physical memory. NULL with *@rc: -ENOMEM, -ENODEV, -EIO,
 * -EFAULT: not all of it is mapped, which only a process's memory need not be.
 */
struct hvt_inst *hvt_inst_create(const struct hvt_watch *like, struct mm_struct *mm, int *rc)
{
	struct hvt_inst *i = kzalloc(sizeof(*i), GFP_KERNEL);

	*rc = -ENOMEM;
	if (!i)
		return NULL;
	i->w.id = like->id;
	i->w.access = like->access;
	i->w.session = like->session;
	i->w.phys = like->phys;
	i->w.process = mm;
	i->w.coalesce = like->coalesce;
	i->w.filter = like->filter;
	i->w.opens = like->opens;
	i->w.silent = like->silent;
	i->w.levels = hvt_m.levels;
	i->w.va = like->va;
	i->w.len = like->len;
	i->w.first_page = like->va >> 12;
	i->w.npages = ((like->va + like->len - 1) >> 12) - i->w.first_page + 1;
	i->w.root_gpa = mm ? __pa(mm->pgd) : kernel_root();
	if (mm) {
		mmgrab(mm);
		i->mm = mm;
	}
	*rc = alloc_refs(&i->w);
	if (!*rc)
		*rc = alloc_supply(i);
	if (!*rc)
		*rc = arm(i);
	if (*rc) {
		hvt_inst_free(i);
		return NULL;
	}
	return i;
}

/* Approximate while accesses go on. The caller's hvt_lock keeps root's pages in place. */
u64 hvt_inst_near(const struct hvt_inst *inst)
{
	u64 n = READ_ONCE(inst->w.near);
	u32 i;

	for (i = 0; i < inst->w.npages; i++)
		n += hvt_ref_near(hvt_data_ref(&inst->w, i));
	return n;
}
