// SPDX-License-Identifier: GPL-2.0-only
/* Makes log streams in memory with the structs of log.h, for tests. */
#include "logbuild.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "chunk.h"

void lb_free(struct logbuild *lb)
{
	free(lb->bytes);
	memset(lb, 0, sizeof(*lb));
}

void lb_bytes(struct logbuild *lb, const void *bytes, size_t len)
{
	if (lb->len + len > lb->cap) {
		lb->cap = (lb->len + len) * 2;
		lb->bytes = realloc(lb->bytes, lb->cap);
		if (!lb->bytes)
			abort();
	}
	if (len)
		memcpy(lb->bytes + lb->len, bytes, len);
	lb->len += len;
}

static uint32_t crc(const void *p, size_t len)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), p, (uInt)len);
}

void lb_header(struct logbuild *lb, uint32_t nr_cpus)
{
	struct hvt_log_header h = { .version = HVT_LOG_VERSION,
				    .header_len = sizeof(h),
				    .abi = HVT_ABI,
				    .nr_cpus = nr_cpus };

	memcpy(h.magic, HVT_LOG_MAGIC, sizeof(h.magic));
	h.crc = crc(&h, offsetof(struct hvt_log_header, crc));
	lb_bytes(lb, &h, sizeof(h));
}

static void put_section(struct logbuild *lb, struct hvt_section *s, const void *payload, size_t len)
{
	static const uint8_t zeros[8];
	size_t at = lb->len;

	s->len = s->raw_len = len;
	lb_bytes(lb, s, sizeof(*s));
	lb_bytes(lb, payload, len);
	lb_bytes(lb, zeros, (8 - len % 8) % 8);
	lb_reseal(lb, at);
}

/* Records become columns as the agent makes them. */
static void put_events(struct logbuild *lb, uint32_t cpu, const uint8_t *records, size_t len)
{
	struct chunk *chunk = chunk_new(cpu);
	struct buf payload = { 0 };
	struct hvt_section s;
	bool room = true;
	size_t at;

	for (at = 0; at < len; at += (size_t)records[at + 1] * HVT_SLOT) {
		if (!chunk_takes(records + at))
			abort();
		room = chunk_add(chunk, records + at);
		if (!room || at + (size_t)records[at + 1] * HVT_SLOT == len) {
			chunk_seal(chunk, &s, &payload);
			put_section(lb, &s, payload.p, payload.len);
		}
	}
	buf_free(&payload);
	chunk_free(chunk);
}

void lb_section(struct logbuild *lb, uint32_t type, uint32_t cpu, const void *payload, size_t len)
{
	struct hvt_section s = { .type = type, .cpu = cpu };

	if (type == HVT_SEC_EVENTS)
		put_events(lb, cpu, payload, len);
	else
		put_section(lb, &s, payload, len);
}

void lb_reseal(struct logbuild *lb, size_t off)
{
	struct hvt_section s;

	memcpy(&s, lb->bytes + off, sizeof(s));
	s.crc = crc(lb->bytes + off + sizeof(s), s.len);
	s.hcrc = crc(&s, offsetof(struct hvt_section, hcrc));
	memcpy(lb->bytes + off, &s, sizeof(s));
}

void lb_clock(struct logbuild *lb, uint64_t tsc, uint64_t ns, uint64_t khz)
{
	struct hvt_log_clock c = { .tsc = tsc, .mono_ns = ns, .real_ns = ns, .tsc_khz = khz };

	lb_section(lb, HVT_SEC_CLOCK, 0, &c, sizeof(c));
}

/* A fixed struct and up to two strings behind it, as one section. */
static void with_strings(struct logbuild *lb, uint32_t type, const void *fixed, size_t len,
			 const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct logbuild p = { 0 };

	lb_bytes(&p, fixed, len);
	lb_bytes(&p, a, a_len);
	lb_bytes(&p, b, b_len);
	lb_section(lb, type, 0, p.bytes, p.len);
	lb_free(&p);
}

void lb_watch(struct logbuild *lb, uint32_t id, uint32_t access, int32_t pid, uint64_t addr,
	      uint64_t len, const char *spec)
{
	struct hvt_log_watch w = {
		.id = id, .access = access, .pid = pid, .addr = addr, .len = len
	};

	lb_watch_with(lb, &w, spec);
}

void lb_watch_with(struct logbuild *lb, const struct hvt_log_watch *w, const char *spec)
{
	struct hvt_log_watch h = *w;

	h.spec_len = (uint32_t)strlen(spec);
	with_strings(lb, HVT_SEC_WATCH, &h, sizeof(h), spec, strlen(spec), NULL, 0);
}

