// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arming: check what the user asks for, give root mode all the memory the watch can
 * ever need, and have it translate and restrict the pages. Closing the fd undoes it.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "hv.h"

#define CHUNK_PAGES 512		/* translated per stop of the other CPUs */

struct hvt_armed {
	struct list_head node;	/* hvt_file.watches */
	struct hvt_watch w;
	struct mm_struct *mm;	/* a reference that keeps its top-level table */
	s32 pid;
	s32 owner;
	u64 npages, ntables;	/* what was supplied to root */
	struct hvt_call_range range; /* argument blocks, in the direct map */
	struct hvt_supply supply;
};

static u32 next_id = 1;
static u32 nwatches;

u32 hvt_watch_count(void)
{
	return nwatches;
}

static int check_range(const struct hvt_watch_add *a)
{
	u64 last = a->addr + a->len - 1;

	if (!a->access || a->access & ~(HVT_ACC_R | HVT_ACC_W | HVT_ACC_X))
		return -EINVAL;
	if (!a->len || a->len > HVT_WATCH_MAX || last < a->addr)
		return -EINVAL;
	if (a->pid < 0)
		return -EINVAL;
	if (a->pid)
		return last < TASK_SIZE_MAX ? 0 : -EINVAL;
	/* The top page would make the range's end wrap; nothing is mapped there. */
	if (a->addr < PAGE_OFFSET && a->addr < (u64)-(1ll << 47))
		return -EINVAL;
	return last < (u64)-PAGE_SIZE ? 0 : -EINVAL;
}

static int get_memory(struct hvt_armed *w, s32 pid)
{
	struct task_struct *task;
	struct mm_struct *mm;
	struct pid *id;
	u32 i;

	if (!pid) {
		/* Any CPU's root top level has the kernel half and never changes. */
		for (i = 0; i < hvt_m.ncpu; i++) {
			if (hvt_m.vcpu[i]) {
				w->w.root_gpa = hvt_m.vcpu[i]->host_cr3;
				return 0;
			}
		}
		return -ENODEV;
	}
	id = find_get_pid(pid);
	task = get_pid_task(id, PIDTYPE_PID);
	put_pid(id);
	if (!task)
		return -ESRCH;
	mm = get_task_mm(task);
	put_task_struct(task);
	if (!mm)
		return -EINVAL;
	mmgrab(mm);
	mmput(mm);
	w->mm = mm;
	w->w.root_gpa = __pa(mm->pgd);
	return 0;
}

static u64 regions(const struct hvt_watch *w, u32 level)
{
	u32 shift = 12 + 9 * level;
	u64 first = w->first_page << 12, last = first + ((u64)w->npages << 12) - 1;

	return (last >> shift) - (first >> shift) + 1;
}

