// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings of one open fd: allocated page by page, mapped by the consumer; HEAD and
 * DATA can never become writable there.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "hv.h"

#define MEMORY_DEFAULT (256u << 20)	/* of all rings of a session */
#define SLOTS_DEFAULT_MAX (1u << 18)	/* 16 MiB for each CPU */
#define SLOTS_MIN     512u
#define SLOTS_MAX     (1u << 22)

static u32 ring_pages(const struct hvt_ring *r)
{
	return r->slots / (PAGE_SIZE / HVT_SLOT);
}

static void free_ring(struct hvt_ring *r)
{
	u32 i;

	free_page((unsigned long)r->head);
	free_page((unsigned long)r->tail);
	for (i = 0; r->page && i < ring_pages(r); i++)
		free_page((unsigned long)r->page[i]);
	kfree(r->page);
}

static int alloc_ring(struct hvt_ring *r, u32 slots)
{
	u32 i;

	r->slots = slots;
	r->head = (void *)get_zeroed_page(GFP_KERNEL);
	r->tail = (void *)get_zeroed_page(GFP_KERNEL);
	r->page = kcalloc(ring_pages(r), sizeof(*r->page), GFP_KERNEL);
	if (!r->head || !r->tail || !r->page)
		return -ENOMEM;
	for (i = 0; i < ring_pages(r); i++) {
		r->page[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!r->page[i])
			return -ENOMEM;
	}
	return 0;
}

static void free_rings(struct hvt_ring *ring)
{
	u32 i;

	for (i = 0; ring && i < nr_cpu_ids; i++)
		free_ring(&ring[i]);
	kfree(ring);
}

static u32 default_slots(void)
{
	u32 slots = rounddown_pow_of_two(MEMORY_DEFAULT / HVT_SLOT / num_possible_cpus());

	return clamp_t(u32, slots, SLOTS_MIN, SLOTS_DEFAULT_MAX);
}

/* Rings of *@slots (0: the default, filled in) for every possible CPU. -EBUSY: has some already, or too many sessions. */
int hvt_session_create(struct hvt_file *f, u32 *slots, u32 flags)
{
	struct hvt_ring *ring;
	unsigned int cpu;
	int i;

	if (!*slots)
		*slots = default_slots();
	if (*slots < SLOTS_MIN || *slots > SLOTS_MAX || !is_power_of_2(*slots))
		return -EINVAL;
	for (i = 0; i < HVT_SESSIONS; i++)
		if (!hvt_m.session[i].ring)
			break;
	if (f->session >= 0 || i == HVT_SESSIONS)
		return -EBUSY;
	ring = kcalloc(nr_cpu_ids, sizeof(*ring), GFP_KERNEL);
	if (!ring)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		if (alloc_ring(&ring[cpu], *slots)) {
			free_rings(ring);
			return -ENOMEM;
		}
	}
	hvt_m.session[i].ring = ring;
	hvt_m.session[i].ignored = flags & HVT_RINGS_NOT_MINE ? f->owner : 0;
	f->session = i;
	return 0;
}

/* No watch of the session is armed any more. */
void hvt_session_destroy(struct hvt_file *f)
{
	if (f->session < 0)
		return;
	free_rings(hvt_m.session[f->session].ring);
	hvt_m.session[f->session].ring = NULL;
	f->session = -1;
}

bool hvt_session_has_data(const struct hvt_file *f)
{
	unsigned int cpu;

	if (f->session < 0)
		return false;
	for_each_possible_cpu(cpu) {
		struct hvt_ring *r = &hvt_m.session[f->session].ring[cpu];

		if (READ_ONCE(r->head->head) != READ_ONCE(r->tail->tail))
			return true;
	}
	return false;
}

static int refuse_write(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			unsigned long newflags)
{
	return newflags & VM_WRITE ? -EACCES : 0;
}

static const struct vm_operations_struct read_only_ops = { .mprotect = refuse_write };

int hvt_session_mmap(struct hvt_file *f, struct vm_area_struct *vma)
{
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT, part = off % HVT_MMAP_STRIDE;
	u64 cpu = off / HVT_MMAP_STRIDE, len = vma->vm_end - vma->vm_start;
	struct hvt_ring *r;
	struct page **pages;
	u32 i, n;
	int rc;

	if (f->session < 0 || cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -ENXIO;
	r = &hvt_m.session[f->session].ring[cpu];
	if (part == HVT_MMAP_TAIL(0ull))
		return len == PAGE_SIZE ? vm_insert_page(vma, vma->vm_start, virt_to_page(r->tail))
					: -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vma->vm_ops = &read_only_ops;
	if (part == HVT_MMAP_HEAD(0ull))
		return len == PAGE_SIZE ? vm_insert_page(vma, vma->vm_start, virt_to_page(r->head))
					: -EINVAL;
	n = ring_pages(r);
	if (part != HVT_MMAP_DATA(0ull) || len != (u64)n * PAGE_SIZE)
		return -EINVAL;
	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		pages[i] = virt_to_page(r->page[i]);
	vma->vm_pgoff = 0; /* vm_map_pages() takes it as an index into pages[] */
	rc = vm_map_pages(vma, pages, n);
	kvfree(pages);
	return rc;
}