void lb_filter(struct logbuild *lb, const struct hvt_filter *f)
{
	lb_section(lb, HVT_SEC_FILTER, 0, f, sizeof(*f));
}

void lb_round(struct logbuild *lb, uint64_t tsc)
{
	struct hvt_log_round r = { .tsc = tsc };

	lb_section(lb, HVT_SEC_ROUND, 0, &r, sizeof(r));
}

void lb_ksym(struct logbuild *lb, uint64_t start, uint64_t len, const char *name,
	     const char *module)
{
	struct hvt_log_ksym k = { .start = start,
				  .len = len,
				  .name_len = (uint32_t)strlen(name),
				  .module_len = (uint32_t)strlen(module) };

	with_strings(lb, HVT_SEC_KSYM, &k, sizeof(k), name, strlen(name), module, strlen(module));
}

void lb_task(struct logbuild *lb, uint64_t ns, uint32_t what, uint32_t pid, uint32_t ppid)
{
	struct hvt_log_task t = { .ns = ns,
				  .what = what,
				  .pid = pid,
				  .tid = pid,
				  .ppid = ppid,
				  .ptid = ppid,
				  .comm_len = 4 };

	with_strings(lb, HVT_SEC_TASK, &t, sizeof(t), "comm", 4, NULL, 0);
}

void lb_map(struct logbuild *lb, uint64_t ns, uint32_t pid, uint64_t start, uint64_t end,
	    uint64_t offset, uint32_t prot, const char *path, const uint8_t *id, size_t id_len)
{
	struct hvt_log_map m = { .ns = ns,
				 .start = start,
				 .end = end,
				 .offset = offset,
				 .pid = pid,
				 .prot = prot,
				 .build_id_len = (uint32_t)id_len,
				 .path_len = (uint32_t)strlen(path) };

	with_strings(lb, HVT_SEC_MAP, &m, sizeof(m), id, id_len, path, strlen(path));
}

void lb_end(struct logbuild *lb, uint32_t reason)
{
	struct hvt_log_end e = { .reason = reason };

	lb_section(lb, HVT_SEC_END, 0, &e, sizeof(e));
}

void lb_task_with(struct logbuild *lb, const struct hvt_log_task *t, const char *comm)
{
	struct hvt_log_task h = *t;

	h.comm_len = (uint32_t)strlen(comm);
	with_strings(lb, HVT_SEC_TASK, &h, sizeof(h), comm, strlen(comm), NULL, 0);
}

struct hvt_rec_access lb_access(uint64_t seq, uint64_t tsc, uint64_t gla)
{
	struct hvt_rec_access a = {
		.h = { .type = HVT_REC_ACCESS,
		       .nslots = 2,
		       .flags = HVT_RF_USER,
		       .watch = 1,
		       .seq = seq,
		       .tsc = tsc },
		.ip = 0x401000,
		.gla = gla,
		.gpa = 0x12340000 | (gla & 0xfff),
		.cr3 = 0x1000,
		.pid = 100,
		.tid = 101,
		.old = 1,
		.new_ = 2,
		.insn = { 0x89, 0x07 },
		.insn_len = 2,
		.comm = "prog",
		.size = 4,
		.access = HVT_ACC_W,
		.order = tsc,
	};

	return a;
}

void lb_record(struct logbuild *records, struct hvt_rec_access *a, const uint64_t *gpr,
	       uint32_t off, const void *old, const void *new_, uint32_t len)
{
	lb_record_run(records, a, gpr, NULL, off, old, new_, len);
}

void lb_record_run(struct logbuild *records, struct hvt_rec_access *a, const uint64_t *gpr,
		   const struct hvt_rec_run *run, uint32_t off, const void *old, const void *new_,
		   uint32_t len)
{
	struct hvt_rec_wide w = { .off = off, .len = len };
	size_t size = sizeof(*a) + (gpr ? 128 : 0) + (run ? sizeof(*run) : 0) +
		      (len ? sizeof(w) + 2 * (size_t)len : 0);
	static const uint8_t zeros[HVT_SLOT];

	a->h.nslots = (uint8_t)((size + HVT_SLOT - 1) / HVT_SLOT);
	if (gpr)
		a->h.flags |= HVT_RF_REGS;
	if (run)
		a->h.flags |= HVT_RF_RUN;
	if (len)
		a->h.flags |= HVT_RF_WIDE;
	lb_bytes(records, a, sizeof(*a));
	lb_bytes(records, gpr, gpr ? 128 : 0);
	lb_bytes(records, run, run ? sizeof(*run) : 0);
	if (len) {
		lb_bytes(records, &w, sizeof(w));
		lb_bytes(records, old, len);
		lb_bytes(records, new_, len);
	}
	lb_bytes(records, zeros, (size_t)a->h.nslots * HVT_SLOT - size);
}

