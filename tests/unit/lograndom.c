// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine of three CPUs that touches watched memory at random, and the log that hvtrace
 * would have made of it, losses included: what is lost has happened. The truth beside it
 * is what the memory held after each record.
 *
 *   process 100: two pages at 0x404000, watched in pieces that overlap and that cross from
 *   one page to the other; a piece whose writes are not watched. The kernel and process
 *   200 reach the same pages through other addresses. The kernel's page at KERNEL.
 */
#include "lograndom.h"
#include "xorshift.h"

#include <stdbool.h>
#include <string.h>

#define USER	     0x404000ull
#define KERNEL	     0xffffffff82000000ull
#define ALIAS	     0x7f0000000000ull	   /* process 200 has process 100's pages here */
#define DIRECT	     0xffff888000000000ull /* the kernel has all memory here */
#define CPUS	     3
#define STEPS	     400
#define PAGE	     4096u
#define WINDOW	     32u /* values that a record without a decoded operand has */
#define NOBODY	     (-1)
#define UNSEEN_WRITE (-2)
#define UNSEEN	     0x405100ull /* 16 bytes whose writes nobody watches */

static const struct hvt_log_watch watches[] = {
	{ .id = 1, .access = HVT_ACC_R | HVT_ACC_W, .pid = 100, .addr = USER + 0x10, .len = 32 },
	{ .id = 2, .access = HVT_ACC_W, .pid = 100, .addr = USER + 0x20, .len = 24 },
	{ .id = 3, .access = HVT_ACC_R | HVT_ACC_W, .pid = 100, .addr = USER + 0xff0, .len = 40 },
	{ .id = 4, .access = HVT_ACC_R | HVT_ACC_W, .addr = KERNEL, .len = 24 },
	{ .id = 5, .access = HVT_ACC_R, .pid = 100, .addr = UNSEEN, .len = 16 },
};

#define NR_WATCHES (sizeof(watches) / sizeof(watches[0]))

struct machine {
	uint64_t state; /* of the dice */
	uint64_t tsc;
	uint8_t memory[3][PAGE]; /* the process's two pages, the kernel's one */
	uint64_t gpa[3];
	uint64_t seq[CPUS];
	uint64_t losing[CPUS]; /* records lost so far; 0: none */
	/* who wrote each byte last: CPU * 1000000 + seq; NOBODY yet; UNSEEN_WRITE: not recorded */
	int writer[3][PAGE], before[3][PAGE];
	int id;		      /* of the record that is being made */
	const uint8_t *found; /* of page 0: what a read finds there instead of the memory */
	struct logbuild records[CPUS];
	FILE *truth;
};

/* Xorshift: Marsaglia, "Xorshift RNGs", 2003. */
static uint32_t dice(struct machine *m, uint32_t sides)
{
	m->state = xorshift(m->state);
	return (uint32_t)(m->state >> 16) % sides;
}

static uint64_t base(unsigned int page)
{
	return page < 2 ? USER + page * PAGE : KERNEL;
}

/* Where a byte is: off counts on from the first page into the second. */
static uint8_t *byte(struct machine *m, unsigned int page, uint32_t off)
{
	return page < 2 ? &m->memory[page + off / PAGE][off % PAGE] : &m->memory[2][off];
}

static const struct {
	unsigned int page, off, len;
} told[] = { { 0, 0x10, 40 }, { 0, 0xff0, 16 }, { 1, 0, 24 }, { 1, 0x100, 16 }, { 2, 0, 24 } };

