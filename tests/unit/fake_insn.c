// SPDX-License-Identifier: GPL-2.0-only
/* The instructions of the fake CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake_cpu.h"

static const struct {
	u8 n, b[6], imm, op;
} forms[] = {
	{ 1, { 0x90 }, 0, OP_NOP },
	{ 4, { 0x0f, 0x1f, 0x40, 0x00 }, 0, OP_NOP },
	{ 5, { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, 0, OP_NOP },
	{ 3, { 0x48, 0xff, 0xc0 }, 0, OP_INC },
	{ 3, { 0x48, 0x81, 0xc3 }, 4, OP_ADD },
	{ 2, { 0x8b, 0x03 }, 0, OP_LOAD },
	{ 1, { 0xe9 }, 4, OP_JMP },
	{ 1, { 0x74 }, 1, OP_JZ },
	{ 1, { 0xe8 }, 4, OP_CALL },
	{ 1, { 0xc3 }, 0, OP_RET },
	{ 2, { 0x0f, 0x05 }, 0, OP_SYSCALL },
	{ 3, { 0x48, 0x0f, 0x07 }, 0, OP_SYSRET },
	{ 2, { 0x48, 0xcf }, 0, OP_IRET },
	{ 1, { 0xcc }, 0, OP_INT3 },
	{ 2, { 0xcd, 0x80 }, 0, OP_INT80 },
	{ 2, { 0x0f, 0x0b }, 0, OP_UD2 },
	{ 2, { 0x0f, 0xa2 }, 0, OP_CPUID },
	{ 3, { 0x0f, 0x01, 0xc1 }, 0, OP_VMCALL },
	{ 3, { 0x0f, 0x01, 0xf8 }, 0, OP_SWITCH },
	{ 2, { 0x0f, 0x30 }, 0, OP_EOI },
	{ 1, { 0xfb }, 0, OP_STI },
	{ 1, { 0xfa }, 0, OP_CLI },
	{ 3, { 0x48, 0xc7, 0xc0 }, 4, OP_MOV_RAX },
	{ 5, { 0x65, 0x48, 0x8b, 0x24, 0x25 }, 4, OP_STACK },
	{ 5, { 0x48, 0x83, 0x04, 0x24, 0x02 }, 0, OP_SKIP2 },
	{ 4, { 0x48, 0x83, 0xc4, 0x08 }, 0, OP_DROP },
};

void fake_decode(u64 ip, bool user, struct fake_insn *x)
{
	u32 i, k;

	*x = (struct fake_insn){ .ip = ip, .user = user };
	for (i = 0; i < 15; i++) {
		const u8 *p = fake_at(ip + i);

		x->bytes[i] = p ? *p : 0;
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (memcmp(x->bytes, forms[i].b, forms[i].n))
			continue;
		x->op = forms[i].op;
		x->len = forms[i].n + forms[i].imm;
		if (forms[i].imm == 1)
			x->imm = (s8)x->bytes[forms[i].n];
		for (k = 0; forms[i].imm == 4 && k < 4; k++)
			x->imm |= (s64)x->bytes[forms[i].n + k] << 8 * k;
		if (forms[i].imm == 4)
			x->imm = (s32)x->imm;
		return;
	}
	fail_msg("no instruction at %#llx: %02x %02x", (unsigned long long)ip, x->bytes[0],
		 x->bytes[1]);
}
