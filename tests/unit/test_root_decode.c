// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hvt_decode_at() remembers never shows: code that changes in place, moves, runs in
 * another mode or with other registers is decoded as by hvt_insn_decode() alone, which the
 * tests of test_root_insn*.c are about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"
#include "fake_cpu.h"

#define ROUNDS 400000

/* Nobody here is the fake kernel. */
u64 saw_kick(void **arg)
{
	*arg = NULL;
	return 0;
}

/* clang-format off */
/* Those of one line differ in few bytes; 15 each, the rest being what comes behind. */
static const u8 code[][HVT_INSN_MAX] = {
	{ 0 }, { 0x00, 0x00, 0x01 },
	{ 0x48, 0xc7, 0x84, 0x25, [8] = 0x10 }, { 0x48, 0xc7, 0x84, 0x25, [8] = 0x11 },
	{ 0x48, 0x89, 0x07 }, { 0x48, 0x8b, 0x07 }, { 0x88, 0x07 }, { 0x48, 0x89, 0x07, [14] = 1 },
	{ 0x8b, 0x44, 0x8b, 0x10 }, { 0x8b, 0x44, 0xcb, 0x10 }, { 0x8b, 0x44, 0xcb, 0x11 },
	{ 0x8b, 0x05, 0x10 }, { 0x8b, 0x05, 0x10, 0x01 }, { 0x8b, 0x04, 0x25, 0x10 },
	{ 0x65, 0x8b, 0x07 }, { 0x64, 0x8b, 0x07 }, { 0x3e, 0x8b, 0x07 }, { 0x67, 0x8b, 0x07 },
	{ 0x65, 0xff, 0x34, 0x25, 0x28 }, { 0xff, 0x34, 0x24 }, { 0xff, 0x14, 0x24 }, { 0xff, 0x1c, 0x24 },
	{ 0x55 }, { 0x5d }, { 0xe8, 0x01 }, { 0x66, 0xe8, 0x01 }, { 0xc3 }, { 0xc9 }, { 0xc8, 0x10 },
	{ 0xa5 }, { 0xf3, 0xa5 }, { 0xf3, 0x48, 0xab }, { 0xd7 }, { 0x0f, 0xa3, 0x07 },
	{ 0x48, 0x8e, 0x1f }, { 0x0f, 0xae, 0x07 }, { 0xdd, 0x07 }, { 0xc4, 0xe1, 0x7e, 0x6f, 0x07 },
	{ 0xc7, 0x07, 0x10 }, { 0xc7, 0x07, 0x11 }, { 0x66, 0xc7, 0x07, 0x10 }, { 0xec }, { 0x40 },
	{ 0x0f, 0x38, 0xf0, 0x07 }, { 0x66, 0x0f, 0x38, 0xf8, 0x07 }, { 0xf6, 0x07, 0x10 }, { 0xf6, 0x17 },
};

/* clang-format on */

#define NIPS 6
static u64 ips[NIPS];
static const u16 modes[] = { 0, HVT_RF_USER, HVT_RF_CODE32 | HVT_RF_USER, HVT_RF_CODE16 };

/* Half of them are remembered in the same place. */
static void choose_ips(void)
{
	u32 i;

	for (i = 0; i < NIPS; i++)
		do {
			ips[i] = i ? fake_rnd() >> (fake_rnd() % 40) : 0;
		} while (i % 2 && ips[i] * 0x9e3779b97f4a7c15ull >> 56);
}

static u64 reg(void)
{
	return fake_rnd() % 16 ? fake_rnd() >> (20 + fake_rnd() % 30) : fake_rnd();
}

static void random_machine(u64 *gpr)
{
	u32 i;

	for (i = 0; i < 16; i++)
		gpr[i] = reg();
	fake_vmcs[GUEST_FS_BASE] = reg();
	fake_vmcs[GUEST_GS_BASE] = reg();
}

/* With nothing remembered. */
static bool decode(u64 ip, u16 flags, const u64 *gpr, const u8 *insn, u32 got, struct hvt_insn *out)
{
	struct hvt_insn_ctx cx = {
		.gpr = gpr,
		.ip = ip,
		.fs_base = fake_vmcs[GUEST_FS_BASE],
		.gs_base = fake_vmcs[GUEST_GS_BASE],
		.bits = flags & HVT_RF_CODE16 ? 16 :
			flags & HVT_RF_CODE32 ? 32 :
						64,
		.cpl = flags & HVT_RF_USER ? 3 : 0,
		.tables = hvt_insn_wants_tables(insn, got),
		.gdt_base = fake_vmcs[GUEST_GDTR_BASE],
		.gdt_limit = fake_vmcs[GUEST_GDTR_LIMIT],
		.ldt_base = fake_vmcs[GUEST_LDTR_BASE],
		.ldt_limit = fake_vmcs[GUEST_LDTR_LIMIT],
	};

	return hvt_insn_decode(insn, got, &cx, out);
}

static bool same_op(const struct hvt_insn_op *a, const struct hvt_insn_op *b)
{
	return a->addr == b->addr && a->size == b->size && a->access == b->access &&
	       a->lane == b->lane && a->value == b->value && a->reg == b->reg;
}

static void test_remembered(void **state)
{
	struct hvt_insn want, got;
	u64 gpr[16], known = 0;
	u32 round, i, n;

	(void)state;
	fake_boot(1);
	choose_ips();
	/* Nothing is remembered yet of what is all zeros: ADD %al, (%rax). */
	random_machine(gpr);
	assert_true(hvt_decode_at(fake_v, 0, 0, gpr, code[0], HVT_INSN_MAX, &got));
	assert_int_equal(got.len, 2);
	for (round = 0; round < ROUNDS; round++) {
		const u8 *insn = code[fake_rnd() % (sizeof(code) / sizeof(*code))];
		u64 ip = ips[fake_rnd() % NIPS];
		u16 flags = modes[fake_rnd() % (sizeof(modes) / sizeof(*modes))];
		bool is;

		n = fake_rnd() % 8 ? HVT_INSN_MAX : fake_rnd() % HVT_INSN_MAX;
		random_machine(gpr);
		memset(&got, 0xee, sizeof(got));
		is = decode(ip, flags, gpr, insn, n, &want);
		if (hvt_decode_at(fake_v, ip, flags, gpr, insn, n, &got) != is ||
		    got.len != want.len)
			fail_msg("round %u: %02x %02x, flags %#x", round, insn[0], insn[1], flags);
		if (!is)
			continue;
		known++;
		assert_int_equal(got.nops, want.nops);
		assert_int_equal(got.rep, want.rep);
		assert_int_equal(got.mask, want.mask);
		for (i = 0; i < got.nops; i++)
			if (!same_op(&got.op[i], &want.op[i]) ||
			    (got.op[i].value == HVT_VAL_IMM && got.imm != want.imm))
				fail_msg("round %u: %02x %02x, operand %u", round, insn[0], insn[1],
					 i);
	}
	assert_true(known > ROUNDS / 4);
	fake_halt();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_remembered) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
