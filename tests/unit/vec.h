/* SPDX-License-Identifier: GPL-2.0-only */
/* Vector, MMX and opmask registers for the decoder's tests: what hvt_vec_read() finds. */
#ifndef HVT_UNIT_VEC_H
#define HVT_UNIT_VEC_H

#include "insn.h"

extern u8 vec_reg[32][64];
extern u8 vec_mmx[8][8];
extern u64 vec_mask[8];
extern bool vec_unknown; /* nothing can be read */
extern u64 vec_asked;	 /* how often something was */

/* What hvt_xstate_read() finds; xcr0 0: nothing. Components are this CPU's own. */
extern struct hvt_xstate vec_xstate;
extern bool vec_memory; /* this program's memory is the guest's; else none can be read */

#endif
