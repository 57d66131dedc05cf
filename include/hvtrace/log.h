/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The hvtrace log: one stream, the same bytes in a file and in a pipe.
 *
 *   struct hvt_log_header, then sections until the end of the stream. Each section
 *   is a struct hvt_section followed by len payload bytes, padded with zeros to 8.
 *   A reader skips types that it does not know. A log that was cut short is valid
 *   up to its last whole section; a complete one ends with HVT_SEC_END.
 *
 * Little-endian. Times are nanoseconds of CLOCK_MONOTONIC or TSC ticks; CLOCK
 * sections tie the two. CRCs are CRC-32 (zlib's polynomial).
 */
#ifndef HVTRACE_LOG_H
#define HVTRACE_LOG_H

#include <stdint.h>

#define HVT_LOG_MAGIC	"HVTRACE\n"
#define HVT_LOG_VERSION 1

struct hvt_log_header {
	char magic[8];
	uint32_t version;    /* HVT_LOG_VERSION; a reader refuses a higher one */
	uint32_t header_len; /* bytes of this struct; sections start there */
	uint32_t abi;	     /* HVT_ABI of the records */
	uint32_t nr_cpus;
	uint64_t reserved[4]; /* 0 */
	uint32_t pad;
	uint32_t crc; /* of the bytes before it */
};

enum hvt_sec_type {
	HVT_SEC_SCHEMA = 1,  /* JSON: the record layouts */
	HVT_SEC_HOST = 2,    /* JSON: host, kernel, CPU, argv, caps */
	HVT_SEC_CLOCK = 3,   /* struct hvt_log_clock */
	HVT_SEC_WATCH = 4,   /* struct hvt_log_watch */
	HVT_SEC_EVENTS = 5,  /* records of one CPU, whole, in seq order */
	HVT_SEC_ROUND = 6,   /* struct hvt_log_round */
	HVT_SEC_KSYM = 7,    /* struct hvt_log_ksym */
	HVT_SEC_TASK = 8,    /* struct hvt_log_task */
	HVT_SEC_MAP = 9,     /* struct hvt_log_map */
	HVT_SEC_ARMED = 10,  /* no payload: all watches named so far are armed */
	HVT_SEC_STAT = 11,   /* struct hvt_log_stat[nr_cpus] */
	HVT_SEC_END = 12,    /* struct hvt_log_end; nothing follows */
	HVT_SEC_FILTER = 13, /* struct hvt_filter (uapi.h); before the watches that use it */
};

struct hvt_section {
	uint32_t type;	    /* enum hvt_sec_type */
	uint32_t codec;	    /* 0: plain */
	uint64_t len;	    /* payload bytes */
	uint32_t cpu;	    /* EVENTS */
	uint32_t count;	    /* records or structs in it */
	uint64_t tsc_first; /* EVENTS: smallest and largest tsc in it */
	uint64_t tsc_last;
	uint32_t crc;  /* of the payload */
	uint32_t hcrc; /* of this header up to here */
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

/*
 * Written after the EVENTS of one drain of all rings: every record with a tsc
 * below `tsc` is in the stream by now. A live reader merges up to here.
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
};

#endif
