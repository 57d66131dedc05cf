// SPDX-License-Identifier: GPL-2.0-only
/* See logtrace.h. */
#include "logtrace.h"

#include <string.h>

#define TRACE 5u
#define BODY  6u

void lb_trace(struct logbuild *lb, const struct hvt_log_trace *h,
	      const struct hvt_trace_range *range, const char *spec)
{
	struct hvt_log_trace head = *h;
	struct logbuild p = { 0 };

	head.spec_len = (uint32_t)strlen(spec);
	lb_bytes(&p, &head, sizeof(head));
	lb_bytes(&p, range, (head.nr_only + head.nr_skip) * sizeof(*range));
	lb_bytes(&p, spec, strlen(spec));
	lb_section(lb, HVT_SEC_TRACE, 0, p.bytes, p.len);
	lb_free(&p);
}

struct hvt_rec_insn lb_insn(uint64_t seq, uint64_t tsc, uint64_t ip)
{
	struct hvt_rec_insn in = {
		.h = { .type = HVT_REC_INSN,
		       .nslots = 1,
		       .flags = HVT_RF_USER,
		       .watch = TRACE,
		       .seq = seq,
		       .tsc = tsc },
		.ip = ip,
		.pid = 100,
		.tid = 101,
		.insn = { 0x90 },
		.insn_len = 1,
	};

	return in;
}

static void put_mem(struct logbuild *records, const struct lb_mem *m)
{
	static const uint8_t zeros[8];
	size_t len = 0;

	lb_bytes(records, &m->m, sizeof(m->m));
	if (m->m.access & HVT_ACC_R) {
		lb_bytes(records, m->old, m->m.len);
		len += m->m.len;
	}
	if (m->m.access & HVT_ACC_W) {
		lb_bytes(records, m->new_, m->m.len);
		len += m->m.len;
	}
	lb_bytes(records, zeros, (8 - len % 8) % 8);
}

void lb_insn_record(struct logbuild *records, struct hvt_rec_insn *in, uint32_t mask,
		    const uint64_t *values, const struct lb_mem *mem, uint32_t nr, uint32_t exact)
{
	static const uint8_t zeros[HVT_SLOT];
	struct hvt_rec_delta delta = { .mask = mask };
	struct hvt_rec_mems mems = { .nr = nr, .exact = exact };
	size_t at = records->len, size;
	uint32_t i;

	lb_bytes(records, in, sizeof(*in));
	if (in->h.flags & HVT_RF_DELTA) {
		lb_bytes(records, &delta, sizeof(delta));
		lb_bytes(records, values, 8 * (size_t)__builtin_popcount(mask));
	}
	if (in->h.flags & HVT_RF_MEM) {
		lb_bytes(records, &mems, sizeof(mems));
		for (i = 0; i < nr; i++)
			put_mem(records, &mem[i]);
	}
	size = records->len - at;
	in->h.nslots = (uint8_t)((size + HVT_SLOT - 1) / HVT_SLOT);
	lb_bytes(records, zeros, (size_t)in->h.nslots * HVT_SLOT - size);
	memcpy(records->bytes + at, in, sizeof(*in));
}

struct hvt_rec_flow lb_flow(uint64_t seq, uint64_t tsc, uint8_t what)
{
	struct hvt_rec_flow f = {
		.h = { .type = HVT_REC_FLOW,
		       .nslots = 2,
		       .flags = HVT_RF_USER,
		       .watch = TRACE,
		       .seq = seq,
		       .tsc = tsc },
		.pid = 100,
		.tid = 101,
		.what = what,
		.vector = HVT_VECTOR_NONE,
	};

	return f;
}

static void set_code(uint8_t insn[15], uint8_t *len, const char *bytes, size_t n)
{
	memset(insn, 0, 15);
	memcpy(insn, bytes, n);
	*len = (uint8_t)n;
}

/* An instruction at ip, and what there is of it. */
static void insn(struct logbuild *cpu, struct hvt_rec_insn *in, uint64_t ip, const char *bytes,
		 size_t n)
{
	in->ip = ip;
	set_code(in->insn, &in->insn_len, bytes, n);
	lb_insn_record(cpu, in, 0, NULL, NULL, 0, 0);
	in->h.seq++;
	in->h.tsc += 10;
}

static void flow(struct logbuild *cpu, struct hvt_rec_flow *f)
{
	lb_bytes(cpu, f, sizeof(*f));
	f->h.seq++;
	f->h.tsc += 10;
}

