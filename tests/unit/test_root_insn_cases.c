// SPDX-License-Identifier: GPL-2.0-only
/* The root decoder on instructions that are better listed one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "insn.h"
#include "vec.h"

/*
 * What neither capstone nor this CPU can tell: instructions that touch more than their
 * ModRM operand says, or that mean different things to different CPUs.
 */
static const struct {
	const char *what;
	u8 bits, cpl, hidden;
	bool known;
	u8 n, b[12];
} cases[] = {
	{ "in al, dx at CPL 3", 64, 3, 0, false, 1, { 0xec } },
	{ "in al, dx at CPL 0", 64, 0, 0, true, 1, { 0xec } },
	{ "out 0x80, al at CPL 3", 64, 3, 0, false, 2, { 0xe6, 0x80 } },
	{ "rep insb at CPL 3", 64, 3, 0, false, 2, { 0xf3, 0x6c } },
	{ "outsd with REX.W and 66", 64, 0, 0, false, 3, { 0x66, 0x48, 0x6f } },
	{ "call", 64, 0, 0, true, 5, { 0xe8, 0, 0, 0, 0 } },
	{ "call, shadow stack", 64, 0, 1, false, 5, { 0xe8, 0, 0, 0, 0 } },
	{ "call [rax], shadow stack", 64, 0, 1, false, 2, { 0xff, 0x10 } },
	{ "ret, shadow stack", 64, 0, 1, false, 1, { 0xc3 } },
	{ "syscall, FRED", 64, 3, 1, false, 2, { 0x0f, 0x05 } },
	{ "call rel with 66", 64, 0, 0, false, 6, { 0x66, 0xe8, 0, 0, 0, 0 } },
	{ "call rel with 66 REX.W", 64, 0, 0, true, 7, { 0x66, 0x48, 0xe8, 0, 0, 0, 0 } },
	{ "ret with 66", 64, 0, 0, false, 2, { 0x66, 0xc3 } },
	{ "jz with 66", 64, 0, 0, false, 7, { 0x66, 0x0f, 0x84, 0, 0, 0, 0 } },
	{ "movsxd with 66", 64, 0, 0, false, 3, { 0x66, 0x63, 0x00 } },
	{ "arpl", 32, 0, 0, false, 2, { 0x63, 0x00 } },
	{ "push fs", 64, 0, 0, true, 2, { 0x0f, 0xa0 } },
	{ "push fs in 32-bit code", 32, 0, 0, false, 2, { 0x0f, 0xa0 } },
	{ "monitor", 64, 0, 0, true, 3, { 0x0f, 0x01, 0xc8 } },
	{ "mwait", 64, 0, 0, true, 3, { 0x0f, 0x01, 0xc9 } },
	{ "encls", 64, 0, 0, false, 3, { 0x0f, 0x01, 0xcf } },
	{ "clzero", 64, 0, 0, false, 3, { 0x0f, 0x01, 0xfc } },
	{ "eretu", 64, 0, 0, false, 4, { 0xf3, 0x0f, 0x01, 0xca } },
	{ "uiret", 64, 0, 0, false, 4, { 0xf3, 0x0f, 0x01, 0xec } },
	{ "setssbsy", 64, 0, 0, false, 4, { 0xf3, 0x0f, 0x01, 0xe8 } },
	{ "rstorssp", 64, 0, 0, false, 4, { 0xf3, 0x0f, 0x01, 0x28 } },
	{ "incsspq", 64, 0, 0, false, 5, { 0xf3, 0x48, 0x0f, 0xae, 0xe8 } },
	{ "rdfsbase", 64, 0, 0, true, 5, { 0xf3, 0x48, 0x0f, 0xae, 0xc0 } },
	{ "senduipi", 64, 0, 0, false, 4, { 0xf3, 0x0f, 0xc7, 0xf0 } },
	{ "rdrand", 64, 0, 0, true, 3, { 0x0f, 0xc7, 0xf0 } },
	{ "xbegin", 64, 0, 0, false, 6, { 0xc7, 0xf8, 0, 0, 0, 0 } },
	{ "mov ds, ax", 64, 0, 0, false, 2, { 0x8e, 0xd8 } },
	{ "verw [rax]", 64, 0, 0, false, 3, { 0x0f, 0x00, 0x28 } },
	{ "lkgs", 64, 0, 0, false, 4, { 0xf2, 0x0f, 0x00, 0xf0 } },
	{ "kmovd eax, k0", 64, 3, 0, true, 4, { 0xc5, 0xfb, 0x93, 0xc0 } },
	{ "kortestb k0, k0", 64, 3, 0, true, 4, { 0xc5, 0xf9, 0x98, 0xc0 } },
	{ "kmovq k1, rax", 64, 3, 0, true, 5, { 0xc4, 0xe1, 0xfb, 0x92, 0xc8 } },
	{ "maskmovdqu", 64, 0, 0, true, 4, { 0x66, 0x0f, 0xf7, 0xc1 } },
	{ "maskmovq", 64, 0, 0, true, 3, { 0x0f, 0xf7, 0xc1 } },
	{ "vmaskmovps", 64, 0, 0, true, 5, { 0xc4, 0xe2, 0x79, 0x2c, 0x00 } },
	{ "vmaskmovps with W", 64, 0, 0, false, 5, { 0xc4, 0xe2, 0xf9, 0x2c, 0x00 } },
	{ "vpgatherdd", 64, 0, 0, true, 6, { 0xc4, 0xe2, 0x71, 0x90, 0x04, 0x08 } },
	{ "vpgatherdd without SIB", 64, 0, 0, false, 5, { 0xc4, 0xe2, 0x71, 0x90, 0x00 } },
	{ "EVEX", 64, 0, 0, true, 6, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00 } },
	{ "EVEX in 32-bit code", 32, 0, 0, true, 6, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00 } },
	{ "EVEX, L'L = 3", 64, 0, 0, false, 6, { 0x62, 0xf1, 0x7c, 0x68, 0x10, 0x00 } },
	{ "EVEX, zeroing, no mask", 64, 0, 0, false, 6, { 0x62, 0xf1, 0x7c, 0xc8, 0x10, 0x00 } },
	{ "EVEX, zeroing store", 64, 0, 0, false, 6, { 0x62, 0xf1, 0x7c, 0xc9, 0x11, 0x00 } },
	{ "EVEX, broadcast of a move", 64, 0, 0, false, 6, { 0x62, 0xf1, 0x7c, 0x58, 0x10, 0x00 } },
	{ "EVEX, map 5", 64, 0, 0, false, 6, { 0x62, 0xf5, 0x7c, 0x48, 0x58, 0x00 } },
	{ "EVEX after 66", 64, 0, 0, false, 7, { 0x66, 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00 } },
	{ "vpgatherdd, no mask", 64, 0, 0, false, 7, { 0x62, 0xf2, 0x7d, 0x48, 0x90, 0x04, 0x08 } },
	{ "umonitor", 64, 0, 0, true, 4, { 0xf3, 0x0f, 0xae, 0xf0 } },
	{ "bound", 32, 0, 0, true, 2, { 0x62, 0x00 } },
	{ "movdir64b", 64, 0, 0, true, 5, { 0x66, 0x0f, 0x38, 0xf8, 0x00 } },
	{ "daa", 32, 0, 0, true, 1, { 0x27 } },
	{ "daa in 64-bit code", 64, 0, 0, false, 1, { 0x27 } },
	{ "les", 32, 0, 0, false, 2, { 0xc4, 0x00 } },
	{ "iretq", 64, 0, 0, false, 2, { 0x48, 0xcf } },
	{ "retf", 64, 0, 0, false, 1, { 0xcb } },
	{ "lss eax, eax", 64, 0, 0, false, 3, { 0x0f, 0xb2, 0xc0 } },
	{ "kmovw k1, [rax]", 64, 0, 0, true, 4, { 0xc5, 0xf8, 0x90, 0x08 } },
	{ "kmovw k1, [rax] with L", 64, 0, 0, false, 4, { 0xc5, 0xfc, 0x90, 0x08 } },
	{ "kmovw k1, [rax] with vvvv", 64, 0, 0, false, 4, { 0xc5, 0xf0, 0x90, 0x08 } },
	{ "kmov, F3", 64, 0, 0, false, 4, { 0xc5, 0xfa, 0x90, 0x08 } },
	{ "jmp far in 64-bit code", 64, 0, 0, false, 7, { 0xea, 0, 0, 0, 0, 0x33, 0 } },
	{ "jmp far [rax]", 64, 0, 0, false, 2, { 0xff, 0x28 } },
	{ "lldt", 64, 0, 0, false, 3, { 0x0f, 0x00, 0xd0 } },
	{ "lldt, null", 64, 0, 0, true, 3, { 0x0f, 0x00, 0xd1 } },
	{ "ltr, null", 64, 0, 0, false, 3, { 0x0f, 0x00, 0xd9 } },
	{ "REX2", 64, 0, 0, false, 4, { 0xd5, 0x08, 0x8b, 0x00 } },
	{ "xsave", 64, 0, 0, false, 3, { 0x0f, 0xae, 0x20 } },
	{ "enqcmd", 64, 0, 0, false, 5, { 0xf2, 0x0f, 0x38, 0xf8, 0x00 } },
	{ "aesenc128kl", 64, 0, 0, false, 5, { 0xf3, 0x0f, 0x38, 0xdc, 0x00 } },
	{ "cmpbexadd", 64, 0, 0, false, 5, { 0xc4, 0xe2, 0x79, 0xe6, 0x00 } },
	{ "wrss", 64, 0, 0, false, 4, { 0x0f, 0x38, 0xf6, 0x00 } },
	{ "two REX", 64, 0, 0, false, 4, { 0x40, 0x48, 0x01, 0x00 } },
	{ "REX before a prefix", 64, 0, 0, false, 4, { 0x48, 0x66, 0x01, 0x00 } },
	{ "two segments", 64, 0, 0, false, 4, { 0x64, 0x2e, 0x01, 0x00 } },
	{ "F2 and F3", 64, 0, 0, false, 3, { 0xf2, 0xf3, 0xa4 } },
	{ "16-bit addressing", 32, 0, 0, false, 3, { 0x67, 0x8b, 0x07 } },
	{ "16-bit string", 32, 0, 0, false, 2, { 0x67, 0xa4 } },
	{ "16-bit code", 16, 0, 0, false, 2, { 0x8b, 0x07 } },
	{ "VEX.B in 32-bit code", 32, 0, 0, true, 5, { 0xc4, 0xc1, 0x78, 0x10, 0x00 } },
	{ "a non-canonical address", 64, 0, 0, false, 3, { 0x8b, 0x43, 0x7f } },
	{ "truncated", 64, 0, 0, false, 2, { 0x8b, 0x80 } },
};

