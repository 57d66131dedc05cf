/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes log streams in memory with the structs of log.h, for tests. Aborts when out of
 * memory: it is test code.
 */
#ifndef LOGBUILD_H
#define LOGBUILD_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

struct logbuild {
	uint8_t *bytes;
	size_t len, cap;
};

void lb_free(struct logbuild *lb);
void lb_bytes(struct logbuild *lb, const void *bytes, size_t len);
void lb_header(struct logbuild *lb, uint32_t nr_cpus);
/* Of EVENTS the payload is records as in a ring; several sections when they are many. */
void lb_section(struct logbuild *lb, uint32_t type, uint32_t cpu, const void *payload, size_t len);
/* The CRCs of the section at off anew, after a test has changed its bytes. */
void lb_reseal(struct logbuild *lb, size_t off);

void lb_clock(struct logbuild *lb, uint64_t tsc, uint64_t ns, uint64_t khz);
void lb_watch(struct logbuild *lb, uint32_t id, uint32_t access, int32_t pid, uint64_t addr,
	      uint64_t len, const char *spec);
/* The same with HVT_WATCH_* and the id of a filter. */
void lb_watch_with(struct logbuild *lb, const struct hvt_log_watch *w, const char *spec);
void lb_filter(struct logbuild *lb, const struct hvt_filter *f);
void lb_round(struct logbuild *lb, uint64_t tsc);
void lb_ksym(struct logbuild *lb, uint64_t start, uint64_t len, const char *name,
	     const char *module);
void lb_task(struct logbuild *lb, uint64_t ns, uint32_t what, uint32_t pid, uint32_t ppid);
/* The same of any thread, by any name. */
void lb_task_with(struct logbuild *lb, const struct hvt_log_task *t, const char *comm);
void lb_map(struct logbuild *lb, uint64_t ns, uint32_t pid, uint64_t start, uint64_t end,
	    uint64_t offset, uint32_t prot, const char *path, const uint8_t *id, size_t id_len);
void lb_end(struct logbuild *lb, uint32_t reason);

/* A 2-slot write of 4 bytes by pid 100 at CPL 3 to start from: "mov dword ptr [rdi], eax". */
struct hvt_rec_access lb_access(uint64_t seq, uint64_t tsc, uint64_t gla);

/* One record with what its flags announce: gpr (or NULL), value bytes old and new. */
void lb_record(struct logbuild *records, struct hvt_rec_access *a, const uint64_t *gpr,
	       uint32_t off, const void *old, const void *new_, uint32_t len);
/* The same with a run of a REP instruction (or NULL). */
void lb_record_run(struct logbuild *records, struct hvt_rec_access *a, const uint64_t *gpr,
		   const struct hvt_rec_run *run, uint32_t off, const void *old, const void *new_,
		   uint32_t len);
void lb_lost(struct logbuild *records, uint64_t seq, uint64_t tsc, uint64_t count);
void lb_remap(struct logbuild *records, uint64_t seq, uint64_t tsc, uint64_t va, uint64_t old_gpa,
	      uint64_t new_gpa);

/* What mklog writes: two CPUs, watches of all kinds, all kinds of records. */
void lb_sample(struct logbuild *lb);

/*
 * What mklog filtered writes: BLIND stores over a watch whose filter wants changes to 16
 * and above. Of 7 records 3 pass: the 1st and 4th store, and the last record.
 */
void lb_filtered(struct logbuild *lb);

#endif
