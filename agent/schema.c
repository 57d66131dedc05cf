// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SCHEMA section: every field of every record and section with its offset, from one
 * table, so that a reader needs nothing but the log.
 */
#include <stddef.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#include "schema.h"

struct field {
	const char *name, *type;
	size_t offset, count; /* count: array elements, 1 for a scalar */
};

struct layout {
	const char *name;
	unsigned int type; /* enum hvt_rec_type or hvt_sec_type */
	size_t size;
	const struct field *fields; /* ends with a NULL name */
	const char *then;	    /* what follows the struct, in words; NULL: nothing */
};

/* clang-format off */
#define F(strct, member, label, kind) { label, kind, offsetof(struct strct, member), 1 }
#define A(strct, member, label, kind, n) { label, kind, offsetof(struct strct, member), n }
#define REC_HEAD(strct)						\
	F(strct, h.type, "type", "u8"),				\
	F(strct, h.nslots, "nslots", "u8"),			\
	F(strct, h.flags, "flags", "u16"),			\
	F(strct, h.watch, "watch", "u32"),			\
	F(strct, h.seq, "seq", "u64"),				\
	F(strct, h.tsc, "tsc", "u64")
/* clang-format on */

static const struct field access_fields[] = {
	REC_HEAD(hvt_rec_access),
	F(hvt_rec_access, ip, "ip", "u64"),
	F(hvt_rec_access, gla, "gla", "u64"),
	F(hvt_rec_access, gpa, "gpa", "u64"),
	F(hvt_rec_access, cr3, "cr3", "u64"),
	F(hvt_rec_access, pid, "pid", "u32"),
	F(hvt_rec_access, tid, "tid", "u32"),
	F(hvt_rec_access, old, "old", "u64"),
	F(hvt_rec_access, new_, "new", "u64"),
	A(hvt_rec_access, insn, "insn", "u8", sizeof(((struct hvt_rec_access *)0)->insn)),
	F(hvt_rec_access, insn_len, "insn_len", "u8"),
	A(hvt_rec_access, comm, "comm", "char", sizeof(((struct hvt_rec_access *)0)->comm)),
	F(hvt_rec_access, size, "size", "u32"),
	F(hvt_rec_access, access, "access", "u8"),
	F(hvt_rec_access, vector, "vector", "u8"),
	F(hvt_rec_access, order, "order", "u64"),
	{ 0 },
};

static const struct field lost_fields[] = {
	REC_HEAD(hvt_rec_lost),
	F(hvt_rec_lost, count, "count", "u64"),
	{ 0 },
};

static const struct field remap_fields[] = {
	REC_HEAD(hvt_rec_remap),
	F(hvt_rec_remap, va, "va", "u64"),
	F(hvt_rec_remap, old_gpa, "old_gpa", "u64"),
	F(hvt_rec_remap, new_gpa, "new_gpa", "u64"),
	F(hvt_rec_remap, pid, "pid", "u32"),
	F(hvt_rec_remap, tid, "tid", "u32"),
	{ 0 },
};

static const struct field clock_fields[] = {
	F(hvt_log_clock, tsc, "tsc", "u64"),
	F(hvt_log_clock, mono_ns, "mono_ns", "u64"),
	F(hvt_log_clock, real_ns, "real_ns", "u64"),
	F(hvt_log_clock, tsc_khz, "tsc_khz", "u64"),
	{ 0 },
};

static const struct field watch_fields[] = {
	F(hvt_log_watch, id, "id", "u32"),
	F(hvt_log_watch, access, "access", "u32"),
	F(hvt_log_watch, pid, "pid", "s32"),
	F(hvt_log_watch, spec_len, "spec_len", "u32"),
	F(hvt_log_watch, addr, "addr", "u64"),
	F(hvt_log_watch, len, "len", "u64"),
	F(hvt_log_watch, flags, "flags", "u32"),
	F(hvt_log_watch, filter, "filter", "u32"),
	{ 0 },
};

static const struct field filter_fields[] = {
	F(hvt_filter, size, "size", "u32"),
	F(hvt_filter, id, "id", "u32"),
	F(hvt_filter, flags, "flags", "u32"),
	F(hvt_filter, op, "op", "u32"),
	F(hvt_filter, value, "value", "u64"),
	F(hvt_filter, every, "every", "u64"),
	F(hvt_filter, limit, "limit", "u64"),
	F(hvt_filter, nr_pids, "nr_pids", "u32"),
	F(hvt_filter, nr_tids, "nr_tids", "u32"),
	F(hvt_filter, nr_comms, "nr_comms", "u32"),
	F(hvt_filter, nr_ips, "nr_ips", "u32"),
	A(hvt_filter, pid, "pid", "u32", HVT_FILTER_LIST),
	A(hvt_filter, tid, "tid", "u32", HVT_FILTER_LIST),
	A(hvt_filter, comm, "comm", "char[16]", HVT_FILTER_LIST),
	A(hvt_filter, cpus, "cpus", "u64", 8),
	A(hvt_filter, ip, "ip", "u64 lo, u64 hi, u32 pid, u32 pad", HVT_FILTER_IPS),
	F(hvt_filter, passed, "passed", "u64"),
	{ 0 },
};

static const struct field round_fields[] = {
	F(hvt_log_round, tsc, "tsc", "u64"),
	{ 0 },
};

static const struct field ksym_fields[] = {
	F(hvt_log_ksym, start, "start", "u64"),
	F(hvt_log_ksym, len, "len", "u64"),
	F(hvt_log_ksym, name_len, "name_len", "u32"),
	F(hvt_log_ksym, module_len, "module_len", "u32"),
	{ 0 },
};

