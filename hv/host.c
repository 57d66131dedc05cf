// SPDX-License-Identifier: GPL-2.0-only
/*
 * What root mode stands on, per CPU: stacks, GDT, IDT, TSS, page-table root, VMX
 * regions, and the memory that steps use. All of it from the direct map.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/smp.h>
#include "hv.h"

#define STACK_ORDER 2

extern const u8 hvt_root_vectors[], hvt_root_nmi[], hvt_root_mc[];

enum { IST_NONE, IST_NMI, IST_DF, IST_MC };

static void set_gate(gate_desc *g, const u8 *fn, int ist)
{
	unsigned long a = (unsigned long)fn;

	memset(g, 0, sizeof(*g));
	g->offset_low = a;
	g->offset_middle = a >> 16;
	g->offset_high = a >> 32;
	g->segment = __KERNEL_CS;
	g->bits.ist = ist;
	g->bits.type = 14; /* interrupt gate */
	g->bits.p = 1;
}

static void *page(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL);
}

/*
 * Host CR3: Linux may be on any process's page tables at launch, so root gets a
 * top level of its own that shares the kernel half, whose entries never change.
 */
static u64 *kernel_half(void)
{
	u64 *top = page(), *now = __va(__read_cr3() & GENMASK_ULL(51, 12));

	if (top)
		memcpy(top + 256, now + 256, PAGE_SIZE / 2);
	return top;
}

static int build_tables(struct hvt_vcpu *v, u8 *base)
{
	struct desc_ptr gdt;
	int i;

	/* One page: GDT (16 entries), then the TSS; the IDT has its own. */
	asm("sgdt %0" : "=m"(gdt));
	memcpy(base, (void *)gdt.address, GDT_SIZE);
	v->gdt = (void *)base;
	v->tss = (void *)(base + 512);
	v->tss->io_bitmap_base = 0xffff;
	for (i = 0; i < 3; i++) {
		u8 *stack = page();

		if (!stack)
			return -ENOMEM;
		v->tss->ist[i] = (u64)(stack + PAGE_SIZE);
	}
	v->idt = page();
	if (!v->idt)
		return -ENOMEM;
	for (i = 0; i < 32; i++)
		set_gate(&v->idt[i], hvt_root_vectors + 16 * i, i == 8 ? IST_DF : IST_NONE);
	set_gate(&v->idt[2], hvt_root_nmi, IST_NMI);
	set_gate(&v->idt[18], hvt_root_mc, IST_MC);
	return 0;
}

static int alloc_step(struct hvt_vcpu *v)
{
	int i;

	for (i = 0; i < HVT_STEP_TABLES; i++)
		if (!(v->step_table[i] = page()))
			return -ENOMEM;
	for (i = 0; i < HVT_STEP_PAGES; i++)
		if (!(v->snap[i] = page()))
			return -ENOMEM;
	for (i = 0; i < HVT_LAZY_TABLES; i++)
		if (!(v->lazy_table[i] = page()))
			return -ENOMEM;
	v->tr.len = kcalloc(HVT_LEN_CACHE, sizeof(*v->tr.len), GFP_KERNEL);
	v->form = kcalloc(HVT_FORM_CACHE, sizeof(*v->form), GFP_KERNEL);
	v->arena = kzalloc(HVT_ARENA, GFP_KERNEL);
	v->record = kzalloc(HVT_RECORD, GFP_KERNEL);
	for (i = 0; i < HVT_RUNS; i++) {
		v->run[i].old = kzalloc(2 * HVT_VALUE_MAX, GFP_KERNEL);
		if (!v->run[i].old)
			return -ENOMEM;
		v->run[i].new = v->run[i].old + HVT_VALUE_MAX;
	}
	v->eptp_step = __pa(v->step_table[0]) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	v->eptp_lazy = __pa(v->lazy_table[0]) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	return v->arena && v->record && v->tr.len && v->form ? 0 : -ENOMEM;
}

static u64 region(u32 revision)
{
	u32 *p = page();

	if (!p)
		return 0;
	*p = revision;
	return __pa(p);
}

static void free_region(u64 pa)
{
	if (pa)
		free_page((unsigned long)__va(pa));
}

struct hvt_vcpu *hvt_vcpu_alloc(u32 cpu, const struct hvt_vmx_config *c)
{
	struct hvt_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL);
	u64 *top;
	u8 *tables;

	if (!v)
		return NULL;
	v->self = v;
	v->cpu = cpu;
	v->apic_id = per_cpu(x86_cpu_to_apicid, cpu);
	v->gdt_rw = get_cpu_gdt_rw(cpu);
	v->kpti = boot_cpu_has(X86_FEATURE_PTI);
	v->stack_top = __get_free_pages(GFP_KERNEL, STACK_ORDER);
	top = kernel_half();
	tables = page();
	v->vmxon_pa = region(vmx_basic_vmcs_revision_id(c->basic));
	v->vmcs_pa = region(vmx_basic_vmcs_revision_id(c->basic));
	v->msr_bitmap_pa = region(0);
	v->host_cr3 = top ? __pa(top) : 0;
	if (v->stack_top)
		v->stack_top += PAGE_SIZE << STACK_ORDER;
	if (tables)
		v->gdt = (void *)tables;
	if (v->stack_top && top && tables && v->vmxon_pa && v->vmcs_pa && v->msr_bitmap_pa &&
	    !build_tables(v, tables) && !alloc_step(v))
		return v;
	hvt_vcpu_free(v);
	return NULL;
}

void hvt_vcpu_free(struct hvt_vcpu *v)
{
	int i;

	if (!v)
		return;
	for (i = 0; i < HVT_RUNS; i++)
		kfree(v->run[i].old);
	kfree(v->record);
	kfree(v->arena);
	kfree(v->tr.len);
	kfree(v->form);
	for (i = 0; i < HVT_LAZY_TABLES; i++)
		free_page((unsigned long)v->lazy_table[i]);
	for (i = 0; i < HVT_STEP_PAGES; i++)
		free_page((unsigned long)v->snap[i]);
	for (i = 0; i < HVT_STEP_TABLES; i++)
		free_page((unsigned long)v->step_table[i]);
	for (i = 0; v->tss && i < 3; i++)
		if (v->tss->ist[i])
			free_page(v->tss->ist[i] - PAGE_SIZE);
	free_page((unsigned long)v->idt);
	free_page((unsigned long)v->gdt);
	free_region(v->host_cr3);
	free_region(v->msr_bitmap_pa);
	free_region(v->vmcs_pa);
	free_region(v->vmxon_pa);
	if (v->stack_top)
		free_pages(v->stack_top - (PAGE_SIZE << STACK_ORDER), STACK_ORDER);
	kfree(v);
}
