/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Eight digits of a number at a time, as the bytes of one register: the first digit is the
 * lowest byte, which is where memory begins. Nothing here writes to memory.
 */
#ifndef HVT_LIB_DIGITS_H
#define HVT_LIB_DIGITS_H

#include <stdint.h>

#define HVT_EACH(byte) (0x0101010101010101ull * (uint8_t)(byte))

/* The digits' values of v below 10^8: halves, quarters and eighths of it side by side. */
static inline uint64_t hvt_dec8(uint32_t v)
{
	uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32, high;

	high = (x * 10486 >> 20) & 0x0000007f0000007full; /* by 100: exact below 10^4 */
	x = high | (x - 100 * high) << 16;
	high = (x * 103 >> 10) & 0x000f000f000f000full; /* by 10: exact below 100 */
	return high | (x - 10 * high) << 8;
}

/* The digits' values of v. */
static inline uint64_t hvt_hex8(uint32_t v)
{
	uint64_t x = v;

	x = (x | x << 16) & 0x0000ffff0000ffffull;
	x = (x | x << 8) & 0x00ff00ff00ff00ffull;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0full;
	return __builtin_bswap64(x);
}

/* Zeros before the number: 7 of them at most. */
static inline unsigned int hvt_zeros8(uint64_t digits)
{
	return (unsigned int)__builtin_ctzll(digits | 1ull << 56) / 8;
}

/* Values into characters. */
static inline uint64_t hvt_dec8_text(uint64_t digits)
{
	return digits + HVT_EACH('0');
}

static inline uint64_t hvt_hex8_text(uint64_t digits)
{
	uint64_t letters = (digits + HVT_EACH(6)) >> 4 & HVT_EACH(1);

	return digits + HVT_EACH('0') + letters * ('a' - '0' - 10);
}

#endif