static int alloc_refs(struct hvt_watch *w)
{
	u32 level, i, n = 0;

	for (level = 1; level <= w->levels; level++) {
		w->guard_base[level] = n;
		n += regions(w, level);
	}
	w->nguards = n;
	w->data = kcalloc(w->npages, sizeof(*w->data), GFP_KERNEL);
	w->guard = kcalloc(n, sizeof(*w->guard), GFP_KERNEL);
	if (!w->data || !w->guard)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		w->guard[i].watch = w;
	for (i = 0; i < w->npages; i++) {
		struct hvt_ref *r = &w->data[i];
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
 * Worst case: each page and guard in a 2 MiB region, 1 GiB region and 512 GiB
 * region of its own, as far as there are that many.
 */
static int alloc_supply(struct hvt_armed *w)
{
	u64 n = w->w.npages + w->w.nguards, phys = 1ull << hvt_m.maxphyaddr, i;
	struct hvt_supply *s = &w->supply;

	w->npages = n;
	w->ntables = min(n, phys >> 21) + min(n, phys >> 30) + min(n, (phys >> 39) + 1);
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
static u64 call(u64 nr, void *arg)
{
	u64 rc = ~0ull;

	preempt_disable();
	if (hvt_m.vcpu[smp_processor_id()] && hvt_m.vcpu[smp_processor_id()]->launched)
		rc = hvt_call(nr, (u64)arg);
	preempt_enable();
	return rc;
}

static void disarm(struct hvt_armed *w)
{
	call(HVT_CALL_UNLINK, &w->w);
	w->supply = (struct hvt_supply){ .npages = w->npages, .ntables = w->ntables };
	call(HVT_CALL_RECLAIM, &w->supply);
	free_supply(&w->supply);
}

static void free_watch(struct hvt_armed *w)
{
	if (w->mm)
		mmdrop(w->mm);
	kfree(w->w.data);
	kfree(w->w.guard);
	kfree(w);
}

static int arm(struct hvt_armed *w)
{
	u64 va = w->w.first_page << 12, end = va + ((u64)w->w.npages << 12);

	if (call(HVT_CALL_SUPPLY, &w->supply)) {
		free_supply(&w->supply);
		return -ENODEV;
	}
	for (; va < end; va = w->range.va_end) {
		w->range.watch = &w->w;
		w->range.va = va;
		w->range.va_end = min(end, va + CHUNK_PAGES * PAGE_SIZE);
		if (call(HVT_CALL_LINK, &w->range)) {
			disarm(w);
			return -EIO;
		}
		cond_resched();
	}
	if (!w->pid && w->w.mapped != w->w.npages) {
		disarm(w);
		return -EFAULT;
	}
	WRITE_ONCE(w->w.linked, true);
	return 0;
}

/*
 * -EINVAL bad range or access, -ESRCH no such process, -EFAULT kernel address not
 * mapped, -ENODEV not attached, -ENOMEM, -EBADFD no rings.
 */
int hvt_watch_add(struct hvt_file *f, struct hvt_watch_add *a)
{
	struct hvt_armed *w;
	int rc = check_range(a);

	if (rc)
		return rc;
	if (f->session < 0)
		return -EBADFD;
	if (!hvt_cpus_attached())
		return -ENODEV;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->pid = a->pid;
	w->owner = f->owner;
	w->w.id = next_id;
	w->w.access = a->access;
	w->w.session = f->session;
	w->w.levels = hvt_m.levels;
	w->w.va = a->addr;
	w->w.len = a->len;
	w->w.first_page = a->addr >> 12;
	w->w.npages = ((a->addr + a->len - 1) >> 12) - w->w.first_page + 1;
	rc = get_memory(w, a->pid);
	if (!rc)
		rc = alloc_refs(&w->w);
	if (!rc)
		rc = alloc_supply(w);
	if (!rc)
		rc = arm(w);
	if (rc) {
		free_watch(w);
		return rc;
	}
	next_id++;
	nwatches++;
	list_add_tail(&w->node, &f->watches);
	a->id = w->w.id;
	a->pages_mapped = w->w.mapped;
	return 0;
}

static void remove_watch(struct hvt_armed *w)
{
	list_del(&w->node);
	nwatches--;
	disarm(w);
	free_watch(w);
}

int hvt_watch_del(struct hvt_file *f, u32 id)
{
	struct hvt_armed *w;

	list_for_each_entry(w, &f->watches, node) {
		if (w->w.id == id) {
			remove_watch(w);
			return 0;
		}
	}
	return -ENOENT;
}

void hvt_watch_del_all(struct hvt_file *f)
{
	struct hvt_armed *w, *next;

	list_for_each_entry_safe(w, next, &f->watches, node)
		remove_watch(w);
}

/* The @index-th watch of the machine, over all fds. */
int hvt_watch_info(struct hvt_watch_info *info)
{
	u32 left = info->index;
	struct hvt_armed *w;
	struct hvt_file *f;

	list_for_each_entry(f, &hvt_files, node) {
		list_for_each_entry(w, &f->watches, node) {
			if (left--)
				continue;
			info->id = w->w.id;
			info->access = w->w.access;
			info->pid = w->pid;
			info->owner = w->owner;
			info->addr = w->w.va;
			info->len = w->w.len;
			info->pages_mapped = READ_ONCE(w->w.mapped);
			info->hits = READ_ONCE(w->w.hits);
			info->near = READ_ONCE(w->w.near);
			info->remaps = READ_ONCE(w->w.remaps);
			return 0;
		}
	}
	return -ENOENT;
}
