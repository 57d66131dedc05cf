// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table decoder of insn.h. Three stages: prefixes and opcode, ModRM with the
 * effective address, then the operands of the opcode's table entry (insn_ops.c,
 * insn_vec.c for vector instructions, insn_evex.c and insn_mask.c for AVX-512 and
 * everything masked).
 *
 * Where CPUs differ, or an encoding that nobody emits has no documented meaning
 * (66 on a near branch, several segment prefixes, F2 with F3), it is unknown.
 */
#include "insn_dec.h"
#define HVT_INSN_MAPS
#include "insn_table.h"

bool hvt_dec_take(struct dec *d, unsigned int n, u64 *v)
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

/* The next byte: most of what is fetched. */
static inline bool take_byte(struct dec *d, u64 *v)
{
	if (d->pos >= d->n)
		return false;
	*v = d->b[d->pos++];
	return true;
}

u64 hvt_dec_sext(u64 v, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (u64)((s64)(v << shift) >> shift);
}

static u64 truncate(struct dec *d, u64 v, unsigned int bytes)
{
	if (bytes == 2)
		d->bad = true;
	return bytes == 8 ? v : (u32)v;
}

/* Segment bases other than FS and GS are 0 in 64-bit mode and in Linux's flat ones. */
u64 hvt_dec_linear(struct dec *d, u64 off)
{
	u64 base = d->seg == 0x64 ? d->cx->fs_base : d->seg == 0x65 ? d->cx->gs_base : 0;

	off = truncate(d, off, d->asz);
	return d->cx->bits == 64 ? base + off : (u32)(base + off);
}

/* An operand that ignores segment overrides: stack, ES:rDI. */
u64 hvt_dec_linear_flat(struct dec *d, u64 off, unsigned int size)
{
	return truncate(d, off, size);
}

/* The ModRM operand. */
void hvt_dec_add_ea(struct dec *d, u32 size, u8 access)
{
	hvt_dec_note_ea(d);
	hvt_dec_add(d, hvt_dec_linear(d, d->ea), size, access);
}

/* What the CPU itself addresses, with 64 bits in any code. */
void hvt_dec_add_system(struct dec *d, u64 addr, u32 size, u8 access)
{
	struct hvt_insn_op *o = &d->out->op[d->out->nops++];

	o->addr = addr;
	o->size = size;
	o->access = access;
	o->lane = 0;
	o->value = HVT_VAL_NONE;
	o->reg = 0;
}

/* A non-canonical operand faults, or is one under linear-address masking: unknown. */
void hvt_dec_add(struct dec *d, u64 addr, u32 size, u8 access)
{
	hvt_dec_add_system(d, addr, size, access);
	if (d->cx->bits != 64 ? (addr + size - 1) >> 32 != 0 : !hvt_dec_canonical(addr, size))
		d->bad = true;
}

/* The value of the operand that was added last. */
void hvt_dec_value(struct dec *d, u8 value, u8 reg)
{
	struct hvt_insn_op *o = &d->out->op[d->out->nops - 1];

	o->value = value;
	o->reg = reg;
}

/*
 * ModRM, SIB, displacement. What d->disp8 is not 0 for: EVEX counts 8-bit displacements
 * in operands (SDM volume 2, 2.7.5).
 */
bool hvt_dec_modrm(struct dec *d)
{
	u64 v, base = 0, index = 0;
	unsigned int disp = 0, rm;

	if (!take_byte(d, &v))
		return false;
	d->modrm = v;
	if (MOD(d) == 3)
		return true;
	if (d->asz == 2)
		return false;
	rm = RM(d);
	if (rm == 4) {
		unsigned int idx, b;

		if (!take_byte(d, &v))
			return false;
		d->sib = v;
		idx = ((v >> 3) & 7) | ((d->rex & 2) << 2);
		b = (v & 7) | ((d->rex & 1) << 3);
		if (idx != 4 && !d->vsib) {
			d->index = idx;
			d->scale = v >> 6;
			index = d->cx->gpr[idx] << d->scale;
		}
		if ((v & 7) == 5 && MOD(d) == 0) {
			disp = 4;
		} else {
			d->base = b;
			base = d->cx->gpr[b];
			d->base_rsp = b == 4;
		}
	} else if (rm == 5 && MOD(d) == 0) {
		disp = 4;
		d->riprel = d->cx->bits == 64;
	} else {
		d->base = rm | ((d->rex & 1) << 3);
		base = d->cx->gpr[d->base];
	}
	if (MOD(d) == 1)
		disp = 1;
	else if (MOD(d) == 2)
		disp = 4;
	d->ea = base + index;
	if (disp) {
		if (!hvt_dec_take(d, disp, &v))
			return false;
		v = hvt_dec_sext(v, disp);
		d->disp = disp == 1 ? v << d->disp8 : v;
		d->ea += d->disp;
	}
	return true;
}

/* A displacement from the next instruction, whose address is known now. */
void hvt_dec_relate_to_end(struct dec *d)
{
	if (!d->riprel)
		return;
	d->disp += d->cx->ip + d->pos;
	d->ea += d->cx->ip + d->pos;
}

