// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table decoder of insn.h. Three stages: prefixes and opcode, ModRM with the
 * effective address, then the operands of the opcode's table entry.
 */
#include "insn.h"
#include "insn_table.h"

enum { P_NONE, P_66, P_F3, P_F2 };

struct dec {
	const u8 *b;
	unsigned int n, pos;
	const struct hvt_insn_ctx *cx;
	u8 opsz, asz;		/* operand and address size in bytes */
	u8 rex;			/* REX.WRXB bits; VEX fills them too */
	u8 simd;		/* P_*: the mandatory prefix */
	u8 rep;			/* F2 or F3 seen */
	bool p66, vex, l256;
	s8 seg;			/* override: 4 FS, 5 GS, else -1 */
	u8 map, op;
	u8 modrm;
	bool riprel;
	u64 ea;			/* offset, before the segment base */
	bool stackseg;
	struct hvt_insn *out;
};

#define REX_W(d) ((d)->rex & 8)
#define MOD(d)	 ((d)->modrm >> 6)
#define REG(d)	 (((d)->modrm >> 3) & 7)
#define RM(d)	 ((d)->modrm & 7)

static bool take(struct dec *d, unsigned int n, u64 *v)
{
	unsigned int i;

	if (d->n - d->pos < n)
		return false;
	*v = 0;
	for (i = 0; i < n; i++)
		*v |= (u64)d->b[d->pos + i] << (8 * i);
	d->pos += n;
	return true;
}

static u64 sext(u64 v, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (u64)((s64)(v << shift) >> shift);
}

static u64 mask(u64 v, unsigned int bytes)
{
	return bytes >= 8 ? v : v & ((1ull << (8 * bytes)) - 1);
}

/* Segment bases other than FS and GS are 0 in 64-bit mode and in Linux's flat ones. */
static u64 linear(const struct dec *d, u64 off)
{
	u64 base = d->seg == 4 ? d->cx->fs_base : d->seg == 5 ? d->cx->gs_base : 0;

	off = mask(off, d->asz);
	return d->cx->bits == 64 ? base + off : mask(base + off, 4);
}

/* An operand that ignores segment overrides: stack, ES:rDI. */
static u64 linear_flat(const struct dec *d, u64 off, unsigned int size)
{
	off = mask(off, size);
	return d->cx->bits == 64 ? off : mask(off, 4);
}

static void add(struct dec *d, u64 addr, u32 size, u8 access)
{
	struct hvt_insn_op *o = &d->out->op[d->out->nops++];

	o->addr = addr;
	o->size = size;
	o->access = access;
}

static bool get_modrm(struct dec *d)
{
	u64 v, base = 0, index = 0;
	unsigned int disp = 0, rm;

	if (!take(d, 1, &v))
		return false;
	d->modrm = v;
	if (MOD(d) == 3)
		return true;
	if (d->asz == 2)
		return false;
	rm = RM(d);
	if (rm == 4) {
		unsigned int idx, b;

		if (!take(d, 1, &v))
			return false;
		idx = ((v >> 3) & 7) | ((d->rex & 2) << 2);
		b = (v & 7) | ((d->rex & 1) << 3);
		if (idx != 4)
			index = d->cx->gpr[idx] << (v >> 6);
		if ((v & 7) == 5 && MOD(d) == 0)
			disp = 4;
		else
			base = d->cx->gpr[b];
	} else if (rm == 5 && MOD(d) == 0) {
		disp = 4;
		d->riprel = d->cx->bits == 64;
	} else {
		base = d->cx->gpr[rm | ((d->rex & 1) << 3)];
	}
	if (MOD(d) == 1)
		disp = 1;
	else if (MOD(d) == 2)
		disp = 4;
	d->ea = base + index;
	if (disp) {
		if (!take(d, disp, &v))
			return false;
		d->ea += sext(v, disp);
	}
	return true;
}

static bool get_imm(struct dec *d, unsigned int kind)
{
	u64 v;

	switch (kind) {
	case I_B:
		return take(d, 1, &v);
	case I_Z:
		return take(d, d->opsz == 2 ? 2 : 4, &v);
	case I_W:
		return take(d, 2, &v);
	case I_WB:
		return take(d, 3, &v);
	case I_V:
		return take(d, d->opsz, &v);
	default:
		return true;
	}
}