static void tell(struct machine *m, unsigned int cpu, uint64_t seq)
{
	unsigned int i, k;

	if (!m->truth)
		return;
	fprintf(m->truth, "{\"cpu\":%u,\"seq\":%llu", cpu, (unsigned long long)seq);
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		fprintf(m->truth, ",\"%#llx\":{\"bytes\":[",
			(unsigned long long)base(told[i].page) + told[i].off);
		for (k = 0; k < told[i].len; k++)
			fprintf(m->truth, "%s%u", k ? "," : "",
				m->memory[told[i].page][told[i].off + k]);
		fputs("],\"writers\":[", m->truth);
		for (k = 0; k < told[i].len; k++)
			fprintf(m->truth, "%s%d", k ? "," : "",
				m->before[told[i].page][told[i].off + k]);
		fputs("]}", m->truth);
	}
	fputs("}\n", m->truth);
}

/* What is done from here on is this record's; what was before is what it found. */
static void begin(struct machine *m, unsigned int cpu, bool seen)
{
	memcpy(m->before, m->writer, sizeof(m->writer));
	m->id = seen ? (int)(cpu * 1000000 + m->seq[cpu]) : UNSEEN_WRITE;
}

/* Which watch of this kind of access does it touch first? 0: none */
static uint32_t watch_of(uint32_t access, unsigned int page, uint32_t off, uint32_t size)
{
	uint64_t addr = base(page) + off;
	size_t i;

	for (i = 0; i < NR_WATCHES; i++)
		if ((watches[i].access & access) && addr < watches[i].addr + watches[i].len &&
		    watches[i].addr < addr + size)
			return watches[i].id;
	return 0;
}

/* An access that happens: memory changes, old and new are what it held. */
static void act(struct machine *m, uint32_t access, unsigned int page, uint32_t off, uint32_t size,
		uint8_t *old, uint8_t *new_)
{
	uint32_t i;

	for (i = 0; i < size; i++) {
		old[i] = m->found ? m->found[off + i] : *byte(m, page, off + i);
		if (access & HVT_ACC_W) {
			*byte(m, page, off + i) = (uint8_t)dice(m, 256);
			m->writer[page + (page < 2) * ((off + i) / PAGE)][(off + i) % PAGE] = m->id;
		}
		new_[i] = access & HVT_ACC_W ? *byte(m, page, off + i) : old[i];
	}
}

/* How the record says where: by the process's own address, or by another one. */
static void reach(struct machine *m, struct hvt_rec_access *a, unsigned int page, uint32_t off,
		  uint32_t size)
{
	bool crosses = page < 2 && off + size > PAGE;
	uint32_t how = page == 2 ? 0 : crosses ? 1 + dice(m, 3) : dice(m, 6);

	a->gla = base(page) + off;
	a->gpa = m->gpa[page] + off;
	if (how == 0 || page == 2) {
		a->h.flags = 0; /* the kernel */
		a->gla = page == 2 && dice(m, 3) ? a->gla : DIRECT + a->gpa;
		if (page == 2)
			a->pid = a->tid = dice(m, 2) ? 1 : 100;
	} else if (how == 1) {
		a->pid = a->tid = 200;
		a->gla = ALIAS + page * PAGE + off;
		memcpy(a->comm, "other", 6);
	}
}

static void record(struct machine *m, unsigned int cpu, uint32_t access, unsigned int page,
		   uint32_t off, uint32_t size, bool advance)
{
	uint8_t old[64], new_[64];
	uint32_t watch = watch_of(access, page, off, size), n;
	struct hvt_rec_access a;

	begin(m, cpu, watch && !m->losing[cpu]);
	act(m, access, page, off, size, old, new_);
	if (!watch)
		return;
	if (m->losing[cpu]) {
		m->losing[cpu]++;
		m->seq[cpu]++;
		return;
	}
	m->tsc += advance;
	a = lb_access(m->seq[cpu]++, m->tsc, 0);
	a.h.watch = watch;
	a.size = size;
	a.access = (uint8_t)access;
	reach(m, &a, page, off, size);
	a.old = a.new_ = 0;
	n = dice(m, 12);
	if (n < 2) { /* not seen at all, or not all of it */
		a.h.flags |= n ? HVT_RF_NOVALUE : HVT_RF_CLIPPED;
		lb_record(&m->records[cpu], &a, NULL, 0, old, new_, n || size < 16 ? 0 : 8);
	} else if (size > 8) {
		lb_record(&m->records[cpu], &a, NULL, 0, old, new_, size);
	} else {
		memcpy(&a.old, old, size);
		memcpy(&a.new_, new_, size);
		lb_record(&m->records[cpu], &a, NULL, 0, NULL, NULL, 0);
	}
	tell(m, cpu, a.h.seq);
}

