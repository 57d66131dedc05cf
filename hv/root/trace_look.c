// SPDX-License-Identifier: GPL-2.0-only
/*
 * The next instruction of a traced thread, before it runs: its bytes as they will be
 * fetched, its length, and what the options want from before it.
 */
#include <asm/current.h>
#include <asm/page.h>
#include "root_fn.h"
#include "window.h"

void hvt_trace_where(struct hvt_vcpu *v)
{
	struct hvt_trace_insn *x = &v->tr.insn;
	u32 cs = vmcs_read32(GUEST_CS_AR_BYTES);

	x->ip = x->rip = vmcs_readl(GUEST_RIP);
	x->rsp = vmcs_readl(GUEST_RSP);
	x->flags = 0;
	if (!(cs & VMX_AR_L_MASK)) {
		x->ip += vmcs_readl(GUEST_CS_BASE);
		x->flags = cs & VMX_AR_DB_MASK ? HVT_RF_CODE32 : HVT_RF_CODE16;
	}
	if (VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)) == 3)
		x->flags |= HVT_RF_USER;
}

/*
 * User code in one page is translated once: its tables can change under it only by an
 * interrupt that tells this CPU, and that ends the stepping in between.
 */
static u32 fetch(struct hvt_tracer *tr, struct hvt_trace_insn *x)
{
	u64 off = x->ip & ~PAGE_MASK, cr3 = vmcs_readl(GUEST_CR3);

	if (off > PAGE_SIZE - 16 || !(x->flags & HVT_RF_USER))
		return hvt_fetch(cr3, x->ip, x->insn);
	if (tr->page_gpa == HVT_GPA_NONE || tr->page_va != x->ip - off) {
		tr->page_va = x->ip - off;
		tr->page_gpa = hvt_translate(cr3, tr->page_va);
	}
	if (tr->page_gpa == HVT_GPA_NONE || !hvt_read_phys(x->insn, tr->page_gpa + off, 8) ||
	    !hvt_read_phys(x->insn + 8, tr->page_gpa + off + 8, 8))
		return 0;
	return HVT_INSN_MAX;
}

static u32 bits_of(const struct hvt_trace_insn *x)
{
	return x->flags & HVT_RF_CODE16 ? 16 : x->flags & HVT_RF_CODE32 ? 32 : 64;
}

/* The length follows from the bytes alone: what was decoded before is remembered. */
static u8 length(struct hvt_vcpu *v, struct hvt_trace_insn *x)
{
	hvt_word *w = (hvt_word *)x->insn;
	u64 lo, hi;
	struct hvt_len *l;

	x->insn[15] = bits_of(x);
	lo = w[0];
	hi = w[1];
	l = &v->tr.len[((lo ^ hi << 7) * 0x9e3779b97f4a7c15ull) >> 55];
	if (l->lo != lo || l->hi != hi) {
		hvt_decode_at(v, x->ip, x->flags, v->regs.gpr, x->insn, x->got, &x->dec);
		l->lo = lo;
		l->hi = hi;
		l->len = x->dec.len;
	}
	return l->len;
}

/* Where the operands are, and what they hold. */
static void operands(struct hvt_vcpu *v, struct hvt_trace_insn *x)
{
	u32 i, n;

	x->mem_exact = hvt_decode_at(v, x->ip, x->flags, x->gpr, x->insn, x->got, &x->dec);
	for (i = 0; x->mem_exact && i < x->dec.nops; i++) {
		n = x->dec.op[i].size < HVT_MEM_MAX ? x->dec.op[i].size : HVT_MEM_MAX;
		x->old_len[i] = hvt_guest_read_ram(x->dec.op[i].addr, x->old[i], n) ? n : 0;
	}
}

/* hvt_trace_where() was before it. */
void hvt_trace_look(struct hvt_vcpu *v)
{
	struct hvt_tracer *tr = &v->tr;
	struct hvt_trace_insn *x = &tr->insn;
	struct hvt_thread *t = tr->thread;
	u32 flags;

	static_assert(HVT_LEN_CACHE == 1 << (64 - 55));
	tr->ready = true;
	x->wanted = t && hvt_window_wants(t, x->ip, x->flags & HVT_RF_USER);
	/* In the kernel only for those who asked for it, and not what unwanted code has it do. */
	if (t && (x->flags & HVT_RF_USER))
		t->unwanted = t->window == HVT_WINDOW_OPEN && !x->wanted;
	else if (x->wanted && (t->unwanted || !hvt_trace_records_kernel(t)))
		x->wanted = false;
	hvt_zero(x->insn, sizeof(x->insn));
	x->got = fetch(tr, x);
	if (!x->got)
		x->flags |= HVT_RF_NOINSN;
	x->len = x->got ? length(v, x) : 0;
	x->insn[15] = 0;
	if (!x->wanted || !(t->trace->flags & (HVT_TRACE_REGS | HVT_TRACE_MEM)))
		return;
	flags = t->trace->flags;
	hvt_copy(x->gpr, v->regs.gpr, sizeof(x->gpr));
	x->gpr[4] = x->rsp;
	x->rflags = vmcs_readl(GUEST_RFLAGS);
	if (flags & HVT_TRACE_MEM)
		operands(v, x);
}