static const struct field task_fields[] = {
	F(hvt_log_task, ns, "ns", "u64"),
	F(hvt_log_task, what, "what", "u32"),
	F(hvt_log_task, pid, "pid", "u32"),
	F(hvt_log_task, tid, "tid", "u32"),
	F(hvt_log_task, ppid, "ppid", "u32"),
	F(hvt_log_task, ptid, "ptid", "u32"),
	F(hvt_log_task, comm_len, "comm_len", "u32"),
	{ 0 },
};

static const struct field map_fields[] = {
	F(hvt_log_map, ns, "ns", "u64"),
	F(hvt_log_map, start, "start", "u64"),
	F(hvt_log_map, end, "end", "u64"),
	F(hvt_log_map, offset, "offset", "u64"),
	F(hvt_log_map, pid, "pid", "u32"),
	F(hvt_log_map, prot, "prot", "u32"),
	F(hvt_log_map, build_id_len, "build_id_len", "u32"),
	F(hvt_log_map, path_len, "path_len", "u32"),
	{ 0 },
};

static const struct field stat_fields[] = {
	F(hvt_log_stat, produced, "produced", "u64"),
	F(hvt_log_stat, consumed, "consumed", "u64"),
	F(hvt_log_stat, lost, "lost", "u64"),
	{ 0 },
};

static const struct field end_fields[] = {
	F(hvt_log_end, reason, "reason", "u32"),
	F(hvt_log_end, ns, "ns", "u64"),
	{ 0 },
};

static const struct layout records[] = {
	{ "access", HVT_REC_ACCESS, sizeof(struct hvt_rec_access), access_fields,
	  "flags & regs: u64 gpr[16], rax rcx rdx rbx rsp rbp rsi rdi r8..r15; flags & run: u64 "
	  "count, u32 elem, u32 down; flags & wide: u32 off, u32 len, u8 old[len], u8 new[len]" },
	{ "lost", HVT_REC_LOST, sizeof(struct hvt_rec_lost), lost_fields, NULL },
	{ "remap", HVT_REC_REMAP, sizeof(struct hvt_rec_remap), remap_fields, NULL },
	{ 0 },
};

static const struct layout sections[] = {
	{ "clock", HVT_SEC_CLOCK, sizeof(struct hvt_log_clock), clock_fields, NULL },
	{ "watch", HVT_SEC_WATCH, sizeof(struct hvt_log_watch), watch_fields,
	  "char spec[spec_len]" },
	{ "filter", HVT_SEC_FILTER, sizeof(struct hvt_filter), filter_fields, NULL },
	{ "round", HVT_SEC_ROUND, sizeof(struct hvt_log_round), round_fields, NULL },
	{ "ksym", HVT_SEC_KSYM, sizeof(struct hvt_log_ksym), ksym_fields,
	  "char name[name_len], char module[module_len]" },
	{ "task", HVT_SEC_TASK, sizeof(struct hvt_log_task), task_fields, "char comm[comm_len]" },
	{ "map", HVT_SEC_MAP, sizeof(struct hvt_log_map), map_fields,
	  "u8 build_id[build_id_len], char path[path_len]" },
	{ "stat", HVT_SEC_STAT, sizeof(struct hvt_log_stat), stat_fields, "one for each CPU" },
	{ "end", HVT_SEC_END, sizeof(struct hvt_log_end), end_fields, NULL },
	{ 0 },
};

static const struct {
	const char *name;
	unsigned int value;
} flags[] = {
	{ "regs", HVT_RF_REGS },       { "wide", HVT_RF_WIDE },	    { "delivery", HVT_RF_DELIVERY },
	{ "walk", HVT_RF_WALK },       { "blind", HVT_RF_BLIND },   { "user", HVT_RF_USER },
	{ "code32", HVT_RF_CODE32 },   { "code16", HVT_RF_CODE16 }, { "noinsn", HVT_RF_NOINSN },
	{ "clipped", HVT_RF_CLIPPED }, { "device", HVT_RF_DEVICE }, { "novalue", HVT_RF_NOVALUE },
	{ "run", HVT_RF_RUN },
};

static void put_layouts(struct buf *b, const char *key, const struct layout *l)
{
	const struct field *f;

	buf_printf(b, ",\"%s\":[", key);
	for (; l->name; l++) {
		buf_printf(b, "{\"name\":\"%s\",\"type\":%u,\"size\":%zu,\"fields\":[", l->name,
			   l->type, l->size);
		for (f = l->fields; f->name; f++) {
			buf_printf(b, "{\"name\":\"%s\",\"offset\":%zu,\"type\":\"%s\"", f->name,
				   f->offset, f->type);
			if (f->count > 1)
				buf_printf(b, ",\"count\":%zu", f->count);
			buf_puts(b, f[1].name ? "}," : "}");
		}
		buf_puts(b, "]");
		if (l->then) {
			buf_puts(b, ",\"then\":");
			buf_json(b, l->then);
		}
		buf_puts(b, l[1].name ? "}," : "}");
	}
	buf_puts(b, "]");
}

void schema_json(struct buf *b)
{
	size_t i;

	buf_printf(b, "{\"abi\":%u,\"endian\":\"little\",\"slot\":%u", HVT_ABI, HVT_SLOT);
	buf_printf(b, ",\"access\":{\"r\":%u,\"w\":%u,\"x\":%u},\"flags\":{", HVT_ACC_R, HVT_ACC_W,
		   HVT_ACC_X);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		buf_printf(b, "%s\"%s\":%u", i ? "," : "", flags[i].name, flags[i].value);
	buf_printf(b, "},\"watch_flags\":{\"phys\":%u,\"coalesce\":%u}", HVT_WATCH_PHYS,
		   HVT_WATCH_COALESCE);
	put_layouts(b, "records", records);
	put_layouts(b, "sections", sections);
	buf_puts(b, "}");
}
