// SPDX-License-Identifier: GPL-2.0-only
/* What an instruction of a stepped program reads and writes: see stepper.h. */
#include "stepper.h"

#include <string.h>
#include <sys/uio.h>

#include "internal.h"

size_t step_read(pid_t pid, uint64_t addr, void *to, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)(uintptr_t)addr, len };
	ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

	/* all or nothing: up to the end of its page when the next one is not there */
	if (n < 0 && addr % 4096 + len > 4096) {
		here.iov_len = there.iov_len = 4096 - addr % 4096;
		n = process_vm_readv(pid, &here, 1, &there, 1, 0);
	}
	return n < 0 ? 0 : (size_t)n;
}

void step_registers(const struct user_regs_struct *regs, uint64_t v[17])
{
	const uint64_t in_order[17] = { regs->rax, regs->rcx,	regs->rdx, regs->rbx, regs->rsp,
					regs->rbp, regs->rsi,	regs->rdi, regs->r8,  regs->r9,
					regs->r10, regs->r11,	regs->r12, regs->r13, regs->r14,
					regs->r15, regs->eflags };

	memcpy(v, in_order, sizeof(in_order));
}

/* FS and GS are the only segments with a base; the prefix tells which one it is. */
static uint64_t segment_base(const struct user_regs_struct *regs, const uint8_t *insn, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (insn[i] == 0x64)
			return regs->fs_base;
		if (insn[i] == 0x65)
			return regs->gs_base;
	}
	return 0;
}

void step_operands_before(struct stepper *s, pid_t pid, const struct user_regs_struct *regs,
			  const uint8_t *insn, size_t len, struct step_operands *o)
{
	const struct hvt_operand *op;
	const struct hvt_insn *in;
	struct hvt_rec_mem *m;
	uint64_t gpr[17];
	uint32_t i;

	o->nr = o->exact = 0;
	in = hvt_decode(s->decoder, regs->rip, 0, insn, len);
	if (!in || !in->sure)
		return;
	step_registers(regs, gpr);
	for (i = 0; i < in->nr_ops; i++) {
		op = &in->ops[i];
		if (op->vector || !op->size || op->size > STEP_VALUE)
			return;
		m = &o->v[i].m;
		memset(m, 0, sizeof(*m));
		m->addr = hvt_operand_addr(in, op, gpr, regs->rip);
		if (op->segment)
			m->addr += segment_base(regs, insn, len);
		m->size = op->size;
		m->access = op->access;
		m->len = (uint16_t)step_read(pid, m->addr, o->old[i], m->size);
		o->v[i].old = o->old[i];
		o->v[i].new_ = o->new_[i];
	}
	o->nr = in->nr_ops;
	o->exact = 1;
}

void step_operands_after(pid_t pid, struct step_operands *o)
{
	struct hvt_rec_mem *m;
	uint32_t i;

	for (i = 0; i < o->nr; i++) {
		m = &o->v[i].m;
		if (m->access & HVT_ACC_W)
			m->len = (uint16_t)step_read(pid, m->addr, o->new_[i], m->len);
	}
}
