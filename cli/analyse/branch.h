/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an instruction may do to the flow of control, from its bytes alone: the opcode
 * maps of SDM volume 2, appendix A. Traces have hundreds of millions of instructions, and
 * a disassembler's answer has to be asked for one by one.
 */
#ifndef HVT_CLI_BRANCH_H
#define HVT_CLI_BRANCH_H

#include <stddef.h>
#include <stdint.h>

enum hvt_branch {
	HVT_BRANCH_NONE = 0, /* goes on behind itself; also REP, which may go on at itself */
	HVT_BRANCH_CALL,
	HVT_BRANCH_RET,
	HVT_BRANCH_JUMP,  /* always */
	HVT_BRANCH_COND,  /* Jcc, LOOP, JCXZ, XBEGIN */
	HVT_BRANCH_ENTER, /* into the kernel: SYSCALL, SYSENTER, INT n, INT3, INT1 */
	HVT_BRANCH_LEAVE, /* out of it, or of an interrupt: IRET, SYSRET, SYSEXIT */
};

/* flags: HVT_RF_CODE32, HVT_RF_CODE16 or 0. What no instruction is, is NONE. */
enum hvt_branch hvt_branch_of(const uint8_t *bytes, size_t len, uint32_t flags);

#endif
