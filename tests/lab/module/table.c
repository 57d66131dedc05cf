// SPDX-License-Identifier: GPL-2.0-only
/*
 * table.c: what tests/lab/table needs of the kernel. Instructions that only it may
 * execute, each once on bytes of a page of its own, on CPU 0; and where the structures
 * lie that a CPU reads by itself. /proc/hvt_table, written: "reset" fills the page, "run"
 * executes, "walk ADDRESS" finds the page table of the caller's ADDRESS; read: what is
 * where, and the accesses to expect, in the manner of tests/lab/programs/table.h.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/desc.h>
#include <asm/special_insns.h>

#define CELL 64

struct table {
	u16 limit;
	u64 base;
} __packed;

static u8 *page, before[PAGE_SIZE], after[PAGE_SIZE];
static struct table gdt, idt;
static u64 tss, page_table;

#define CASES(do)                                                                              \
	do(0, lgdt, "lgdt (%0)", 0, 10, false)                                                 \
	do(1, lidt, "lidt (%0)", 0, 10, false)                                                 \
	do(2, sgdt, "sgdt (%0)", 0, 10, true)                                                  \
	do(3, sidt, "sidt 3(%0)", 3, 10, true)                                                 \
	do(4, lldt, "lldt (%0)", 0, 2, false)                                                  \
	do(5, sldt, "sldt (%0)", 0, 2, true)                                                   \
	do(6, str, "str (%0)", 0, 2, true)                                                     \
	do(7, smsw, "smsw (%0)", 0, 2, true)                                                   \
	do(8, invpcid, "invpcid (%0), %1", 0, 16, false)                                       \
	do(9, invlpg, "invlpg (%0)", 0, 0, false)

#define DECLARE(n, id, insn, off, size, write) extern const u8 hvt_##id[], hvt_end_##id[];
CASES(DECLARE)

static const struct {
	const char *name;
	const u8 *lo, *hi;
	u32 off, size;			/* size 0: no access */
	bool write;
} cases[] = {
#define ROW(n, id, insn, off, size, write)                                                     \
	{ #id, hvt_##id, hvt_end_##id, off, size, write },
	CASES(ROW)
};

static void look(void *unused)
{
	const struct ldttss_desc *d;
	u16 tr;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("str %0" : "=r"(tr));
	d = (void *)(gdt.base + (tr & ~7));
	tss = d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 | (u64)d->base3 << 32;
}

static void reset(void)
{
	u32 i;

	for (i = 0; i < PAGE_SIZE; i++)
		page[i] = i * 7 + (i >> 8) + 1;
	memcpy(page + 0 * CELL, &gdt, sizeof(gdt));
	memcpy(page + 1 * CELL, &idt, sizeof(idt));
	memset(page + 4 * CELL, 0, 2);	/* no LDT */
	memset(page + 8 * CELL, 0, 16);
	memcpy(before, page, PAGE_SIZE);
}

/* INVPCID's type 2: all translations. */
static __noclone noinline void run(void *unused)
{
#define EXECUTE(n, id, insn, off, size, write)                                                 \
	asm volatile("hvt_" #id ": " insn "\nhvt_end_" #id ":"                                 \
		     : : "r"(page + (n) * CELL), "r"(2ul) : "memory");
	CASES(EXECUTE)
}

/* The last level of the caller's page tables for @va, as the kernel sees it. */
static u64 table_of(unsigned long va)
{
	pgd_t *pgd = pgd_offset(current->mm, va);
	p4d_t *p4d = p4d_offset(pgd, va);
	pud_t *pud;
	pmd_t *pmd;

	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return 0;
	pud = pud_offset(p4d, va);
	if (pud_none(*pud) || pud_bad(*pud))
		return 0;
	pmd = pmd_offset(pud, va);
	if (pmd_none(*pmd) || pmd_bad(*pmd))
		return 0;
	return pmd_page_vaddr(*pmd);
}

static ssize_t table_write(struct file *file, const char __user *from, size_t n, loff_t *off)
{
	char word[32] = "";
	unsigned long va;

	if (n >= sizeof(word) || copy_from_user(word, from, n))
		return -EINVAL;
	if (sscanf(word, "walk %lx", &va) == 1)
		page_table = table_of(va);
	else if (!strncmp(word, "reset", 5))
		reset();
	else if (!strncmp(word, "run", 3))
		return smp_call_function_single(0, run, NULL, 1) ?: n;
	else
		return -EINVAL;
	return n;
}

/* Bytes of the case's cell that it should have left alone. */
static bool changed(u32 n)
{
	u32 i, lo = cases[n].off, hi = cases[n].write ? lo + cases[n].size : lo;

	for (i = 0; i < CELL; i++)
		if ((i < lo || i >= hi) && before[n * CELL + i] != after[n * CELL + i])
			return true;
	return false;
}

static int show(struct seq_file *m, void *unused)
{
	u32 i;

	seq_printf(m, "{\"page\":%lu,\"gdt\":%llu,\"idt\":%llu,\"tss\":%llu,\"page_table\":%llu}\n",
		   (unsigned long)page, gdt.base, idt.base, tss, page_table);
	memcpy(after, page, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 at = i * CELL + cases[i].off;

		seq_printf(m, "{\"case\":\"%s\",\"how\":\"list\",\"user\":false,\"lo\":%lu,\"hi\":%lu,",
			   cases[i].name, (unsigned long)page + i * CELL,
			   (unsigned long)page + (i + 1) * CELL);
		seq_printf(m, "\"code\":[%lu,%lu],\"expect\":[", (unsigned long)cases[i].lo,
			   (unsigned long)cases[i].hi);
		if (cases[i].size)
			seq_printf(m, "{\"step\":0,\"may\":false,\"addr\":%lu,\"size\":%u,"
				   "\"access\":\"%s\",\"old\":\"%*phN\",\"new\":\"%*phN\"}",
				   (unsigned long)page + at, cases[i].size,
				   cases[i].write ? "write" : "read", cases[i].size, before + at,
				   cases[i].size, after + at);
		seq_printf(m, "],\"model\":%s,\"memory\":true,\"registers\":true}\n",
			   changed(i) ? "false" : "true");
	}
	return 0;
}

static int table_open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static const struct proc_ops ops = {
	.proc_open = table_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = table_write,
};

static int __init table_init(void)
{
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	smp_call_function_single(0, look, NULL, 1);
	reset();
	if (proc_create("hvt_table", 0600, NULL, &ops))
		return 0;
	free_page((unsigned long)page);
	return -ENOMEM;
}

static void __exit table_exit(void)
{
	remove_proc_entry("hvt_table", NULL);
	free_page((unsigned long)page);
}

module_init(table_init);
module_exit(table_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: instructions of the kernel, and what a CPU reads by itself");
