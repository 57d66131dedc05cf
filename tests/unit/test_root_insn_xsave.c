// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root decoder's operands of FXSAVE, XSAVE and kin against the CPU, for each set of
 * components, with registers in and out of use:
 *
 *   a save, over two different contents     writes all that is listed, and no more
 *   a restore, bytes not listed changed     loads the same
 *   a restore, an operand changed           loads something else
 *
 * but for XSTATE_BV, whose other bits stay as they were.
 */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "insn.h"
#include "vec.h"

#define AREA 16384
static u8 area[AREA] __attribute__((aligned(64))), image[AREA] __attribute__((aligned(64)));
static u8 after[2][AREA] __attribute__((aligned(64)));
static u64 gpr[16];
static sigjmp_buf faulted;
static u64 enabled, tried;

enum kind { FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEC, XRSTORC };

static const u8 code[][4] = {
	{ 0x48, 0x0f, 0xae, 0x03 }, { 0x48, 0x0f, 0xae, 0x0b }, { 0x48, 0x0f, 0xae, 0x23 },
	{ 0x48, 0x0f, 0xae, 0x2b }, { 0x48, 0x0f, 0xc7, 0x23 }, { 0x48, 0x0f, 0xae, 0x2b },
};

static void execute(enum kind kind, u8 *at, u64 mask)
{
	u32 lo = mask, hi = mask >> 32;

	switch (kind) {
	case FXSAVE:
		asm volatile("fxsave64 (%0)" : : "r"(at) : "memory");
		break;
	case FXRSTOR:
		asm volatile("fxrstor64 (%0)" : : "r"(at) : "memory");
		break;
	case XSAVE:
		asm volatile("xsave64 (%0)" : : "r"(at), "a"(lo), "d"(hi) : "memory");
		break;
	case XSAVEC:
		asm volatile("xsavec64 (%0)" : : "r"(at), "a"(lo), "d"(hi) : "memory");
		break;
	default:
		asm volatile("xrstor64 (%0)" : : "r"(at), "a"(lo), "d"(hi) : "memory");
		break;
	}
}

static u64 xgetbv(u32 index)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return (u64)hi << 32 | lo;
}

/*
 * Load image, of which components @used are not in their initial state, do @kind and save
 * all to @all, without anything between that could use a vector register.
 */
static __attribute__((noinline)) void with_state(enum kind kind, u8 *at, u64 mask, u64 used,
						 u8 *all)
{
	memcpy(image + 512, &used, 8);
	execute(XRSTOR, image, ~0ull);
	execute(kind, at, mask);
	if (all)
		execute(XSAVE, all, ~0ull);
}

static bool listed(const struct hvt_insn *insn, unsigned int i)
{
	unsigned int k;

	for (k = 0; k < insn->nops; k++)
		if ((u64)area + i - insn->op[k].addr < insn->op[k].size)
			return true;
	return false;
}

static bool decode(enum kind kind, u64 mask, struct hvt_insn *insn)
{
	struct hvt_insn_ctx cx = { .gpr = gpr, .bits = 64 };

	gpr[0] = (u32)mask;
	gpr[2] = mask >> 32;
	gpr[3] = (u64)area;
	return hvt_insn_decode(code[kind], 4, &cx, insn);
}

/* Registers' contents that are valid, MXCSR and control words included. */
static void fill_image(void)
{
	unsigned int i, k;

	memset(image, 0, sizeof(image));
	execute(XSAVE, image, ~0ull);
	for (i = 0; i < 8; i++) {
		for (k = 0; k < 8; k++)
			image[32 + 16 * i + k] = 0x80 | rand();
		image[32 + 16 * i + 9] = 0x40;
	}
	image[4] = 0xff; /* FTW: all valid */
	for (i = 160; i < 416; i++)
		image[i] = rand();
	for (i = 2; i < 8; i++) {
		struct hvt_xcomp c;

		if ((enabled >> i & 1) && i != 3 && i != 4 && hvt_xcomp_read(i, &c))
			for (k = 0; k < c.size; k++)
				image[c.offset + k] = rand();
	}
	memset(image + 512, 0, 64);
}

static void check_save(enum kind kind, u64 mask, u64 used)
{
	struct hvt_insn insn;
	unsigned int i, k;
	u32 seed = rand();

	for (k = 0; k < 2; k++) {
		srand(seed);
		for (i = 0; i < AREA; i++)
			area[i] = k ? ~rand() : rand();
		memset(area + 512, 0, 8);
		with_state(kind, area, mask, used, NULL);
		vec_xstate.inuse = xgetbv(1);
		memcpy(after[k], area, AREA);
	}
	assert_true(decode(kind, mask, &insn));
	assert_int_equal(insn.len, 4);
	srand(seed);
	for (i = 0; i < AREA; i++) {
		u8 was = rand(), inverse = ~was;

		if (i >= 512 && i < 520)
			continue;
		if (listed(&insn, i) ? after[0][i] != after[1][i] :
				       after[0][i] != was || after[1][i] != inverse)
			fail_msg("kind %u mask %#llx used %#llx: byte %u is %slisted", kind,
				 (unsigned long long)mask, (unsigned long long)used, i,
				 listed(&insn, i) ? "" : "not ");
	}
	tried++;
}

