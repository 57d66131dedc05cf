/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions of each thread joined to blocks, and blocks counted: see cover.h. */
#include "cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "branch.h"
#include "by_thread.h"
#include "lib/internal.h"

/* Interrupts within interrupts: a kernel's stacks have no room for more. */
#define NESTING 8u

/* A block that may still grow. */
struct run {
	bool open;
	uint64_t ns, start, last, end; /* the last instruction, and behind it */
};

struct thread {
	struct hvt_thread is;
	struct run runs[NESTING]; /* what an interrupt stops goes on behind it */
};

struct hvt_cover {
	struct hvt_cover_module *modules;
	size_t nr_modules, cap_modules, recent;
	struct hvt_cover_block *blocks;
	size_t n, cap;
	size_t *index; /* of blocks, + 1; open addressing */
	size_t slots;  /* a power of two, or 0 */
	struct hvt_by_thread threads;
	struct hvt_reader *reader;
	int rc;
};

struct hvt_cover *hvt_cover_new(void)
{
	struct hvt_cover *c = calloc(1, sizeof(*c));

	if (c)
		c->threads.size = sizeof(struct thread);
	return c;
}

void hvt_cover_free(struct hvt_cover *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->nr_modules; i++)
		free(c->modules[i].path);
	hvt_by_thread_free(&c->threads);
	free(c->modules);
	free(c->blocks);
	free(c->index);
	free(c);
}

static bool is_module(const struct hvt_cover_module *m, const struct hvt_module_fact *f)
{
	return !strcmp(m->path, f->path) && m->kernel == f->kernel &&
	       m->build_id_len == f->build_id_len &&
	       (!f->build_id_len || !memcmp(m->build_id, f->build_id, f->build_id_len));
}

/* Wherever else it is mapped: the same file is the same module. */
static long module_of(struct hvt_cover *c, const struct hvt_module_fact *f)
{
	struct hvt_cover_module *m;
	size_t i;

	if (c->recent < c->nr_modules && is_module(&c->modules[c->recent], f))
		return (long)c->recent;
	for (i = 0; i < c->nr_modules; i++)
		if (is_module(&c->modules[i], f))
			return (long)(c->recent = i);
	if (hvt_grow((void **)&c->modules, &c->cap_modules, c->nr_modules, sizeof(*m)))
		return -ENOMEM;
	m = &c->modules[c->nr_modules];
	memset(m, 0, sizeof(*m));
	m->path = strdup(f->path);
	if (!m->path)
		return -ENOMEM;
	m->kernel = f->kernel;
	m->base = f->base;
	m->end = f->end;
	m->first = f->first;
	m->build_id_len = f->build_id_len;
	if (f->build_id_len)
		memcpy(m->build_id, f->build_id, f->build_id_len);
	return (long)(c->recent = c->nr_modules++);
}

static size_t *place(const struct hvt_cover *c, const struct hvt_cover_block *b)
{
	uint64_t h = (b->off ^ (uint64_t)b->module << 48) * 0x9e3779b97f4a7c15ull;
	const struct hvt_cover_block *have;
	size_t at;

	h = (h ^ b->size) * 0x9e3779b97f4a7c15ull;
	for (at = (h ^ h >> 32) & (c->slots - 1); c->index[at]; at = (at + 1) & (c->slots - 1)) {
		have = &c->blocks[c->index[at] - 1];
		if (have->off == b->off && have->module == b->module && have->size == b->size)
			break;
	}
	return &c->index[at];
}

static int grow_index(struct hvt_cover *c)
{
	size_t i;

	free(c->index);
	c->slots = c->slots ? c->slots * 2 : 4096;
	c->index = calloc(c->slots, sizeof(*c->index));
	if (!c->index)
		return -ENOMEM;
	for (i = 0; i < c->n; i++)
		*place(c, &c->blocks[i]) = i + 1;
	return 0;
}

