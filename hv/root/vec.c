// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the decoder asks of the CPU: the guest's vector and opmask registers and its
 * extended state. VM exits leave them, XCR0 and IA32_XSS in the CPU; root mode itself
 * is built without them. Reading changes nothing, not even what XSAVE's optimisations
 * track (SDM volume 1, 13.6), so that nothing is saved here.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include "root_fn.h"

#define XCR0_AVX    (1u << 2)
#define XCR0_AVX512 (7u << 5)

static __always_inline u64 xgetbv(u32 index)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return (u64)hi << 32 | lo;
}

static __always_inline void ask_cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c)
{
	u32 d;

	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(d) : "a"(leaf), "c"(sub));
}

/* Feature sets that the guest's system has enabled; 0 without XSAVE. */
static u64 xcr0(void)
{
	unsigned long cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4 & X86_CR4_OSXSAVE ? xgetbv(0) : 0;
}

/* AVX512BW: opmask registers of 64 bits. Its answer never changes. */
static bool wide_masks(void)
{
	static u8 known;
	u32 a, b, c;

	if (!known) {
		ask_cpuid(7, 0, &a, &b, &c);
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
	u64 enabled = xcr0();
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

/*
 * FXSAVE, unlike FNSAVE, leaves the x87 registers as they are (SDM volume 1, 10.5.1). It
 * stores them from the top of their stack on, which MMX numbers do not count from.
 */
bool hvt_mmx_read(unsigned int reg, u8 out[8])
{
	u8 area[512] __aligned(16);
	unsigned int top;

	asm volatile("fxsave64 %0" : "=m"(area));
	top = area[3] >> 3 & 7; /* FSW bits 13:11 */
	hvt_copy(out, area + 32 + 16 * ((reg - top) & 7), 8);
	return true;
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

bool hvt_xstate_read(struct hvt_xstate *out)
{
	static u8 known; /* CPUID leaf 0DH, 1: bit 2 XGETBV(1), bit 3 IA32_XSS */
	u32 a, b, c, mxcsr;

	out->xcr0 = xcr0();
	if (!out->xcr0)
		return false;
	if (!known) {
		ask_cpuid(13, 1, &a, &b, &c);
		known = 1 | (a & 12);
	}
	out->xss = 0;
	if ((known & 8) && hvt_rdmsr_safe(MSR_IA32_XSS, &out->xss))
		return false;
	out->inuse_known = known & 4;
	if (out->inuse_known) {
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		out->inuse = xgetbv(1) | (mxcsr != 0x1f80 ? 2 : 0);
	}
	return true;
}

/* Asked once: CPUID takes its time. Two CPUs at once write the same. */
bool hvt_xcomp_read(unsigned int i, struct hvt_xcomp *out)
{
	static struct hvt_xcomp comp[63];
	u32 a, b, c;

	if (!comp[i].size) {
		ask_cpuid(13, i, &a, &b, &c);
		comp[i].offset = b;
		comp[i].align = c & 2;
		asm volatile("" : : : "memory"); /* the size says that the others are there */
		comp[i].size = a;
	}
	*out = comp[i];
	return out->size;
}

bool hvt_guest_read(u64 addr, void *dst, u32 n)
{
	return hvt_read_linear(vmcs_readl(GUEST_CR3), addr, dst, n) == n;
}