static void test_cases(void **state)
{
	struct hvt_insn out;
	u64 gpr[16] = { 0x1000, 0, 0, 0x00fffffffffffff0ull, 0x2000, 0, 0x3000, 0x4000, 0xdead };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hvt_insn_ctx cx = {
			.gpr = gpr,
			.ip = 0x400000,
			.bits = cases[i].bits,
			.cpl = cases[i].cpl,
			.hidden_stack = cases[i].hidden,
		};
		bool known = hvt_insn_decode(cases[i].b, cases[i].n, &cx, &out);

		if (known != cases[i].known || (known && out.len != cases[i].n))
			fail_msg("%s: known %u, length %u", cases[i].what, known, out.len);
		if (cases[i].bits == 32 && known && out.nops)
			assert_int_equal(out.op[0].addr, 0x1000);
	}
}

/* Vector registers are read for masks and indices only, and are unknown if they are. */
static void test_vector_reads(void **state)
{
	static const struct {
		u8 n, b[8];
		bool asks;
	} insns[] = {
		{ 3, { 0x48, 0x89, 0x18 }, false },
		{ 4, { 0x66, 0x0f, 0x6f, 0x00 }, false },
		{ 4, { 0xc5, 0xfd, 0x6f, 0x00 }, false },
		{ 6, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00 }, false },
		{ 6, { 0x62, 0xf1, 0x7c, 0x49, 0x14, 0x00 }, false }, /* reads all anyway */
		{ 6, { 0x62, 0xf1, 0x7c, 0x49, 0x10, 0x00 }, true },
		{ 7, { 0x62, 0xf2, 0x7d, 0x49, 0x90, 0x04, 0x08 }, true },
		{ 6, { 0xc4, 0xe2, 0x71, 0x90, 0x04, 0x08 }, true },
		{ 5, { 0xc4, 0xe2, 0x79, 0x2c, 0x00 }, true },
		{ 4, { 0x66, 0x0f, 0xf7, 0xc1 }, true },
		{ 3, { 0x0f, 0xf7, 0xc1 }, true },
	};
	u64 gpr[16] = { 0x1000, [7] = 0x4000 };
	struct hvt_insn_ctx cx = { .gpr = gpr, .bits = 64 };
	struct hvt_insn out;
	unsigned int i;
	u64 before;

	(void)state;
	for (i = 0; i < sizeof(insns) / sizeof(*insns); i++) {
		before = vec_asked;
		assert_true(hvt_insn_decode(insns[i].b, insns[i].n, &cx, &out));
		assert_int_equal(vec_asked != before, insns[i].asks);
		vec_unknown = true;
		assert_int_equal(hvt_insn_decode(insns[i].b, insns[i].n, &cx, &out), !insns[i].asks);
		vec_unknown = false;
	}
}

