// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands of the instructions that work on segments, descriptor tables and monitors.
 * A selector makes the CPU read a descriptor from the GDT or LDT, which nothing in the
 * instruction names.
 */
#include "insn_dec.h"
#include "insn_table.h"

#define DESC_ACCESSED (1ull << 40)
#define DESC_CODE_DATA (1ull << 44)

/*
 * SDM volume 3, 3.4.5. @load: into a segment register, where what is not marked as accessed
 * gets marked. System descriptors are of 8 or 16 bytes, and one may lead to another: unknown.
 */
static bool descriptor(struct dec *d, u16 selector, bool load)
{
	const struct hvt_insn_ctx *cx = d->cx;
	u64 at = (selector & 4 ? cx->ldt_base : cx->gdt_base) + (selector & ~7u), desc;

	if (!cx->tables)
		return false;
	if (selector < 4)
		return true;
	if ((selector | 7u) > (selector & 4 ? cx->ldt_limit : cx->gdt_limit))
		return !load;
	if (!hvt_guest_read(at, &desc, sizeof(desc)) || !(desc & DESC_CODE_DATA) ||
	    (load && !(desc & DESC_ACCESSED)))
		return false;
	hvt_dec_add_system(d, at, sizeof(desc), HVT_OP_R);
	return true;
}

/* The descriptor of the selector that lies at @addr, in an operand. */
static bool descriptor_from(struct dec *d, u64 addr, bool load)
{
	u16 selector;

	return d->cx->tables && hvt_guest_read(addr, &selector, sizeof(selector)) &&
	       descriptor(d, selector, load);
}

/* A 16-bit operand that is a selector: LAR, LSL, VERR, VERW, or MOV to a segment register. */
bool hvt_dec_selector(struct dec *d, bool load)
{
	u64 addr = hvt_dec_linear(d, d->ea);

	if (MOD(d) == 3)
		return descriptor(d, d->cx->gpr[RM(d) | (d->rex & 1) << 3], load);
	hvt_dec_add(d, addr, 2, HVT_OP_R);
	return descriptor_from(d, addr, load);
}

/* POP FS, POP GS. Of 4 bytes, 32-bit CPUs read 2 or all: as with PUSH. */
bool hvt_dec_pop_segment(struct dec *d)
{
	hvt_dec_pop(d, d->cx->gpr[4], hvt_dec_stack_slot(d));
	return d->cx->bits == 64 && descriptor_from(d, d->cx->gpr[4], true);
}

/*
 * A far pointer in memory: the offset, of the operand size, and a selector. All that LDS,
 * LES, LSS, LFS and LGS read.
 */
bool hvt_dec_far_pointer(struct dec *d)
{
	u64 addr = hvt_dec_linear(d, d->ea);

	if (MOD(d) == 3)
		return false;
	hvt_dec_add(d, addr, d->opsz + 2, HVT_OP_R);
	return descriptor_from(d, addr + d->opsz, true);
}

/*
 * Far CALL and JMP through code segments keep the privilege level; gates and task segments
 * are system descriptors. CALL pushes CS and the instruction pointer, of the operand size
 * each (4 even in 64-bit mode, unless a prefix says otherwise).
 */
static bool far_call(struct dec *d)
{
	hvt_dec_push(d, 2 * d->opsz);
	return !d->cx->hidden_stack;
}

bool hvt_dec_far_mem(struct dec *d)
{
	return hvt_dec_far_pointer(d) && (REG(d) == 5 ? !d->cx->hidden_stack : far_call(d));
}

/* 9A, EA: the pointer follows. */
bool hvt_dec_far_imm(struct dec *d)
{
	u64 off, selector;

	return hvt_dec_take(d, d->opsz, &off) && hvt_dec_take(d, 2, &selector) &&
	       descriptor(d, selector, true) &&
	       (d->op == 0xea ? !d->cx->hidden_stack : far_call(d));
}

/*
 * IRET and far RET: the instruction pointer, CS and, for IRET, the flags, of the operand
 * size each (far RET: 4 even in 64-bit mode). In 64-bit mode IRET pops the stack pointer and
 * SS always, else for an outer privilege level only (SDM "IRET"). A far RET outwards takes
 * its new stack from behind the parameters: unknown.
 */
bool hvt_dec_far_return(struct dec *d, bool interrupt)
{
	u64 sp = d->cx->bits == 64 ? d->cx->gpr[4] : (u32)d->cx->gpr[4];
	bool outer, stack;
	u16 cs;

	if (d->cx->hidden_stack || !d->cx->tables || !hvt_guest_read(sp + d->opsz, &cs, sizeof(cs)))
		return false;
	outer = (cs & 3) > d->cx->cpl;
	stack = interrupt && (outer || d->cx->bits == 64);
	if (outer && !interrupt)
		return false;
	hvt_dec_pop(d, sp, d->opsz * (stack ? 5 : interrupt ? 3 : 2));
	return descriptor(d, cs, true) && (!stack || descriptor_from(d, sp + 4 * d->opsz, true));
}

