// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SCHEMA section: every member of every struct in a log with its offset, and every
 * field of every table, so that a reader needs nothing but the log. Types and offsets are
 * the compiler's; names are those of log.h and uapi.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#include "schema.h"

/* clang-format off */
/* The type of a member, or of the elements of one that is an array; and how many there are. */
#define TYPE(m)							\
	_Generic((m),						\
		 uint8_t: "u8", uint32_t: "u32", int32_t: "s32",	\
		 uint64_t: "u64", unsigned long long: "u64",	\
		 uint32_t *: "u32", unsigned long long *: "u64",	\
		 char (*)[16]: "char[16]",			\
		 struct hvt_filter_ip *: "u64 lo, u64 hi, u32 pid, u32 pad")
#define COUNT(m)						\
	(sizeof(m) / (_Generic((m),				\
		 uint32_t *: 4, unsigned long long *: 8, char (*)[16]: 16,	\
		 struct hvt_filter_ip *: sizeof(struct hvt_filter_ip),	\
		 default: sizeof(m))))
#define AT(s, member) (((struct s *)0)->member)
#define M(s, member) \
	{ #s, #member, TYPE(AT(s, member)), offsetof(struct s, member), COUNT(AT(s, member)) }

static const struct member {
	const char *of, *name, *type;
	size_t offset, count;
} members[] = {
	M(hvt_log_clock, tsc), M(hvt_log_clock, mono_ns), M(hvt_log_clock, real_ns),
	M(hvt_log_clock, tsc_khz),
	M(hvt_log_watch, id), M(hvt_log_watch, access), M(hvt_log_watch, pid),
	M(hvt_log_watch, spec_len), M(hvt_log_watch, addr), M(hvt_log_watch, len),
	M(hvt_log_watch, flags), M(hvt_log_watch, filter),
	M(hvt_filter, size), M(hvt_filter, id), M(hvt_filter, flags), M(hvt_filter, op),
	M(hvt_filter, value), M(hvt_filter, every), M(hvt_filter, limit),
	M(hvt_filter, nr_pids), M(hvt_filter, nr_tids), M(hvt_filter, nr_comms),
	M(hvt_filter, nr_ips), M(hvt_filter, pid), M(hvt_filter, tid), M(hvt_filter, comm),
	M(hvt_filter, cpus), M(hvt_filter, ip), M(hvt_filter, passed),
	M(hvt_log_trace, id), M(hvt_log_trace, flags), M(hvt_log_trace, pid),
	M(hvt_log_trace, spec_len), M(hvt_log_trace, addr), M(hvt_log_trace, len),
	M(hvt_log_trace, from), M(hvt_log_trace, to), M(hvt_log_trace, after),
	M(hvt_log_trace, count), M(hvt_log_trace, on), M(hvt_log_trace, nr_only),
	M(hvt_log_trace, nr_skip),
	M(hvt_log_round, tsc),
	M(hvt_log_ksym, start), M(hvt_log_ksym, len), M(hvt_log_ksym, name_len),
	M(hvt_log_ksym, module_len),
	M(hvt_log_task, ns), M(hvt_log_task, what), M(hvt_log_task, pid), M(hvt_log_task, tid),
	M(hvt_log_task, ppid), M(hvt_log_task, ptid), M(hvt_log_task, comm_len),
	M(hvt_log_map, ns), M(hvt_log_map, start), M(hvt_log_map, end), M(hvt_log_map, offset),
	M(hvt_log_map, pid), M(hvt_log_map, prot), M(hvt_log_map, build_id_len),
	M(hvt_log_map, path_len),
	M(hvt_log_object, id), M(hvt_log_object, flags), M(hvt_log_object, nr_segs),
	M(hvt_log_object, build_id_len), M(hvt_log_object, path_len),
	M(hvt_log_symtab, object), M(hvt_log_symtab, nr), M(hvt_log_symtab, table_len),
	M(hvt_log_symtab, names_len),
	M(hvt_log_mark, ns), M(hvt_log_mark, tsc), M(hvt_log_mark, uid), M(hvt_log_mark, pid),
	M(hvt_log_mark, text_len),
	M(hvt_log_chunk, columns),
	M(hvt_log_stat, produced), M(hvt_log_stat, consumed), M(hvt_log_stat, lost),
	M(hvt_log_end, reason), M(hvt_log_end, ns), M(hvt_log_end, index),
	M(hvt_log_index, prev),
};

#define SECTION(name, TYPE, s, then) { name, HVT_SEC_##TYPE, #s, sizeof(struct s), then }

static const struct section {
	const char *name;
	unsigned int type; /* enum hvt_sec_type */
	const char *of;
	size_t size;
	const char *then; /* what follows the struct, in words; NULL: nothing */
} sections[] = {
	SECTION("clock", CLOCK, hvt_log_clock, NULL),
	SECTION("watch", WATCH, hvt_log_watch, "char spec[spec_len]"),
	SECTION("trace", TRACE, hvt_log_trace,
		"{u64 lo, u64 hi} range[nr_only + nr_skip], char spec[spec_len]"),
	SECTION("filter", FILTER, hvt_filter, NULL),
	SECTION("events", EVENTS, hvt_log_chunk, "columns times: u16 field, u16 width, u8 encoding, "
		"u8 codec, u16 pad, u32 count, u32 len; then their bytes"),
	SECTION("round", ROUND, hvt_log_round, NULL),
	SECTION("ksym", KSYM, hvt_log_ksym, "char name[name_len], char module[module_len]"),
	SECTION("task", TASK, hvt_log_task, "char comm[comm_len]"),
	SECTION("map", MAP, hvt_log_map, "u8 build_id[build_id_len], char path[path_len]"),
	SECTION("object", OBJECT, hvt_log_object, "{u64 offset, u64 filesz, u64 vaddr, u64 memsz, "
		"u32 prot, u32 pad} segs[nr_segs], u8 build_id[build_id_len], char path[path_len]"),
	SECTION("symtab", SYMTAB, hvt_log_symtab, "{uleb128 value - the one before, uleb128 size, u8 "
		"st_info} table[nr] in table_len bytes, nr names with a NUL each in names_len bytes"),
	SECTION("mark", MARK, hvt_log_mark, "char text[text_len]"),
	SECTION("stat", STAT, hvt_log_stat, "one for each CPU"),
	SECTION("end", END, hvt_log_end, NULL),
	SECTION("index", INDEX, hvt_log_index, "u64 off, u32 type, u32 cpu, u32 count, u32 pad, "
		"u64 tsc_first, u64 tsc_last, u64 seq_first, for each section"),
};

static const struct {
	const char *name, *rows;
} tables[HVT_TABLES] = {
	[HVT_TABLE_RECORD] = { "record", "each record" },
	[HVT_TABLE_ACCESS] = { "access", "each record of type access" },
	[HVT_TABLE_LOST] = { "lost", "each record of type lost" },
	[HVT_TABLE_REMAP] = { "remap", "each record of type remap" },
	[HVT_TABLE_REGS] = { "regs", "each access with flags & regs" },
	[HVT_TABLE_RUN] = { "run", "each access with flags & run" },
	[HVT_TABLE_WIDE] = { "wide", "each access with flags & wide" },
	[HVT_TABLE_CODE] = { "code", "named by access.code, insn.code and flow.code" },
	[HVT_TABLE_TASK] = { "task", "named by access.task, insn.task and flow.task" },
	[HVT_TABLE_INSN] = { "insn", "each record of type insn" },
	[HVT_TABLE_FLOW] = { "flow", "each record of type flow" },
	[HVT_TABLE_DELTA] = { "delta", "each insn with flags & delta" },
	[HVT_TABLE_MEMS] = { "mems", "each insn with flags & mem" },
	[HVT_TABLE_MEM] = { "mem", "mems.nr for each of mems" },
};

static const struct field {
	unsigned int id, width;
	const char *name, *type;
} fields[] = {
#define FIELD(name, table, number, width, type, label) { HVT_FIELD_##name, width, label, type },
	HVT_FIELDS(FIELD)
#undef FIELD
};

/* Names of numbers: objects of the schema. */
static const struct name {
	const char *of, *name;
	unsigned int value;
} names[] = {
	{ "access", "r", HVT_ACC_R }, { "access", "w", HVT_ACC_W }, { "access", "x", HVT_ACC_X },
	{ "flags", "regs", HVT_RF_REGS }, { "flags", "wide", HVT_RF_WIDE },
	{ "flags", "delivery", HVT_RF_DELIVERY }, { "flags", "walk", HVT_RF_WALK },
	{ "flags", "blind", HVT_RF_BLIND }, { "flags", "user", HVT_RF_USER },
	{ "flags", "code32", HVT_RF_CODE32 }, { "flags", "code16", HVT_RF_CODE16 },
	{ "flags", "noinsn", HVT_RF_NOINSN }, { "flags", "clipped", HVT_RF_CLIPPED },
	{ "flags", "device", HVT_RF_DEVICE }, { "flags", "novalue", HVT_RF_NOVALUE },
	{ "flags", "run", HVT_RF_RUN },
	{ "insn_flags", "delta", HVT_RF_DELTA }, { "insn_flags", "mem", HVT_RF_MEM },
	{ "flow_flags", "sysret", HVT_RF_SYSRET }, { "flow_flags", "trap", HVT_RF_TRAP },
	{ "watch_flags", "phys", HVT_WATCH_PHYS }, { "watch_flags", "coalesce", HVT_WATCH_COALESCE },
	{ "record_types", "access", HVT_REC_ACCESS }, { "record_types", "lost", HVT_REC_LOST },
	{ "record_types", "remap", HVT_REC_REMAP }, { "record_types", "insn", HVT_REC_INSN },
	{ "record_types", "flow", HVT_REC_FLOW },
	{ "flows", "begin", HVT_FLOW_BEGIN }, { "flows", "end", HVT_FLOW_END },
	{ "flows", "interrupt", HVT_FLOW_INTERRUPT }, { "flows", "exception", HVT_FLOW_EXCEPTION },
	{ "flows", "syscall", HVT_FLOW_SYSCALL }, { "flows", "resume", HVT_FLOW_RESUME },
	{ "flows", "signal", HVT_FLOW_SIGNAL }, { "flows", "exec", HVT_FLOW_EXEC },
	{ "flows", "exit", HVT_FLOW_EXIT }, { "flows", "return", HVT_FLOW_RETURN },
	{ "flows", "switch", HVT_FLOW_SWITCH },
	{ "trace_flags", "thread", HVT_TRACE_THREAD }, { "trace_flags", "follow", HVT_TRACE_FOLLOW },
	{ "trace_flags", "kernel", HVT_TRACE_KERNEL }, { "trace_flags", "regs", HVT_TRACE_REGS },
	{ "trace_flags", "mem", HVT_TRACE_MEM }, { "trace_flags", "repeat", HVT_TRACE_REPEAT },
	{ "trace_flags", "body", HVT_TRACE_BODY },
	{ "encodings", "plain", HVT_ENC_PLAIN }, { "encodings", "const", HVT_ENC_CONST },
	{ "encodings", "planes", HVT_ENC_PLANES }, { "encodings", "delta", HVT_ENC_DELTA },
	{ "codecs", "plain", HVT_CODEC_PLAIN }, { "codecs", "zstd", HVT_CODEC_ZSTD },
};
/* clang-format on */

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static void put_names(struct buf *b)
{
	const char *of = "";
	size_t i;

	for (i = 0; i < NR(names); i++) {
		bool next = strcmp(of, names[i].of) != 0;

		if (next)
			buf_printf(b, "%s,\"%s\":{", i ? "}" : "", names[i].of);
		buf_printf(b, "%s\"%s\":%u", next ? "" : ",", names[i].name, names[i].value);
		of = names[i].of;
	}
	buf_puts(b, "}");
}

/* Of a column of bytes: how many each row has. NULL: it is none. */
static const char *len_of(unsigned int field)
{
	switch (field) {
	case HVT_FIELD_WIDE_BYTES:
		return "2 * len";
	case HVT_FIELD_INSN:
		return "insn_len";
	case HVT_FIELD_DELTA_BYTES:
		return "8 * bits set in mask";
	case HVT_FIELD_MEM_BYTES:
		return "len, when access is r | w: 2 * len";
	default:
		return NULL;
	}
}

static void put_fields(struct buf *b, unsigned int table)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < NR(fields); i++) {
		const struct field *f = &fields[i];

		if (HVT_FIELD_TABLE(f->id) != table)
			continue;
		buf_printf(b, "%s{\"name\":\"%s\",\"field\":%u,\"type\":\"%s\",\"width\":%u", comma,
			   f->name, f->id, f->type, f->width);
		if (len_of(f->id))
			buf_printf(b, ",\"len\":\"%s\"", len_of(f->id));
		buf_puts(b, "}");
		comma = ",";
	}
}

