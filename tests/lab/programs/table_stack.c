/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stack and transfers of control, with the stack, the operand or both in watched
 * memory; far ones too, and in 32-bit code. See table.h.
 */
#define ARENA_PAGES 120
#include "table.h"

/* A place in the code of a case, for its memory to point to. */
#define THERE(id) extern const char there_##id[]
THERE(nop); THERE(call_mem); THERE(ret_near); THERE(ret_imm); THERE(ret_cross); THERE(lcall);
THERE(lcallq); THERE(ljmp); THERE(lret); THERE(lretq); THERE(lret_imm); THERE(iretq); THERE(iretl);
THERE(iretq_cross); THERE(call_mem_32); THERE(lcall_32); THERE(lret_32); THERE(iret_32);
THERE(ret_32);
asm(".pushsection .text\nthere_nop: ret\n.popsection");

/* The stack pointer is at 0x200 unless a case says otherwise. */
#define TOP 0x200
STACK(push_reg, "push %rax", ACC(WR(TOP - 8, 8)))
STACK(push_r15, "push %r15", ACC(WR(TOP - 8, 8)))
STACK(push_imm8, "push $-2", ACC(WR(TOP - 8, 8)))
STACK(push_imm32, "push $0x12345678", ACC(WR(TOP - 8, 8)))
STACK(push_16, "pushw %ax", ACC(WR(TOP - 2, 2)))
STACK(push_imm16, "pushw $0x1234", ACC(WR(TOP - 2, 2)))
STACK(push_sp, "push %rsp", ACC(WR(TOP - 8, 8)))
STACK(push_fs, "push %fs", ACC(WR(TOP - 8, 8)))
STACK(push_mem, "push (%rdi)", ACC(RD(0, 8), WR(TOP - 8, 8)))
STACK(push_mem_16, "pushw (%rdi)", ACC(RD(0, 2), WR(TOP - 2, 2)))
STACK(push_mem_of_sp, "push 8(%rsp)", ACC(RD(TOP + 8, 8), WR(TOP - 8, 8)))
STACK(pushf, "pushf", ACC(WR(TOP - 8, 8)))
STACK(pushf_16, "pushfw", ACC(WR(TOP - 2, 2)))
STACK(pop_reg, "pop %rax", ACC(RD(TOP, 8)))
STACK(pop_16, "popw %ax", ACC(RD(TOP, 2)))
STACK(pop_sp, "pop %rsp", ACC(RD(TOP, 8)))
STACK(pop_mem, "pop (%rdi)", ACC(RD(TOP, 8), WR(0, 8)))
STACK(pop_mem_16, "popw (%rdi)", ACC(RD(TOP, 2), WR(0, 2)))
/* RSP has moved when the address is computed (SDM, "POP"). */
STACK(pop_mem_of_sp, "pop 8(%rsp)", ACC(RD(TOP, 8), WR(TOP + 16, 8)))
STACK(pop_same, "pop -8(%rsp)", ACC(RD(TOP, 8), WR(TOP, 8)))
STACK(popf, "popf", .mem = { { TOP, V(0x246) } }, ACC(RD(TOP, 8)))
STACK(push_two_pages, "push (%rdi)", .pages = 2, REG([RSP] = P(PAGE + 8)),
      ACC(RD(0, 8), WR(PAGE, 8)))
STACK(push_mem_first, "push (%rdi)", .pages = 2, .watch = { { 0, PAGE } },
      REG([RSP] = P(PAGE + 8)), ACC(RD(0, 8), WR(PAGE, 8)))
STACK(push_mem_second, "push (%rdi)", .pages = 2, .watch = { { PAGE, 2 * PAGE } },
      REG([RSP] = P(PAGE + 8)), ACC(RD(0, 8), WR(PAGE, 8)))