/* Registers and operands of all kinds. */
static void with_state(struct logbuild *cpu, struct hvt_rec *next)
{
	struct hvt_rec_insn in = lb_insn(next->seq, next->tsc, 0x401006);
	const uint64_t two[] = { 0x1122334455667788ull, 0x246 };
	const uint64_t all[17] = { [3] = 3, [16] = 0x202 };
	const uint8_t wide[32] = "0123456789abcdefABCDEFGHIJKLMNO";
	const struct lb_mem rmw = { { .addr = 0x404010, .size = 4, .len = 4, .access = 3 },
				    "\1\0\0\0",
				    "\2\0\0\0" };
	const struct lb_mem movs[] = {
		{ { .addr = 0x404020, .size = 1, .len = 1, .access = HVT_ACC_R }, "r", NULL },
		{ { .addr = 0x404030, .size = 1, .len = 1, .access = HVT_ACC_W }, NULL, "w" },
	};
	const struct lb_mem vector = {
		{ .addr = 0x404040, .size = 64, .len = 32, .access = HVT_ACC_W }, NULL, wide
	};
	const struct lb_mem unknown = { { .addr = 0x404080, .size = 4096, .access = 3 },
					NULL,
					NULL };

	in.h.flags |= HVT_RF_DELTA | HVT_RF_MEM;
	set_code(in.insn, &in.insn_len, "\x83\x07\x01", 3); /* add dword ptr [rdi], 1 */
	lb_insn_record(cpu, &in, 1u << 0 | 1u << 16, two, &rmw, 1, 1);
	in.h.seq++;
	in.h.tsc += 10;
	in.ip = 0x401009;
	set_code(in.insn, &in.insn_len, "\xa4", 1); /* movsb */
	lb_insn_record(cpu, &in, 0, NULL, movs, 2, 1);
	in.h.seq++;
	in.h.tsc += 10;
	in.ip = 0x40100a;
	in.h.flags &= (uint16_t)~HVT_RF_DELTA;
	set_code(in.insn, &in.insn_len, "\x62\xf1\x7c\x48\x11\x07", 6); /* vmovups [rdi], zmm0 */
	lb_insn_record(cpu, &in, 0, NULL, &vector, 1, 1);
	in.h.seq++;
	in.h.tsc += 10;
	in.ip = 0x401010;
	set_code(in.insn, &in.insn_len, "\x0f\xae\x27", 3); /* xsave [rdi] */
	lb_insn_record(cpu, &in, 0, NULL, &unknown, 1, 0);
	in.h.seq++;
	in.h.tsc += 10;
	in.ip = 0x401013;
	in.h.flags |= HVT_RF_DELTA | HVT_RF_NOINSN;
	in.insn_len = 0;
	memset(in.insn, 0, sizeof(in.insn));
	lb_insn_record(cpu, &in, 0x1ffff, all, NULL, 0, 0);
	next->seq = in.h.seq + 1;
	next->tsc = in.h.tsc + 10;
}

static void first_cpu(struct logbuild *cpu)
{
	struct hvt_rec_flow f = lb_flow(0, 2000, HVT_FLOW_BEGIN);
	struct hvt_rec_insn in;

	f.to = 0x401000;
	flow(cpu, &f);
	in = lb_insn(f.h.seq, f.h.tsc, 0);
	insn(cpu, &in, 0x401000, "\x48\x89\xe5", 3); /* mov rbp, rsp */
	insn(cpu, &in, 0x401003, "\x06", 1);	     /* none in 64-bit code */
	insn(cpu, &in, 0x401004, "\x31\xc0", 2);     /* xor eax, eax */
	with_state(cpu, &in.h);
	insn(cpu, &in, 0x401016, "\x0f\x05", 2); /* syscall */
	f = lb_flow(in.h.seq, in.h.tsc, HVT_FLOW_SYSCALL);
	f.ip = 0x401016;
	set_code(f.insn, &f.insn_len, "\x0f\x05", 2);
	f.code = 1;
	f.arg[0] = 1;
	f.arg[1] = 0x404000;
	f.arg[2] = 6;
	f.arg[5] = ~0ull;
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_RESUME);
	f.h.flags |= HVT_RF_SYSRET;
	f.to = 0x401018;
	f.code = 1;
	f.arg[0] = 6;
	flow(cpu, &f);
	in.h.seq = f.h.seq;
	in.h.tsc = f.h.tsc;
	insn(cpu, &in, 0x401018, "\xcd\x80", 2); /* int 0x80 */
	f.what = HVT_FLOW_SYSCALL;
	f.h.flags = HVT_RF_USER;
	f.h.seq = in.h.seq;
	f.h.tsc = in.h.tsc;
	f.ip = 0x401018;
	f.to = 0;
	set_code(f.insn, &f.insn_len, "\xcd\x80", 2);
	f.code = 5; /* open, by its number of 32-bit code */
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_RESUME);
	f.h.flags |= HVT_RF_SYSRET;
	f.to = 0x40101a;
	f.code = 5;
	f.arg[0] = (uint64_t)-2;
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_INTERRUPT);
	f.ip = 0x40101a;
	f.vector = 0xec;
	flow(cpu, &f);
}

