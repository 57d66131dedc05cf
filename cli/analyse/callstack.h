/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stack of one thread, and where control went: the rules by which a frame is pushed
 * and popped. calls.c says which event means what.
 */
#ifndef HVT_CLI_CALLSTACK_H
#define HVT_CLI_CALLSTACK_H

#include <stdbool.h>

#include "branch.h"
#include "calltree.h"

/* What the last instruction left open: where the next one is says what it did. */
struct hvt_callflow {
	bool known;
	enum hvt_branch branch;
	uint64_t ip, next; /* the instruction, and the one behind it */
};

struct hvt_frame {
	enum hvt_call_kind kind;
	struct hvt_call *node;	  /* NULL: of an interrupt in which nothing was traced so far */
	uint64_t ret;		  /* where it will return to; 0: not known */
	uint64_t entry;		  /* as of the node, also when that is NULL */
	struct hvt_callflow flow; /* not of functions: what goes on behind it, ... */
	size_t below;		  /* ... and as open of the stack */
};

struct hvt_callstack {
	struct hvt_calltree *tree;
	struct hvt_call *root;
	struct hvt_frame *v;
	size_t n, cap;
	size_t open; /* the topmost frame that is no function, + 1; 0: none */
	struct hvt_callflow flow;
};

/* All: 0 or -ENOMEM. */

/* The next instruction is at ip, which sym names. */
int hvt_callstack_arrive(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym);
/*
 * Something that is no function begins: its instructions are not those of what it stops.
 * It is counted now and called name (or NULL), or with its first instruction.
 */
int hvt_callstack_open(struct hvt_callstack *s, enum hvt_call_kind kind, uint64_t number);
int hvt_callstack_count(struct hvt_callstack *s, const char *name);
/* The topmost frame's node, made if need be. */
int hvt_callstack_node(struct hvt_callstack *s, struct hvt_call **node);

/*
 * The topmost frame of one of these kinds (bits: 1 << kind) ends, with all above it; what
 * it stopped goes on. False: there is none.
 */
bool hvt_callstack_close(struct hvt_callstack *s, unsigned int kinds);
/* The same, but that frame stays, and begins anew. */
void hvt_callstack_uncover(struct hvt_callstack *s, unsigned int kinds);
/* How many of them there are. */
unsigned int hvt_callstack_depth(const struct hvt_callstack *s, unsigned int kinds);
void hvt_callstack_clear(struct hvt_callstack *s);

#endif
