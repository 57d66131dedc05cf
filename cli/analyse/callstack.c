/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to push and to pop. A function is known by its first address; code without a name
 * is taken for the function that it was entered as, as nothing says where that ends.
 */
#include "callstack.h"

#include <errno.h>
#include <string.h>

#include "lib/internal.h"

/* More than a program's stack has room for, unless its calls do not come back. */
#define FRAMES_MAX 262144u

static struct hvt_frame *top(const struct hvt_callstack *s)
{
	return s->n ? &s->v[s->n - 1] : NULL;
}

static bool is_function(const struct hvt_frame *f)
{
	return f && (f->kind == HVT_CALL_FUNCTION || f->kind == HVT_CALL_TAIL);
}

static uint64_t entry_of(uint64_t ip, const struct hvt_symbol *sym)
{
	return sym->name ? ip - sym->off : ip;
}

static bool at_entry(const struct hvt_symbol *sym)
{
	return sym->name && !sym->off;
}

/* Is ip in the function of this frame? */
static bool within(const struct hvt_frame *f, uint64_t ip, const struct hvt_symbol *sym)
{
	const struct hvt_symbol *mine = &f->node->sym;

	if (mine->name || sym->name)
		return mine->name && sym->name && f->entry == entry_of(ip, sym);
	return mine->obj == sym->obj || (mine->obj && sym->obj && !strcmp(mine->obj, sym->obj));
}

/* All but the lowest n frames end. */
static void cut(struct hvt_callstack *s, size_t n)
{
	s->n = n;
	while (s->open > n)
		s->open = s->v[s->open - 1].below;
}

/*
 * Return addresses that nobody uses pile up when stacks are switched: the oldest half
 * goes. Of what is still to come back from it only the nesting is lost.
 */
static int make_room(struct hvt_callstack *s)
{
	const size_t half = FRAMES_MAX / 2;
	size_t i;

	if (s->n == FRAMES_MAX) {
		s->n -= half;
		memmove(s->v, s->v + half, s->n * sizeof(*s->v));
		s->open = s->open > half ? s->open - half : 0;
		for (i = s->open; i; i = s->v[i - 1].below)
			s->v[i - 1].below = s->v[i - 1].below > half ? s->v[i - 1].below - half : 0;
	}
	return hvt_grow((void **)&s->v, &s->cap, s->n, sizeof(*s->v));
}

static int make_nodes(struct hvt_callstack *s, struct hvt_call **node, const char *name)
{
	const struct hvt_symbol sym = { .name = name };
	struct hvt_call *parent = s->root;
	struct hvt_frame *f;
	size_t i = s->n;

	while (i && !s->v[i - 1].node)
		i--;
	if (i)
		parent = s->v[i - 1].node;
	for (; i < s->n; i++, parent = f->node) {
		f = &s->v[i];
		f->node = hvt_calltree_child(s->tree, parent, f->kind, f->entry, &sym);
		if (!f->node)
			return -ENOMEM;
		f->node->calls++;
	}
	*node = parent;
	return 0;
}

int hvt_callstack_node(struct hvt_callstack *s, struct hvt_call **node)
{
	return make_nodes(s, node, NULL);
}

int hvt_callstack_count(struct hvt_callstack *s, const char *name)
{
	struct hvt_call *node;

	return make_nodes(s, &node, name);
}

static int push(struct hvt_callstack *s, enum hvt_call_kind kind, uint64_t ip,
		const struct hvt_symbol *sym, uint64_t ret, bool called)
{
	struct hvt_frame f = { .kind = kind, .ret = ret, .entry = entry_of(ip, sym) };
	struct hvt_call *parent;

	if (make_room(s) || hvt_callstack_node(s, &parent))
		return -ENOMEM;
	f.node = hvt_calltree_child(s->tree, parent, kind, f.entry, sym);
	if (!f.node)
		return -ENOMEM;
	f.node->calls += called;
	s->v[s->n++] = f;
	return 0;
}

/* A call inside a function, to learn the address or to get around predictions. */
static int push_inner(struct hvt_callstack *s, uint64_t ret)
{
	struct hvt_frame f = *top(s);

	if (make_room(s))
		return -ENOMEM;
	f.kind = HVT_CALL_FUNCTION;
	f.ret = ret;
	s->v[s->n++] = f;
	return 0;
}

static bool is_inner(const struct hvt_callstack *s)
{
	return s->n > 1 && is_function(top(s)) && s->v[s->n - 2].node == top(s)->node &&
	       is_function(&s->v[s->n - 2]);
}

int hvt_callstack_open(struct hvt_callstack *s, enum hvt_call_kind kind, uint64_t number)
{
	struct hvt_frame f = { .kind = kind, .entry = number, .flow = s->flow };

	if (make_room(s))
		return -ENOMEM;
	f.below = s->open;
	s->v[s->n++] = f;
	s->open = s->n;
	s->flow = (struct hvt_callflow){ 0 };
	return 0;
}

