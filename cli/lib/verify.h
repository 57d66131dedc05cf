/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the two passes of hvt_verify() share. The first (verify.c) looks at the stream as
 * it was written and learns where records are missing; the second (verify_chain.c) looks
 * at the records of all CPUs in their one order. Not for other files of the library.
 */
#ifndef HVT_LIB_VERIFY_H
#define HVT_LIB_VERIFY_H

#include "internal.h"

/*
 * Records of a CPU are missing whose tsc was in (from, to]; or a run went on then, which is
 * recorded when it is over.
 */
struct hvt_loss {
	uint64_t from, to;
	bool run;
};

struct hvt_verify {
	struct hvt_verdict *verdict;
	struct hvt_reader *reader; /* of this pass */
	struct hvt_loss *losses;   /* after the first pass: sorted and disjoint */
	size_t nr_losses, cap_losses;
	struct hvt_log_watch *watches;
	size_t nr_watches, cap_watches;
};

void hvt_verify_flaw(struct hvt_verify *v, enum hvt_flaw_kind kind, const struct hvt_flaw *flaw);

/* ---- verify_chain.c ---- */

struct hvt_chain;

struct hvt_chain *hvt_chain_new(struct hvt_verify *v);
void hvt_chain_free(struct hvt_chain *c);
/* Takes the n records of one CPU with one tsc. 0 or -ENOMEM. */
int hvt_chain_add(struct hvt_chain *c, const struct hvt_pending *p, size_t n);

/* ---- verify_pages.c: what is known of physical memory ---- */

struct hvt_vpage;
struct hvt_vpages;

struct hvt_vpages *hvt_vpages_new(const struct hvt_verify *v);
void hvt_vpages_free(struct hvt_vpages *p);

/*
 * The page at gpa, whose bytes are there until another page is asked for; NULL: no memory.
 * Forgets what an earlier hvt_vpages_void() voided.
 */
struct hvt_vpage *hvt_vpages_get(struct hvt_vpages *p, uint64_t gpa);

/* Records are missing from here on: nothing known before proves anything later. */
void hvt_vpages_void(struct hvt_vpages *p);

/*
 * The page is what pid (0: the kernel) has at va: its bytes that a watch covers are known
 * from now on. 0 or -ENOMEM.
 */
int hvt_vpages_place(struct hvt_vpages *p, struct hvt_vpage *page, int32_t pid, uint64_t va);
/* The page that pid has at va, as far as a record told; NULL: not known. */
struct hvt_vpage *hvt_vpages_at(struct hvt_vpages *p, int32_t pid, uint64_t va);
/* No longer: it is at new_gpa (HVT_GPA_NONE: nowhere). 0 or -ENOMEM. */
int hvt_vpages_remap(struct hvt_vpages *p, int32_t pid, uint64_t va, uint64_t old_gpa,
		     uint64_t new_gpa);
/* Does a watch of writes without a filter cover a byte of the page at va? */
bool hvt_vpages_watched(const struct hvt_vpages *p, int32_t pid, uint64_t va);
uint64_t hvt_vpage_gpa(const struct hvt_vpage *page);
/* Are the page's watched bytes known? */
bool hvt_vpage_placed(const struct hvt_vpage *page);
const struct hvt_log_watch *hvt_vpages_watch(const struct hvt_vpages *p, uint32_t id);

/* Is rank the next in the page's order? *last is the one before it, if false. */
bool hvt_vpage_rank(struct hvt_vpages *p, struct hvt_vpage *page, uint64_t rank, uint32_t cpu,
		    uint64_t tsc, uint64_t *last);

/*
 * Compare n bytes at off with what is known. The offset in bytes[] of the first one that
 * differs, with *known what it was; n when none does. Counts links in the verdict.
 */
uint32_t hvt_vpage_check(struct hvt_vpages *p, struct hvt_vpage *page, uint32_t off,
			 const uint8_t *bytes, uint32_t n, uint8_t *known);
/* 0 or -ENOMEM. */
int hvt_vpage_set(struct hvt_vpages *p, struct hvt_vpage *page, uint32_t off, const uint8_t *bytes,
		  uint32_t n);
void hvt_vpage_forget(struct hvt_vpage *page, uint32_t off, uint32_t n);

#endif
