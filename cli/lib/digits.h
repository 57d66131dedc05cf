/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Eight decimal or 16 hexadecimal digits of a number at a time, as the bytes of one register:
 * the first digit is the lowest byte, which is where memory begins. Nothing here writes to memory.
 */
#ifndef HVT_LIB_DIGITS_H
#define HVT_LIB_DIGITS_H

#include <emmintrin.h>
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

/* Zeros before the number: 7 of them at most. */
static inline unsigned int hvt_zeros8(uint64_t digits)
{
	return (unsigned int)__builtin_ctzll(digits | 1ull << 56) / 8;
}

/* Their characters. */
static inline uint64_t hvt_dec8_text(uint64_t digits)
{
	return digits + HVT_EACH('0');
}

/* v as 16 hexadecimal characters. */
static inline __m128i hvt_hex16(uint64_t v)
{
	__m128i x = _mm_cvtsi64_si128((long long)__builtin_bswap64(v)), low = _mm_set1_epi8(15);
	__m128i digits =
		_mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(x, 4), low), _mm_and_si128(x, low));
	__m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)),
					_mm_set1_epi8('a' - '0' - 10));

	return _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters);
}

#endif
