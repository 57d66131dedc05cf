// SPDX-License-Identifier: GPL-2.0-only
/* Encodings and register values for test_root_insn_exec.c; deterministic. */
#include <string.h>
#include "native.h"
#include "root_insn_gen.h"
#include "xorshift.h"

static u64 seed = 0x9e3779b97f4a7c15ull;

u64 gen_rnd(void)
{
	seed = xorshift(seed);
	return seed >> 8;
}

const struct encoding gen_prefixes[GEN_PREFIXES] = {
	{ .nprefix = 0 },
	{ .nprefix = 1, .prefix = { 0x66 } },
	{ .nprefix = 1, .prefix = { 0xf3 } },
	{ .nprefix = 1, .prefix = { 0xf2 } },
	{ .nprefix = 0, .rex_w = true },
	{ .nprefix = 1, .prefix = { 0x66 }, .rex_w = true },
	{ .nprefix = 1, .prefix = { 0xf3 }, .rex_w = true },
	{ .nprefix = 1, .prefix = { 0xf2 }, .rex_w = true },
	{ .nprefix = 1, .prefix = { 0x65 } },
	{ .nprefix = 1, .prefix = { 0x67 }, .long67 = true },
	{ .nprefix = 2, .prefix = { 0x66, 0xf2 } },
	{ .nprefix = 2, .prefix = { 0x66, 0xf3 } },
	{ .nprefix = 1, .prefix = { 0xf0 } },
	{ .nprefix = 2, .prefix = { 0x67, 0x65 }, .long67 = true },
	{ .nprefix = 3, .prefix = { 0x3e, 0x2e, 0x66 } },
};

/* Pointers into the arena, some pages apart; RCX is a count or small offset. */
void gen_registers(struct sample *s)
{
	u64 slot = gen_rnd();
	unsigned int r;

	for (r = 0; r < 16; r++)
		s->gpr[r] =
			ARENA + (6 + 4 * ((slot + r * 5) % 16)) * 4096 + 1024 + gen_rnd() % 2048;
	s->gpr[1] = 0x0101010101010101ull;
}

/* Put prefixes, opcode and a memory operand, form by form, then random bytes. */
void gen_encode(struct sample *s, const struct encoding *e, unsigned int form)
{
	static const u8 bases[] = { 0, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15 };
	u8 base = bases[gen_rnd() % sizeof(bases)], index = 0, rex, *p = s->b;
	bool sib = form == 2 || form == 3, rip = form == 4;
	u32 disp = gen_rnd() % 100;
	unsigned int i;

	gen_registers(s);
	s->ip = NATIVE_CODE + 8192 + gen_rnd() % 4096;
	s->moffs_at = 0;
	if (form == 2)
		base = 4;
	if (form == 3) {
		do
			index = bases[gen_rnd() % sizeof(bases)];
		while (index == base);
		s->gpr[index] = 0x101 + gen_rnd() % 100;
	}
	rex = (e->rex_w ? 8 : 0) | (sib && form == 3 ? (index >> 3) << 1 : 0) | base >> 3;
	for (i = 0; i < e->nprefix; i++)
		*p++ = e->prefix[i];
	if (e->vex) {
		*p++ = 0xc4;
		*p++ = e->map | (~(rex & 7) & 7) << 5;
		*p++ = (e->rex_w ? 0x80 : 0) | 0x78 | (e->l ? 4 : 0) | e->pp;
	} else {
		if (rex)
			*p++ = rex | 0x40;
		if (e->map)
			*p++ = 0x0f;
		if (e->map > 1)
			*p++ = e->map == 2 ? 0x38 : 0x3a;
	}
	*p++ = e->op;
	if (!e->map && !e->vex && (e->op & 0xfc) == 0xa0) {
		u64 addr = ARENA + 40 * 4096 + 100;

		s->moffs_at = p - s->b;
		memcpy(p, &addr, 8);
		p += 8;
	} else if (!e->map && !e->vex && (e->op == 0xe8 || e->op == 0xc8)) {
		memset(p, 0, 4);
		if (e->op == 0xc8)
			p[2] = e->reg; /* nesting level */
		p += 4;
	} else {
		*p++ = e->reg << 3 | (rip	      ? 5 :
				      sib	      ? 4 | 0x80 :
				      (base & 7) == 4 ? 4 | 0x80 :
							(base & 7) | 0x80);
		if (form == 2)
			*p++ = 0x24;
		if (form == 3)
			*p++ = (base & 7) | (index & 7) << 3 | (gen_rnd() & 3) << 6;
		if (rip)
			disp = ARENA + 40 * 4096 - (s->ip + 16);
		memcpy(p, &disp, 4);
		p += 4;
	}
	*p++ = 1 + gen_rnd() % 7; /* a shift that leaves something */
	while (p < s->b + 15)
		*p++ = 1 + gen_rnd() % 0x7e;
	/* The bit offset of BT and kin */
	if (e->map == 1 && !e->vex && (e->op & 0xe7) == 0xa3 && e->reg != (base & 7) &&
	    !(form == 3 && e->reg == index) && e->reg != 4)
		s->gpr[e->reg] = gen_rnd() % 20000 - 10000;
	if (!e->map && !e->vex && e->op >= 0xa4 && e->op <= 0xaf)
		s->gpr[1] = 1; /* one iteration */
	if (e->long67)
		for (i = 0; i < 16; i++)
			if (i != 4 && i != 1)
				s->gpr[i] |= gen_rnd() << 32;
}
