// SPDX-License-Identifier: GPL-2.0-only
/* What moves control, by its opcode: capstone must say the same of each that it knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <capstone/capstone.h>
#include <hvtrace/uapi.h>

#include "analyse/branch.h"

static enum hvt_branch expected(csh handle, const cs_insn *in)
{
	/* capstone 5 has more of them: SYSRETQ, SYSEXITQ */
	if (!strncmp(in->mnemonic, "sysret", 6) || !strncmp(in->mnemonic, "sysexit", 7))
		return HVT_BRANCH_LEAVE;
	switch (in->id) {
	case X86_INS_SYSCALL:
	case X86_INS_SYSENTER:
	case X86_INS_INT:
	case X86_INS_INT1:
	case X86_INS_INT3:
	case X86_INS_INTO:
		return HVT_BRANCH_ENTER;
	case X86_INS_IRET:
	case X86_INS_IRETD:
	case X86_INS_IRETQ:
		return HVT_BRANCH_LEAVE;
	case X86_INS_CALL:
	case X86_INS_LCALL:
		return HVT_BRANCH_CALL;
	case X86_INS_RET:
	case X86_INS_RETF:
	case X86_INS_RETFQ:
		return HVT_BRANCH_RET;
	case X86_INS_JMP:
	case X86_INS_LJMP:
		return HVT_BRANCH_JUMP;
	case X86_INS_XBEGIN:
	case X86_INS_LOOP:
	case X86_INS_LOOPE:
	case X86_INS_LOOPNE:
		return HVT_BRANCH_COND;
	default:
		break;
	}
	return cs_insn_group(handle, in, CS_GRP_JUMP) ? HVT_BRANCH_COND : HVT_BRANCH_NONE;
}

struct mode {
	csh handle;
	uint32_t flags;
	unsigned int compared[HVT_BRANCH_LEAVE + 1];
};

static void compare(struct mode *m, const uint8_t bytes[15])
{
	enum hvt_branch want, got;
	cs_insn *in;

	if (cs_disasm(m->handle, bytes, 15, 0x401000, 1, &in) != 1)
		return;
	want = expected(m->handle, in);
	got = hvt_branch_of(bytes, in->size, m->flags);
	if (want != got)
		fail_msg("%02x %02x %02x %02x, %s %s: %d, not %d", bytes[0], bytes[1], bytes[2],
			 bytes[3], in->mnemonic, in->op_str, got, want);
	m->compared[got]++;
	cs_free(in, 1);
}

/* All opcodes of the first two maps, all forms of ModRM, behind all prefixes. */
static void all_opcodes(struct mode *m)
{
	static const char *const prefixes[] = { "",	    "\x66", "\x67", "\xf2",
						"\xf3",	    "\x2e", "\x3e", "\xf0",
						"\x66\xf3", "\x48", "\x41", "\xf2\x48" };
	uint8_t bytes[15];
	size_t p, len;
	int op, modrm;

	for (p = 0; p < sizeof(prefixes) / sizeof(*prefixes); p++)
		for (op = 0; op < 512; op++)
			for (modrm = 0; modrm < 256; modrm++) {
				memset(bytes, 0, sizeof(bytes));
				len = strlen(prefixes[p]);
				memcpy(bytes, prefixes[p], len);
				if (op >= 256)
					bytes[len++] = 0x0f;
				bytes[len++] = (uint8_t)op;
				bytes[len++] = (uint8_t)modrm;
				compare(m, bytes);
			}
}

static void check(cs_mode mode, uint32_t flags)
{
	struct mode m = { .flags = flags };
	size_t i;

	assert_int_equal(cs_open(CS_ARCH_X86, mode, &m.handle), CS_ERR_OK);
	cs_option(m.handle, CS_OPT_DETAIL, CS_OPT_ON);
	all_opcodes(&m);
	cs_close(&m.handle);
	for (i = 0; i <= HVT_BRANCH_LEAVE; i++)
		assert_true(m.compared[i]);
}

static void test_64(void **state)
{
	(void)state;
	check(CS_MODE_64, 0);
}

static void test_32(void **state)
{
	(void)state;
	check(CS_MODE_32, HVT_RF_CODE32);
}

static void test_short(void **state)
{
	static const uint8_t bytes[] = { 0x66, 0xf2, 0x48, 0x0f, 0x05 };
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(bytes); n++)
		assert_int_equal(hvt_branch_of(bytes, n, 0), HVT_BRANCH_NONE);
	assert_int_equal(hvt_branch_of(bytes, n, 0), HVT_BRANCH_ENTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64),
		cmocka_unit_test(test_32),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
