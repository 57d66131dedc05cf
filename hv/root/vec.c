// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's vector and opmask registers. VM exits leave them, and XCR0, in the CPU;
 * root mode itself is built without them. Reading changes nothing, not even what
 * XSAVE's optimisations track (SDM volume 1, 13.6), so that nothing is saved here.
 */
#include <asm/processor-flags.h>
#include "insn.h"

#define XCR0_AVX    (1u << 2)
#define XCR0_AVX512 (7u << 5)

/* Feature sets that the guest's system has enabled; 0 without XSAVE. */
static u32 xcr0(void)
{
	unsigned long cr4;
	u32 lo, hi;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	if (!(cr4 & X86_CR4_OSXSAVE))
		return 0;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo;
}

/* AVX512BW: opmask registers of 64 bits. Its answer never changes. */
static bool wide_masks(void)
{
	static u8 known;
	u32 a = 7, b, c = 0, d;

	if (!known) {
		asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		known = b & (1u << 30) ? 2 : 1;
	}
	return known == 2;
}

#define EACH8(m, a, b, c, d, e, f, g, h) m(a) m(b) m(c) m(d) m(e) m(f) m(g) m(h)
#define LOW_16(m) EACH8(m, 0, 1, 2, 3, 4, 5, 6, 7) EACH8(m, 8, 9, 10, 11, 12, 13, 14, 15)
#define HIGH_16(m) \
	EACH8(m, 16, 17, 18, 19, 20, 21, 22, 23) EACH8(m, 24, 25, 26, 27, 28, 29, 30, 31)

#define STORE(insn, n) \
	case n: \
		asm volatile(insn #n ", %0" : "=m"(*(u8(*)[64])out)); \
		return true;
#define STORE_ZMM(n) STORE("vmovdqu64 %%zmm", n)
#define STORE_YMM(n) STORE("vmovdqu %%ymm", n)
#define STORE_XMM(n) STORE("movdqu %%xmm", n)

bool hvt_vec_read(unsigned int reg, u8 out[64])
{
	u32 enabled = xcr0();
	unsigned int i;

	if ((enabled & XCR0_AVX512) == XCR0_AVX512) {
		switch (reg) {
			LOW_16(STORE_ZMM)
			HIGH_16(STORE_ZMM)
		}
		return false;
	}
	for (i = 0; i < 64; i++)
		((volatile u8 *)out)[i] = 0;
	if (enabled & XCR0_AVX) {
		switch (reg) {
			LOW_16(STORE_YMM)
		}
		return false;
	}
	switch (reg) {
		LOW_16(STORE_XMM)
	}
	return false;
}

#define MASK_Q(n) \
	case n: \
		asm volatile("kmovq %%k" #n ", %0" : "=r"(*out)); \
		return true;
#define MASK_W(n) \
	case n: \
		asm volatile("kmovw %%k" #n ", %k0" : "=r"(*out)); \
		return true;

bool hvt_mask_read(unsigned int reg, u64 *out)
{
	if ((xcr0() & XCR0_AVX512) != XCR0_AVX512)
		return false;
	if (wide_masks()) {
		switch (reg) {
			EACH8(MASK_Q, 0, 1, 2, 3, 4, 5, 6, 7)
		}
		return false;
	}
	switch (reg) {
		EACH8(MASK_W, 0, 1, 2, 3, 4, 5, 6, 7)
	}
	return false;
}
