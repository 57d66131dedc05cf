/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saved processor state (FXSAVE, XSAVE and their kin), system registers, segment loads
 * and port strings. See table.h.
 */
#define ARENA_PAGES 72
#include "table.h"

#include <cpuid.h>
#include <sys/io.h>

#define PORT 0x1e0	/* nobody answers: all ones */

__attribute__((constructor)) static void use_state(void)
{
	table_vectors = 512;
	if (ioperm(PORT, 1, 1))
		die("ioperm");
}

/*
 * Where the components of @t's request bitmap (EAX) lie and which of them are accessed
 * (SDM volume 1, 13.5 to 13.11). string.op: 's' standard form, 'c' compacted. Headers are
 * updated by XSAVE and XSAVEOPT, written by XSAVEC, read by XRSTOR. What is reserved there
 * and in the legacy region may be accessed.
 */
static int state(const struct tcase *t, const uint8_t *at, struct acc *acc)
{
	uint64_t rfbm = t->reg[RAX].v, present = rfbm, bv;
	unsigned char kind = t->string.rep == 'r' ? ACC_R : ACC_W;
	unsigned int size = 0, off = 0, flags = 0, d, next = 576;
	int n = 0;

	if (kind == ACC_R) {
		memcpy(&bv, at + 512, 8);
		present &= bv;
	}
#define ADD(...) acc[n++] = (struct acc){ __VA_ARGS__ }
	if (present & 1) {
		ADD(0, 24, kind, 0, 0, 0, 0);
		ADD(32, 128, kind, 0, 0, 0, 0);
	}
	if (present & 2)
		ADD(160, 256, kind, 0, 0, 0, 0);
	/* XSAVEC and a compacted XRSTOR leave MXCSR alone without SSE. */
	if (t->string.op == 'c' ? present & 2 : rfbm & 6) {
		ADD(24, 4, kind, 0, 0, 0, 0);
		ADD(28, 4, kind, 0, 0, 0, kind == ACC_R); /* MXCSR_MASK is ignored */
	}
	ADD(416, 96, kind, 0, 0, 0, true);
	if (kind == ACC_R)
		ADD(512, t->string.op == 'c' ? 64 : 24, kind, 0, 0, 0, 0);
	else if (t->string.op == 'c')
		ADD(512, 16, kind, 0, 0, 0, 0);
	else
		ADD(512, 8, ACC_R | ACC_W, 0, 0, 0, 0);
	ADD(512, 64, kind, 0, 0, 0, true);
	for (int i = 2; i < 63; i++) {
		if (!(rfbm >> i & 1))
			continue;
		__get_cpuid_count(0xd, i, &size, &off, &flags, &d);
		if (t->string.op == 'c') {
			off = flags & 2 ? (next + 63) & ~63u : next;
			next = off + size;
		}
		if (present >> i & 1)
			ADD(off, size, kind, 0, 0, 0, 0);
	}
#undef ADD
	return n;
}

/* A legacy region and a header that XRSTOR and FXRSTOR accept; registers are arbitrary. */
static void image(const struct tcase *t, uint8_t *at)
{
	uint64_t bv = t->reg[RBX].v, comp = t->string.op == 'c' ? 1ull << 63 | t->reg[RAX].v : 0;

	memset(at, 0, 32);
	memcpy(at, &(uint64_t){ 0x37f }, 8);
	memcpy(at + 24, &(uint64_t){ 0x1f80 }, 8);
	memset(at + 512, 0, 64);
	memcpy(at + 512, &bv, 8);
	memcpy(at + 520, &comp, 8);
}

/* XINUSE is set for everything that has been changed; so is RFBM in the header. */
static void header(const struct tcase *t, uint8_t *at)
{
	(void)t;
	memset(at + 512, 0, 64);
}

#define USED "fninit\nfldpi\nkmovw %ecx, %k1\nvmovdqu64 %zmm1, %zmm17\nxor %edx, %edx\n"
#define SAVE(id, text, form, bitmap, ...)                                                      \
	CASE(id, USED text " (%rdi)\nfninit", .bytes = true, .pages = 2, .model = state,       \
	     .fill = header, .string = { form, 'w', 0 }, REG([RAX] = V(bitmap), [RCX] = V(5)),  \
	     __VA_ARGS__)
#define RESTORE(id, text, form, bitmap, bv)                                                    \
	CASE(id, "xor %edx, %edx\n" text " (%rdi)\nfninit", .bytes = true, .pages = 2,         \
	     .model = state, .fill = image, .string = { form, 'r', 0 },                        \
	     REG([RAX] = V(bitmap), [RBX] = V(bv)))

