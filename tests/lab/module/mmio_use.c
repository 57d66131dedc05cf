// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmio_use.c: the accesses themselves, each with its note. Registers are used only in ways that
 * the hardware documents and nobody else misses: the HPET's last comparator, which is off, the
 * I/O APIC's index, the memory of the display.
 */
#include <linux/io.h>
#include <linux/smp.h>
#include <asm/fpu/api.h>
#include "mmio.h"

static u8 bounce[64];

static u64 rd(const struct area *a, u32 off, u32 size)
{
	const void __iomem *p = (void __iomem *)a->va + off;
	u64 v = 0;

	switch (size) {
	case 1:
		v = readb(p);
		break;
	case 2:
		v = readw(p);
		break;
	case 4:
		v = readl(p);
		break;
	case 8:
		v = readq(p);
		break;
	}
	note(a, 'R', off, size, NULL, &v, "mov");
	return v;
}

static void wr(const struct area *a, u32 off, u32 size, u64 v)
{
	void __iomem *p = (void __iomem *)a->va + off;

	switch (size) {
	case 1:
		writeb(v, p);
		break;
	case 2:
		writew(v, p);
		break;
	case 4:
		writel(v, p);
		break;
	case 8:
		writeq(v, p);
		break;
	}
	note(a, 'W', off, size, NULL, &v, "mov");
}

static void immediates(const struct area *a, u32 off)
{
	u64 b = 0xb1, w = 0xb2c2, l = 0xb4c4d4e4, q = 0xffffffff88887777;

	asm volatile("movb $0xb1, %0" : "=m"(a->va[off]));
	note(a, 'W', off, 1, NULL, &b, "imm");
	asm volatile("movw $0xb2c2, %0" : "=m"(a->va[off + 2]));
	note(a, 'W', off + 2, 2, NULL, &w, "imm");
	asm volatile("movl $0xb4c4d4e4, %0" : "=m"(a->va[off + 4]));
	note(a, 'W', off + 4, 4, NULL, &l, "imm");
	asm volatile("movq $-0x77778889, %0" : "=m"(a->va[off + 8]));
	note(a, 'W', off + 8, 8, NULL, &q, "imm");
}

/* Loads that leave more than they read, or less than a register; stores out of odd places. */
static void moves(const struct area *a, u32 off)
{
	u64 v = 0x1122334455667788;

	asm volatile("movzbl %1, %k0" : "=r"(v) : "m"(a->va[off]) : "memory");
	note(a, 'R', off, 1, NULL, &v, "movzx");
	asm volatile("movswl %1, %k0" : "=r"(v) : "m"(a->va[off + 2]) : "memory");
	note(a, 'R', off + 2, 2, NULL, &v, "movsx");
	asm volatile("movslq %1, %0" : "=r"(v) : "m"(a->va[off + 4]) : "memory");
	note(a, 'R', off + 4, 4, NULL, &v, "movsxd");
	asm volatile("movb %1, %%ah; movzbl %%ah, %k0" : "=a"(v) : "m"(a->va[off + 1]) : "memory");
	note(a, 'R', off + 1, 1, NULL, &v, "high");
	asm volatile("movb %%ah, %0" : "=m"(a->va[off + 3]) : "a"(0x9a00));
	v = 0x9a;
	note(a, 'W', off + 3, 1, NULL, &v, "high");
	/* the register that the address was in is gone afterwards */
	v = (u64)&a->va[off + 8];
	asm volatile("movl (%0), %k0" : "+r"(v) : : "memory");
	note(a, 'R', off + 8, 4, NULL, &v, "mov");
	v = 0x33445566;
	asm volatile("movnti %k1, %0" : "=m"(a->va[off + 12]) : "r"(v));
	note(a, 'W', off + 12, 4, NULL, &v, "movnti");
	v = 0x8899aabbccddeeff;
	asm volatile("movnti %1, %0" : "=m"(a->va[off + 16]) : "r"(v));
	note(a, 'W', off + 16, 8, NULL, &v, "movnti");
}

static void note_run(const struct area *a, char kind, u32 off, u32 size, u32 n, const u8 *bytes)
{
	u32 i;

	for (i = 0; i < n; i++)
		note(a, kind, off + i * size, size, NULL, bytes + i * size, "string");
}

#define MOVS(suffix, to, from, n) do {							\
	void *d_ = (to);								\
	const void *s_ = (from);							\
	unsigned long n_ = (n);								\
	asm volatile("rep movs" suffix : "+D"(d_), "+S"(s_), "+c"(n_) : : "memory");	\
} while (0)

