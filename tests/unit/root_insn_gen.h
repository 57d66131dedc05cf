/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions for test_root_insn_exec.c, their operands in a private arena. */
#ifndef HVT_ROOT_INSN_GEN_H
#define HVT_ROOT_INSN_GEN_H

#include "insn.h"

#define ARENA	0x20000000ull
#define PAGES	80
#define GS_BASE 0x6000ull
struct sample {
	u8 b[16];
	unsigned int len, moffs_at;
	u64 gpr[16], ip;
	bool gs;
	struct hvt_insn insn;
};

/* What to encode. */
struct encoding {
	u8 map, op, prefix[4], nprefix;
	bool rex_w, vex, l, long67;
	u8 pp, reg;
};

#define GEN_PREFIXES 15
extern const struct encoding gen_prefixes[GEN_PREFIXES];

u64 gen_rnd(void);
void gen_registers(struct sample *s);
/* @form: 0 to 4: base; the same; RSP; base and index; RIP-relative */
void gen_encode(struct sample *s, const struct encoding *e, unsigned int form);

#endif