/* ARPL: writes when the operand's RPL is below the register's, else reads only. */
bool hvt_dec_arpl(struct dec *d)
{
	u64 addr = hvt_dec_linear(d, d->ea);
	u16 selector;

	if (MOD(d) == 3)
		return true;
	if (!hvt_guest_read(addr, &selector, sizeof(selector)))
		return false;
	hvt_dec_add(d, addr, sizeof(selector),
		    (selector & 3) < (d->cx->gpr[REG(d)] & 3) ? HVT_OP_R | HVT_OP_W : HVT_OP_R);
	return true;
}

/* LLDT of a null selector; others name system descriptors. */
static bool no_ldt(struct dec *d)
{
	u16 selector = d->cx->gpr[RM(d) | (d->rex & 1) << 3];

	if (MOD(d) != 3) {
		u64 addr = hvt_dec_linear(d, d->ea);

		hvt_dec_add(d, addr, sizeof(selector), HVT_OP_R);
		if (!hvt_guest_read(addr, &selector, sizeof(selector)))
			return false;
	}
	return selector < 4;
}

/* 0F 00: SLDT, STR store; LLDT; LTR marks its system descriptor as busy; VERR, VERW. */
bool hvt_dec_group6(struct dec *d)
{
	if (d->rep)
		return false;
	if (REG(d) == 4 || REG(d) == 5)
		return hvt_dec_selector(d, false);
	if (REG(d) == 2)
		return no_ldt(d);
	if (MOD(d) != 3)
		hvt_dec_add(d, hvt_dec_linear(d, d->ea), 2, HVT_OP_W);
	return REG(d) < 2;
}

/* MONITOR, UMONITOR: "subject to the permission checking and faults of a byte load". */
static bool monitor(struct dec *d, unsigned int reg)
{
	hvt_dec_add(d, hvt_dec_linear(d, d->cx->gpr[reg]), 1, HVT_OP_R);
	return true;
}

bool hvt_dec_umonitor(struct dec *d)
{
	return monitor(d, RM(d) | (d->rex & 1) << 3);
}

/* 0F 01. The register forms that access no memory, and MONITOR; ERETU, say, does. */
static bool group7_reg(struct dec *d)
{
	switch (d->modrm) {
	case 0xc8:
		return d->simd == P_NONE && monitor(d, 0);
	case 0xc1 ... 0xc4: /* VMCALL, VMLAUNCH, VMRESUME, VMXOFF */
	case 0xc9 ... 0xcb: /* MWAIT, CLAC, STAC */
	case 0xd0 ... 0xd1: /* XGETBV, XSETBV */
	case 0xd6:	    /* XTEST */
	case 0xee ... 0xef: /* RDPKRU, WRPKRU */
	case 0xf8 ... 0xf9: /* SWAPGS, RDTSCP */
		return d->simd == P_NONE;
	default: /* SMSW, LMSW */
		return (REG(d) == 4 || REG(d) == 6) && !d->rep;
	}
}

bool hvt_dec_group7(struct dec *d)
{
	u32 table = d->cx->bits == 64 ? 10 : 6;

	if (MOD(d) == 3)
		return group7_reg(d);
	if (d->rep)
		return false;
	switch (REG(d)) {
	case 0: /* SGDT */
	case 1: /* SIDT */
		hvt_dec_add(d, hvt_dec_linear(d, d->ea), table, HVT_OP_W);
		return true;
	case 2: /* LGDT */
	case 3: /* LIDT */
		hvt_dec_add(d, hvt_dec_linear(d, d->ea), table, HVT_OP_R);
		return true;
	case 4: /* SMSW */
	case 6: /* LMSW */
		hvt_dec_add(d, hvt_dec_linear(d, d->ea), 2, REG(d) == 4 ? HVT_OP_W : HVT_OP_R);
		return true;
	default: /* INVLPG; /5 RSTORSSP */
		return REG(d) == 7;
	}
}

bool hvt_insn_wants_tables(const u8 *b, unsigned int n)
{
	unsigned int i = 0;

	while (i < n && (b[i] == 0x66 || b[i] == 0x67 || (b[i] & 0xe7) == 0x26 ||
			 b[i] == 0x64 || b[i] == 0x65 || (b[i] & 0xf0) == 0x40))
		i++;
	if (i >= n)
		return false;
	switch (b[i]) {
	case 0x8e: /* MOV to a segment register */
	case 0x9a: /* far CALL, RET, JMP; IRET */
	case 0xca:
	case 0xcb:
	case 0xcf:
	case 0xea:
		return true;
	case 0xc4: /* LES, LDS; VEX prefixes look so if they extend the registers */
	case 0xc5:
		return i + 1 < n && b[i + 1] < 0xc0;
	case 0xff: /* /3, /5: far CALL, JMP */
		return i + 1 < n && ((b[i + 1] & 0x38) == 0x18 || (b[i + 1] & 0x38) == 0x28);
	case 0x0f:
		if (i + 1 >= n)
			return false;
		switch (b[i + 1]) {
		case 0x00:
		case 0x02: /* LAR, LSL */
		case 0x03:
		case 0xa1: /* POP FS, GS */
		case 0xa9:
		case 0xb2: /* LSS, LFS, LGS */
		case 0xb4:
		case 0xb5:
			return true;
		}
		return false;
	default:
		return false;
	}
}
