/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the CPU read descriptors, gates and its TSS: loads segments, transfers control far,
 * raises software interrupts. Prints, in the manner of table.h, which bytes of GDT, IDT and
 * TSS each piece of code reads; where they are it reads from /proc/hvt_table.
 * usage: descriptors FILE
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Descriptors of Linux on x86-64, by their offset in the GDT. */
#define KERNEL_CS 0x10
#define USER_DS	  0x28
#define USER_CS	  0x30
#define SOFT_INT  0x80	/* the vector of 32-bit system calls */

static uint64_t gdt, idt, tss, page_table, page;

#define PIECE(id, text)                                                                        \
	asm(".pushsection .text\n" #id ": " text "\n" #id "_end: ret\n.popsection");           \
	extern const char id[], id##_end[];

PIECE(load_ds, "mov $0x2b, %eax\nmov %eax, %ds\nxor %eax, %eax\nmov %eax, %ds")
PIECE(load_es, "mov $0x2b, %eax\nmov %eax, %es\nxor %eax, %eax\nmov %eax, %es")
PIECE(load_null, "xor %eax, %eax\nmov %eax, %ds")
PIECE(load_ss, "mov $0x2b, %eax\nmov %eax, %ss\nnop")
PIECE(do_lar, "mov $0x33, %ecx\nlar %ecx, %eax")
PIECE(do_lsl, "mov $0x2b, %ecx\nlsl %ecx, %eax")
PIECE(do_verr, "mov $0x2b, %ecx\nverr %cx")
PIECE(do_lretq, "pushq $0x33\npushq $1f\nlretq\n1:")
PIECE(do_ljmp, "ljmp *2f(%rip)\n2: .long 1f\n.word 0x33\n1:")
PIECE(do_iretq, "mov %rsp, %rax\npushq $0x2b\npush %rax\npushf\npushq $0x33\npushq $1f\niretq\n1:")
PIECE(do_int, "push %rbx\nmov $20, %eax\nint $0x80\npop %rbx")

/* What it reads: GDT, IDT and TSS offsets, sizes; @vector: by the delivery of that event. */
static const struct piece {
	const char *name, *code, *end;
	int vector;
	struct { uint64_t *base; int off, size; } reads[4];
} pieces[] = {
#define ROW(id, vector, ...) { #id, id, id##_end, vector, { __VA_ARGS__ } }
	ROW(load_ds, -1, { &gdt, USER_DS, 8 }), ROW(load_es, -1, { &gdt, USER_DS, 8 }),
	ROW(load_null, -1), ROW(load_ss, -1, { &gdt, USER_DS, 8 }),
	ROW(do_lar, -1, { &gdt, USER_CS, 8 }), ROW(do_lsl, -1, { &gdt, USER_DS, 8 }),
	ROW(do_verr, -1, { &gdt, USER_DS, 8 }), ROW(do_lretq, -1, { &gdt, USER_CS, 8 }),
	ROW(do_ljmp, -1, { &gdt, USER_CS, 8 }),
	ROW(do_iretq, -1, { &gdt, USER_CS, 8 }, { &gdt, USER_DS, 8 }),
	/* The gate, its code segment, RSP0 (SDM volume 3, 6.14 and 7.7). */
	ROW(do_int, SOFT_INT, { &idt, 16 * SOFT_INT, 16 }, { &gdt, KERNEL_CS, 8 }, { &tss, 4, 8 }),
};

int main(int argc, char **argv)
{
	cpu_set_t cpu;
	FILE *f = fopen("/proc/hvt_table", "r");

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (argc != 2 || !f ||
	    fscanf(f, "{\"page\":%lu,\"gdt\":%lu,\"idt\":%lu,\"tss\":%lu,\"page_table\":%lu}", &page, &gdt,
		   &idt, &tss, &page_table) != 5 ||
	    sched_setaffinity(0, sizeof(cpu), &cpu)) {
		perror("descriptors");
		return 2;
	}
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		((void (*)(void))(uintptr_t)pieces[i].code)();
	f = fopen(argv[1], "w");
	for (size_t i = 0; f && i < sizeof(pieces) / sizeof(*pieces); i++) {
		const struct piece *p = &pieces[i];

		fprintf(f, "{\"case\":\"%s\",\"code\":[%lu,%lu],\"vector\":%d,\"reads\":[", p->name,
			(unsigned long)p->code, (unsigned long)p->end, p->vector);
		for (int n = 0; n < 4 && p->reads[n].base; n++)
			fprintf(f, "%s[%lu,%d]", n ? "," : "", *p->reads[n].base + p->reads[n].off,
				p->reads[n].size);
		fprintf(f, "]}\n");
	}
	return !f || fclose(f);
}
