/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The reader API (libhvtrace), beside events: whole columns of all records of one type, for
 * who counts or plots them and needs no event. Straight from EVENTS sections into arrays, or
 * into the members of an array of structs.
 */
#ifndef HVTRACE_ROWS_H
#define HVTRACE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hvt_rows_section {
	const void *bytes; /* header and payload, as they are in the log */
	uint64_t len;
	uint64_t row;	/* of the first of its records of the type */
	uint32_t count; /* of them: what hvt_rows_count() said */
	uint32_t pad;
};

#define HVT_ROWS_CPU 0x10000u /* a u32 */
#define HVT_ROWS_NS  0x10001u /* a u64: tsc by the clocks */

/*
 * A field of RECORD or of the type's own table, or what the records mean of CODE or TASK; not
 * their bytes.
 */
struct hvt_rows_column {
	uint32_t field;	 /* enum hvt_field, of GPA_GLA the gpa is put; or HVT_ROWS_* */
	uint32_t part;	 /* of FLOW_ARG: which of the 6, a u64; else 0 */
	void *to;	 /* of row 0: as many bytes as the field has */
	uint64_t stride; /* bytes from one row's to the next one's */
};

#define HVT_ROWS_COLUMNS 32

struct hvt_rows {
	uint32_t type;	  /* HVT_REC_ACCESS, HVT_REC_INSN or HVT_REC_FLOW */
	uint32_t threads; /* that put them, at most; 0 is 1 */
	const struct hvt_rows_section *sections;
	uint64_t nr_sections;
	const struct hvt_rows_column *columns;
	uint64_t nr_columns;		    /* HVT_ROWS_COLUMNS at most */
	const struct hvt_log_clock *clocks; /* by tsc, without any whose tsc_khz is 0 */
	uint64_t nr_clocks;
	/*
	 * The order of all CPUs, (tsc, cpu, row), in which rows are put: tsc has the times of all
	 * rows, put before by the same sections, which with them are not looked at again, nor are
	 * checksums. Rows of the c-th CPU are starts[c] up to starts[c + 1], which ends the last
	 * one, too, and their times do not go back. NULL, 0: rows are put where they are.
	 */
	const uint64_t *tsc, *starts;
	uint64_t nr_cpus;
	const void *bad; /* out: bytes of the first section in memory that was -EBADMSG */
};

/*
 * How many records of a type an EVENTS section has: its header and payload, len bytes as they
 * are in the log. -EBADMSG: it is malformed, or none. -EINVAL: there are no rows of that type.
 */
int hvt_rows_count(uint32_t type, const void *section, size_t len);

/*
 * Puts the columns of the records of all sections. 0, -EBADMSG (nothing was put of a section
 * that is malformed, has another checksum or another count; all of the others), -EINVAL (no
 * such type or field, or too many columns) or -ENOMEM.
 */
int hvt_rows_load(struct hvt_rows *rows);

#ifdef __cplusplus
}
#endif

#endif