/* A store of four bytes whose operand root could not decode: the reader does. */
static void blind(struct machine *m, unsigned int cpu, bool decodable)
{
	uint8_t old[64], new_[64], before[WINDOW], after[WINDOW];
	uint32_t off = 0x10 + dice(m, 36), from = off - dice(m, 8);
	uint64_t gpr[16] = { 0 };
	struct hvt_rec_access a;

	if (m->losing[cpu])
		return;
	begin(m, cpu, true);
	memcpy(before, m->memory[0] + from, WINDOW);
	act(m, HVT_ACC_W, 0, off, 4, old, new_);
	memcpy(after, m->memory[0] + from, WINDOW);
	m->tsc++;
	a = lb_access(m->seq[cpu]++, m->tsc, USER + from);
	a.h.watch = off < 0x30 ? 1 : 2;
	a.h.flags = HVT_RF_USER | HVT_RF_BLIND;
	a.gpa = m->gpa[0] + from;
	a.size = 0;
	if (decodable) {
		gpr[7] = USER + off; /* mov dword ptr [rdi], eax */
		lb_record(&m->records[cpu], &a, gpr, 0, before, after, WINDOW);
	} else {
		a.h.flags |= HVT_RF_NOINSN | HVT_RF_NOVALUE;
		a.insn_len = 0;
		lb_record(&m->records[cpu], &a, NULL, 0, NULL, NULL, 0);
	}
	tell(m, cpu, a.h.seq);
}

/* The page is another one: moved, or mapped anew with other contents. */
static void remap(struct machine *m, unsigned int cpu)
{
	unsigned int page = dice(m, 2);
	uint64_t old = m->gpa[page];
	uint32_t i;

	if (m->losing[cpu])
		return;
	begin(m, cpu, true);
	m->gpa[page] = old ^ (1ull << (24 + dice(m, 4)));
	for (i = 0; dice(m, 2) && i < PAGE; i++)
		m->memory[page][i] = (uint8_t)dice(m, 256);
	for (i = 0; i < PAGE; i++)
		m->writer[page][i] = UNSEEN_WRITE;
	m->tsc++;
	lb_remap(&m->records[cpu], m->seq[cpu], m->tsc, base(page), old, m->gpa[page]);
	tell(m, cpu, m->seq[cpu]++);
}

static void lose(struct machine *m, unsigned int cpu)
{
	uint8_t old[1], new_[1];

	if (!m->losing[cpu]) {
		m->losing[cpu] = 1; /* the first one: an access to the first watch */
		m->seq[cpu]++;
		begin(m, cpu, false);
		act(m, HVT_ACC_W, 0, 0x10 + dice(m, 32), 1, old, new_);
		return;
	}
	begin(m, cpu, false);
	m->tsc++;
	lb_lost(&m->records[cpu], m->seq[cpu] - m->losing[cpu], m->tsc, m->losing[cpu]);
	tell(m, cpu, m->seq[cpu] - m->losing[cpu]);
	m->losing[cpu] = 0;
}

