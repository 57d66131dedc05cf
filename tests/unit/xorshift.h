/* SPDX-License-Identifier: GPL-2.0-only */
/* Marsaglia, "Xorshift RNGs", 2003: numbers for tests, the same in each run. */
#ifndef XORSHIFT_H
#define XORSHIFT_H

#include <stdint.h>

/* The one behind x, which is not 0. */
static inline uint64_t xorshift(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

#endif
