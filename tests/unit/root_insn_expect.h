/* SPDX-License-Identifier: GPL-2.0-only */
/* What memory an instruction touches, according to capstone and the SDM. */
#ifndef HVT_ROOT_INSN_EXPECT_H
#define HVT_ROOT_INSN_EXPECT_H

#include <capstone/capstone.h>
#include "insn.h"

struct expect {
	unsigned int n;
	bool skip; /* capstone cannot be asked about this one */
	bool evex; /* ... or just about its length and direction */
	struct hvt_insn_op op[4];
};

/* @in: decoded at address cx->ip, with detail. */
void expect_from_capstone(const cs_insn *in, const struct hvt_insn_ctx *cx, struct expect *e);

#endif
