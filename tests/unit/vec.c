// SPDX-License-Identifier: GPL-2.0-only
/* The decoder's view of vector registers and extended state. */
#include <cpuid.h>
#include <string.h>
#include "insn.h"
#include "vec.h"

u8 vec_reg[32][64];
u8 vec_mmx[8][8];
u64 vec_mask[8];
bool vec_unknown;
u64 vec_asked;
struct hvt_xstate vec_xstate;
bool vec_memory;

bool hvt_vec_read(unsigned int reg, u8 out[64])
{
	vec_asked++;
	memcpy(out, vec_reg[reg], 64);
	return !vec_unknown;
}

bool hvt_mmx_read(unsigned int reg, u8 out[8])
{
	vec_asked++;
	memcpy(out, vec_mmx[reg], 8);
	return !vec_unknown;
}

bool hvt_mask_read(unsigned int reg, u64 *out)
{
	vec_asked++;
	*out = vec_mask[reg];
	return !vec_unknown;
}

bool hvt_xstate_read(struct hvt_xstate *out)
{
	*out = vec_xstate;
	return out->xcr0;
}

bool hvt_xcomp_read(unsigned int i, struct hvt_xcomp *out)
{
	unsigned int a, b, c, d;

	__cpuid_count(13, i, a, b, c, d);
	out->size = a;
	out->offset = b;
	out->align = c & 2;
	return a;
}

bool hvt_guest_read(u64 addr, void *dst, u32 n)
{
	if (vec_memory)
		memcpy(dst, (const void *)addr, n);
	return vec_memory;
}
