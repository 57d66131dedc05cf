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

	if (!cx->tables || cx->bits != 64)
		return false;
	if (selector < 4)
		return true;
	if ((selector | 7u) > (selector & 4 ? cx->ldt_limit : cx->gdt_limit))
		return !load;
	if (!hvt_guest_read(at, &desc, sizeof(desc)) || !(desc & DESC_CODE_DATA) ||
	    (load && !(desc & DESC_ACCESSED)))
		return false;
	hvt_dec_add(d, at, sizeof(desc), HVT_OP_R);
	return true;
}

/* A 16-bit operand that is a selector: LAR, LSL, VERR, VERW, or MOV to a segment register. */
bool hvt_dec_selector(struct dec *d, bool load)
{
	u64 addr = hvt_dec_linear(d, d->ea);
	u16 selector;

	if (MOD(d) == 3)
		return descriptor(d, d->cx->gpr[RM(d) | (d->rex & 1) << 3], load);
	hvt_dec_add(d, addr, sizeof(selector), HVT_OP_R);
	return d->cx->tables && hvt_guest_read(addr, &selector, sizeof(selector)) &&
	       descriptor(d, selector, load);
}

/* IRETQ in 64-bit mode pops SS and RSP always: SDM "IRET". */
bool hvt_dec_iret(struct dec *d)
{
	u64 frame[5]; /* RIP, CS, RFLAGS, RSP, SS */

	if (d->cx->bits != 64 || !REX_W(d) || d->cx->hidden_stack || !d->cx->tables ||
	    !hvt_guest_read(d->cx->gpr[4], frame, sizeof(frame)))
		return false;
	hvt_dec_add(d, d->cx->gpr[4], sizeof(frame), HVT_OP_R);
	return descriptor(d, frame[1], true) && descriptor(d, frame[4], true);
}

/* 0F 00: SLDT, STR store; LLDT, LTR load system descriptors; VERR, VERW. */
bool hvt_dec_group6(struct dec *d)
{
	if (d->rep)
		return false;
	if (REG(d) == 4 || REG(d) == 5)
		return hvt_dec_selector(d, false);
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
	if (i + 1 >= n)
		return i < n && b[i] == 0xcf;
	return b[i] == 0x8e || b[i] == 0xcf ||
	       (b[i] == 0x0f && (b[i + 1] == 0 || b[i + 1] == 2 || b[i + 1] == 3));
}