bool hvt_callstack_close(struct hvt_callstack *s, unsigned int kinds)
{
	size_t i = s->open;

	while (i && !(1u << s->v[i - 1].kind & kinds))
		i = s->v[i - 1].below;
	if (!i)
		return false;
	s->flow = s->v[i - 1].flow;
	cut(s, i - 1);
	return true;
}

void hvt_callstack_uncover(struct hvt_callstack *s, unsigned int kinds)
{
	size_t i = s->open;

	while (i && !(1u << s->v[i - 1].kind & kinds))
		i = s->v[i - 1].below;
	if (i)
		cut(s, i);
	s->flow.known = false;
}

unsigned int hvt_callstack_depth(const struct hvt_callstack *s, unsigned int kinds)
{
	unsigned int n = 0;
	size_t i;

	for (i = s->open; i; i = s->v[i - 1].below)
		n += 1u << s->v[i - 1].kind & kinds ? 1 : 0;
	return n;
}

void hvt_callstack_clear(struct hvt_callstack *s)
{
	cut(s, 0);
	s->flow = (struct hvt_callflow){ 0 };
}

/* Who waits for a return to ip ends, with all above it, and with those it is a tail call of. */
static bool pop_to_return(struct hvt_callstack *s, uint64_t ip)
{
	size_t i = s->n;
	bool tail;

	while (i && (!is_function(&s->v[i - 1]) || s->v[i - 1].ret != ip))
		i--;
	if (!i)
		return false;
	do
		tail = s->v[--i].kind == HVT_CALL_TAIL;
	while (tail && i);
	cut(s, i);
	return true;
}

/*
 * The frame that a jump into the middle of a function goes on with: the topmost of that
 * function. Without names the one that was entered closest before ip.
 */
static bool unwind(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	size_t i, best = 0;

	for (i = s->n; i; i--) {
		if (!is_function(&s->v[i - 1]) || !within(&s->v[i - 1], ip, sym))
			continue;
		if (sym->name) {
			best = i;
			break;
		}
		if (s->v[i - 1].entry <= ip && (!best || s->v[i - 1].entry > s->v[best - 1].entry))
			best = i;
	}
	if (best)
		cut(s, best);
	return best;
}

/* Of functions that jump to each other in turn each is there once. */
static bool unwind_tails(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	size_t i;

	for (i = s->n; i && is_function(&s->v[i - 1]); i--) {
		if (within(&s->v[i - 1], ip, sym)) {
			cut(s, i);
			s->v[i - 1].node->calls++;
			return true;
		}
		if (s->v[i - 1].kind != HVT_CALL_TAIL)
			break;
	}
	return false;
}

/* By a jump, or by a return to where nobody waits for one. */
static int jumped(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	bool entry = at_entry(sym);

	if (!is_function(top(s)))
		return push(s, HVT_CALL_FUNCTION, ip, sym, 0, entry);
	if (within(top(s), ip, sym) || (!entry && unwind(s, ip, sym)) ||
	    (entry && unwind_tails(s, ip, sym)))
		return 0;
	return push(s, HVT_CALL_TAIL, ip, sym, top(s)->ret, true);
}

static int called(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	bool inside = is_function(top(s)) && within(top(s), ip, sym) && sym->name && sym->off;

	/* to the next instruction: for its address; a vsyscall is back before it begins */
	if (ip == s->flow.next &&
	    !(at_entry(sym) && is_function(top(s)) && !within(top(s), ip, sym)))
		return 0;
	if (inside)
		return push_inner(s, s->flow.next);
	return push(s, HVT_CALL_FUNCTION, ip, sym, s->flow.next, true);
}

static int returned(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	if (pop_to_return(s, ip))
		return 0;
	/* its address was that of an inner call; or it goes back to where no call was seen */
	if (is_inner(s) || (is_function(top(s)) && !top(s)->ret))
		cut(s, s->n - 1);
	return jumped(s, ip, sym);
}

/* From code that was not traced, or after a loss: everything may have happened. */
static int resumed(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	if (pop_to_return(s, ip))
		return 0;
	if (at_entry(sym))
		return push(s, HVT_CALL_FUNCTION, ip, sym, 0, true);
	if (is_function(top(s)) && !unwind(s, ip, sym))
		hvt_callstack_clear(s);
	return 0;
}

int hvt_callstack_arrive(struct hvt_callstack *s, uint64_t ip, const struct hvt_symbol *sym)
{
	const struct hvt_callflow f = s->flow;
	int rc = 0;

	if (!f.known)
		rc = resumed(s, ip, sym);
	else if (f.branch == HVT_BRANCH_CALL)
		rc = called(s, ip, sym);
	else if (f.branch == HVT_BRANCH_RET)
		rc = returned(s, ip, sym);
	else if (ip != f.next && ip != f.ip)
		rc = jumped(s, ip, sym);
	if (!rc && !is_function(top(s)))
		rc = push(s, HVT_CALL_FUNCTION, ip, sym, 0, false);
	return rc;
}