/* What a REP prefix makes of a string instruction, count 0 included. */
static void test_rep(void **state)
{
	static const struct {
		u8 n, b[4], elem;
		bool rep;
	} insns[] = {
		{ 1, { 0xa5 }, 4, false },	       { 2, { 0xf3, 0xa4 }, 1, true },
		{ 3, { 0xf3, 0x48, 0xab }, 8, true },  { 3, { 0x66, 0xf2, 0xaf }, 2, true },
		{ 4, { 0xf3, 0x0f, 0x10, 0 }, 0, false }, { 2, { 0xf3, 0x90 }, 0, false },
	};
	u64 gpr[16] = { 0, 5, [6] = 0x3000, [7] = 0x4000 };
	struct hvt_insn_ctx cx = { .gpr = gpr, .bits = 64 };
	struct hvt_insn out;
	unsigned int i, count;

	(void)state;
	for (i = 0; i < sizeof(insns) / sizeof(*insns); i++)
		for (count = 0; count < 2; count++) {
			gpr[1] = count;
			memset(&out, 0xff, sizeof(out));
			assert_true(hvt_insn_decode(insns[i].b, insns[i].n, &cx, &out));
			assert_int_equal(out.rep, insns[i].rep);
			if (out.rep)
				assert_int_equal(!out.nops, !count);
			if (insns[i].elem)
				assert_int_equal(out.elem, insns[i].elem);
		}
}

