// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the test program are exchanged for those of the instruction by a
 * signal handler, and back by the next one: the INT3 after the instruction, or what
 * the instruction raised.
 */
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "native.h"
#include "vec.h"

static const int order[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8,	 REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static struct native *now;
static volatile sig_atomic_t inside;
static greg_t saved[NGREG];
static u8 saved_fp[16384];

static u32 fp_size(const void *fp)
{
	u32 magic, size;

	memcpy(&magic, (const u8 *)fp + 464, 4);
	memcpy(&size, (const u8 *)fp + 468, 4);
	return magic == 0x46505853 && size <= sizeof(saved_fp) ? size : 512;
}

/*
 * The same x87 and vector registers each time: four numbers on the x87 stack and room
 * for more, exceptions masked. Volume 1, 10.5.1 and 13.4.
 */
static void set_fp(u8 *fp, u32 size)
{
	static const u8 one[10] = { 0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f };
	u64 features = 3;
	unsigned int i;

	memset(fp, 0, 24);
	fp[0] = 0x7f; /* FCW */
	fp[1] = 0x03;
	fp[4] = 0x0f;  /* FTW */
	fp[24] = 0x80; /* MXCSR */
	fp[25] = 0x1f;
	memset(fp + 26, 0, 2);
	for (i = 0; i < 8; i++) {
		memset(fp + 32 + 16 * i, 0, 16);
		memcpy(fp + 32 + 16 * i, one, 10);
	}
	for (i = 0; i < 256; i++)
		fp[160 + i] = 0x31 + i % 7;
	if (size < NATIVE_FP)
		return;
	for (i = 0; i < 256; i++)
		fp[576 + i] = 0x41 + i % 11;
	features |= 4;
	for (i = 0; i < 8; i++)
		fp[512 + i] |= features >> (8 * i);
	fp[512] &= 0x1f; /* AVX-512: its initial state */
}

/* Where the upper parts are in the frame, which has the standard format; 0: not there. */
static struct {
	unsigned int width, avx, opmask, high256, high16;
} part;

static unsigned int component(unsigned int n)
{
	unsigned int a, b, c, d;

	__cpuid_count(13, n, a, b, c, d);
	return b;
}

unsigned int native_vectors(void)
{
	unsigned int lo, hi;

	__builtin_cpu_init();
	part.width = 16;
	if (!__builtin_cpu_supports("avx"))
		return part.width;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	if ((lo & 4) == 4) {
		part.width = 32;
		part.avx = component(2);
	}
	if ((lo & 0xe4) == 0xe4) {
		part.width = 64;
		part.opmask = component(5);
		part.high256 = component(6);
		part.high16 = component(7);
	}
	return part.width;
}

/* The registers are in up to four parts of the frame: 16, 16 and 32 bytes, or whole. */
static void copy_vectors(u8 *fp, u8 (*vec)[64], u64 *mask, bool in)
{
	unsigned int i;

#define COPY(frame, reg, n) (in ? memcpy(frame, reg, n) : memcpy(reg, frame, n))
	for (i = 0; i < 16; i++) {
		COPY(fp + 160 + 16 * i, vec[i], 16);
		if (part.avx)
			COPY(fp + part.avx + 16 * i, vec[i] + 16, 16);
		if (part.high256)
			COPY(fp + part.high256 + 32 * i, vec[i] + 32, 32);
		if (part.high16)
			COPY(fp + part.high16 + 64 * i, vec[16 + i], 64);
	}
	for (i = 0; i < 8 && part.opmask; i++)
		COPY(fp + part.opmask + 8 * i, &mask[i], 8);
#undef COPY
	for (i = 0; i < 8 && in; i++)
		memcpy(fp + 32 + 16 * i, vec_mmx[i], 8); /* the x87 stack's top is 0 */
	if (in)
		fp[512] |= part.width == 64 ? 0xe7 : part.width == 32 ? 7 : 3;
}

static void enter(ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	unsigned int i;

	memcpy(saved, g, sizeof(saved));
	memcpy(saved_fp, uc->uc_mcontext.fpregs, fp_size(uc->uc_mcontext.fpregs));
	set_fp((u8 *)uc->uc_mcontext.fpregs, fp_size(uc->uc_mcontext.fpregs));
	if (part.width)
		copy_vectors((u8 *)uc->uc_mcontext.fpregs, vec_reg, vec_mask, true);
	for (i = 0; i < 16; i++)
		g[order[i]] = now->gpr[i];
	g[REG_RIP] = now->ip;
	g[REG_EFL] = 0x202;
	inside = 1;
}

static void leave(siginfo_t *si, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	u32 n = fp_size(uc->uc_mcontext.fpregs);
	unsigned int i;

	for (i = 0; i < 16; i++)
		now->out[i] = g[order[i]];
	now->flags = g[REG_EFL] & 0x8d5;
	now->end_ip = g[REG_RIP];
	now->trap = g[REG_TRAPNO];
	now->fault_addr = (u64)si->si_addr;
	now->fault_write = g[REG_ERR] & 2;
	memset(now->fp, 0, sizeof(now->fp));
	memcpy(now->fp, uc->uc_mcontext.fpregs, 416);
	if (n >= NATIVE_FP)
		memcpy(now->fp + 576, (u8 *)uc->uc_mcontext.fpregs + 576, 256);
	if (part.width)
		copy_vectors((u8 *)uc->uc_mcontext.fpregs, now->vec_out, now->mask_out, false);
	memcpy(g, saved, sizeof(saved));
	memcpy(uc->uc_mcontext.fpregs, saved_fp, n);
	inside = 0;
}

static void handler(int sig, siginfo_t *si, void *ctx)
{
	if (inside)
		leave(si, ctx);
	else if (sig == SIGTRAP && now)
		enter(ctx);
	else
		_exit(99);
}

static void *map(u64 at, size_t n, int prot)
{
	void *p =
		mmap((void *)at, n, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)at)
		_exit(98);
	return p;
}

void native_init(void)
{
	static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGBUS, SIGFPE };
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t ss = { .ss_size = 1 << 18, .ss_sp = malloc(1 << 18) };
	unsigned int i;

	memset(map(NATIVE_CODE, 8 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0xcc, 8 * 4096);
	sigaltstack(&ss, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &sa, NULL);
}

void native_run(struct native *n)
{
	memcpy((void *)n->ip, n->insn, n->len);
	now = n;
	asm volatile("int3" : : : "memory");
	now = NULL;
	memset((void *)n->ip, 0xcc, n->len);
}