static void put_tables(struct buf *b)
{
	unsigned int i;

	buf_puts(b, ",\"tables\":[");
	for (i = 0; i < HVT_TABLES; i++) {
		buf_printf(b, "%s{\"name\":\"%s\",\"rows\":\"%s\",\"fields\":[", i ? "," : "",
			   tables[i].name, tables[i].rows);
		put_fields(b, i);
		buf_puts(b, "]}");
	}
	buf_puts(b, "]");
}

static void put_members(struct buf *b, const char *of)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < NR(members); i++) {
		const struct member *m = &members[i];

		if (strcmp(m->of, of) != 0)
			continue;
		buf_printf(b, "%s{\"name\":\"%s\",\"offset\":%zu,\"type\":\"%s\"", comma, m->name,
			   m->offset, m->type);
		if (m->count > 1)
			buf_printf(b, ",\"count\":%zu", m->count);
		buf_puts(b, "}");
		comma = ",";
	}
}

static void put_sections(struct buf *b)
{
	size_t i;

	buf_puts(b, ",\"sections\":[");
	for (i = 0; i < NR(sections); i++) {
		const struct section *s = &sections[i];

		buf_printf(b, "%s{\"name\":\"%s\",\"type\":%u,\"size\":%zu,\"fields\":[",
			   i ? "," : "", s->name, s->type, s->size);
		put_members(b, s->of);
		buf_puts(b, "]");
		if (s->then)
			buf_printf(b, ",\"then\":\"%s\"", s->then);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
}

void schema_json(struct buf *b)
{
	buf_printf(b, "{\"version\":%u,\"abi\":%u,\"endian\":\"little\"", HVT_LOG_VERSION, HVT_ABI);
	put_names(b);
	put_tables(b);
	put_sections(b);
	buf_puts(b, "}");
}
