// SPDX-License-Identifier: GPL-2.0-only
/* The decoder's view of vector registers, from arrays. */
#include <string.h>
#include "insn.h"
#include "vec.h"

u8 vec_reg[32][64];
u64 vec_mask[8];
bool vec_unknown;
u64 vec_asked;

bool hvt_vec_read(unsigned int reg, u8 out[64])
{
	vec_asked++;
	memcpy(out, vec_reg[reg], 64);
	return !vec_unknown;
}

bool hvt_mask_read(unsigned int reg, u64 *out)
{
	vec_asked++;
	*out = vec_mask[reg];
	return !vec_unknown;
}
