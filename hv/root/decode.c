// SPDX-License-Identifier: GPL-2.0-only
/*
 * From bytes and registers to operands, for steps of watches and for traces. Most instructions
 * that touch what is watched have done so before, and their forms (insn.h) are remembered, by
 * address and bytes: for this CPU alone, so without a lock. What bytes and registers mean is
 * decided in insn*.c; here is what those need of the VMCS, read when it is needed.
 */
#include "root_fn.h"

/* Segment bases are worth two VMREADs only where a prefix asks for one. */
static bool has_segment_prefix(const u8 *insn, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		switch (insn[i]) {
		case 0x64:
		case 0x65:
			return true;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x66:
		case 0x67:
		case 0xf0:
		case 0xf2:
		case 0xf3:
			break;
		default:
			return false;
		}
	}
	return false;
}

/* The bytes that there are, as two words that overlap: the key of what is remembered. */
static u64 word_at(const u8 *insn)
{
	return *(const hvt_word *)insn;
}

static struct hvt_form_known *remembered(struct hvt_vcpu *v, u64 ip)
{
	static_assert(HVT_FORM_CACHE == 1 << (64 - 56));
	return &v->form[ip * 0x9e3779b97f4a7c15ull >> 56];
}

static bool same(const struct hvt_form_known *k, u64 ip, const u8 *insn)
{
	return k->ip == ip && k->lo == word_at(insn) && k->hi == word_at(insn + HVT_INSN_MAX - 8) &&
	       k->form.len;
}

static void bases(struct hvt_insn_ctx *cx)
{
	cx->fs_base = vmcs_readl(GUEST_FS_BASE);
	cx->gs_base = vmcs_readl(GUEST_GS_BASE);
}

static void tables(struct hvt_insn_ctx *cx)
{
	cx->tables = true;
	cx->gdt_base = vmcs_readl(GUEST_GDTR_BASE);
	cx->gdt_limit = vmcs_read32(GUEST_GDTR_LIMIT);
	cx->ldt_base = vmcs_readl(GUEST_LDTR_BASE);
	cx->ldt_limit = 0;
	if (!(vmcs_read32(GUEST_LDTR_AR_BYTES) & VMX_AR_UNUSABLE_MASK))
		cx->ldt_limit = vmcs_read32(GUEST_LDTR_LIMIT);
}

/*
 * Decode @got bytes at linear @ip, with the registers as they are before it; @flags as a
 * record's. True when all operands are known, as of hvt_insn_decode().
 */
bool hvt_decode_at(struct hvt_vcpu *v, u64 ip, u16 flags, const u64 *gpr, const u8 *insn,
		   u32 got, struct hvt_insn *out)
{
	struct hvt_form_known *k = NULL;
	struct hvt_insn_ctx cx; /* no initializer: of most of it a form has no need */
	struct hvt_form form;
	bool known;

	cx.gpr = gpr;
	if (got == HVT_INSN_MAX && !(flags & (HVT_RF_CODE16 | HVT_RF_CODE32))) {
		k = remembered(v, ip);
		if (same(k, ip, insn)) {
			if (hvt_form_seg(&k->form))
				bases(&cx);
			return hvt_form_apply(&k->form, &cx, out);
		}
	}
	cx.ip = ip;
	cx.bits = flags & HVT_RF_CODE16 ? 16 : flags & HVT_RF_CODE32 ? 32 : 64;
	cx.cpl = flags & HVT_RF_USER ? 3 : 0;
	cx.hidden_stack = false; /* CET and FRED machines are not attached */
	cx.tables = false;
	if (has_segment_prefix(insn, got))
		bases(&cx);
	if (hvt_insn_wants_tables(insn, got))
		tables(&cx);
	known = hvt_insn_decode_form(insn, got, &cx, out, &form);
	if (k && form.len) {
		k->ip = ip;
		k->lo = word_at(insn);
		k->hi = word_at(insn + HVT_INSN_MAX - 8);
		k->form = form;
	}
	return known;
}
