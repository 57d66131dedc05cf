/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The hvtrace log: one stream, the same bytes in a file and in a pipe. hvtrace.data(5)
 * explains it to somebody who has only that page.
 *
 *   struct hvt_log_header, then sections until the end of the stream. Each section
 *   is a struct hvt_section followed by len payload bytes, padded with zeros to 8.
 *   A reader skips types that it does not know. A log that was cut short is valid
 *   up to its last whole section; a complete one ends with HVT_SEC_END, which tells
 *   where the index is.
 *
 * Little-endian. Times are nanoseconds of CLOCK_MONOTONIC or TSC ticks; CLOCK
 * sections tie the two. CRCs are CRC-32 (zlib's polynomial). Offsets in the stream
 * count from its first byte.
 */
#ifndef HVTRACE_LOG_H
#define HVTRACE_LOG_H

#include <stdint.h>

#define HVT_LOG_MAGIC	"HVTRACE\n"
#define HVT_LOG_VERSION 2

struct hvt_log_header {
	char magic[8];
	uint32_t version;    /* HVT_LOG_VERSION; a reader refuses any other */
	uint32_t header_len; /* bytes of this struct; sections start there */
	uint32_t abi;	     /* HVT_ABI of the records */
	uint32_t nr_cpus;
	uint64_t reserved[4]; /* 0 */
	uint32_t pad;
	uint32_t crc; /* of the bytes before it */
};

enum hvt_sec_type {
	HVT_SEC_SCHEMA = 1,  /* JSON: structs, tables and fields, by name */
	HVT_SEC_HOST = 2,    /* JSON: host, kernel, CPU, argv, caps */
	HVT_SEC_CLOCK = 3,   /* struct hvt_log_clock */
	HVT_SEC_WATCH = 4,   /* struct hvt_log_watch */
	HVT_SEC_EVENTS = 5,  /* struct hvt_log_chunk: records of one CPU, in seq order */
	HVT_SEC_ROUND = 6,   /* struct hvt_log_round */
	HVT_SEC_KSYM = 7,    /* struct hvt_log_ksym */
	HVT_SEC_TASK = 8,    /* struct hvt_log_task */
	HVT_SEC_MAP = 9,     /* struct hvt_log_map */
	HVT_SEC_ARMED = 10,  /* no payload: all watches named so far are armed */
	HVT_SEC_STAT = 11,   /* struct hvt_log_stat[nr_cpus] */
	HVT_SEC_END = 12,    /* struct hvt_log_end; nothing follows */
	HVT_SEC_FILTER = 13, /* struct hvt_filter (uapi.h); before the watches that use it */
	HVT_SEC_OBJECT = 14, /* struct hvt_log_object */
	HVT_SEC_SYMTAB = 15, /* struct hvt_log_symtab */
	HVT_SEC_MARK = 16,   /* struct hvt_log_mark */
	HVT_SEC_INDEX = 17,  /* struct hvt_log_index, entries; the last one is before END */
	HVT_SEC_TRACE = 18,  /* struct hvt_log_trace; ARMED speaks of these, too */
};

enum hvt_codec {
	HVT_CODEC_PLAIN = 0,
	HVT_CODEC_ZSTD = 1, /* one zstd frame (RFC 8878), without a dictionary */
};

#define HVT_SECTION_MAX (64u << 20) /* of len and raw_len */

struct hvt_section {
	uint32_t type;	    /* enum hvt_sec_type */
	uint32_t codec;	    /* enum hvt_codec, of the whole payload; EVENTS: plain */
	uint64_t len;	    /* payload bytes as stored, without the padding */
	uint64_t raw_len;   /* payload bytes when decompressed; plain: len */
	uint32_t cpu;	    /* EVENTS */
	uint32_t count;	    /* records or structs in it */
	uint64_t tsc_first; /* EVENTS: smallest and largest tsc in it, ... */
	uint64_t tsc_last;
	uint64_t seq_first; /* ... seq of its first record */
	uint32_t crc;	    /* of the payload as stored */
	uint32_t hcrc;	    /* of this header up to here */
};

/*
 * EVENTS: the records of uapi.h, turned into columns. A record of the ring is a row in
 * one table or several; a field of a table is one column: its values in all rows, one
 * after the other. The number of a field is that of its table times 256, plus its own.
 * A table with rows has all its columns. Tables and fields that a reader does not know
 * are passed over.
 *
 *   struct hvt_log_chunk, struct hvt_log_column[columns], then what each column
 *   stores, in the order of their descriptions and without gaps, up to len.
 */
#define HVT_CHUNK_RECORDS_MAX 65536u
#define HVT_CHUNK_MAX	      (16u << 20) /* decoded bytes of all columns */

enum hvt_table {
	HVT_TABLE_RECORD = 0, /* every record: struct hvt_rec */
	HVT_TABLE_ACCESS = 1, /* those of type ACCESS, in this order; of type ... */
	HVT_TABLE_LOST = 2,   /* ... LOST ... */
	HVT_TABLE_REMAP = 3,  /* ... REMAP */
	HVT_TABLE_REGS = 4,   /* the accesses with HVT_RF_REGS, in this order; with ... */
	HVT_TABLE_RUN = 5,    /* ... HVT_RF_RUN ... */
	HVT_TABLE_WIDE = 6,   /* ... HVT_RF_WIDE */
	HVT_TABLE_CODE = 7,   /* dictionary: the instructions of ACCESS, INSN and FLOW rows */
	HVT_TABLE_TASK = 8,   /* dictionary: who did them; of INSN and FLOW cr3 and comm are 0 */
	HVT_TABLE_INSN = 9,   /* those of type INSN, in this order; of type ... */
	HVT_TABLE_FLOW = 10,  /* ... FLOW */
	HVT_TABLE_DELTA = 11, /* the instructions with HVT_RF_DELTA, in this order; with ... */
	HVT_TABLE_MEMS = 12,  /* ... HVT_RF_MEM */
	HVT_TABLE_MEM = 13,   /* the operands of those, in this order: nr of each */
	HVT_TABLES
};

/*
 * X(name, table, number in the table, bytes of an element, type). A "bytes" column has
 * as many bytes for each row as another column of its table says.
 */
/* clang-format off */
#define HVT_FIELDS(X)							\
	X(TYPE,       RECORD, 0, 1,   "u8",      "type")		\
	X(FLAGS,      RECORD, 1, 2,   "u16",     "flags")		\
	X(WATCH,      RECORD, 2, 4,   "u32",     "watch")		\
	X(SEQ,        RECORD, 3, 8,   "u64",     "seq")			\
	X(TSC,        RECORD, 4, 8,   "u64",     "tsc")			\
	X(CODE,       ACCESS, 0, 2,   "u16",     "code")		\
	X(TASK,       ACCESS, 1, 2,   "u16",     "task")		\
	X(GLA,        ACCESS, 2, 8,   "u64",     "gla")			\
	X(GPA_GLA,    ACCESS, 3, 8,   "u64",     "gpa_gla")		\
	X(SIZE,       ACCESS, 4, 4,   "u32",     "size")		\
	X(ACCESS,     ACCESS, 5, 1,   "u8",      "access")		\
	X(VECTOR,     ACCESS, 6, 1,   "u8",      "vector")		\
	X(ORDER,      ACCESS, 7, 8,   "u64",     "order")		\
	X(OLD,        ACCESS, 8, 8,   "u64",     "old")			\
	X(NEW,        ACCESS, 9, 8,   "u64",     "new")			\
	X(LOST_COUNT, LOST,   0, 8,   "u64",     "count")		\
	X(VA,         REMAP,  0, 8,   "u64",     "va")			\
	X(OLD_GPA,    REMAP,  1, 8,   "u64",     "old_gpa")		\
	X(NEW_GPA,    REMAP,  2, 8,   "u64",     "new_gpa")		\
	X(REMAP_PID,  REMAP,  3, 4,   "u32",     "pid")			\
	X(REMAP_TID,  REMAP,  4, 4,   "u32",     "tid")			\
	X(GPR,        REGS,   0, 128, "u64[16]", "gpr")			\
	X(RUN_COUNT,  RUN,    0, 8,   "u64",     "count")		\
	X(RUN_ELEM,   RUN,    1, 4,   "u32",     "elem")		\
	X(RUN_DOWN,   RUN,    2, 4,   "u32",     "down")		\
	X(WIDE_OFF,   WIDE,   0, 4,   "u32",     "off")			\
	X(WIDE_LEN,   WIDE,   1, 4,   "u32",     "len")			\
	X(WIDE_BYTES, WIDE,   2, 1,   "bytes",   "bytes")		\
	X(IP,         CODE,   0, 8,   "u64",     "ip")			\
	X(INSN_LEN,   CODE,   1, 1,   "u8",      "insn_len")		\
	X(INSN,       CODE,   2, 1,   "bytes",   "insn")		\
	X(PID,        TASK,   0, 4,   "u32",     "pid")			\
	X(TID,        TASK,   1, 4,   "u32",     "tid")			\
	X(CR3,        TASK,   2, 8,   "u64",     "cr3")			\
	X(COMM,       TASK,   3, 16,  "char[16]", "comm")		\
	X(INSN_CODE,  INSN,   0, 2,   "u16",     "code")		\
	X(INSN_TASK,  INSN,   1, 2,   "u16",     "task")		\
	X(INSN_BODY,  INSN,   2, 4,   "u32",     "body")		\
	X(INSN_NEST,  INSN,   3, 1,   "u8",      "nest")		\
	X(FLOW_CODE,  FLOW,   0, 2,   "u16",     "code")		\
	X(FLOW_TASK,  FLOW,   1, 2,   "u16",     "task")		\
	X(FLOW_TO,    FLOW,   2, 8,   "u64",     "to")			\
	X(FLOW_WHAT,  FLOW,   3, 1,   "u8",      "what")		\
	X(FLOW_VECTOR, FLOW,  4, 1,   "u8",      "vector")		\
	X(FLOW_NEST,  FLOW,   5, 1,   "u8",      "nest")		\
	X(FLOW_NUMBER, FLOW,  6, 4,   "u32",     "number")		\
	X(FLOW_ARG,   FLOW,   7, 48,  "u64[6]",  "arg")			\
	X(FLOW_BODY,  FLOW,   8, 4,   "u32",     "body")		\
	X(DELTA_MASK, DELTA,  0, 4,   "u32",     "mask")		\
	X(DELTA_BYTES, DELTA, 1, 1,   "bytes",   "bytes")		\
	X(MEMS_NR,    MEMS,   0, 4,   "u32",     "nr")			\
	X(MEMS_EXACT, MEMS,   1, 1,   "u8",      "exact")		\
	X(MEM_ADDR,   MEM,    0, 8,   "u64",     "addr")		\
	X(MEM_SIZE,   MEM,    1, 4,   "u32",     "size")		\
	X(MEM_ACCESS, MEM,    2, 1,   "u8",      "access")		\
	X(MEM_LEN,    MEM,    3, 2,   "u16",     "len")			\
	X(MEM_BYTES,  MEM,    4, 1,   "bytes",   "bytes")
/* clang-format on */

#define HVT_FIELD_TABLE(field) ((field) >> 8)

enum hvt_field {
#define HVT_FIELD_ID(name, table, number, width, type, label) \
	HVT_FIELD_##name = HVT_TABLE_##table << 8 | (number),
	HVT_FIELDS(HVT_FIELD_ID)
#undef HVT_FIELD_ID
};

/*
 * How a column's elements were turned into the bytes that its codec got. Planes: the first
 * bytes of all elements, then the second ones, and so on.
 */
enum hvt_encoding {
	HVT_ENC_PLAIN = 0,
	HVT_ENC_CONST = 1,  /* one element, which is that of all rows */
	HVT_ENC_PLANES = 2, /* in planes */
	/*
	 * What each element adds to the one before it (the first: to 0), modulo 2^bits,
	 * as 2d when d, read as signed, is not below 0, and as -2d - 1 when it is; then
	 * in planes. For widths of 1, 2, 4 and 8.
	 */
	HVT_ENC_DELTA = 3,
};

struct hvt_log_chunk {
	uint32_t columns;
	uint32_t pad; /* 0 */
};

struct hvt_log_column {
	uint16_t field;	  /* enum hvt_field */
	uint16_t width;	  /* bytes of an element */
	uint8_t encoding; /* enum hvt_encoding */
	uint8_t codec;	  /* enum hvt_codec */
	uint16_t pad;	  /* 0 */
	uint32_t count;	  /* elements; decompressed it has width times as many bytes, CONST width */
	uint32_t len;	  /* bytes as stored */
};

struct hvt_log_clock {
	uint64_t tsc, mono_ns, real_ns, tsc_khz;
};

struct hvt_log_watch {
	uint32_t id, access; /* HVT_ACC_* */
	int32_t pid;	     /* whose memory; 0: the kernel's */
	uint32_t spec_len;   /* bytes of spec, no NUL */
	uint64_t addr, len;  /* linear, or physical with HVT_WATCH_PHYS */
	uint32_t flags;	     /* HVT_WATCH_* (uapi.h) */
	uint32_t filter;     /* id of a FILTER section; 0: none */

	/* char spec[]: as the user wrote it */
};

struct hvt_log_trace {
	uint32_t id, flags; /* HVT_TRACE_* (uapi.h) */
	int32_t pid;	    /* whose instructions; 0: of a function */
	uint32_t spec_len;  /* bytes of spec, no NUL */
	uint64_t addr, len; /* with HVT_TRACE_BODY: the function */
	uint64_t from, to, after, count;
	uint32_t on; /* id of a WATCH section; 0: none */
	uint32_t nr_only, nr_skip;
	uint32_t pad;

	/* struct hvt_trace_range range[nr_only + nr_skip]; char spec[]: as the user wrote it */
};

/*
 * Every record with a tsc below `tsc` is in the stream by now. A reader that does not
 * seek merges up to here.
 */
struct hvt_log_round {
	uint64_t tsc;
};

/* With start in the user half it names physical memory: a line of /proc/iomem. */
struct hvt_log_ksym {
	uint64_t start, len; /* the symbol covers [start, start + len) */
	uint32_t name_len, module_len;
	/* char name[], module[] */
};

enum hvt_task_what {
	HVT_TASK_SEEN = 1, /* existed when first met */
	HVT_TASK_FORK = 2, /* ppid/ptid say by whom */
	HVT_TASK_COMM = 3,
	HVT_TASK_EXEC = 4, /* comm changed by execve: maps are void */
	HVT_TASK_EXIT = 5,
};

struct hvt_log_task {
	uint64_t ns;
	uint32_t what; /* enum hvt_task_what */
	uint32_t pid, tid;
	uint32_t ppid, ptid;
	uint32_t comm_len;
	/* char comm[] */
};

struct hvt_log_map {
	uint64_t ns;	     /* mapped at this time or before */
	uint64_t start, end; /* addresses */
	uint64_t offset;     /* in the file, of start */
	uint32_t pid;
	uint32_t prot;	       /* PROT_* */
	uint32_t build_id_len; /* 0 when unknown */
	uint32_t path_len;
	/* uint8_t build_id[]; char path[] */
};

#define HVT_OBJECT_UNREADABLE (1u << 0) /* gone, forbidden, or another file by now */
#define HVT_OBJECT_STRIPPED   (1u << 1) /* it has no .symtab ... */
#define HVT_OBJECT_DEBUG      (1u << 2) /* ... which was taken from its debug file */
#define HVT_OBJECT_CUT	      (1u << 3) /* the agent's limits kept symbols out of SYMTAB */

/*
 * What an event touched a mapping of, by ip or by address: the MAP sections with the same
 * path and build-id. Written once, before the ROUND that lets the event out.
 */
struct hvt_log_object {
	uint32_t id;	  /* from 1 */
	uint32_t flags;	  /* HVT_OBJECT_* */
	uint32_t nr_segs; /* 0: unreadable, or not ELF */
	uint32_t build_id_len, path_len, pad;
	/* struct hvt_log_segment segs[]; uint8_t build_id[]; char path[] */
};

/* A PT_LOAD of the file: its byte `offset` is at the link-time address `vaddr`. */
struct hvt_log_segment {
	uint64_t offset, filesz, vaddr, memsz;
	uint32_t prot; /* PROT_* */
	uint32_t pad;
};

/*
 * The symbols of an OBJECT that came before: functions, data and labels of .symtab and
 * .dynsym by link-time address; of those with one address the best name is the last.
 * For each there is in table[] its address less the one before and its size, as unsigned
 * LEB128 (DWARF 5, 7.6), and the byte st_info (gABI); in names[], in the same order, its
 * name and a NUL: any bytes, as they are in the file.
 */
struct hvt_log_symtab {
	uint32_t object; /* id */
	uint32_t nr;
	uint32_t table_len, names_len;
	/* uint8_t table[]; char names[] */
};

/* A note of the user, by time between the records. */
struct hvt_log_mark {
	uint64_t ns, tsc;
	uint32_t uid, pid; /* who made it */
	uint32_t text_len; /* up to HVT_MARK_MAX */
	uint32_t pad;
	/* char text[]: any bytes */
};

#define HVT_MARK_MAX 4096

/* The abstract unix datagram socket of a session's agent, its process number behind it. */
#define HVT_MARK_SOCKET "hvtrace-mark/"

struct hvt_log_stat {
	uint64_t produced, consumed, lost; /* records; produced = consumed + lost */
};

enum hvt_end_reason {
	HVT_END_STOP = 1,   /* asked to (signal, closed control pipe) */
	HVT_END_TARGET = 2, /* the target exited */
	HVT_END_BROKEN = 3, /* root mode failed; see dmesg */
	HVT_END_LIMIT = 4,  /* as many were recorded as the filter allows */
};

struct hvt_log_end {
	uint32_t reason; /* enum hvt_end_reason */
	uint32_t pad;
	uint64_t ns;
	uint64_t index; /* offset of the last INDEX section in the stream; 0: none */
};

/* A complete log ends with so many bytes: the END section, never compressed. */
#define HVT_END_BYTES (sizeof(struct hvt_section) + sizeof(struct hvt_log_end))

/*
 * All sections since the INDEX before this one, but ROUND, INDEX and END. It follows from
 * their headers: a reader of a log without END walks these instead.
 */
struct hvt_log_index {
	uint64_t prev; /* offset of the INDEX section before this one; 0: none */

	/* struct hvt_log_index_entry[] */
};

struct hvt_log_index_entry {
	uint64_t off; /* of the section's header */
	uint32_t type, cpu, count;
	uint32_t pad;
	uint64_t tsc_first, tsc_last, seq_first;
};

#define HVT_INDEX_ENTRIES 65536u /* in one section, at most */

#endif
