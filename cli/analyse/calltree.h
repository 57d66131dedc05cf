/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree of calls: each path of functions once, with how often it was called and how many
 * instructions it executed. Knows nothing of events; calls.c grows it.
 */
#ifndef HVT_CLI_CALLTREE_H
#define HVT_CLI_CALLTREE_H

#include <hvtrace/hvtrace.h>

enum hvt_call_kind {
	HVT_CALL_ROOT = 0,
	HVT_CALL_FUNCTION,
	HVT_CALL_TAIL, /* a function that was jumped to, with the return address of its parent */
	HVT_CALL_SYSCALL,
	HVT_CALL_INTERRUPT,
	HVT_CALL_EXCEPTION,
	HVT_CALL_SIGNAL,
};

struct hvt_call {
	struct hvt_call *parent, *child, *last, *next; /* children as they were first met */
	enum hvt_call_kind kind;
	uint32_t depth; /* of a root: 0 */
	size_t id;	/* from 1, larger than the parent's */
	/*
	 * Of a function its first address, or where it was entered when it has no name; of
	 * others the system call's, signal's or vector's number.
	 */
	uint64_t entry;
	/* of entry, off is 0; of others the name alone. The strings are the tree's. */
	struct hvt_symbol sym;
	uint64_t calls;	      /* that were seen: 0 when it ran already */
	uint64_t self, total; /* instructions: its own, and with its children's */
};

/* Deeper than that nothing nests: children of the deepest follow each other. */
#define HVT_CALL_DEPTH 512u

struct hvt_calltree {
	struct hvt_call **nodes; /* by id - 1 */
	size_t n, cap;
	struct hvt_call **index; /* open addressing, by parent, kind and entry */
	size_t slots;		 /* a power of two, or 0 */
	char **strings;
	size_t nr_strings, cap_strings;
};

/*
 * The child of this kind, made if need be; parent NULL: a new root. sym may be NULL; its
 * off does not count. NULL: no memory.
 */
struct hvt_call *hvt_calltree_child(struct hvt_calltree *t, struct hvt_call *parent,
				    enum hvt_call_kind kind, uint64_t entry,
				    const struct hvt_symbol *sym);
/* Fills in the totals, when all is counted. */
void hvt_calltree_sum(struct hvt_calltree *t);
/* The node behind n, parents before their children; NULL: n was the last below its root. */
const struct hvt_call *hvt_call_after(const struct hvt_call *n);
void hvt_calltree_free(struct hvt_calltree *t);

#endif