static int add_block(struct hvt_cover *c, uint32_t pid, const struct run *run)
{
	struct hvt_cover_block b = { .size = run->end - run->start, .count = 1 };
	struct hvt_module_fact fact;
	size_t *slot;
	long module;

	if (!hvt_reader_module(c->reader, pid, run->ns, run->start, &fact))
		return 0; /* code of no file */
	module = module_of(c, &fact);
	if (module < 0)
		return -ENOMEM;
	b.module = (size_t)module;
	b.off = run->start - fact.base;
	if (c->n >= c->slots / 2 && grow_index(c))
		return -ENOMEM;
	slot = place(c, &b);
	if (*slot) {
		c->blocks[*slot - 1].count++;
		return 0;
	}
	if (hvt_grow((void **)&c->blocks, &c->cap, c->n, sizeof(b)))
		return -ENOMEM;
	c->blocks[c->n] = b;
	*slot = ++c->n;
	return 0;
}

static int close_run(struct hvt_cover *c, uint32_t pid, struct run *run)
{
	bool was_open = run->open;

	run->open = false;
	return was_open ? add_block(c, pid, run) : 0;
}

static int add_insn(struct hvt_cover *c, struct thread *t, const struct hvt_event *ev)
{
	struct run *run = &t->runs[ev->nest < NESTING ? ev->nest : NESTING - 1];

	if (!ev->insn_len)
		return 0;
	if (run->open && ev->ip == run->last) /* the next iteration of a REP instruction */
		return 0;
	if (run->open && ev->ip != run->end && close_run(c, t->is.pid, run))
		return -ENOMEM;
	if (!run->open) {
		run->open = true;
		run->ns = ev->ns;
		run->start = ev->ip;
	}
	run->last = ev->ip;
	run->end = ev->ip + ev->insn_len;
	if (hvt_branch_of(ev->insn, ev->insn_len, ev->flags) == HVT_BRANCH_NONE)
		return 0;
	return close_run(c, t->is.pid, run);
}

static int close_thread(struct hvt_cover *c, struct thread *t)
{
	size_t i;

	for (i = 0; i < NESTING; i++)
		if (close_run(c, t->is.pid, &t->runs[i]))
			return -ENOMEM;
	return 0;
}

int hvt_cover_add(struct hvt_cover *c, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct thread *t;

	c->reader = r;
	if (ev->type != HVT_EV_INSN && ev->type != HVT_EV_FLOW)
		return 0;
	t = hvt_by_thread_find(&c->threads, ev, 0);
	if (!t)
		return -ENOMEM;
	if (ev->type == HVT_EV_INSN)
		return add_insn(c, t, ev);
	/* behind these the same address need not be what follows */
	if (ev->what == HVT_FLOW_BEGIN || ev->what == HVT_FLOW_END || ev->what == HVT_FLOW_EXEC ||
	    ev->what == HVT_FLOW_EXIT)
		return close_thread(c, t);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct hvt_cover_block *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/*
 * Nothing says where the kernel's parts begin and end: they are as large as what was
 * executed of them.
 */
static void kernel_images(struct hvt_cover *c)
{
	struct hvt_cover_module *m;
	struct hvt_cover_block *b;
	size_t i;

	for (i = 0; i < c->n; i++) {
		b = &c->blocks[i];
		m = &c->modules[b->module];
		if (!m->kernel)
			continue;
		if (!m->base) /* the blocks are in order */
			m->base = b->off & ~(HVT_PAGE - 1);
		if (b->off + b->size > m->end)
			m->end = b->off + b->size;
		b->off -= m->base;
	}
}

int hvt_cover_finish(struct hvt_cover *c)
{
	size_t i;

	for (i = 0; i < c->threads.n && !c->rc; i++)
		c->rc = close_thread(c, c->threads.v[i]);
	if (c->n)
		qsort(c->blocks, c->n, sizeof(*c->blocks), by_place);
	kernel_images(c);
	return c->rc;
}

const struct hvt_cover_module *hvt_cover_modules(const struct hvt_cover *c, size_t *n)
{
	*n = c->nr_modules;
	return c->modules;
}

const struct hvt_cover_block *hvt_cover_blocks(const struct hvt_cover *c, size_t *n)
{
	*n = c->n;
	return c->blocks;
}