static u64 gdt[32];

static void expect_ops(const struct hvt_insn *out, unsigned int n, const struct hvt_insn_op *op)
{
	unsigned int i;

	assert_int_equal(out->nops, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(out->op[i].addr, op[i].addr);
		assert_int_equal(out->op[i].size, op[i].size);
		assert_int_equal(out->op[i].access, op[i].access);
	}
}

/* Descriptors of selectors: read when there is one, unknown when it would be written. */
static void test_descriptors(void **state)
{
	static const u8 mov_ds_rm[] = { 0x8e, 0x18 }, mov_fs_ax[] = { 0x8e, 0xe0 };
	static const u8 mov_cs_ax[] = { 0x8e, 0xc8 }, iretq[] = { 0x48, 0xcf };
	static const u8 verw_rm[] = { 0x0f, 0x00, 0x28 }, lsl_ax[] = { 0x0f, 0x03, 0xc8 };
	static const u8 lldt_rm[] = { 0x0f, 0x00, 0x10 };
	static u16 selector;
	static u64 frame[5] = { 0x401000, 0x33, 0x202, 0x7000, 0x2b };
	u64 gpr[16] = { 0 };
	struct hvt_insn_ctx cx = {
		.gpr = gpr,
		.bits = 64,
		.tables = true,
		.gdt_base = (u64)gdt,
		.gdt_limit = 0x7f,
	};
	u64 mem = (u64)&selector, five = (u64)&gdt[5], six = (u64)&gdt[6];
	const struct hvt_insn_op from_memory[] = {
		{ .addr = mem, .size = 2, .access = HVT_OP_R },
		{ .addr = five, .size = 8, .access = HVT_OP_R },
	};
	struct hvt_insn out;

	(void)state;
	vec_memory = true;
	gdt[5] = 0x00cff3000000ffff; /* accessed data */
	gdt[6] = 0x00affb000000ffff; /* accessed code */
	gdt[7] = 0x00cff2000000ffff; /* data, not accessed */
	gdt[8] = 0x00008b000000ffff; /* a busy TSS */
	selector = 0x2b;
	gpr[0] = mem;
	assert_true(hvt_insn_decode(mov_ds_rm, 2, &cx, &out));
	expect_ops(&out, 2, from_memory);
	assert_true(hvt_insn_decode(verw_rm, 3, &cx, &out));
	expect_ops(&out, 2, from_memory);
	gpr[0] = 0x2b;
	assert_true(hvt_insn_decode(mov_fs_ax, 2, &cx, &out));
	expect_ops(&out, 1, from_memory + 1);
	assert_false(hvt_insn_decode(mov_cs_ax, 2, &cx, &out));
	gpr[0] = 3; /* null */
	assert_true(hvt_insn_decode(mov_fs_ax, 2, &cx, &out));
	assert_int_equal(out.nops, 0);
	gpr[0] = 0x3b;
	assert_false(hvt_insn_decode(mov_fs_ax, 2, &cx, &out));
	assert_true(hvt_insn_decode(lsl_ax, 3, &cx, &out)); /* does not load it */
	assert_int_equal(out.nops, 1);
	gpr[0] = 0x40;
	assert_false(hvt_insn_decode(lsl_ax, 3, &cx, &out));
	gpr[0] = 0x83; /* over the limit */
	assert_true(hvt_insn_decode(lsl_ax, 3, &cx, &out));
	assert_int_equal(out.nops, 0);
	gpr[0] = mem;
	assert_false(hvt_insn_decode(lldt_rm, 3, &cx, &out));
	selector = 3;
	assert_true(hvt_insn_decode(lldt_rm, 3, &cx, &out));
	expect_ops(&out, 1, from_memory);
	gpr[4] = (u64)frame;
	assert_true(hvt_insn_decode(iretq, 2, &cx, &out));
	expect_ops(&out, 3,
		   (struct hvt_insn_op[]){ { .addr = (u64)frame, .size = 40, .access = HVT_OP_R },
					   { .addr = six, .size = 8, .access = HVT_OP_R },
					   { .addr = five, .size = 8, .access = HVT_OP_R } });
	cx.tables = false;
	assert_false(hvt_insn_decode(iretq, 2, &cx, &out));
	vec_memory = false;
}

