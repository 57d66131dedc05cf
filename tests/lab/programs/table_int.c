/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * General-purpose instructions, each once on memory of its own: address, size, kind and
 * values of every access. See table.h.
 */
#define ARENA_PAGES 330
#include "table.h"

/* --- loads and stores of all widths */
#define WIDTHS(name, b, w, l, q, b_acc, w_acc, l_acc, q_acc)                                   \
	CASE(name##_8, b, ACC(b_acc)) CASE(name##_16, w, ACC(w_acc))                          \
	CASE(name##_32, l, ACC(l_acc)) CASE(name##_64, q, ACC(q_acc))
#define LOADS(name, b, w, l, q) \
	WIDTHS(name, b, w, l, q, ARG(RD(0, 1)), ARG(RD(0, 2)), ARG(RD(0, 4)), ARG(RD(0, 8)))
#define STORES(name, b, w, l, q) \
	WIDTHS(name, b, w, l, q, ARG(WR(0, 1)), ARG(WR(0, 2)), ARG(WR(0, 4)), ARG(WR(0, 8)))
#define UPDATES(name, b, w, l, q) \
	WIDTHS(name, b, w, l, q, ARG(RW(0, 1)), ARG(RW(0, 2)), ARG(RW(0, 4)), ARG(RW(0, 8)))

LOADS(mov_load, "movb (%rdi), %al", "movw (%rdi), %ax", "movl (%rdi), %eax", "movq (%rdi), %rax")
STORES(mov_store, "movb %al, (%rdi)", "movw %ax, (%rdi)", "movl %eax, (%rdi)", "movq %rax, (%rdi)")
STORES(mov_imm, "movb $0x5a, (%rdi)", "movw $0x5aa5, (%rdi)", "movl $0x5aa5f00f, (%rdi)",
       "movq $-0x5aa5f00f, (%rdi)")
CASE(mov_store_ah, "movb %ah, (%rdi)", ACC(WR(0, 1)))
CASE(mov_store_r9b, "movb %r9b, 3(%rdi)", ACC(WR(3, 1)))
CASE(mov_load_r12, "movq (%r12), %r13", REG([R12] = P(8)), ACC(RD(8, 8)))
CASE(mov_sib, "movl -8(%rdi,%rcx,8), %eax", REG([RCX] = V(5)), ACC(RD(32, 4)))
CASE(mov_sib_negative, "movl 8(%rdi,%rcx,2), %eax", REG([RCX] = V(-12)), ACC(RD(-16, 4)))
CASE(mov_addr32, "movl (%edi), %eax", ACC(RD(0, 4)))
CASE(mov_disp32, "movl 0x240(%rdi), %eax", ACC(RD(0x240, 4)))
CASE(mov_fs, "push %rax\nrdfsbase %rax\nwrfsbase %rdi\nmovl %fs:8, %ecx\nwrfsbase %rax\npop %rax",
     ACC(RD(8, 4)))
CASE(mov_gs, "rdgsbase %rdx\nwrgsbase %rdi\nmovl %ecx, %gs:8(,%rbx,4)\nwrgsbase %rdx",
     REG([RBX] = V(2)), ACC(WR(16, 4)))
CASE(mov_from_seg, "movw %ss, (%rdi)", ACC(WR(0, 2)))
CASE(mov_from_seg_w, "rex.W movw %ss, (%rdi)", ACC(WR(0, 2)))
CASE(movzx_8_16, "movzbw (%rdi), %ax", ACC(RD(0, 1)))
CASE(movzx_8_64, "movzbq (%rdi), %rax", ACC(RD(0, 1)))
CASE(movzx_16_32, "movzwl (%rdi), %eax", ACC(RD(0, 2)))
CASE(movsx_8_32, "movsbl (%rdi), %eax", ACC(RD(0, 1)))
CASE(movsx_16_64, "movswq (%rdi), %rax", ACC(RD(0, 2)))
CASE(movsxd, "movslq (%rdi), %rax", ACC(RD(0, 4)))
CASE(movbe_load_16, "movbe (%rdi), %ax", ACC(RD(0, 2)))
CASE(movbe_load_64, "movbe (%rdi), %rax", ACC(RD(0, 8)))
CASE(movbe_store_32, "movbe %eax, (%rdi)", ACC(WR(0, 4)))
CASE(movbe_store_64, "movbe %rax, (%rdi)", ACC(WR(0, 8)))
STORES(movnti_and_kin, "movb $1, (%rdi)", "movw $1, (%rdi)", "movnti %eax, (%rdi)",
       "movnti %rax, (%rdi)")
CASE(cmov_taken, "stc\ncmovc (%rdi), %rax", ACC(RD(0, 8)))
CASE(cmov_not_taken, "clc\ncmovc (%rdi), %eax", ACC(RD(0, 4)))	/* loads all the same */
CASE(setcc, "stc\nsetc (%rdi)", ACC(WR(0, 1)))
CASE(xlat, "xlatb", REG([RBX] = P(0), [RAX] = V(0x37)), ACC(RD(0x37, 1)))
CASE(lea, "lea (%rdi), %rax")
CASE(nop_memory, "nopl (%rdi)")
CASE(bound_of_page, "movq %rax, (%rdi)", .at = PAGE - 8, ACC(WR(0, 8)))

/* --- arithmetic */
#define ALU(op)                                                                                \
	UPDATES(op##_mem_reg, #op "b %al, (%rdi)", #op "w %ax, (%rdi)", #op "l %eax, (%rdi)", \
		#op "q %rax, (%rdi)")                                                          \
	LOADS(op##_reg_mem, #op "b (%rdi), %al", #op "w (%rdi), %ax", #op "l (%rdi), %eax",   \
	      #op "q (%rdi), %rax")                                                            \
	UPDATES(op##_mem_imm, #op "b $3, (%rdi)", #op "w $0x333, (%rdi)", #op "l $3, (%rdi)", \
		#op "q $0x33333, (%rdi)")
#define LOCKED(op)                                                                             \
	CASE(lock_##op##_8, "lock " #op "b %al, (%rdi)", ACC(RW(0, 1)))                       \
	CASE(lock_##op##_64, "lock " #op "q $-5, (%rdi)", ACC(RW(0, 8)))
ALU(add) ALU(sub) ALU(xor)
#define ALU_ONE(op)                                                                            \
	CASE(op##_mem_reg_32, #op "l %eax, (%rdi)", ACC(RW(0, 4)))                            \
	CASE(op##_reg_mem_64, #op "q (%rdi), %rax", ACC(RD(0, 8)))                            \
	CASE(op##_mem_imm_8, #op "b $3, (%rdi)", ACC(RW(0, 1)))
ALU_ONE(or) ALU_ONE(and) ALU_ONE(adc) ALU_ONE(sbb)
LOCKED(add) LOCKED(or) LOCKED(adc) LOCKED(sbb) LOCKED(and) LOCKED(sub) LOCKED(xor)
LOADS(cmp_mem_reg, "cmpb %al, (%rdi)", "cmpw %ax, (%rdi)", "cmpl %eax, (%rdi)", "cmpq %rax, (%rdi)")
LOADS(cmp_mem_imm, "cmpb $1, (%rdi)", "cmpw $1, (%rdi)", "cmpl $1, (%rdi)", "cmpq $1, (%rdi)")
LOADS(test, "testb %al, (%rdi)", "testw %ax, (%rdi)", "testl $9, (%rdi)", "testq $9, (%rdi)")
UPDATES(inc, "incb (%rdi)", "incw (%rdi)", "incl (%rdi)", "incq (%rdi)")
UPDATES(dec, "lock decb (%rdi)", "lock decw (%rdi)", "lock decl (%rdi)", "decq (%rdi)")
UPDATES(not, "notb (%rdi)", "notw (%rdi)", "lock notl (%rdi)", "notq (%rdi)")
UPDATES(neg, "negb (%rdi)", "lock negw (%rdi)", "negl (%rdi)", "lock negq (%rdi)")
LOADS(mul, "mulb (%rdi)", "mulw (%rdi)", "imull (%rdi)", "mulq (%rdi)")
CASE(imul_reg, "imulq (%rdi), %rcx", ACC(RD(0, 8)))
CASE(imul_imm, "imull $77, (%rdi), %ecx", ACC(RD(0, 4)))
CASE(div_64, "xor %edx, %edx\ndivq (%rdi)", ACC(RD(0, 8)))
CASE(idiv_32, "xor %edx, %edx\nidivl (%rdi)", REG([RAX] = V(5)), ACC(RD(0, 4)))
UPDATES(shl_1, "shlb (%rdi)", "shlw (%rdi)", "shll (%rdi)", "shlq (%rdi)")
UPDATES(sar_cl, "sarb %cl, (%rdi)", "sarw %cl, (%rdi)", "sarl %cl, (%rdi)", "sarq %cl, (%rdi)")
UPDATES(ror_imm, "rorb $3, (%rdi)", "rorw $3, (%rdi)", "rorl $3, (%rdi)", "rorq $3, (%rdi)")
CASE(rcl, "stc\nrcll $3, (%rdi)", ACC(RW(0, 4)))
CASE(shld, "shldq $5, %rax, (%rdi)", ACC(RW(0, 8)))
CASE(shrd_cl, "shrdl %cl, %eax, (%rdi)", ACC(RW(0, 4)))
CASE(sarx, "sarx %rcx, (%rdi), %rax", ACC(RD(0, 8)))
CASE(andn, "andn (%rdi), %eax, %ecx", ACC(RD(0, 4)))
CASE(pdep, "pdep (%rdi), %rax, %rcx", ACC(RD(0, 8)))
CASE(adcx, "adcx (%rdi), %rax", ACC(RD(0, 8)))
CASE(popcnt, "popcntw (%rdi), %ax", ACC(RD(0, 2)))
CASE(lzcnt, "lzcnt (%rdi), %rax", ACC(RD(0, 8)))
CASE(bsf, "bsfl (%rdi), %eax", ACC(RD(0, 4)))
CASE(crc32, "crc32q (%rdi), %rax", ACC(RD(0, 8)))
CASE(crc32_8, "crc32b (%rdi), %eax", ACC(RD(0, 1)))
/* A count of 0 changes nothing; the destination is read and written back (SDM, "SHL"). */
CASE(shl_count_0, "shll %cl, (%rdi)", REG([RCX] = V(0)), ACC(RW(0, 4)))

/* --- exchanges. A CMPXCHG that fails writes back what it read (SDM, "CMPXCHG"). */
UPDATES(xchg, "xchgb %al, (%rdi)", "xchgw %ax, (%rdi)", "xchgl %eax, (%rdi)", "xchgq %rax, (%rdi)")
UPDATES(xadd, "xaddb %al, (%rdi)", "lock xaddw %ax, (%rdi)", "xaddl %eax, (%rdi)",
	"lock xaddq %rax, (%rdi)")
UPDATES(cmpxchg_fails, "cmpxchgb %cl, (%rdi)", "lock cmpxchgw %cx, (%rdi)",
	"cmpxchgl %ecx, (%rdi)", "lock cmpxchgq %rcx, (%rdi)")
CASE(cmpxchg_8, "lock cmpxchgb %cl, (%rdi)", REG([RAX] = M(0)), ACC(RW(0, 1)))
CASE(cmpxchg_16, "cmpxchgw %cx, (%rdi)", REG([RAX] = M(0)), ACC(RW(0, 2)))
CASE(cmpxchg_32, "lock cmpxchgl %ecx, (%rdi)", REG([RAX] = M(0)), ACC(RW(0, 4)))
CASE(cmpxchg_64, "cmpxchgq %rcx, (%rdi)", REG([RAX] = M(0)), ACC(RW(0, 8)))
CASE(cmpxchg8b_fails, "lock cmpxchg8b (%rdi)", ACC(RW(0, 8)))
CASE(cmpxchg8b, "cmpxchg8b (%rdi)", REG([RAX] = M(0), [RDX] = M(4)), ACC(RW(0, 8)))
CASE(cmpxchg16b_fails, "lock cmpxchg16b (%rdi)", ACC(RW(0, 16)))
CASE(cmpxchg16b, "lock cmpxchg16b (%rdi)", REG([RAX] = M(0), [RDX] = M(8)), ACC(RW(0, 16)))

/* --- bit strings: a register offset reaches any operand-sized word (SDM, "BT") */
CASE(bt_imm, "btl $37, (%rdi)", ACC(RD(0, 4)))	/* modulo 32 */
CASE(bt_16, "btw %ax, (%rdi)", REG([RAX] = V(100)), ACC(RD(12, 2)))
CASE(bt_far, "btl %eax, (%rdi)", REG([RAX] = V(8 * 0x300 + 33)), ACC(RD(0x304, 4)))
CASE(bt_negative, "btq %rax, (%rdi)", REG([RAX] = V(-1)), ACC(RD(-8, 8)))
CASE(bts_far, "btsq %rax, (%rdi)", REG([RAX] = V(8 * 0x800 + 64)), ACC(RW(0x808, 8)))
CASE(btr_negative, "lock btrl %eax, (%rdi)", REG([RAX] = V((uint32_t)(-8 * 0x200))),
     ACC(RW(-0x200, 4)))
CASE(btc_negative_16, "btcw %ax, (%rdi)", REG([RAX] = V((uint16_t)-17)), ACC(RW(-4, 2)))
CASE(btc_imm, "btcq $3, (%rdi)", ACC(RW(0, 8)))
CASE(bts_next_page, "btsl %eax, (%rdi)", .pages = 2, .watch = { { PAGE, 2 * PAGE } },
     REG([RAX] = V(8 * PAGE)), ACC(RW(PAGE, 4)))

/* --- pages, cache lines and the edges of what is watched: an access that touches it is
 * one event, with the whole operand
 */
#define CROSS(id, text, first, ...)                                                            \
	CASE(id##_both, text, .pages = 2, .at = PAGE - (first), __VA_ARGS__)                   \
	CASE(id##_first, text, .pages = 2, .at = PAGE - (first), .watch = { { 0, PAGE } },      \
	     __VA_ARGS__)                                                                      \
	CASE(id##_second, text, .pages = 2, .at = PAGE - (first),                              \
	     .watch = { { PAGE, 2 * PAGE } }, __VA_ARGS__)
CROSS(cross_load, "movq (%rdi), %rax", 3, ACC(RD(0, 8)))
CROSS(cross_store, "movl %eax, (%rdi)", 1, ACC(WR(0, 4)))
CROSS(cross_update, "addq %rax, (%rdi)", 5, ACC(RW(0, 8)))
CROSS(cross_locked, "lock xaddl %eax, (%rdi)", 2, ACC(RW(0, 4)))
CROSS(cross_cmpxchg_fails, "lock cmpxchgq %rcx, (%rdi)", 4, ACC(RW(0, 8)))
CROSS(cross_push, "mov %rsp, %rdx\nlea 8(%rdi), %rsp\npush %rax\nmov %rdx, %rsp", 4, ACC(WR(0, 8)))
CROSS(cross_vector, "movups (%rdi), %xmm0", 9, ACC(RD(0, 16)))
CASE(line_load, "movq (%rdi), %rax", .at = AT + 60, ACC(RD(0, 8)))
CASE(line_locked, "lock incq (%rdi)", .at = AT + 61, ACC(RW(0, 8)))
CASE(edge_before, "movq %rax, (%rdi)", .at = AT - 7, .watch = { { AT, AT + 8 } }, ACC(WR(0, 8)))
CASE(edge_after, "movq %rax, (%rdi)", .at = AT + 7, .watch = { { AT, AT + 8 } }, ACC(WR(0, 8)))
CASE(edge_inside, "movq %rax, (%rdi)", .watch = { { AT + 3, AT + 4 } }, ACC(WR(0, 8)))
CASE(near_below, "movq %rax, (%rdi)", .at = AT - 8, .watch = { { AT, AT + 8 } }, ACC(WR(0, 8)))
CASE(near_above, "addq %rax, (%rdi)", .at = AT + 8, .watch = { { AT, AT + 8 } }, ACC(RW(0, 8)))

/* --- nothing is accessed */
CASE(clflush, "clflush (%rdi)")
CASE(clflushopt, "clflushopt (%rdi)")
CASE(clwb, "clwb (%rdi)")
CASE(prefetch, "prefetcht0 (%rdi)\nprefetchnta 64(%rdi)\nprefetchw 128(%rdi)")