/* --- calls. The address that a call pushes is that of the instruction behind it. */
STACK(call_near, "call 1f\n1:", ACC(WR(TOP - 8, 8)))
STACK(call_reg, "lea 1f(%rip), %rax\ncall *%rax\n1:", ACC(WR(TOP - 8, 8)))
#define THERE_IS(id) "\nthere_" #id ":\n"
STACK(call_mem, "call *(%rdi)\nud2" THERE_IS(call_mem), .mem = { { 0, V(there_call_mem) } },
      ACC(RD(0, 8), WR(TOP - 8, 8)))
CASE(call_mem_only, "call *(%rdi)", .mem = { { 0, V(there_nop) } }, ACC(RD(0, 8)))
CASE(jmp_mem, "call 1f\nret\n1: jmp *(%rdi)", .mem = { { 0, V(there_nop) } }, ACC(RD(0, 8)))
STACK(ret_near, "ret\nud2" THERE_IS(ret_near), .mem = { { TOP, V(there_ret_near) } },
      ACC(RD(TOP, 8)))
STACK(ret_imm, "ret $0x20\nud2" THERE_IS(ret_imm), .mem = { { TOP, V(there_ret_imm) } },
      ACC(RD(TOP, 8)))
STACK(ret_cross, "ret\nud2" THERE_IS(ret_cross), .pages = 2, .watch = { { PAGE, 2 * PAGE } },
      .at = PAGE - 0x200 - 3, .mem = { { TOP, V(there_ret_cross) } }, ACC(RD(TOP, 8)))

/* --- frames. ENTER copies pointers from the old frame (SDM, "ENTER"); its pushes may be
 * one event.
 */
#define BP 0x180
STACK(enter_0, "enter $0x40, $0", ACC(WR(TOP - 8, 8)))
STACK(enter_1, "enter $0x40, $1", .bytes = true, ACC(WR(TOP - 8, 8), WR(TOP - 16, 8)))
STACK(enter_3, "enter $0x10, $3", .bytes = true, ACC(WR(TOP - 8, 8), RD(BP - 8, 8), WR(TOP - 16, 8),
      RD(BP - 16, 8), WR(TOP - 24, 8), WR(TOP - 32, 8)))
STACK(enter_16, "data16 enter $0x10, $1", .simulator = "ENTER ignores the operand size",
      ACC(WR(TOP - 2, 2), WR(TOP - 4, 2)))
static int enter_31_accesses(const struct tcase *t, const uint8_t *at, struct acc *acc)
{
	int n = 0;

	(void)t;
	(void)at;
	acc[n++] = (struct acc)WR(TOP - 8, 8);
	for (int i = 1; i < 31; i++) {
		acc[n++] = (struct acc)RD(-8 * i, 8);
		acc[n++] = (struct acc)WR(TOP - 8 - 8 * i, 8);
	}
	acc[n++] = (struct acc)WR(TOP - 8 * 32, 8);
	return n;
}
STACK(enter_31, "enter $0x10, $31", .bytes = true, REG([RBP] = P(0)), .model = enter_31_accesses)
STACK(leave, "leave", ACC(RD(BP, 8)))
STACK(leave_16, "leavew", ACC(RD(BP, 2)))

/* --- far. The SDM counts pops; how many bus accesses a frame takes it does not say. */
STACK(lcall, "lcall *(%rdi)\nud2" THERE_IS(lcall), .bytes = true,
      .mem = { { 0, V(there_lcall) }, { 4, V(0x33) } },
      ACC(RD(0, 6), WR(TOP - 4, 4), WR(TOP - 8, 4)))
STACK(lcallq, "rex.W lcall *(%rdi)\nud2" THERE_IS(lcallq), .bytes = true,
      .mem = { { 0, V(there_lcallq) }, { 8, V(0x33) } },
      ACC(RD(0, 10), WR(TOP - 8, 8), WR(TOP - 16, 8)))
CASE(ljmp, "ljmp *(%rdi)\nud2" THERE_IS(ljmp), .mem = { { 0, V(there_ljmp) }, { 4, V(0x33) } },
     ACC(RD(0, 6)), .bytes = true)
