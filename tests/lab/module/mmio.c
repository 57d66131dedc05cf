// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmio.c: uses device registers and pages of RAM in all the ways that a driver can, and says what
 * it did: /proc/hvt_mmio takes a command and gives the areas and the accesses, which are the truth
 * that a trace of them is compared with. What is done to an area is in mmio_use.c.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/stop_machine.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "mmio.h"

struct area areas[NR_AREAS] = {
	[HPET] = { .name = "hpet", .phys = 0xfed00000, .len = 0x400 },
	[IOAPIC] = { .name = "ioapic", .phys = 0xfec00000, .len = 0x400 },
	[BAR] = { .name = "bar", .len = 0x2000 },
	/* behind what the console shows */
	[VGA] = { .name = "vga", .phys = 0xa8000, .len = 0x1000 },
	[USER] = { .name = "user", .len = PAGE_SIZE },
	[PAGE] = { .name = "page", .len = PAGE_SIZE },
	[ALIAS] = { .name = "alias", .len = PAGE_SIZE },
};

static struct note {
	u64 phys, va;
	u32 size, cpu;
	char kind;
	const char *how;
	u8 old[16], new[16];
} notes[8192];
static atomic_t nr_notes;

static struct page *page, *user_page;

void note(const struct area *a, char kind, u32 off, u32 size, const void *old, const void *new,
	  const char *how)
{
	unsigned int n = atomic_inc_return(&nr_notes) - 1;
	struct note *t;

	if (n >= ARRAY_SIZE(notes))
		return;
	t = &notes[n];
	*t = (struct note){ .phys = a->phys + off, .va = (u64)a->va + off, .size = size,
			    .cpu = raw_smp_processor_id(), .kind = kind, .how = how };
	if (old)
		memcpy(t->old, old, size);
	memcpy(t->new, new, size);
}

static void unmap(void)
{
	int i;

	for (i = HPET; i <= VGA; i++) {
		if (areas[i].va)
			iounmap((void __iomem *)areas[i].va);
		areas[i].va = NULL;
	}
}

static int map(void)
{
	struct pci_dev *vga = pci_get_device(0x1234, 0x1111, NULL);
	int i;

	if (!vga)
		return -ENODEV;
	areas[BAR].phys = pci_resource_start(vga, 0);
	pci_dev_put(vga);
	unmap();
	for (i = HPET; i <= VGA; i++) {
		areas[i].va = (void __force *)ioremap(areas[i].phys, areas[i].len);
		if (!areas[i].va) {
			unmap();
			return -ENOMEM;
		}
	}
	return 0;
}

/* The page of the calling process at @addr, as the kernel's own mapping of all RAM has it. */
static int take_page(unsigned long addr)
{
	if (user_page)
		return -EBUSY;
	if (pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &user_page) != 1)
		return -EFAULT;
	areas[USER].va = page_address(user_page);
	areas[USER].phys = page_to_phys(user_page);
	return 0;
}

/* On one CPU after the other, while all others stand still: nobody else uses these devices. */
static int one_by_one(int (*use)(void *))
{
	int cpu, rc = 0;

	for_each_online_cpu(cpu)
		rc = rc ?: stop_machine(use, NULL, cpumask_of(cpu));
	return rc;
}

static int obey(char *command)
{
	unsigned long addr;

	if (!strcmp(command, "clear"))
		return atomic_set(&nr_notes, 0), 0;
	if (!strcmp(command, "map"))
		return map();
	if (!strcmp(command, "unmap")) {
		unmap();
		/* mmiotrace's own pages go behind a grace period: switched off before, it warns */
		rcu_barrier();
		return 0;
	}
	if (sscanf(command, "page %lx", &addr) == 1)
		return take_page(addr);
	if (!strcmp(command, "ram") && user_page)
		return use_ram(), 0;
	if (!areas[HPET].va)
		return -ENXIO;
	if (!strcmp(command, "play"))
		return one_by_one(use_devices);
	if (!strcmp(command, "more"))
		return one_by_one(use_devices_more);
	if (!strcmp(command, "together"))
		return on_each_cpu(use_together, NULL, 1), 0;
	return -EINVAL;
}

static ssize_t mmio_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char command[64];
	int rc;

	if (len >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, from, len))
		return -EFAULT;
	command[len] = '\0';
	rc = obey(strim(command));
	return rc ?: len;
}

static int mmio_show(struct seq_file *m, void *unused)
{
	unsigned int n = min_t(unsigned int, atomic_read(&nr_notes), ARRAY_SIZE(notes)), i;

	for (i = 0; i < NR_AREAS; i++)
		seq_printf(m, "area %s 0x%lx 0x%llx %u\n", areas[i].name,
			   (unsigned long)areas[i].va, areas[i].phys, areas[i].len);
	for (i = 0; i < n; i++) {
		const struct note *t = &notes[i];

		seq_printf(m, "access %u %c 0x%llx 0x%llx %u %*phN %*phN %s\n", t->cpu, t->kind,
			   t->phys, t->va, t->size, t->size, t->old, t->size, t->new, t->how);
	}
	return 0;
}

static int mmio_open(struct inode *inode, struct file *file)
{
	return single_open(file, mmio_show, NULL);
}

static const struct proc_ops mmio_ops = {
	.proc_open = mmio_open,
	.proc_read = seq_read,
	.proc_write = mmio_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init mmio_init(void)
{
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	areas[PAGE].va = page_address(page);
	areas[ALIAS].va = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	areas[PAGE].phys = areas[ALIAS].phys = page_to_phys(page);
	if (areas[ALIAS].va && proc_create("hvt_mmio", 0600, NULL, &mmio_ops))
		return 0;
	vunmap(areas[ALIAS].va);
	__free_page(page);
	return -ENOMEM;
}

static void __exit mmio_exit(void)
{
	remove_proc_entry("hvt_mmio", NULL);
	unmap();
	if (user_page)
		unpin_user_page(user_page);
	vunmap(areas[ALIAS].va);
	__free_page(page);
}

module_init(mmio_init);
module_exit(mmio_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: uses device registers and says what it did");