static void strings(const struct area *a, u32 off)
{
	u8 *p = a->va + off, *to;
	const u8 *from;
	unsigned long n;
	u64 v;
	int i;

	for (i = 0; i < sizeof(bounce); i++)
		bounce[i] = 0x40 + i;
	MOVS("b", p, bounce, 3);
	note_run(a, 'W', off, 1, 3, bounce);
	MOVS("w", p + 4, bounce + 4, 3);
	note_run(a, 'W', off + 4, 2, 3, bounce + 4);
	MOVS("l", p + 12, bounce + 12, 3);
	note_run(a, 'W', off + 12, 4, 3, bounce + 12);
	MOVS("q", p + 24, bounce + 24, 3);
	note_run(a, 'W', off + 24, 8, 3, bounce + 24);
	memset(bounce, 0, sizeof(bounce));
	MOVS("q", bounce + 24, p + 24, 3);
	note_run(a, 'R', off + 24, 8, 3, bounce + 24);
	MOVS("l", bounce + 12, p + 12, 3);
	note_run(a, 'R', off + 12, 4, 3, bounce + 12);
	MOVS("w", bounce + 4, p + 4, 3);
	note_run(a, 'R', off + 4, 2, 3, bounce + 4);
	MOVS("b", bounce, p, 3);
	note_run(a, 'R', off, 1, 3, bounce);

	to = p + 48;
	n = 3;
	asm volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0x71727374) : "memory");
	for (i = 0; i < 3; i++)
		note(a, 'W', off + 48 + 4 * i, 4, NULL, &(u32){ 0x71727374 }, "string");
	from = p + 32;
	asm volatile("lodsq" : "+S"(from), "=a"(v) : : "memory");
	note(a, 'R', off + 32, 8, NULL, &v, "string");
}

/* Instructions that read and write, or whose operand is nowhere afterwards. */
static void others(const struct area *a, u32 off)
{
	u64 v, old, new;

	wr(a, off, 8, 0x0102030405060708);
	v = 0xc0c1c2c3;
	new = v;
	asm volatile("xchgl %k0, %1" : "+r"(v), "+m"(a->va[off]) : : "memory");
	note(a, 'X', off, 4, &v, &new, "xchg");
	v = 0x11;
	asm volatile("lock xaddl %k0, %1" : "+r"(v), "+m"(a->va[off]) : : "memory");
	new = (u32)v + 0x11;
	note(a, 'X', off, 4, &v, &new, "xadd");
	old = rd(a, off, 8);
	v = 5;
	asm volatile("addl %1, %k0" : "+r"(v) : "m"(a->va[off]) : "memory", "cc");
	note(a, 'R', off, 4, NULL, &old, "add");
	asm volatile("cmpl $0, %0" : : "m"(a->va[off]) : "memory", "cc");
	note(a, 'R', off, 4, NULL, &old, "cmp");
	new = old + 1;
	asm volatile("incl %0" : "+m"(a->va[off]) : : "memory", "cc");
	note(a, 'X', off, 4, &old, &new, "inc");
	rd(a, off, 4);
}

static void vectors(const struct area *a, u32 off)
{
	u8 from[16], to[16];
	int i;

	for (i = 0; i < 16; i++)
		from[i] = 0xa0 + i;
	kernel_fpu_begin();
	asm volatile("movups %1, %%xmm3; movups %%xmm3, %0" : "=m"(*(u8(*)[16])&a->va[off])
		     : "m"(from));
	asm volatile("pxor %%xmm3, %%xmm3; movups %1, %%xmm3; movups %%xmm3, %0" : "=m"(to)
		     : "m"(*(u8(*)[16])&a->va[off]));
	kernel_fpu_end();
	note(a, 'W', off, 16, NULL, from, "sse");
	note(a, 'R', off, 16, NULL, to, "sse");
}

static void hpet(const struct area *a)
{
	rd(a, 0, 4);
	rd(a, 4, 4);
	rd(a, 0, 8);
	rd(a, 0x10, 4);
	rd(a, 0xf0, 4); /* the counter */
	rd(a, 0xf0, 4);
	rd(a, 0xf0, 8);
	rd(a, 0xf0, 8);
	rd(a, 0x140, 8);
	wr(a, 0x148, 4, 0x12345678); /* the comparator of timer 2 */
	rd(a, 0x148, 4);
	wr(a, 0x148, 8, 0x1122334455667788);
	rd(a, 0x148, 8);
	asm volatile("movl $0x5a5b5c5d, %0" : "=m"(a->va[0x148]));
	note(a, 'W', 0x148, 4, NULL, &(u32){ 0x5a5b5c5d }, "imm");
	rd(a, 0x14c, 4);
	rd(a, 0xf0, 4);
}