STACK(lret, "lretl\nud2" THERE_IS(lret), .mem = { { TOP, V(there_lret) }, { TOP + 4, V(0x33) } },
      ACC(RD(TOP, 4), RD(TOP + 4, 4)), .bytes = true)
STACK(lretq, "lretq\nud2" THERE_IS(lretq), .bytes = true,
      .mem = { { TOP, V(there_lretq) }, { TOP + 8, V(0x33) } }, ACC(RD(TOP, 8), RD(TOP + 8, 8)))
STACK(lret_imm, "lretq $8\nud2" THERE_IS(lret_imm), .bytes = true,
      .mem = { { TOP, V(there_lret_imm) }, { TOP + 8, V(0x33) } },
      ACC(RD(TOP, 8), RD(TOP + 8, 8)))
STACK(iretq, "iretq\nud2" THERE_IS(iretq), .bytes = true,
      .mem = { { TOP, V(there_iretq) }, { TOP + 8, V(0x33) }, { TOP + 16, V(0x202) },
	       { TOP + 24, P(0x300) }, { TOP + 32, V(0x2b) } }, ACC(RD(TOP, 40)))
STACK(iretl, "iretl\nud2" THERE_IS(iretl), .bytes = true,
      .mem = { { TOP, V(there_iretl) }, { TOP + 4, V(0x33) }, { TOP + 8, V(0x202) },
	       { TOP + 12, P(0x300) }, { TOP + 16, V(0x2b) } }, ACC(RD(TOP, 20)))
STACK(iretq_cross, "iretq\nud2" THERE_IS(iretq_cross), .bytes = true, .pages = 2,
      .at = PAGE - TOP - 16,
      .mem = { { TOP, V(there_iretq_cross) }, { TOP + 8, V(0x33) }, { TOP + 16, V(0x202) },
	       { TOP + 24, P(0) }, { TOP + 32, V(0x2b) } }, ACC(RD(TOP, 40)))

/*
 * --- 32-bit code: __USER32_CS is 0x23, and data segments other than SS have to be loaded.
 * Its stack lies below 4 GiB, as does the arena.
 */
uint32_t stack_low[64], stack_sp32;
#define CASE32(id, text, ...)                                                                  \
	CASE(id, "mov %rsp, table_sp(%rip)\nlea stack_low+128(%rip), %rsp\n"                  \
		 "push %rax\nmov $0x2b, %eax\nmov %eax, %ds\nmov %eax, %es\npop %rax\n"         \
		 "lcall *2f(%rip)\njmp 3f\n2: .long 1f\n.word 0x23\n.code32\n1:\n"              \
		 "mov %esp, stack_sp32\n mov table_in+8*4, %esp\n" text                         \
		 "\nmov stack_sp32, %esp\nlret\n.code64\n3: mov table_sp(%rip), %rsp\n"         \
		 "push %rax\nxor %eax, %eax\nmov %eax, %ds\nmov %eax, %es\npop %rax\n",           \
	     __VA_ARGS__)
CASE32(x32_store, "movl %eax, (%edi)", ACC(WR(0, 4)))
CASE32(x32_sib, "addw %ax, 4(%edi,%ecx,4)", REG([RCX] = V(3)), ACC(RW(16, 2)))
CASE32(x32_push, "push %eax", ACC(WR(TOP - 4, 4)))
CASE32(x32_push_16, "pushw %ax", ACC(WR(TOP - 2, 2)))
CASE32(x32_push_mem, "pushl (%edi)", ACC(RD(0, 4), WR(TOP - 4, 4)))
/* Recent processors write the selector's two bytes only, older ones all four (SDM, "PUSH"). */
CASE32(x32_push_seg, "push %ds", ACC(WR(TOP - 4, 2), MAY(TOP - 2, 2, ACC_W)),
       .inexact = "CPUs write 2 or 4 bytes")