static void step(struct machine *m)
{
	static const uint32_t sizes[] = { 1, 2, 4, 8, 8, 16, 32 };
	static const uint32_t kinds[] = { HVT_ACC_R, HVT_ACC_W, HVT_ACC_W, HVT_ACC_R | HVT_ACC_W };
	unsigned int cpu = dice(m, CPUS), page = dice(m, 3);
	uint8_t before[PAGE];
	uint32_t size = sizes[dice(m, 7)], what = dice(m, 40), off;

	off = page == 2	 ? dice(m, 24) :
	      page	 ? dice(m, 2) ? dice(m, 24) : 0x100 + dice(m, 14) :
	      dice(m, 3) ? dice(m, 0x38) :
			   0xfe8 + dice(m, 0x18);
	if (what < 1 || (m->losing[cpu] && what < 20)) {
		lose(m, cpu);
	} else if (what == 1) {
		remap(m, cpu);
	} else if (what < 5) {
		blind(m, cpu, what > 2);
	} else if (what == 6) { /* the same, recorded the other way round */
		memcpy(before, m->memory[0], sizeof(before));
		record(m, cpu, HVT_ACC_W, 0, 0x14 + dice(m, 8), 8, true);
		m->found = before;
		record(m, cpu, HVT_ACC_R, 0, 0x10 + dice(m, 16), 8, false);
		m->found = NULL;
	} else if (what == 5) { /* movs: one instruction, read and written at once */
		record(m, cpu, HVT_ACC_R, 0, 0x10 + dice(m, 16), 8, true);
		record(m, cpu, HVT_ACC_W, 0, 0x18 + dice(m, 8), 8, false);
	} else {
		record(m, cpu, kinds[dice(m, 4)], page, off, size, true);
	}
	m->tsc += dice(m, 20);
}

void lb_random(struct logbuild *lb, uint64_t seed, FILE *truth)
{
	static const char *const specs[] = { "first", "second,24", "across", "kernel:third",
					     "reads" };
	struct machine m = { .state = seed * 0x9e3779b97f4a7c15ull + 1,
			     .tsc = 10000,
			     .truth = truth };
	unsigned int i, cpu;

	memset(m.writer, NOBODY, sizeof(m.writer));
	for (i = 0; i < 3; i++) {
		m.gpa[i] = 0x10000000ull * (i + 1);
		for (cpu = 0; cpu < PAGE; cpu++)
			m.memory[i][cpu] = (uint8_t)dice(&m, 256);
	}
	lb_header(lb, CPUS);
	lb_clock(lb, 1000, 5000000000ull, 1000000);
	for (i = 0; i < NR_WATCHES; i++)
		lb_watch_with(lb, &watches[i], specs[i]);
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	lb_map(lb, 0, 100, 0x401000, 0x402000, 0x1000, 5, "/opt/prog", NULL, 0);
	for (i = 0; i < STEPS; i++)
		step(&m);
	for (cpu = 0; cpu < CPUS; cpu++) {
		if (m.losing[cpu])
			lose(&m, cpu);
		lb_section(lb, HVT_SEC_EVENTS, cpu, m.records[cpu].bytes, m.records[cpu].len);
		lb_free(&m.records[cpu]);
	}
	lb_round(lb, m.tsc + 1);
	lb_end(lb, HVT_END_STOP);
}

void lb_hostile(struct logbuild *lb)
{
	const char *mark = "</title></svg>]]><img src=x onerror=\"document.title='owned'\">&amp;";
	struct logbuild cpu = { 0 };
	struct hvt_rec_access a;
	unsigned int i;

	lb_header(lb, 1);
	lb_clock(lb, 1000, 5000000000ull, 1000000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, 0, KERNEL, 64,
		 "\"'><script>document.title='owned'</script>\x1b[31m\xff,64");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	for (i = 0; i < 200; i++) {
		a = lb_access(i, 2000 + 17 * i, KERNEL + i * 5 % 61);
		a.h.flags = 0;
		a.ip = KERNEL + 0x1000;
		memcpy(a.comm, "<b>&\"']]>\x1b", 11);
		lb_record(&cpu, &a, NULL, 0, NULL, NULL, 0);
	}
	lb_ksym(lb, KERNEL + 0x1000, 16, mark, mark);
	lb_section(lb, HVT_SEC_EVENTS, 0, cpu.bytes, cpu.len);
	lb_end(lb, HVT_END_STOP);
	lb_free(&cpu);
}