static void second_cpu(struct logbuild *cpu)
{
	struct hvt_rec_flow f = lb_flow(0, 3000, HVT_FLOW_RESUME);
	struct hvt_rec_insn in;

	f.to = 0x40101a;
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_EXCEPTION);
	f.ip = 0x40101a;
	f.vector = 14;
	f.code = 6;
	f.arg[0] = 0xdeadbeef000ull;
	set_code(f.insn, &f.insn_len, "\x89\x07", 2); /* mov [rdi], eax */
	flow(cpu, &f);
	f.h.flags |= HVT_RF_TRAP;
	f.vector = 1;
	f.code = 0;
	f.arg[0] = 0;
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_SIGNAL);
	f.code = 11;
	f.to = 0x401080;
	f.arg[0] = 1;
	f.arg[1] = 0xdeadbeef000ull;
	flow(cpu, &f);
	f.code = 40; /* of real time: it has no name */
	f.to = 0;
	f.arg[0] = (uint64_t)-6;
	f.arg[1] = 0;
	flow(cpu, &f);
	lb_lost(cpu, f.h.seq, f.h.tsc, 3);
	f = lb_flow(f.h.seq + 3, f.h.tsc + 10, HVT_FLOW_EXEC);
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_BEGIN);
	f.pid = f.tid = 200; /* the child, before it says what it is called */
	f.to = 0x401000;
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, HVT_FLOW_EXIT);
	f.code = 3 << 8;
	flow(cpu, &f);
	f.code = 9; /* killed */
	flow(cpu, &f);
	f = lb_flow(f.h.seq, f.h.tsc, 77); /* of a newer module */
	flow(cpu, &f);
	in = lb_insn(f.h.seq, f.h.tsc, 0);
	in.h.watch = BODY;
	in.h.flags = 0;
	in.body = 1;
	f = lb_flow(in.h.seq, in.h.tsc, HVT_FLOW_BEGIN);
	f.h.watch = BODY;
	f.h.flags = 0;
	f.body = 1;
	f.to = 0xffffffff81000000ull;
	flow(cpu, &f);
	in.h.seq = f.h.seq;
	in.h.tsc = f.h.tsc;
	insn(cpu, &in, 0xffffffff81000000ull, "\x55", 1); /* push rbp */
	in.nest = 1;
	insn(cpu, &in, 0xffffffff81000100ull, "\xf4", 1); /* hlt */
	f.h.seq = in.h.seq;
	f.h.tsc = in.h.tsc;
	f.what = HVT_FLOW_RETURN;
	f.nest = 1;
	f.to = 0xffffffff81000001ull;
	flow(cpu, &f);
	f.what = HVT_FLOW_SWITCH;
	f.nest = 0;
	f.code = 1;
	flow(cpu, &f);
	f.what = HVT_FLOW_END;
	f.to = 0;
	flow(cpu, &f);
}

void lb_traced(struct logbuild *lb)
{
	const struct hvt_trace_range range[] = { { 0x401000, 0x402000 }, { 0x401100, 0x401200 } };
	const struct hvt_log_trace user = { .id = TRACE,
					    .flags = HVT_TRACE_FOLLOW | HVT_TRACE_REGS |
						     HVT_TRACE_MEM,
					    .pid = 100,
					    .from = 0x401000,
					    .after = 1,
					    .count = 9,
					    .nr_only = 1,
					    .nr_skip = 1 };
	const struct hvt_log_trace body = {
		.id = BODY, .flags = HVT_TRACE_BODY, .addr = 0xffffffff81000000ull, .len = 0x100
	};
	const uint64_t ns = 5000000000ull;
	struct hvt_log_task t = { .ns = ns, .what = HVT_TASK_SEEN, .pid = 100, .tid = 100 };
	struct logbuild cpu0 = { 0 }, cpu1 = { 0 };

	lb_header(lb, 2);
	lb_clock(lb, 1000, ns, 1000000);
	lb_trace(lb, &user, range, "-p 100 \x1b");
	lb_trace(lb, &body, NULL, "--kernel do_it");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	lb_task_with(lb, &t, "main");
	t.tid = 101;
	t.ns = ns + 900; /* it is met when its records have begun */
	lb_task_with(lb, &t, "worker\x1b\xff and its long name");
	t.what = HVT_TASK_COMM;
	t.ns = ns + 2050;
	lb_task_with(lb, &t, "renamed");
	t = (struct hvt_log_task){ .ns = ns + 2060,
				   .what = HVT_TASK_FORK,
				   .pid = 200,
				   .tid = 200,
				   .ppid = 100,
				   .ptid = 101 };
	lb_task_with(lb, &t, "");
	t.what = HVT_TASK_COMM;
	t.ns = ns + 9000;
	lb_task_with(lb, &t, "later");
	lb_map(lb, ns, 100, 0x401000, 0x402000, 0x1000, 5, "/opt/prog", NULL, 0);
	lb_ksym(lb, 0xffffffff81000000ull, 0x100, "do_it", "");
	first_cpu(&cpu0);
	second_cpu(&cpu1);
	lb_section(lb, HVT_SEC_EVENTS, 0, cpu0.bytes, cpu0.len);
	lb_section(lb, HVT_SEC_EVENTS, 1, cpu1.bytes, cpu1.len);
	lb_round(lb, 9000);
	lb_end(lb, HVT_END_TARGET);
	lb_free(&cpu0);
	lb_free(&cpu1);
}