CASE32(x32_pop, "pop %ebx", ACC(RD(TOP, 4)))
CASE32(x32_pop_mem, "popl (%edi)", ACC(RD(TOP, 4), WR(0, 4)))
CASE32(x32_pushf, "pushf", ACC(WR(TOP - 4, 4)))
#define EIGHT(kind, off, step)                                                                 \
	kind(off, step), kind(off + step, step), kind(off + 2 * step, step),                    \
	kind(off + 3 * step, step), kind(off + 4 * step, step), kind(off + 5 * step, step),     \
	kind(off + 6 * step, step), kind(off + 7 * step, step)
CASE32(x32_pusha, "pusha", ACC(EIGHT(WR, TOP - 32, 4)), .bytes = true)
CASE32(x32_pushaw, "pushaw", ACC(EIGHT(WR, TOP - 16, 2)), .bytes = true)
/* The stored ESP is not loaded, but SDM's pseudocode skips it without a read. */
CASE32(x32_popa, "popa", ACC(RD(TOP, 4), RD(TOP + 4, 4), RD(TOP + 8, 4), RD(TOP + 16, 4),
       RD(TOP + 20, 4), RD(TOP + 24, 4), RD(TOP + 28, 4)), .bytes = true)
CASE32(x32_enter_2, "enter $8, $2", .bytes = true,
       ACC(WR(TOP - 4, 4), RD(BP - 4, 4), WR(TOP - 8, 4),
       WR(TOP - 12, 4)))
CASE32(x32_leave, "leave", ACC(RD(BP, 4)))
CASE32(x32_bound, "bound %eax, (%edi)", REG([RAX] = V(5)), .mem = { { 0, V(0x900000000) } },
       ACC(RD(0, 4), RD(4, 4)), .bytes = true)
CASE32(x32_bound_16, "boundw %ax, (%edi)", REG([RAX] = V(5)), .mem = { { 0, V(0x00090000) } },
       ACC(RD(0, 2), RD(2, 2)), .bytes = true)
/* ARPL writes when the field was the smaller one (SDM, "ARPL"). */
CASE32(x32_arpl, "arpl %ax, (%edi)", REG([RAX] = V(3)), .mem = { { 0, V(0x20) } }, ACC(RW(0, 2)))
CASE32(x32_arpl_none, "arpl %ax, (%edi)", REG([RAX] = V(0)), .mem = { { 0, V(0x23) } },
       ACC(RD(0, 2)))
CASE32(x32_les, "les (%edi), %eax", .mem = { { 0, V(0x2b00000007) } }, ACC(RD(0, 6)),
       .bytes = true)
CASE32(x32_movs, "movsl", ACC(RD(0x100, 4), WR(0, 4)))
CASE32(x32_call, "call 1f\n1:", ACC(WR(TOP - 4, 4)))
CASE32(x32_call_mem, "call *(%edi)\nud2" THERE_IS(call_mem_32),
       .mem = { { 0, V(there_call_mem_32) } }, ACC(RD(0, 4), WR(TOP - 4, 4)))
CASE32(x32_ret, "ret\nud2" THERE_IS(ret_32), .mem = { { TOP, V(there_ret_32) } },
       ACC(RD(TOP, 4)))
CASE32(x32_lcall, "lcall *(%edi)\nud2" THERE_IS(lcall_32), .bytes = true,
       .mem = { { 0, V(there_lcall_32) }, { 4, V(0x23) } },
       ACC(RD(0, 6), WR(TOP - 4, 4), WR(TOP - 8, 4)))
CASE32(x32_lret, "lret\nud2" THERE_IS(lret_32), .bytes = true,
       .mem = { { TOP, V(there_lret_32) }, { TOP + 4, V(0x23) } }, ACC(RD(TOP, 8)))
CASE32(x32_iret, "iret\nud2" THERE_IS(iret_32), .bytes = true,
       .mem = { { TOP, V(there_iret_32) }, { TOP + 4, V(0x23) }, { TOP + 8, V(0x202) } },
       ACC(RD(TOP, 12)))