static bool legacy_prefix(struct dec *d, u8 c)
{
	switch (c) {
	case 0x66:
		d->p66 = true;
		return true;
	case 0x67:
		d->asz = d->cx->bits == 64 ? 4 : 2;
		return true;
	case 0xf2:
	case 0xf3:
		d->rep = c;
		return true;
	case 0x64:
	case 0x65:
		d->seg = c - 0x60;
		return true;
	case 0xf0:
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		return true;
	default:
		return false;
	}
}

/* VEX: C5 RvvvvLpp, or C4 RXBmmmmm WvvvvLpp. Only map 1 is in the tables. */
static bool get_vex(struct dec *d, u8 c)
{
	u64 v, w = 0;

	if (d->rex || d->p66 || d->rep || !take(d, 1, &v))
		return false;
	d->rex = v & 0x80 ? 0 : 4;
	if (c == 0xc4) {
		d->rex |= v & 0x40 ? 0 : 2;
		d->rex |= v & 0x20 ? 0 : 1;
		d->map = v & 0x1f;
		if (!take(d, 1, &v))
			return false;
		w = v & 0x80;
	} else {
		d->map = 1;
	}
	d->rex |= w ? 8 : 0;
	d->vex = true;
	d->l256 = v & 4;
	d->simd = (u8[]){ P_NONE, P_66, P_F3, P_F2 }[v & 3];
	if (d->map != 1 || !take(d, 1, &v))
		return false;
	d->op = v;
	return true;
}

static bool get_opcode(struct dec *d)
{
	bool b64 = d->cx->bits == 64;
	u64 v;

	do {
		if (!take(d, 1, &v))
			return false;
	} while (legacy_prefix(d, v));
	if (b64 && (v & 0xf0) == 0x40) {
		d->rex = (v & 15) | 0x40;
		if (!take(d, 1, &v))
			return false;
		if (legacy_prefix(d, v))
			return false; /* REX not last: ignored by the CPU, rare; step blind */
	}
	if ((v == 0xc4 || v == 0xc5) &&
	    (b64 || (d->pos < d->n && (d->b[d->pos] & 0xc0) == 0xc0))) {
		if (!get_vex(d, v))
			return false;
	} else if (v == 0x0f) {
		if (!take(d, 1, &v))
			return false;
		d->map = 1;
		d->op = v;
		if (v == 0x38 || v == 0x3a) {
			d->map = v == 0x38 ? 2 : 3;
			if (!take(d, 1, &v))
				return false;
			d->op = v;
		}
	} else {
		d->op = v;
	}
	if (!d->vex)
		d->simd = d->rep == 0xf3 ? P_F3 : d->rep == 0xf2 ? P_F2 : d->p66 ? P_66 : P_NONE;
	d->opsz = REX_W(d) ? 8 : d->p66 ? 2 : 4;
	return true;
}

static u32 width(const struct dec *d, unsigned int z)
{
	u32 vec = d->l256 ? 32 : 16;

	switch (z) {
	case Z_B:
		return 1;
	case Z_W:
		return 2;
	case Z_D:
		return 4;
	case Z_Q:
		return 8;
	case Z_V:
		return d->opsz;
	case Z_Y:
		return REX_W(d) ? 8 : 4;
	case Z_X:
		return vec;
	case Z_S:
		return d->simd == P_F3 ? 4 : d->simd == P_F2 ? 8 : vec;
	case Z_M:
		return d->simd == P_66 || d->vex ? vec : 8;
	default:
		return 0;
	}
}

static unsigned int stack_slot(const struct dec *d)
{
	if (d->p66 && !REX_W(d))
		return 2;
	return d->cx->bits == 64 ? 8 : 4;
}

static unsigned int stack_addr_size(const struct dec *d)
{
	return d->cx->bits == 64 ? 8 : 4;
}

static void push(struct dec *d, unsigned int slot)
{
	add(d, linear_flat(d, d->cx->gpr[4] - slot, stack_addr_size(d)), slot, HVT_OP_W);
}

static void pop(struct dec *d, u64 rsp, unsigned int slot)
{
	add(d, linear_flat(d, rsp, stack_addr_size(d)), slot, HVT_OP_R);
}