CASE(fxsave, "fninit\nfxsave (%rdi)", ACC(WR(0, 416), MAY(416, 96, ACC_W)), .bytes = true)
CASE(fxsave64, "fninit\nfxsave64 (%rdi)", ACC(WR(0, 416), MAY(416, 96, ACC_W)), .bytes = true)
CASE(fxrstor, "fxrstor (%rdi)\nfninit", .fill = image, ACC(RD(0, 416), MAY(416, 96, ACC_R)),
     .bytes = true)
CASE(fxrstor64, "fxrstor64 (%rdi)\nfninit", .fill = image, ACC(RD(0, 416), MAY(416, 96, ACC_R)),
     .bytes = true)
SAVE(xsave_x87, "xsave", 's', 1)
SAVE(xsave_sse, "xsave64", 's', 2)
SAVE(xsave_avx, "xsave64", 's', 7)
SAVE(xsave_avx_only, "xsave64", 's', 4)
SAVE(xsave_avx512, "xsave64", 's', 0xe7)
/* What is as the last XRSTOR from there left it is not written (13.6, 13.9): not to be seen. */
SAVE(xsaveopt_avx, "xsaveopt64", 's', 7, .inexact = "the CPU alone knows what is modified")
SAVE(xsavec_avx, "xsavec64", 'c', 7)
SAVE(xsavec_avx512, "xsavec64", 'c', 0xe7)
SAVE(xsavec_some, "xsavec", 'c', 0xa2)
RESTORE(xrstor_all, "xrstor64", 's', 7, 7)
RESTORE(xrstor_some, "xrstor", 's', 7, 4)
RESTORE(xrstor_init, "xrstor64", 's', 7, 0)
RESTORE(xrstor_avx512, "xrstor64", 's', 0xe7, 0xe7)
RESTORE(xrstor_compact, "xrstor64", 'c', 7, 7)
RESTORE(xrstor_compact_some, "xrstor64", 'c', 0xe6, 0xc2)

/* --- system registers: the simulated CPU has no UMIP */
CASE(sgdt, "sgdt (%rdi)", ACC(WR(0, 10)))
CASE(sidt, "sidt 3(%rdi)", ACC(WR(3, 10)))
CASE(sldt, "sldt (%rdi)", ACC(WR(0, 2)))
CASE(str, "str (%rdi)", ACC(WR(0, 2)))
CASE(smsw, "smsw (%rdi)", ACC(WR(0, 2)))

/* --- segments; the descriptors lie in the GDT, which is not watched here */
CASE(verr, "verr (%rdi)", .mem = { { 0, V(0x2b) } }, ACC(RD(0, 2)))
CASE(verw, "verw (%rdi)", .mem = { { 0, V(0x2b) } }, ACC(RD(0, 2)))
CASE(lar, "lar (%rdi), %eax", .mem = { { 0, V(0x33) } }, ACC(RD(0, 2)))
CASE(lsl, "lsl (%rdi), %rax", .mem = { { 0, V(0x2b) } }, ACC(RD(0, 2)))
CASE(mov_ds, "movw (%rdi), %ds\nxor %eax, %eax\nmov %eax, %ds", .mem = { { 0, V(0x2b) } },
     ACC(RD(0, 2)))
/* Blocks interrupts for one instruction; the second access is stepped under that. */
CASE(mov_ss, "movw (%rdi), %ss\nmovl %eax, 8(%rdi)", .mem = { { 0, V(0x2b) } },
     .acc = { { 0, 2, ACC_R, 0, 0, 0, 0 }, { 8, 4, ACC_W, 0, 1, 0, 0 } })
CASE(lgs, "lgs (%rdi), %ecx", .mem = { { 0, V(0x1234567) }, { 4, V(0) } }, ACC(RD(0, 6)),
     .bytes = true)
CASE(lss, "mov %rsp, %rcx\nlss (%rdi), %esp\nmov %rcx, %rsp", .bytes = true,
     .mem = { { 0, P(0x200) }, { 4, V(0x2b) } }, ACC(RD(0, 6)))
STACK(pop_gs, "pop %gs", .mem = { { 0x200, V(0) } }, ACC(RD(0x200, 2), MAY(0x202, 6, ACC_R)),
      .bytes = true)

/* --- port strings: a read of memory, or a write to it */
CASE(outsb, "outsb", REG([RDX] = V(PORT)), ACC(RD(0x100, 1)))
CASE(insb, "insb", REG([RDX] = V(PORT)), ACC(WR(0, 1)))
CASE(rep_outsb, "rep outsb", REG([RDX] = V(PORT), [RCX] = V(3)),
     .acc = { { 0x100, 1, ACC_R, 0, 0, 0, 0 }, { 0x101, 1, ACC_R, 0, 1, 0, 0 },
	      { 0x102, 1, ACC_R, 0, 2, 0, 0 } })
CASE(rep_insb, "rep insb", REG([RDX] = V(PORT), [RCX] = V(2)),
     .acc = { { 0, 1, ACC_W, 0, 0, 0, 0 }, { 1, 1, ACC_W, 0, 1, 0, 0 } })
