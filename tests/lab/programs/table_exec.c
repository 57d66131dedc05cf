/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction fetch: code that runs in the watched pages, each execution one event with
 * the instruction's length, also when only a part of it is watched. See table.h.
 */
#define ARENA_PAGES 30
#ifndef WATCHED
#define WATCHED ACC_X
#endif
#include "table.h"

#define CODE(id, text, ...) CASE(id, text, .exec = true, __VA_ARGS__)
#define RUN(step, off, size) { (off), (size), ACC_X, 0, (step), 0, 0 }
#define STORE(step, off, size) { (off), (size), ACC_W, 0, (step), 0, 0 }
#define LOAD(step, off, size) { (off), (size), ACC_R, 0, (step), 0, 0 }

/* Behind each piece of code is a RET of one byte. */
CODE(exec_line, "nop\nmov %eax, %ecx\nlea 8(%rdi), %rdx",
     ACC(RUN(0, 0, 1), RUN(1, 1, 2), RUN(2, 3, 4), RUN(3, 7, 1)))
CODE(exec_jump, "jmp 1f\n.fill 5, 1, 0xcc\n1: xor %eax, %eax",
     ACC(RUN(0, 0, 2), RUN(1, 7, 2), RUN(2, 9, 1)))
CODE(exec_loop, "mov $3, %ecx\n1: dec %ecx\njnz 1b",
     ACC(RUN(0, 0, 5), RUN(1, 5, 2), RUN(2, 7, 2), RUN(3, 5, 2), RUN(4, 7, 2), RUN(5, 5, 2),
	 RUN(6, 7, 2), RUN(7, 9, 1)))
CODE(exec_call, "call 1f\njmp 2f\n1: ret\n2:",
     ACC(RUN(0, 0, 5), RUN(1, 7, 1), RUN(2, 5, 2), RUN(3, 8, 1)))
CODE(exec_long, "movabs $0x1122334455667788, %rcx\n.byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e\n"
     "nopw 0x200(%rax,%rax,1)", ACC(RUN(0, 0, 10), RUN(1, 10, 15), RUN(2, 25, 1)))
CODE(exec_syscall, "mov $102, %eax\nsyscall", ACC(RUN(0, 0, 5), RUN(1, 5, 2), RUN(2, 7, 1)))
CODE(exec_cpuid, "mov $1, %eax\ncpuid\nxor %eax, %eax\nxor %ebx, %ebx\nxor %ecx, %ecx\n"
     "xor %edx, %edx", ACC(RUN(0, 0, 5), RUN(1, 5, 2), RUN(2, 7, 2), RUN(3, 9, 2), RUN(4, 11, 2),
			   RUN(5, 13, 2), RUN(6, 15, 1)))
CODE(exec_xgetbv, "xor %ecx, %ecx\nxgetbv", ACC(RUN(0, 0, 2), RUN(1, 2, 3), RUN(2, 5, 1)))

/* --- over pages: the first bytes in the watched one, the last ones, both */
#define MOV5 "mov $0x12345678, %eax"
CODE(exec_cross_both, MOV5, .pages = 2, .at = PAGE - 3, ACC(RUN(0, 0, 5), RUN(1, 5, 1)))
CODE(exec_cross_first, MOV5, .pages = 2, .at = PAGE - 3, .watch = { { 0, PAGE } },
     ACC(RUN(0, 0, 5), RUN(1, 5, 1)))
CODE(exec_cross_second, MOV5, .pages = 2, .at = PAGE - 3, .watch = { { PAGE, 2 * PAGE } },
     ACC(RUN(0, 0, 5), RUN(1, 5, 1)))
CODE(exec_cross_last_byte, MOV5, .pages = 2, .at = PAGE - 4, .watch = { { PAGE, 2 * PAGE } },
     ACC(RUN(0, 0, 5), RUN(1, 5, 1)))
CODE(exec_up_to_page, MOV5, .pages = 2, .at = PAGE - 5, .watch = { { 0, PAGE } },
     ACC(RUN(0, 0, 5), RUN(1, 5, 1)))
CODE(exec_edge, "nop\n" MOV5 "\nnop", .watch = { { AT + 3, AT + 4 } },
     ACC(RUN(0, 0, 1), RUN(1, 1, 5), RUN(2, 6, 1), RUN(3, 7, 1)))
CODE(exec_near, "nop\n" MOV5 "\nnop", .watch = { { AT + 8, AT + 64 } },
     ACC(RUN(0, 0, 1), RUN(1, 1, 5), RUN(2, 6, 1), RUN(3, 7, 1)))

/* --- code and data in one page */
CODE(exec_store, "movl %eax, 0x100(%rdi)",
     ACC(RUN(0, 0, 6), STORE(0, 0x100, 4), RUN(1, 6, 1)))
CODE(exec_load_self, "movl (%rdi), %eax", ACC(RUN(0, 0, 2), LOAD(0, 0, 4), RUN(1, 2, 1)))
CODE(exec_modify, "movb $0x90, 9(%rdi)\n.byte 0x0f, 0x1f, 0x44, 0x00, 0x00, 0xcc",
     ACC(RUN(0, 0, 4), STORE(0, 9, 1), RUN(1, 4, 5), RUN(2, 9, 1), RUN(3, 10, 1)))
/* A REP is fetched once, and again where something came between two iterations. */
#define AGAIN(step, off, size) { (off), (size), ACC_X, 0, (step), 0, true }
CODE(exec_rep, "rep stosb", REG([RDI] = P(0x80), [RCX] = V(3), [RAX] = V(0x5a)),
     ACC(RUN(0, 0, 2), STORE(0, 0x80, 1), AGAIN(1, 0, 2), STORE(1, 0x81, 1), AGAIN(2, 0, 2),
	 STORE(2, 0x82, 1), RUN(3, 2, 1)))
CODE(exec_rep_0, "rep stosb", REG([RDI] = P(0x80), [RCX] = V(0)), ACC(RUN(0, 0, 2), RUN(1, 2, 1)))
CODE(exec_locked, "lock incl 0x40(%rdi)",
     .acc = { RUN(0, 0, 4), { 0x40, 4, ACC_R | ACC_W, 0, 0, 0, 0 }, RUN(1, 4, 1) })