void lb_lost(struct logbuild *records, uint64_t seq, uint64_t tsc, uint64_t count)
{
	struct hvt_rec_lost l = {
		.h = { .type = HVT_REC_LOST, .nslots = 1, .seq = seq, .tsc = tsc }, .count = count
	};

	lb_bytes(records, &l, sizeof(l));
}

void lb_remap(struct logbuild *records, uint64_t seq, uint64_t tsc, uint64_t va, uint64_t old_gpa,
	      uint64_t new_gpa)
{
	struct hvt_rec_remap m = {
		.h = { .type = HVT_REC_REMAP, .nslots = 1, .watch = 1, .seq = seq, .tsc = tsc },
		.va = va,
		.old_gpa = old_gpa,
		.new_gpa = new_gpa,
		.pid = 100,
		.tid = 101
	};

	lb_bytes(records, &m, sizeof(m));
}

/* A device at 0xfed00000, through a mapping of the kernel's, and a run over counter. */
static void devices(struct logbuild *cpu)
{
	struct hvt_rec_run run = { .count = 12, .elem = 2, .down = 1 };
	struct hvt_rec_access a;

	a = lb_access(4, 3600, 0xffffc900000000f0ull); /* mov eax, [rdi]: reads a register */
	a.h.watch = 3;
	a.h.flags = HVT_RF_DEVICE;
	a.ip = 0xffffffff81000110ull;
	a.gpa = 0xfed000f0;
	a.access = HVT_ACC_R;
	a.new_ = 0x1234;
	memcpy(a.insn, "\x8b\x07", 2);
	lb_record(cpu, &a, NULL, 0, NULL, NULL, 0);
	a.h.seq = 5;
	a.h.tsc = 3700;
	a.access = HVT_ACC_W; /* mov [rdi], eax */
	a.new_ = 0xfedc;
	memcpy(a.insn, "\x89\x07", 2);
	lb_record(cpu, &a, NULL, 0, NULL, NULL, 0);
	a.h.seq = 6;
	a.h.tsc = 3800;
	a.h.flags = HVT_RF_DEVICE | HVT_RF_NOVALUE;
	lb_record(cpu, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(7, 3900, 0x404018); /* rep movsw, 24 bytes, 12 of them recorded */
	a.size = 24;
	memcpy(a.insn, "\xf3\x66\xa5", 3);
	a.insn_len = 3;
	lb_record_run(cpu, &a, NULL, &run, 0, "oldoldoldold", "newnewnewnew", 12);
}

void lb_sample(struct logbuild *lb)
{
	const uint64_t kip = 0xffffffff81000100ull, jiffies = 0xffffffff82000000ull;
	struct logbuild cpu0 = { 0 }, cpu1 = { 0 };
	const char *host = "{\"hostname\":\"sample\"}";
	const struct hvt_log_watch hpet = { .id = 3,
					    .access = HVT_ACC_R | HVT_ACC_W,
					    .addr = 0xfed00000,
					    .len = 0x400,
					    .flags = HVT_WATCH_PHYS | HVT_WATCH_COALESCE };
	struct hvt_log_stat stat[2] = { { 7, 7, 0 }, { 8, 5, 3 } };
	struct hvt_rec_access a;

	lb_header(lb, 2);
	lb_section(lb, HVT_SEC_HOST, 0, host, strlen(host));
	lb_clock(lb, 1000, 5000000000ull, 1000000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, 100, 0x404010, 32, "counter");
	lb_watch(lb, 2, HVT_ACC_W, 0, jiffies, 8, "kernel:jiffies_64");
	lb_watch_with(lb, &hpet, "0xfed00000,0x400");
	lb_ksym(lb, 0xfed00000, 0x400, "HPET 0", "");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);

	a = lb_access(0, 2000, 0x404010);
	lb_record(&cpu0, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(1, 4000, 0x404018); /* a read of 2 bytes: mov ax, [rdi] */
	a.access = HVT_ACC_R;
	a.size = 2;
	a.old = a.new_ = 0xbeef;
	memcpy(a.insn, "\x66\x8b\x07", 3);
	a.insn_len = 3;
	lb_record(&cpu0, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(2, 5000, jiffies);
	a.h.watch = 2;
	a.h.flags = 0;
	a.ip = kip;
	a.pid = a.tid = 0;
	memcpy(a.comm, "swapper/0\0\0\0\0\0\0", 16);
	a.size = 8;
	a.access = HVT_ACC_R | HVT_ACC_W;
	memcpy(a.insn, "\x48\x83\x07\x01", 4); /* add qword ptr [rdi], 1 */
	a.insn_len = 4;
	lb_record(&cpu0, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(3, 6000, 0x404010); /* movups [rdi], xmm0 */
	a.size = 16;
	memcpy(a.insn, "\x0f\x11\x07", 3);
	a.insn_len = 3;
	memcpy(a.comm, "\x1b[31m\xff\"\\evil\n", 14);
	lb_record(&cpu0, &a, NULL, 0, "0123456789abcdef", "ABCDEFGHIJKLMNOP", 16);
	lb_remap(&cpu0, 4, 7000, 0x404000, HVT_GPA_NONE, 0x5000);
	a = lb_access(5, 8000, 0x401234); /* executed */
	a.access = HVT_ACC_X;
	a.ip = 0x401234;
	a.size = 2;
	lb_record(&cpu0, &a, NULL, 0, NULL, NULL, 0);
	a = lb_access(6, 8500, 0x404010); /* delivery of a page fault, bytes unreadable */
	a.h.flags = HVT_RF_DELIVERY | HVT_RF_NOINSN;
	a.vector = 14;
	a.insn_len = 0;
	lb_record(&cpu0, &a, NULL, 0, NULL, NULL, 0);

	a = lb_access(0, 3000, 0x404014);
	lb_record(&cpu1, &a, NULL, 0, NULL, NULL, 0);
	lb_lost(&cpu1, 1, 3500, 3);
	devices(&cpu1);

	lb_task(lb, 5000000000ull, HVT_TASK_SEEN, 100, 1);
	lb_map(lb, 5000000000ull, 100, 0x401000, 0x402000, 0x1000, 5, "/opt/\x1b[2Jprog", NULL, 0);
	lb_section(lb, HVT_SEC_EVENTS, 0, cpu0.bytes, cpu0.len);
	lb_section(lb, HVT_SEC_EVENTS, 1, cpu1.bytes, cpu1.len);
	lb_ksym(lb, kip - 0x100, 0x200, "tick_do_update", "");
	lb_ksym(lb, jiffies, 8, "jiffies_64", "");
	lb_round(lb, 9000);
	lb_section(lb, HVT_SEC_STAT, 0, stat, sizeof(stat));
	lb_end(lb, HVT_END_STOP);
	lb_free(&cpu0);
	lb_free(&cpu1);
}

void lb_filtered(struct logbuild *lb)
{
	const struct hvt_filter filter = { .size = sizeof(filter),
					   .id = 7,
					   .flags = HVT_FF_KERNEL | HVT_FF_CHANGED,
					   .op = HVT_OP_GE,
					   .value = 16,
					   .nr_comms = 1,
					   .comm = { "a b\x1b" },
					   .nr_ips = 1,
					   .ip = { { 0x1000, 0x2000, 5, 0 } } };
	const struct hvt_log_watch watch = {
		.id = 1, .access = HVT_ACC_W, .pid = 100, .addr = 0x6008, .len = 8, .filter = 7
	};
	/* old and new of the 16 bytes at 0x6000, for a store of 4 bytes at 0x6006 */
	static const uint8_t old[16] = { 9, 9, 9, 9, 9, 9, 1, 1, 16, 0 };
	static const uint8_t pass[16] = { 9, 9, 9, 9, 9, 9, 0, 0, 17, 0 };
	static const uint8_t small[16] = { 9, 9, 9, 9, 9, 9, 255, 255, 15, 0 };
	static const uint8_t same[16] = { 9, 9, 9, 9, 9, 9, 255, 255, 16, 0 };
	const uint8_t *const new_[] = { pass, small, same };
	uint64_t gpr[16] = { 0 }, i;
	struct logbuild cpu = { 0 };
	struct hvt_rec_access a;

	gpr[7] = 0x6006;
	for (i = 0; i < 6; i++) {
		a = lb_access(i, 100 + i, 0x6000);
		a.h.flags = HVT_RF_BLIND;
		a.size = 0;
		lb_record(&cpu, &a, gpr, 0, old, new_[i % 3], 16);
	}
	/* what root decided itself is not decided again */
	a = lb_access(6, 106, 0x6008);
	a.new_ = 1;
	lb_record(&cpu, &a, NULL, 0, NULL, NULL, 0);
	lb_header(lb, 1);
	lb_filter(lb, &filter);
	lb_watch_with(lb, &watch, "x");
	lb_section(lb, HVT_SEC_ARMED, 0, NULL, 0);
	lb_section(lb, HVT_SEC_EVENTS, 0, cpu.bytes, cpu.len);
	lb_end(lb, HVT_END_LIMIT);
	lb_free(&cpu);
}
