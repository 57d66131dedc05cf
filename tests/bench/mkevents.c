// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a log of N accesses on standard output, as a watch on some structures of a busy
 * program leaves it: two CPUs, three processes, the kernel; 1,200 places in the code, of
 * which few do most; 2,000 to 3,000 symbols in each object. With MIB: a third of the
 * accesses, all those of the kernel, go all over so much memory, whose bytes keep their
 * values. With "counter": one CPU, one instruction that counts, as most of what a watch on
 * one variable leaves is like. usage: mkevents N [MIB|counter]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logobjects.h"
#include "xorshift.h"

#define SITES	     1200u
#define ROUND_EVENTS 2000u /* of each CPU */
#define PROG	     0x555555554000ull
#define LIB	     0x7ffff7c00000ull
#define KERNEL	     0xffffffff81000000ull
#define DATA	     (PROG + 0x200000)
#define KDATA	     0xffffffff82600000ull
#define WIDE	     0xffff888100000000ull /* what MIB is of */

struct site {
	struct hvt_rec_access a;
	uint64_t base, span; /* where it goes */
};

static const struct {
	const char *bytes;
	uint8_t len, size, access;
} insns[] = {
	{ "\x89\x47", 3, 4, HVT_ACC_W }, /* mov [rdi + disp8], eax */
	{ "\x8b\x46", 3, 4, HVT_ACC_R }, /* mov eax, [rsi + disp8] */
	{ "\x48\x89\x47", 4, 8, HVT_ACC_W },
	{ "\x48\x8b\x43", 4, 8, HVT_ACC_R },
	{ "\x48\x83\x47\x10", 5, 8, HVT_ACC_R | HVT_ACC_W }, /* add qword [rdi + 16], imm8 */
	{ "\x0f\xb6\x44\x0e", 5, 1, HVT_ACC_R },	     /* movzx eax, byte [rsi+rcx+disp8] */
	{ "\x88\x54\x37", 4, 1, HVT_ACC_W },		     /* mov [rdi + rsi + disp8], dl */
	{ "\x66\x89\x53", 4, 2, HVT_ACC_W },		     /* mov [rbx + disp8], dx */
	{ "\xf0\x0f\xb1\x53", 5, 4, HVT_ACC_R | HVT_ACC_W }, /* lock cmpxchg [rbx + disp8], edx */
	{ "\x0f\x11\x45", 4, 16, HVT_ACC_W },		     /* movups [rbp + disp8], xmm0 */
	{ "\xff\x4d", 3, 4, HVT_ACC_R | HVT_ACC_W },	     /* dec dword [rbp + disp8] */
	{ "\x48\x39\x5e", 4, 8, HVT_ACC_R },		     /* cmp [rsi + disp8], rbx */
};

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull; /* Marsaglia, Xorshift RNGs */

	return x = xorshift(x);
}

/* A name of as many words as they have on average, some mangled ones among them. */
static void make_name(char *name, size_t size, unsigned int i)
{
	static const char *const words[] = { "page", "alloc", "tree",  "insert", "cache",   "free",
					     "node", "read",  "write", "sqlite", "balance", "mem",
					     "hash", "lock",  "list",  "update" };
	const char *a = words[next_random() % 16], *b = words[next_random() % 16];

	if (i % 8)
		snprintf(name, size, "%s_%s_%s%u", a, b, words[next_random() % 16], i);
	else
		snprintf(name, size, "_ZN%zu%s%zu%sEm", strlen(a), a, strlen(b), b);
}

static void object(struct logbuild *lb, uint32_t id, const char *path, uint64_t len, size_t nr)
{
	struct lo_symbol *syms = calloc(nr, sizeof(*syms));
	static char names[4096][64];
	size_t i;

	if (!syms)
		abort();
	for (i = 0; i < nr; i++) {
		make_name(names[i], sizeof(names[i]), (unsigned int)i);
		syms[i] = (struct lo_symbol){ len / nr * i, len / nr, names[i], 0x12 };
	}
	lo_object(lb, id, 0, len, path, (const uint8_t *)path, 8);
	lo_symtab(lb, id, syms, nr);
	free(syms);
}

static void facts(struct logbuild *lb, uint64_t wide)
{
	char name[64];
	uint32_t i;

	lb_header(lb, 2);
	lb_clock(lb, 1000, 5000000000ull, 2400000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, 100, DATA, 4096, "table");
	lb_watch(lb, 2, HVT_ACC_R | HVT_ACC_W, 0, KDATA, 4096, "kernel:init_task");
	if (wide)
		lb_watch(lb, 3, HVT_ACC_R | HVT_ACC_W, 0, WIDE, wide, "kernel:memory");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	for (i = 0; i < 3; i++) {
		lb_task(lb, 5000000000ull, HVT_TASK_SEEN, 100 + i, 1);
		lb_map(lb, 5000000000ull, 100 + i, PROG, PROG + 0x400000, 0, 5, "/usr/bin/program",
		       (const uint8_t *)"/usr/bin", 8);
		lb_map(lb, 5000000000ull, 100 + i, LIB, LIB + 0x200000, 0, 5,
		       "/usr/lib/x86_64-linux-gnu/libc.so.6", (const uint8_t *)"/usr/lib", 8);
	}
	object(lb, 1, "/usr/bin/program", 0x400000, 2000);
	object(lb, 2, "/usr/lib/x86_64-linux-gnu/libc.so.6", 0x200000, 3000);
	for (i = 0; i < 400; i++) {
		make_name(name, sizeof(name), i | 1);
		lb_ksym(lb, KERNEL + 4096ull * i, 4096, name, i % 4 ? "" : "ext4");
	}
	for (i = 0; i < 64; i++) {
		make_name(name, sizeof(name), i | 1);
		lb_ksym(lb, KDATA + 64ull * i, 64, name, "");
	}
}

