/* SPDX-License-Identifier: GPL-2.0-only */
/* Opcodes that change the flow of control: see branch.h. */
#include "branch.h"

#include <stdbool.h>

#include <hvtrace/uapi.h>

static bool is_prefix(uint8_t b)
{
	switch (b) {
	case 0x26: /* segments; the hints to conditional jumps are two of them */
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66: /* operand and address size */
	case 0x67:
	case 0xf0: /* LOCK, REPNE (BND), REP */
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* The two-byte map, 0F xx. */
static enum hvt_branch second_map(uint8_t op)
{
	switch (op) {
	case 0x05: /* SYSCALL */
	case 0x34: /* SYSENTER */
		return HVT_BRANCH_ENTER;
	case 0x07: /* SYSRET */
	case 0x35: /* SYSEXIT */
		return HVT_BRANCH_LEAVE;
	default:
		return op >= 0x80 && op <= 0x8f ? HVT_BRANCH_COND : HVT_BRANCH_NONE;
	}
}

/* Group 5: FF /n. */
static enum hvt_branch group5(uint8_t modrm)
{
	bool memory = modrm >> 6 != 3;

	switch (modrm >> 3 & 7) {
	case 2:
		return HVT_BRANCH_CALL;
	case 3: /* far */
		return memory ? HVT_BRANCH_CALL : HVT_BRANCH_NONE;
	case 4:
		return HVT_BRANCH_JUMP;
	case 5: /* far */
		return memory ? HVT_BRANCH_JUMP : HVT_BRANCH_NONE;
	default:
		return HVT_BRANCH_NONE;
	}
}

static enum hvt_branch first_map(uint8_t op, bool long_mode)
{
	switch (op) {
	case 0x9a: /* far, with the address in it */
		return long_mode ? HVT_BRANCH_NONE : HVT_BRANCH_CALL;
	case 0xea:
		return long_mode ? HVT_BRANCH_NONE : HVT_BRANCH_JUMP;
	case 0xce: /* INTO */
		return long_mode ? HVT_BRANCH_NONE : HVT_BRANCH_ENTER;
	case 0xe8:
		return HVT_BRANCH_CALL;
	case 0xc2: /* near and far, with and without bytes to drop */
	case 0xc3:
	case 0xca:
	case 0xcb:
		return HVT_BRANCH_RET;
	case 0xe9:
	case 0xeb:
		return HVT_BRANCH_JUMP;
	case 0xcc: /* INT3, INT n, INT1 */
	case 0xcd:
	case 0xf1:
		return HVT_BRANCH_ENTER;
	case 0xcf: /* IRET */
		return HVT_BRANCH_LEAVE;
	default:
		return (op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3) ? HVT_BRANCH_COND :
										  HVT_BRANCH_NONE;
	}
}

enum hvt_branch hvt_branch_of(const uint8_t *bytes, size_t len, uint32_t flags)
{
	bool long_mode = !(flags & (HVT_RF_CODE32 | HVT_RF_CODE16));
	size_t i = 0;

	while (i < len && (is_prefix(bytes[i]) || (long_mode && (bytes[i] & 0xf0) == 0x40)))
		i++;
	if (i >= len)
		return HVT_BRANCH_NONE;
	if (bytes[i] == 0x0f)
		return i + 1 < len ? second_map(bytes[i + 1]) : HVT_BRANCH_NONE;
	if (bytes[i] == 0xff)
		return i + 1 < len ? group5(bytes[i + 1]) : HVT_BRANCH_NONE;
	/* XBEGIN: its abort goes to the address in it */
	if (bytes[i] == 0xc7)
		return i + 1 < len && bytes[i + 1] == 0xf8 ? HVT_BRANCH_COND : HVT_BRANCH_NONE;
	return first_map(bytes[i], long_mode);
}