/* String instructions: DS:rSI (overridable) and ES:rDI, one element. */
static bool string_op(struct dec *d, unsigned int spec)
{
	u32 size = d->op & 1 ? d->opsz : 1;
	u64 src = linear(d, d->cx->gpr[6]), dst = linear_flat(d, d->cx->gpr[7], d->asz);

	if (d->rep && mask(d->cx->gpr[1], d->asz) == 0)
		return true;
	if ((spec == S_INS || spec == S_OUTS) && size == 8)
		size = 4;
	switch (spec) {
	case S_MOVS:
		add(d, src, size, HVT_OP_R);
		add(d, dst, size, HVT_OP_W);
		break;
	case S_CMPS:
		add(d, src, size, HVT_OP_R);
		add(d, dst, size, HVT_OP_R);
		break;
	case S_STOS:
	case S_INS:
		add(d, dst, size, HVT_OP_W);
		break;
	case S_LODS:
	case S_OUTS:
		add(d, src, size, HVT_OP_R);
		break;
	default: /* S_SCAS */
		add(d, dst, size, HVT_OP_R);
		break;
	}
	return true;
}

/* x87, SDM volume 2 appendix A.5: width and direction by opcode and /reg. */
static u32 fpu(const struct dec *d, u8 *access)
{
	static const u8 size[8][8] = {
		{ 4, 4, 4, 4, 4, 4, 4, 4 },   { 4, 0, 4, 4, 28, 2, 28, 2 },
		{ 4, 4, 4, 4, 4, 4, 4, 4 },   { 4, 4, 4, 4, 0, 10, 0, 10 },
		{ 8, 8, 8, 8, 8, 8, 8, 8 },   { 8, 8, 8, 8, 108, 0, 108, 2 },
		{ 2, 2, 2, 2, 2, 2, 2, 2 },   { 2, 2, 2, 2, 10, 8, 10, 8 },
	};
	static const u8 writes[8] = { 0x00, 0xcc, 0x00, 0x8e, 0x00, 0xce, 0x00, 0xce };

	*access = writes[d->op & 7] & (1 << REG(d)) ? HVT_OP_W : HVT_OP_R;
	/* FLDENV, FNSTENV, FRSTOR and FNSAVE shrink with a 16-bit operand size. */
	if (d->p66 && (size[d->op & 7][REG(d)] == 28 || size[d->op & 7][REG(d)] == 108))
		return 0;
	return size[d->op & 7][REG(d)];
}

static bool group15(struct dec *d, u32 *size, u8 *access)
{
	if (d->p66)
		return REG(d) == 7 || REG(d) == 6; /* CLFLUSHOPT, CLWB */
	if (d->rep)
		return false;
	switch (REG(d)) {
	case 0:
		*size = 512;
		*access = HVT_OP_W;
		return true;
	case 1:
		*size = 512;
		*access = HVT_OP_R;
		return true;
	case 2:
	case 3:
		*size = 4;
		*access = REG(d) == 2 ? HVT_OP_R : HVT_OP_W;
		return true;
	default:
		return REG(d) == 7; /* CLFLUSH touches no data; XSAVE and kin: blind */
	}
}

/* The bit string of BT/BTS/BTR/BTC reaches any byte: SDM volume 2, "BT". */
static u64 bit_offset(const struct dec *d)
{
	unsigned int r = REG(d) | ((d->rex & 4) << 1);
	s64 bit = (s64)sext(d->cx->gpr[r], d->opsz);

	return (u64)((bit >> (d->opsz == 8 ? 6 : d->opsz == 4 ? 5 : 4)) * d->opsz);
}