static void make_sites(struct site *sites, uint64_t wide)
{
	static const char *const comms[] = { "program", "worker-1", "kworker/0:1" };
	size_t i, n;

	for (i = 0; i < SITES; i++) {
		struct hvt_rec_access *a = &sites[i].a;

		*a = lb_access(0, 0, 0);
		n = next_random() % (sizeof(insns) / sizeof(insns[0]));
		memcpy(a->insn, insns[n].bytes, insns[n].len - 1u);
		a->insn[insns[n].len - 1] = (uint8_t)(next_random() & 0x78);
		a->insn_len = insns[n].len;
		a->size = insns[n].size;
		a->access = insns[n].access;
		a->pid = 100 + (uint32_t)(i % 3);
		a->tid = a->pid + (uint32_t)(next_random() % 3);
		strcpy(a->comm, comms[i % 3]);
		if (i % 3 == 2) {
			a->h.watch = 2;
			a->h.flags = 0;
			a->ip = KERNEL + next_random() % (400 * 4096);
			sites[i].base = KDATA;
		} else {
			a->ip = i % 2 ? PROG + next_random() % 0x1f0000 :
					LIB + next_random() % 0x1f0000;
			sites[i].base = DATA;
		}
		sites[i].span = 4096 - 16;
		if (wide && i % 3 == 2) {
			a->h.watch = 3;
			sites[i].base = WIDE;
			sites[i].span = wide - 16;
		}
	}
}

static void make_event(struct logbuild *cpu, struct site *sites, uint64_t seq, uint64_t tsc)
{
	static const uint8_t wide[16] = "0123456789abcdef";
	/* the sum of squares: few sites have most of the events */
	uint64_t r = next_random(), u = r & 0xffff, place = u * u * u >> 16 >> 16;
	struct site *s = &sites[place * SITES >> 16];
	struct hvt_rec_access a = s->a;
	uint64_t mask = a.size < 8 ? (1ull << 8 * a.size) - 1 : ~0ull;

	a.h.seq = seq;
	a.h.tsc = a.order = tsc;
	a.gla = s->base + ((r >> 16) % s->span & ~(uint64_t)(a.size - 1));
	a.gpa = 0x12345000 | (a.gla & 4095);
	a.old = r >> (r >> 40 & 31) & mask;
	a.new_ = a.access == HVT_ACC_R ? a.old : next_random() & mask;
	if (s->base == WIDE) {
		a.gla = WIDE + (next_random() % s->span & ~(uint64_t)(a.size - 1));
		a.gpa = a.gla - 0xffff888000000000ull;
		a.old = a.new_ = 0;
	}
	lb_record(cpu, &a, NULL, 0, wide, wide, a.size > 8 ? a.size : 0);
}

/* add qword [rdi + 16], 1 */
static void count(struct logbuild *cpu, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_access a = lb_access(0, 0, 0);

	memcpy(a.insn, "\x48\x83\x47\x10\x01", 5);
	a.insn_len = 5;
	a.size = 8;
	a.access = HVT_ACC_R | HVT_ACC_W;
	a.pid = a.tid = 100;
	strcpy(a.comm, "program");
	a.ip = PROG + 0x1234;
	a.gla = DATA + 64;
	a.gpa = 0x12345040;
	a.h.seq = seq;
	a.h.tsc = a.order = tsc;
	a.old = seq;
	a.new_ = seq + 1;
	lb_record(cpu, &a, NULL, 0, NULL, NULL, 0);
}

int main(int argc, char **argv)
{
	uint64_t nr = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, tsc = 2000, seq[2] = { 0 };
	uint64_t wide = argc > 2 ? strtoull(argv[2], NULL, 10) << 20 : 0;
	struct site *sites = calloc(SITES, sizeof(*sites));
	struct logbuild lb = { 0 }, cpu[2] = { 0 };
	bool counter = argc > 2 && strcmp(argv[2], "counter") == 0;
	unsigned int c, i;

	if (!sites)
		return 1;
	facts(&lb, wide);
	make_sites(sites, wide);
	while (nr) {
		for (i = 0; i < 2 * ROUND_EVENTS && nr; i++, nr--) {
			tsc += 200 + next_random() % 4000;
			c = counter ? 0 : next_random() & 1;
			if (counter)
				count(&cpu[c], seq[c], tsc);
			else
				make_event(&cpu[c], sites, seq[c], tsc);
			seq[c]++;
		}
		for (c = 0; c < (counter ? 1 : 2); c++) {
			lb_section(&lb, HVT_SEC_EVENTS, c, cpu[c].bytes, cpu[c].len);
			cpu[c].len = 0;
		}
		lb_round(&lb, tsc + 1);
		if (fwrite(lb.bytes, 1, lb.len, stdout) != lb.len)
			return 1;
		lb.len = 0;
	}
	lb_end(&lb, HVT_END_STOP);
	if (fwrite(lb.bytes, 1, lb.len, stdout) != lb.len || fflush(stdout))
		return 1;
	lb_free(&cpu[0]);
	lb_free(&cpu[1]);
	lb_free(&lb);
	free(sites);
	return 0;
}