static bool get_imm(struct dec *d, unsigned int kind)
{
	unsigned int n = kind == I_B ? 1 : d->opsz == 2 ? 2 : 4;
	u64 v;

	switch (kind) {
	case I_B:
	case I_Z:
		if (!hvt_dec_take(d, n, &v))
			return false;
		d->imm = hvt_dec_sext(v, n);
		return true;
	case I_W:
		return hvt_dec_take(d, 2, &v);
	case I_WB:
		return hvt_dec_take(d, 3, &v);
	case I_V:
		return hvt_dec_take(d, d->opsz, &v);
	default:
		return true;
	}
}

static bool legacy_prefix(struct dec *d, u8 c)
{
	/* bit n: byte n is a prefix; most bytes are not */
	static const u64 any[4] = { 0x4040404000000000, 0x000000f000000000, 0, 0x000d000000000000 };

	if (!(any[c >> 6] >> (c & 63) & 1))
		return false;
	switch (c) {
	case 0x66:
		d->p66 = true;
		return true;
	case 0x67:
		d->asz = d->cx->bits == 64 ? 4 : 2;
		return true;
	case 0xf2:
	case 0xf3:
		if (d->rep && d->rep != c)
			d->bad = true;
		d->rep = c;
		return true;
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		if (d->seg == 0x64 || d->seg == 0x65)
			d->bad = true;
		if (!d->seg)
			d->seg = c;
		return true;
	case 0x64:
	case 0x65:
		if (d->seg && d->seg != c)
			d->bad = true;
		d->seg = c;
		return true;
	default: /* LOCK */
		return true;
	}
}

/* VEX: C5 RvvvvLpp, or C4 RXBmmmmm WvvvvLpp (SDM volume 2, 2.3.5). */
static bool get_vex(struct dec *d, u8 c)
{
	u64 v;

	if (d->rex || d->p66 || d->rep || !take_byte(d, &v))
		return false;
	d->rex = v & 0x80 ? 0 : 4;
	d->map = 1;
	if (c == 0xc4) {
		d->rex |= v & 0x40 ? 0 : 2;
		d->rex |= v & 0x20 ? 0 : 1;
		d->map = v & 0x1f;
		if (!take_byte(d, &v))
			return false;
		d->rex |= v & 0x80 ? 8 : 0;
	}
	d->vvvv = (~v >> 3) & 15;
	if (d->cx->bits != 64) {
		d->rex &= 8;
		d->vvvv &= 7;
	}
	d->vex = true;
	d->l256 = v & 4;
	d->simd = (v & 3) == 1 ? P_66 : (v & 3) == 2 ? P_F3 : (v & 3) == 3 ? P_F2 : P_NONE;
	if (d->map < 1 || d->map > 3 || !take_byte(d, &v))
		return false;
	d->op = v;
	return true;
}

static bool get_escape(struct dec *d)
{
	u64 v;

	if (!take_byte(d, &v))
		return false;
	d->map = 1;
	if (v == 0x38 || v == 0x3a) {
		d->map = v == 0x38 ? 2 : 3;
		if (!take_byte(d, &v))
			return false;
	}
	d->op = v;
	return true;
}

static bool get_opcode(struct dec *d)
{
	bool b64 = d->cx->bits == 64;
	u64 v;

	do {
		if (!take_byte(d, &v))
			return false;
	} while (legacy_prefix(d, v));
	if (b64 && (v & 0xf0) == 0x40) {
		d->rex = (v & 15) | 0x40;
		if (!take_byte(d, &v))
			return false;
		/* REX not last: ignored by the CPU, rare; step blind */
		if (legacy_prefix(d, v) || (v & 0xf0) == 0x40)
			return false;
	}
	if ((v == 0xc4 || v == 0xc5) && (b64 || (d->pos < d->n && (d->b[d->pos] & 0xc0) == 0xc0))) {
		if (!get_vex(d, v))
			return false;
	} else if (v == 0x62 && (b64 || (d->pos < d->n && (d->b[d->pos] & 0xc0) == 0xc0))) {
		return hvt_dec_evex_prefix(d);
	} else if (v == 0x0f) {
		if (!get_escape(d))
			return false;
	} else {
		d->op = v;
	}
	if (!d->vex)
		d->simd = d->rep == 0xf3 ? P_F3 : d->rep == 0xf2 ? P_F2 : d->p66 ? P_66 : P_NONE;
	d->opsz = REX_W(d) ? 8 : d->p66 ? 2 : 4;
	return true;
}

