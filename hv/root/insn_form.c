// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forms, pure: see insn.h. The decoder notes each operand that is a sum of registers and a constant.
 * An instruction has a form when it has noted all of its operands, and nothing else that was
 * looked at for it depends on registers, which `plain` says.
 */
#include "insn_dec.h"

static struct hvt_form_op *note(struct dec *d)
{
	u32 n = d->form->nops++;

	return n < HVT_FORM_OPS ? &d->form->op[n] : NULL;
}

/* The operand that is added next is the ModRM one. */
void hvt_dec_note_ea(struct dec *d)
{
	struct hvt_form_op *o = note(d);

	if (!o)
		return;
	o->disp = d->disp;
	o->base = d->base;
	o->index = d->index;
	o->scale = d->scale;
	o->seg = d->seg == 0x64 || d->seg == 0x65 ? d->seg : 0;
}

/* ... is on the stack, so far from RSP. */
void hvt_dec_note_stack(struct dec *d, u64 disp)
{
	struct hvt_form_op *o = note(d);

	if (!o)
		return;
	o->disp = disp;
	o->base = 4;
	o->index = HVT_NO_REG;
	o->scale = o->seg = 0;
}

/* All operands are added. */
void hvt_dec_note_end(struct dec *d)
{
	const struct hvt_insn *insn = d->out;
	struct hvt_form *f = d->form;
	u32 i;

	if (!d->plain || d->bad || d->cx->bits != 64 || d->asz != 8 || f->nops != insn->nops ||
	    f->nops > HVT_FORM_OPS)
		return;
	f->len = insn->len;
	f->imm = insn->imm;
	for (i = 0; i < f->nops; i++) {
		f->op[i].size = insn->op[i].size;
		f->op[i].access = insn->op[i].access;
		f->op[i].value = insn->op[i].value;
		f->op[i].reg = insn->op[i].reg;
	}
}

bool hvt_form_seg(const struct hvt_form *f)
{
	return (f->nops && f->op[0].seg) || (f->nops > 1 && f->op[1].seg);
}

static u64 address(const struct hvt_form_op *o, const struct hvt_insn_ctx *cx)
{
	u64 addr = o->disp;

	if (o->base != HVT_NO_REG)
		addr += cx->gpr[o->base];
	if (o->index != HVT_NO_REG)
		addr += cx->gpr[o->index] << o->scale;
	if (o->seg)
		addr += o->seg == 0x64 ? cx->fs_base : cx->gs_base;
	return addr;
}

bool hvt_form_apply(const struct hvt_form *f, const struct hvt_insn_ctx *cx, struct hvt_insn *out)
{
	bool known = true;
	u32 i;

	out->len = f->len;
	out->nops = f->nops;
	out->mask = HVT_MASK_NONE;
	out->rep = false;
	out->imm = f->imm;
	for (i = 0; i < f->nops; i++) {
		const struct hvt_form_op *o = &f->op[i];
		struct hvt_insn_op *to = &out->op[i];

		to->addr = address(o, cx);
		to->size = o->size;
		to->access = o->access;
		to->lane = 0;
		to->value = o->value;
		to->reg = o->reg;
		known &= hvt_dec_canonical(to->addr, to->size);
	}
	return known;
}