static void ioapic(const struct area *a)
{
	u32 index = rd(a, 0, 4);

	wr(a, 0, 4, 1);
	rd(a, 0x10, 4);
	rd(a, 0x10, 2);
	rd(a, 0x12, 1);
	wr(a, 0, 1, 0x11);
	rd(a, 0, 1);
	wr(a, 0, 2, 0x12);
	rd(a, 0, 2);
	wr(a, 0, 4, index);
	rd(a, 0, 4);
}

static void display(u16 index, u16 value)
{
	outw(index, 0x1ce);
	outw(value, 0x1cf);
}

/* Its linear memory is there in a mode of its own only: 640 by 480, 8 bits, not cleared. */
static void display_on(void)
{
	display(1, 640);
	display(2, 480);
	display(3, 8);
	display(4, 0xc1);
}

static void widths(const struct area *a, u32 off)
{
	u32 size;

	for (size = 1; size <= 8; size *= 2)
		wr(a, off + size, size, 0xf1e2d3c4b5a69788 >> size);
	for (size = 8; size; size /= 2)
		rd(a, off + size, size);
	wr(a, off + 0x21, 8, 0x1020304050607080); /* not aligned */
	rd(a, off + 0x23, 4);
}

int use_devices(void *unused)
{
	const struct area *bar = &areas[BAR];

	hpet(&areas[HPET]);
	ioapic(&areas[IOAPIC]);
	display_on();
	widths(bar, 0x100);
	immediates(bar, 0x200);
	moves(bar, 0x200);
	strings(bar, 0x300);
	others(bar, 0x400);
	vectors(bar, 0x500);
	display(4, 0);
	return 0;
}

static u8 vga_set(u16 port, u8 index, u8 value)
{
	u8 old;

	outb(index, port);
	old = inb(port + 1);
	outb(value, port + 1);
	return old;
}

/*
 * The VGA's latches: a read of one byte is what the next write puts elsewhere (write mode 1).
 * Whoever reads in between, be it what a write is to replace or has left, spoils it.
 */
static void latches(const struct area *a)
{
	static const u8 regs[][2] = { { 2, 0x0f }, { 4, 0x06 } };
	static const u8 gc[][2] = { { 1, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 }, { 6, 5 }, { 8, 0xff } };
	u8 save[ARRAY_SIZE(regs)], gc_save[ARRAY_SIZE(gc)];
	int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		save[i] = vga_set(0x3c4, regs[i][0], regs[i][1]);
	for (i = 0; i < ARRAY_SIZE(gc); i++)
		gc_save[i] = vga_set(0x3ce, gc[i][0], gc[i][1]);
	wr(a, 0, 1, 0x11);
	wr(a, 1, 1, 0x22);
	wr(a, 2, 1, 0x33);
	rd(a, 0, 1);
	vga_set(0x3ce, 5, 1);
	wr(a, 2, 1, 0x99);
	vga_set(0x3c4, 2, 0); /* into no plane: what is there then is not the latch */
	wr(a, 1, 1, 0x98);
	vga_set(0x3c4, 2, 0x0f);
	wr(a, 3, 1, 0x97);
	vga_set(0x3ce, 5, 0);
	for (i = 0; i < 4; i++)
		rd(a, i, 1);
	for (i = 0; i < ARRAY_SIZE(gc); i++)
		vga_set(0x3ce, gc[i][0], gc_save[i]);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		vga_set(0x3c4, regs[i][0], save[i]);
}

/* What the kernel's own mmiotrace cannot follow: two faults of one instruction. */
int use_devices_more(void *unused)
{
	const struct area *bar = &areas[BAR];
	u64 v;

	latches(&areas[VGA]);
	display_on();
	wr(bar, 0xffc, 8, 0x8182838485868788); /* two pages */
	rd(bar, 0xffc, 8);
	v = rd(bar, 0xffc, 4);
	MOVS("l", bar->va + 0x1400, bar->va + 0xffc, 1);
	note(bar, 'R', 0xffc, 4, NULL, &v, "between");
	note(bar, 'W', 0x1400, 4, NULL, &v, "between");
	rd(bar, 0x1400, 4);
	display(4, 0);
	return 0;
}

/* All CPUs at the same time, in the same page and partly at the same registers. */
void use_together(void *unused)
{
	int i;

	for (i = 0; i < 60; i++) {
		rd(&areas[HPET], 0xf0, 4);
		wr(&areas[HPET], 0x148, 4, raw_smp_processor_id() << 16 | i);
		rd(&areas[HPET], 0, 8);
	}
}

void use_ram(void)
{
	int i;

	for (i = USER; i <= ALIAS; i++) {
		widths(&areas[i], 0x100);
		immediates(&areas[i], 0x200);
		moves(&areas[i], 0x200);
		strings(&areas[i], 0x300);
		others(&areas[i], 0x400);
		vectors(&areas[i], 0x500);
	}
}
