/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps itself: sets TF and has a handler of SIGTRAP that writes down where each trap came.
 * FILE gets them, 8 bytes each: the address of the first instruction stepped, and of what came
 * behind each one, by the handler. The last is outside [first, end). There is no trap before the
 * instructions behind MOV SS and INT.
 * Prints first, end, those two, and how many times it stepped.
 * usage: trace_self FILE ROUNDS
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t seen[1 << 16];
static volatile uint32_t count;
uint8_t from[64], to[64];

extern const uint8_t first[], end[], behind_mov_ss[], behind_int[];
void stepped(void);

/* No SYSCALL: the simulator traps behind it inside the kernel, which complains. */
asm(".pushsection .text; .balign 64\n"
    ".globl stepped\n"
    "stepped:\n\t"
    "pushq %rbx\n\t"
    "pushfq; orl $0x100, (%rsp); popfq\n"
    "first:\n\t"
    "movl $3, %ecx\n"
    "1:\tdecl %ecx; jnz 1b\n\t"
    "leaq from(%rip), %rsi; leaq to(%rip), %rdi; movl $5, %ecx\n\t"
    "rep movsb\n\t"
    "xorl %eax, %eax; cpuid\n\t"
    "call 2f\n\t"
    "movl %ss, %eax\n\t"
    "movl %eax, %ss\n"
    "behind_mov_ss:\n\t"
    "incl %eax\n\t"
    "int3\n\t"
    "movl $20, %eax; int $0x80\n"
    "behind_int:\n\t"
    "pushfq; popq %rax\n\t"
    "pushfq; popfq\n\t"
    "vaddps %ymm0, %ymm1, %ymm2; vzeroupper\n\t"
    "jmp 3f; ud2\n"
    "2:\tnop; ret\n"
    "3:\tpushfq; andl $~0x100, (%rsp); popfq\n"
    "end:\n\t"
    "popq %rbx\n\t"
    "ret\n"
    ".popsection");

static void on_trap(int sig, siginfo_t *si, void *ctx)
{
	uint64_t ip = (uint64_t)((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)si;
	if (count < sizeof(seen) / sizeof(seen[0]))
		seen[count++] = ip;
}

int main(int argc, char **argv)
{
	int i, rounds = argc > 2 ? atoi(argv[2]) : 1;
	FILE *f;

	if (argc < 2)
		return 2;
	sigaction(SIGTRAP, &(struct sigaction){ .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO },
		  NULL);
	for (i = 0; i < rounds; i++) {
		seen[count++] = (uint64_t)first;
		asm volatile("call stepped" : : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
			     "r11", "cc", "memory", "xmm2");
	}
	f = fopen(argv[1], "w");
	if (!f || fwrite(seen, 8, count, f) != count || fclose(f))
		return 1;
	printf("%lu %lu %lu %lu %d\n", (unsigned long)first, (unsigned long)end,
	       (unsigned long)behind_mov_ss, (unsigned long)behind_int, rounds);
	return 0;
}