/* Entries whose width or direction depends on more than the table says. */
static bool modrm_special(struct dec *d, unsigned int spec, u32 *size, u8 *access)
{
	u32 vec = d->l256 ? 32 : 16;

	switch (spec) {
	case S_GRP1:
		*access = REG(d) == 7 ? HVT_OP_R : HVT_OP_R | HVT_OP_W;
		return true;
	case S_GRP3:
		if (REG(d) != 2 && REG(d) != 3)
			*access = HVT_OP_R;
		return true;
	case S_GRP4:
		return REG(d) < 2;
	case S_FPU:
		*size = fpu(d, access);
		return *size;
	case S_6: /* SLDT, STR store 2 bytes; the others read descriptors */
		*size = 2;
		*access = HVT_OP_W;
		return REG(d) < 2;
	case S_GRP7: /* SGDT SIDT LGDT LIDT SMSW - LMSW INVLPG */
		*size = (u8[]){ 10, 10, 10, 10, 2, 0, 2, 0 }[REG(d)];
		*access = REG(d) < 2 || REG(d) == 4 ? HVT_OP_W : HVT_OP_R;
		return REG(d) != 5 && d->cx->bits == 64;
	case S_GRP8:
		*access = REG(d) == 4 ? HVT_OP_R : HVT_OP_R | HVT_OP_W;
		return REG(d) >= 4;
	case S_GRP9:
		*size = REX_W(d) ? 16 : 8;
		*access = HVT_OP_R | HVT_OP_W;
		return REG(d) == 1;
	case S_GRP15:
		return group15(d, size, access);
	case S_BITS:
		d->ea += bit_offset(d);
		return true;
	case S_POPCNT:
		return d->simd == P_F3;
	case S_MOVU:
		*size = d->simd == P_F3 ? 4 : d->simd == P_F2 ? 8 : vec;
		return true;
	case S_12:
	case S_16: /* MOVLPS/MOVHPS 8; MOVSLDUP, MOVSHDUP 16; MOVDDUP 8 */
		*size = d->simd == P_F3 ? 16 : 8;
		return !d->l256;
	case S_2A: /* CVTPI2PS 8; CVTSI2SS r/m32 or r/m64 */
		*size = d->simd >= P_F3 ? (REX_W(d) ? 8 : 4) : 8;
		return true;
	case S_2C:
		*size = d->simd == P_F3 ? 4 : d->simd == P_66 ? 16 : 8;
		return true;
	case S_2E:
		*size = d->simd == P_66 ? 8 : 4;
		return true;
	case S_5A:
		*size = (u8[]){ 8, 16, 4, 8 }[d->simd];
		return !d->l256;
	case S_60:
		*size = d->simd == P_66 ? vec : 4;
		return true;
	case S_6F:
		*size = d->simd == P_NONE ? 8 : vec;
		return true;
	case S_7E:
		*size = d->simd == P_F3 ? 8 : REX_W(d) ? 8 : 4;
		*access = d->simd == P_F3 ? HVT_OP_R : HVT_OP_W;
		return true;
	case S_D6:
		*size = 8;
		*access = HVT_OP_W;
		return d->simd == P_66;
	case S_E6:
		*size = d->simd == P_F3 ? 8 : 16;
		return !d->l256;
	default:
		return true;
	}
}

/* PUSH/CALL/JMP/INC/DEC r/m (FF): the memory operand plus, maybe, a stack slot. */
static bool group5(struct dec *d, u64 ea)
{
	unsigned int slot = stack_slot(d);
	bool mem = MOD(d) != 3;

	switch (REG(d)) {
	case 0:
	case 1:
		if (mem)
			add(d, ea, d->opsz, HVT_OP_R | HVT_OP_W);
		return true;
	case 2:
	case 4:
		if (d->cx->bits == 64)
			slot = 8; /* near branches ignore 66 on Intel CPUs */
		if (mem)
			add(d, ea, slot, HVT_OP_R);
		if (REG(d) == 2)
			push(d, slot);
		return true;
	case 6:
		if (mem)
			add(d, ea, slot, HVT_OP_R);
		push(d, slot);
		return true;
	default:
		return false;
	}
}

static bool modrm_ops(struct dec *d, u16 e)
{
	unsigned int spec = E_SPEC(e);
	u32 size = width(d, E_WIDTH(e));
	u8 access = E_ACCESS(e);

	if (spec == S_BLIND)
		return false;
	if (d->riprel)
		d->ea += d->cx->ip + d->pos;
	if (spec == S_GRP5)
		return group5(d, linear(d, d->ea));
	if (spec == S_POPM) {
		unsigned int slot = stack_slot(d);

		/* An RSP-based address counts after the increment: SDM "POP". */
		if (MOD(d) != 3 && RM(d) == 4)
			return false;
		pop(d, d->cx->gpr[4], slot);
		if (MOD(d) != 3)
			add(d, linear(d, d->ea), slot, HVT_OP_W);
		return REG(d) == 0;
	}
	if (MOD(d) == 3) /* registers only; descriptor loads and kin excepted */
		return spec != S_6;
	if (spec == S_MODREG)
		return false;
	if (!modrm_special(d, spec, &size, &access))
		return false;
	if (access && size)
		add(d, linear(d, d->ea), size, access);
	return true;
}