static void on_fault(int sig)
{
	siglongjmp(faulted, sig);
}

static void check_restore(enum kind kind, u64 mask, u64 used)
{
	struct hvt_insn insn;
	unsigned int i, k;

	mask &= 0xff; /* not PKRU: it would bite */
	memset(area, 0, AREA);
	memset(after, 0, sizeof(after));
	with_state(kind == FXRSTOR ? FXSAVE : kind == XRSTOR ? XSAVE : XSAVEC, area, ~0ull, used,
		   NULL);
	vec_memory = true;
	assert_true(decode(kind, mask, &insn));
	vec_memory = false;
	with_state(kind, area, mask, 0, after[0]);
	for (i = 0; i < AREA; i++)
		if (!listed(&insn, i))
			area[i] ^= rand() | 1;
	if (sigsetjmp(faulted, 1))
		fail_msg("kind %u mask %#llx used %#llx: faults on what is not listed", kind,
			 (unsigned long long)mask, (unsigned long long)used);
	with_state(kind, area, mask, 0, after[1]);
	/* XSTATE_BV may change with a context switch: what is initial need not be in use. */
	memset(after[0] + 512, 0, 8);
	memset(after[1] + 512, 0, 8);
	if (memcmp(after[0], after[1], AREA))
		fail_msg("kind %u mask %#llx used %#llx: loads what is not listed", kind,
			 (unsigned long long)mask, (unsigned long long)used);
	for (k = 0; k < insn.nops; k++) {
		u32 lo = insn.op[k].addr - (u64)area, hi = lo + insn.op[k].size;

		if (lo == 512)
			continue;
		memset(after[1], 0, AREA);
		for (i = lo; i < hi; i++)
			area[i] ^= i < 25 || i > 31; /* of MXCSR, a flag */
		with_state(kind, area, mask, 0, after[1]);
		for (i = lo; i < hi; i++)
			area[i] ^= i < 25 || i > 31;
		memset(after[1] + 512, 0, 8);
		if (!memcmp(after[0], after[1], AREA))
			fail_msg("kind %u mask %#llx used %#llx: operand %u is not loaded", kind,
				 (unsigned long long)mask, (unsigned long long)used, k);
	}
	tried++;
}

static const u64 sets[] = { 0, 1, 2,	3,    4,    5,	  6,	7,
			    32, 0x47, 0x80, 0xa2, 0xc5, 0xe0, 0xe7, ~0ull };

static bool has(unsigned int bit)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid_count(13, 1, &a, &b, &c, &d))
		return false;
	return a >> bit & 1;
}

static int setup(void **state)
{
	unsigned int a, b, c, d;

	(void)state;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	enabled = xgetbv(0);
	vec_xstate.xcr0 = enabled;
	vec_xstate.inuse_known = has(2);
	signal(SIGSEGV, on_fault);
	fill_image();
	return 0;
}

static void each_set(enum kind kind, void (*check)(enum kind, u64, u64))
{
	unsigned int i, k;

	if (!enabled || !has(2) || ((kind == XSAVEC || kind == XRSTORC) && !has(1))) {
		printf("# SKIP: this CPU has no XSAVEC, or no XGETBV(1)\n");
		skip();
	}
	tried = 0;
	for (i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		for (k = 0; k < sizeof(sets) / sizeof(*sets); k++)
			check(kind, sets[i], sets[k] & enabled & 0xe7);
	assert_int_equal(tried, sizeof(sets) / sizeof(*sets) * sizeof(sets) / sizeof(*sets));
}

static void test_fxsave(void **state)
{
	(void)state;
	each_set(FXSAVE, check_save);
	each_set(FXRSTOR, check_restore);
}

static void test_xsave(void **state)
{
	(void)state;
	each_set(XSAVE, check_save);
	each_set(XRSTOR, check_restore);
}

static void test_xsavec(void **state)
{
	(void)state;
	each_set(XSAVEC, check_save);
	each_set(XRSTORC, check_restore);
}

/* What cannot be known is not claimed. */
static void test_unknown(void **state)
{
	static const u8 xsaveopt[] = { 0x0f, 0xae, 0x33 }, xsaves[] = { 0x0f, 0xc7, 0x2b };
	struct hvt_insn_ctx cx = { .gpr = gpr, .bits = 64 };
	struct hvt_insn insn;
	u64 xcr0 = vec_xstate.xcr0;

	(void)state;
	vec_xstate.xcr0 = 7;
	gpr[3] = (u64)area;
	assert_false(hvt_insn_decode(xsaveopt, 3, &cx, &insn));
	assert_int_equal(insn.len, 3);
	assert_false(hvt_insn_decode(xsaves, 3, &cx, &insn));
	assert_int_equal(insn.len, 3);
	assert_false(decode(XRSTOR, 7, &insn)); /* the header cannot be read */
	assert_true(decode(XSAVE, 7, &insn));
	cx.bits = 32;
	assert_false(hvt_insn_decode(code[XSAVE] + 1, 3, &cx, &insn));
	vec_xstate.xcr0 = 0;
	assert_false(decode(XSAVE, 7, &insn));
	vec_xstate.xcr0 = xcr0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fxsave),
		cmocka_unit_test(test_xsave),
		cmocka_unit_test(test_xsavec),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