/* A far pointer, or a return's frame, in memory: what of it is read, and what is pushed. */
static void test_far(void **state)
{
	static const struct {
		const char *what;
		u8 bits, n, b[8];
		u8 size, cs; /* bytes of the operand and where in it the selector is */
		u8 pushed;
		u16 selector;
		bool known;
	} insns[] = {
		{ "lss", 64, 3, { 0x0f, 0xb2, 0x20 }, 6, 4, 0, 0x2b, true },
		{ "lssw", 64, 4, { 0x66, 0x0f, 0xb2, 0x20 }, 4, 2, 0, 0x2b, true },
		{ "lssq", 64, 4, { 0x48, 0x0f, 0xb2, 0x20 }, 10, 8, 0, 0x2b, true },
		{ "lfs, null", 64, 3, { 0x0f, 0xb4, 0x08 }, 6, 4, 0, 3, true },
		{ "lgs, not accessed", 64, 3, { 0x0f, 0xb5, 0x08 }, 6, 4, 0, 0x3b, false },
		{ "les", 32, 2, { 0xc4, 0x08 }, 6, 4, 0, 0x2b, true },
		{ "ldsw", 32, 3, { 0x66, 0xc5, 0x08 }, 4, 2, 0, 0x2b, true },
		{ "lcall", 64, 2, { 0xff, 0x18 }, 6, 4, 8, 0x33, true },
		{ "lcallw", 64, 3, { 0x66, 0xff, 0x18 }, 4, 2, 4, 0x33, true },
		{ "lcallq", 64, 3, { 0x48, 0xff, 0x18 }, 10, 8, 16, 0x33, true },
		{ "lcall, gate", 64, 2, { 0xff, 0x18 }, 6, 4, 8, 0x43, false },
		{ "lcall", 32, 2, { 0xff, 0x18 }, 6, 4, 8, 0x33, true },
		{ "ljmp", 64, 2, { 0xff, 0x28 }, 6, 4, 0, 0x33, true },
		{ "ljmpq", 64, 3, { 0x48, 0xff, 0x28 }, 10, 8, 0, 0x33, true },
		{ "lret", 64, 1, { 0xcb }, 8, 4, 0, 0x33, true },
		{ "lretq", 64, 2, { 0x48, 0xcb }, 16, 8, 0, 0x33, true },
		{ "lretw", 64, 2, { 0x66, 0xcb }, 4, 2, 0, 0x33, true },
		{ "lret imm", 32, 3, { 0xca, 8, 0 }, 8, 4, 0, 0x33, true },
		{ "iret", 64, 1, { 0xcf }, 20, 4, 0, 0x33, true },
		{ "iretw", 64, 2, { 0x66, 0xcf }, 10, 2, 0, 0x33, true },
		{ "iret", 32, 1, { 0xcf }, 12, 4, 0, 0x33, true },
	};
	static const u8 jump[] = { 0xea, 0, 0x10, 0, 0, 0x33, 0 };
	static const u8 call[] = { 0x66, 0x9a, 0, 0x10, 0x33, 0 };
	/* Operands in 32-bit code are below 4 GiB; the descriptors need not be. */
	u8 *low = mmap((void *)0x30000000, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	u64 gpr[16] = { (u64)low, [4] = (u64)low };
	struct hvt_insn_ctx cx = {
		.gpr = gpr,
		.cpl = 3,
		.tables = true,
		.gdt_base = (u64)gdt,
		.gdt_limit = 0x7f,
	};
	struct hvt_insn out;
	unsigned int i, n;
	u16 ss = 0;

	(void)state;
	assert_ptr_equal(low, (void *)0x30000000);
	vec_memory = true;
	for (i = 0; i < sizeof(insns) / sizeof(*insns); i++) {
		bool known;

		memset(low, 0, 64);
		memcpy(low + insns[i].cs, &insns[i].selector, 2);
		cx.bits = insns[i].bits;
		known = hvt_insn_decode(insns[i].b, insns[i].n, &cx, &out);
		if (known != insns[i].known || (known && out.len != insns[i].n))
			fail_msg("%s, %u: known %u", insns[i].what, cx.bits, known);
		assert_true(hvt_insn_wants_tables(insns[i].b, insns[i].n));
		if (!known)
			continue;
		n = 0;
		if (out.nops < 1 || out.op[0].addr != (u64)low ||
		    out.op[0].size != insns[i].size || out.op[0].access != HVT_OP_R)
			fail_msg("%s, %u: size %u", insns[i].what, cx.bits, out.op[0].size);
		n++;
		if (insns[i].selector > 3) {
			assert_int_equal(out.op[n].addr, (u64)gdt + (insns[i].selector & ~7));
			assert_int_equal(out.op[n++].size, 8);
		}
		if (insns[i].pushed) {
			assert_int_equal(out.op[n].addr, (u64)low - insns[i].pushed);
			assert_int_equal(out.op[n].access, HVT_OP_W);
			assert_int_equal(out.op[n++].size, insns[i].pushed);
		}
		assert_int_equal(out.nops, n);
		cx.tables = false;
		assert_false(hvt_insn_decode(insns[i].b, insns[i].n, &cx, &out));
		cx.tables = true;
	}
	cx.bits = 32;
	assert_true(hvt_insn_decode(jump, sizeof(jump), &cx, &out));
	assert_int_equal(out.nops, 1);
	assert_true(hvt_insn_decode(call, sizeof(call), &cx, &out));
	expect_ops(&out, 2,
		   (struct hvt_insn_op[]){
			   { .addr = (u64)&gdt[6], .size = 8, .access = HVT_OP_R },
			   { .addr = (u64)low - 4, .size = 4, .access = HVT_OP_W } });
	/* from the kernel, outwards: IRET pops the stack, too; what a far RET does is unknown */
	cx.cpl = 0;
	memset(low, 0, 64);
	memcpy(low + 4, &(u16){ 0x33 }, 2);
	ss = 0x2b;
	memcpy(low + 16, &ss, 2);
	assert_true(hvt_insn_decode((u8[]){ 0xcf }, 1, &cx, &out));
	assert_int_equal(out.nops, 3);
	assert_int_equal(out.op[0].size, 20);
	assert_int_equal(out.op[2].addr, (u64)&gdt[5]);
	assert_false(hvt_insn_decode((u8[]){ 0xcb }, 1, &cx, &out));
	vec_memory = false;
	munmap(low, 4096);
}

/* ARPL writes if it raises the operand's RPL. */
static void test_arpl(void **state)
{
	static const u8 arpl_eax_cx[] = { 0x63, 0x08 };
	u16 *low = mmap((void *)0x30000000, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	u64 gpr[16] = { (u64)low };
	struct hvt_insn_ctx cx = { .gpr = gpr, .bits = 32 };
	struct hvt_insn out;
	unsigned int i;

	(void)state;
	assert_ptr_equal(low, (void *)0x30000000);
	vec_memory = true;
	for (i = 0; i < 16; i++) {
		*low = 0x28 | i >> 2;
		gpr[1] = 0x30 | (i & 3);
		assert_true(hvt_insn_decode(arpl_eax_cx, 2, &cx, &out));
		expect_ops(&out, 1,
			   (struct hvt_insn_op[]){ { .addr = (u64)low,
						     .size = 2,
						     .access = i >> 2 < (i & 3) ?
								       HVT_OP_R | HVT_OP_W :
								       HVT_OP_R } });
	}
	vec_memory = false;
	munmap(low, 4096);
}

/* What descriptors are fetched for, and what is not worth it. */
static void test_wants_tables(void **state)
{
	static const u8 yes[][4] = { { 0x48, 0xcf },	   { 0x0f, 0x00, 0x28 }, { 0x8e, 0x18 },
				     { 0x0f, 0x03, 0xc8 }, { 0x0f, 0xa1 },	 { 0x65, 0xff, 0x28 } };
	static const u8 no[][4] = { { 0x48, 0x8b, 0x00 }, { 0xff, 0x10 }, { 0xc5, 0xf8, 0x28, 0 },
				    { 0x0f, 0xaf, 0 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(hvt_insn_wants_tables(yes[i], 4));
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(hvt_insn_wants_tables(no[i], 4));
	assert_false(hvt_insn_wants_tables((u8[]){ 0x66, 0x0f }, 2));
	assert_false(hvt_insn_wants_tables((u8[]){ 0x66, 0x66 }, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_vector_reads),
		cmocka_unit_test(test_rep),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_arpl),
		cmocka_unit_test(test_wants_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