/* One-byte opcodes that are not there in 64-bit mode. */
static bool not_in_64(u8 op, u32 *e)
{
	switch (op) {
	case 0x27: /* DAA, DAS, AAA, AAS */
	case 0x2f:
	case 0x37:
	case 0x3f:
		*e = 0;
		return true;
	case 0xd4: /* AAM, AAD */
	case 0xd5:
		*e = I(B);
		return true;
	case 0x60:
		*e = S(PUSHA);
		return true;
	case 0x61:
		*e = S(POPA);
		return true;
	case 0x62:
		*e = M_ | R_ | Z(V) | S(BOUND);
		return true;
	case 0x82:
		*e = M_ | RW | Z(B) | I(B) | S(GRP1);
		return true;
	case 0x9a: /* far CALL, far JMP */
	case 0xea:
		*e = S(FARIMM);
		return true;
	case 0xc4: /* LES, LDS */
	case 0xc5:
		*e = M_ | S(LXS);
		return true;
	default:
		return false;
	}
}

/*
 * VEX instructions on opmask registers alone: KAND .. KXOR, KADD, KUNPCK, KMOV between
 * registers, KORTEST, KTEST. Their ModRM names two registers, memory never.
 */
static bool is_mask_op(const struct dec *d)
{
	if (!d->vex || d->map != 1)
		return false;
	return (d->op >= 0x41 && d->op <= 0x4b) || (d->op >= 0x90 && d->op <= 0x93) ||
	       d->op == 0x98 || d->op == 0x99;
}

/* Entries whose operands follow from ModRM and the stack pointer alone: insn_form.c. */
static bool is_plain(unsigned int spec)
{
	switch (spec) {
	case S_NONE:
	case S_PUSH:
	case S_POP:
	case S_CALL:
	case S_RET:
	case S_JREL:
	case S_MOVSXD:
	case S_FPU:
	case S_GRP1:
	case S_GRP3:
	case S_GRP4:
	case S_GRP5:
	case S_GRP8:
	case S_GRP11:
		return true;
	default:
		return spec >= S_12;
	}
}

static bool decode_map01(struct dec *d)
{
	u32 e = d->map ? hvt_map1[d->op] : hvt_map0[d->op];
	unsigned int imm;
	bool ok;

	if (E_SPEC(e) == S_INV64 && (d->cx->bits == 64 || !not_in_64(d->op, &e)))
		return false;
	if (is_mask_op(d) && d->pos < d->n && d->b[d->pos] >= 0xc0)
		return hvt_dec_modrm(d);
	if (!hvt_dec_simd_ok(d, e))
		return false;
	d->plain = is_plain(E_SPEC(e));
	imm = E_IMM(e);
	if (!E_MODRM(e)) {
		if (!get_imm(d, imm))
			return false;
		ok = hvt_dec_plain_ops(d, e);
		/* INT, IRET and kin; not blind ones of 0F, nor a branch's immediate of 66 */
		if (!ok && d->map == 0 && E_SPEC(e) != S_FARIMM && imm != I_Z)
			d->out->len = d->pos;
		return ok;
	}
	if (!hvt_dec_modrm(d))
		return false;
	if (E_SPEC(e) == S_GRP3 && REG(d) < 2)
		imm = d->op & 1 ? I_Z : I_B;
	if (imm && !get_imm(d, imm))
		return false;
	hvt_dec_relate_to_end(d);
	ok = hvt_dec_modrm_ops(d, e);
	/* XSAVE, descriptor loads and kin; but not XOP, and what ignores ModRM.mod */
	if (!ok && E_SPEC(e) != S_POPM && E_SPEC(e) != S_MODREG && E_SPEC(e) != S_BLIND)
		d->out->len = d->pos;
	return ok;
}

static bool decode_map23(struct dec *d)
{
	u64 imm;

	if (d->map >= HVT_EVEX)
		return hvt_dec_evex(d);
	/* VPGATHER, VGATHER */
	d->vsib = d->vex && d->map == 2 && d->op >= 0x90 && d->op <= 0x93;
	if (!hvt_dec_modrm(d) || (d->map == 3 && !take_byte(d, &imm)))
		return false;
	hvt_dec_relate_to_end(d);
	return hvt_dec_map23(d);
}

bool hvt_insn_decode_form(const u8 *b, unsigned int n, const struct hvt_insn_ctx *cx,
			  struct hvt_insn *out, struct hvt_form *form)
{
	struct dec d = {
		.b = b,
		.n = n < HVT_INSN_MAX ? n : HVT_INSN_MAX,
		.cx = cx,
		.asz = cx->bits == 64 ? 8 : 4,
		.out = out,
		.base = HVT_NO_REG,
		.index = HVT_NO_REG,
		.form = form,
	};

	out->len = 0;
	out->nops = 0;
	out->mask = HVT_MASK_NONE;
	out->rep = false;
	out->imm = 0;
	form->len = form->nops = 0;
	if (cx->bits == 16 || !get_opcode(&d) || d.bad)
		return false;
	if (!(d.map > 1 ? decode_map23(&d) : decode_map01(&d)))
		return false;
	out->len = d.pos;
	hvt_dec_note_end(&d);
	return !d.bad;
}

bool hvt_insn_decode(const u8 *b, unsigned int n, const struct hvt_insn_ctx *cx,
		     struct hvt_insn *out)
{
	struct hvt_form form;

	return hvt_insn_decode_form(b, n, cx, out, &form);
}