static bool plain_ops(struct dec *d, u16 e)
{
	unsigned int spec = E_SPEC(e), slot = stack_slot(d);
	const u64 *r = d->cx->gpr;

	switch (spec) {
	case S_NONE:
		return true;
	case S_PUSH:
		push(d, slot);
		return true;
	case S_POP:
		pop(d, r[4], slot);
		return true;
	case S_CALL:
	case S_RET:
		if (d->cx->bits == 64)
			slot = 8;
		if (spec == S_CALL)
			push(d, slot);
		else
			pop(d, r[4], slot);
		return true;
	case S_LEAVE:
		pop(d, r[5], slot);
		return true;
	case S_ENTER: /* nesting level 0 is the one that compilers emit */
		push(d, slot);
		return d->b[d->pos - 1] == 0;
	case S_MOVS:
	case S_STOS:
	case S_LODS:
	case S_CMPS:
	case S_SCAS:
	case S_INS:
	case S_OUTS:
		return string_op(d, spec);
	case S_MOFFS: {
		u64 off;

		if (!take(d, d->asz, &off))
			return false;
		add(d, linear(d, off), width(d, E_WIDTH(e)), E_ACCESS(e));
		return true;
	}
	case S_XLAT:
		add(d, linear(d, r[3] + (r[0] & 0xff)), 1, HVT_OP_R);
		return true;
	default:
		return false;
	}
}

/* The part of map 1 that VEX shares with SSE under the same table entry. */
static bool vex_ok(const struct dec *d)
{
	u8 op = d->op;

	if (op == 0x77)
		return true;
	/* Shifts by an xmm/m128 count do not widen with VEX.L. */
	if (d->l256 && ((op >= 0xd1 && op <= 0xd3) || op == 0xe1 || op == 0xe2 ||
			(op >= 0xf1 && op <= 0xf3)))
		return false;
	return (op >= 0x10 && op <= 0x17) || (op >= 0x28 && op <= 0x2f) ||
	       (op >= 0x50 && op <= 0x76) || (op >= 0x7c && op <= 0x7f) || op == 0xc2 ||
	       (op >= 0xc4 && op <= 0xc6) || op >= 0xd0;
}

static bool decode_map2(struct dec *d)
{
	/* 0F 38 F0/F1: MOVBE without F2, CRC32 with it. */
	if (d->map != 2 || (d->op & 0xfe) != 0xf0 || d->simd == P_F3 || !get_modrm(d))
		return false;
	if (d->riprel)
		d->ea += d->cx->ip + d->pos;
	if (MOD(d) == 3)
		return d->simd == P_F2;
	if (d->simd == P_F2)
		add(d, linear(d, d->ea), d->op & 1 ? d->opsz : 1, HVT_OP_R);
	else
		add(d, linear(d, d->ea), d->opsz, d->op & 1 ? HVT_OP_W : HVT_OP_R);
	return true;
}

bool hvt_insn_decode(const u8 *b, unsigned int n, const struct hvt_insn_ctx *cx,
		     struct hvt_insn *out)
{
	struct dec d = {
		.b = b, .n = n < HVT_INSN_MAX ? n : HVT_INSN_MAX, .cx = cx, .seg = -1,
		.asz = cx->bits == 64 ? 8 : 4, .out = out,
	};
	bool ok;
	u16 e;

	out->len = 0;
	out->nops = 0;
	if (cx->bits == 16 || !get_opcode(&d))
		return false;
	if (d.map > 1) {
		ok = decode_map2(&d);
		out->len = ok ? d.pos : 0;
		return ok;
	}
	e = d.map ? hvt_map2[d.op] : hvt_map1[d.op];
	if (E_SPEC(e) == S_INV64 || (d.vex && !vex_ok(&d)))
		return false;
	if (!E_MODRM(e)) {
		if (!get_imm(&d, E_IMM(e)))
			return false;
		ok = plain_ops(&d, e);
	} else {
		unsigned int imm = E_IMM(e);

		if (!get_modrm(&d))
			return false;
		if (E_SPEC(e) == S_GRP3 && REG(&d) < 2)
			imm = d.op & 1 ? I_Z : I_B;
		if (!get_imm(&d, imm))
			return false;
		ok = modrm_ops(&d, e);
	}
	if (ok || E_SPEC(e) == S_GRP15 || E_SPEC(e) == S_GRP9)
		out->len = d.pos;
	return ok;
}
