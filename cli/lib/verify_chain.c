/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The second pass of a verification: the records of all CPUs in their one order, before
 * any refinement. Each page's ranks must grow; each byte that a watch of writes covers
 * must be found as the record before left it.
 *
 * That second rule holds since root mode keeps a page locked from a watched access's
 * violation to its retirement: a record's old and new bytes are what its memory held then,
 * the bytes that the instruction did not touch included. Records with one tsc of one CPU
 * are one instruction: all their old values are from before it.
 */
#include "verify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SPAN_MAX (16 * HVT_PAGE) /* longer accesses void what is known */

struct hvt_chain {
	struct hvt_verify *v;
	struct hvt_vpages *pages;
	size_t loss; /* the next one */
};

/* A record, and the values in it. */
struct item {
	const uint8_t *rec;
	struct hvt_rec_access a;
	uint32_t cpu;
	const uint8_t *old, *new_;
	uint32_t off, len; /* of the values, from gla; len 0: none */
	int32_t pid;	   /* whose address gla is; 0: the kernel's */
};

struct hvt_chain *hvt_chain_new(struct hvt_verify *v)
{
	struct hvt_chain *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->v = v;
	c->pages = hvt_vpages_new(v);
	if (c->pages)
		return c;
	free(c);
	return NULL;
}

void hvt_chain_free(struct hvt_chain *c)
{
	if (!c)
		return;
	hvt_vpages_free(c->pages);
	free(c);
}

/* Is there memory that keeps what is written to it? */
static bool is_memory(const struct item *it)
{
	return !(it->a.h.flags & HVT_RF_DEVICE) && it->a.gpa != HVT_GPA_NONE;
}

static bool writes(const struct item *it)
{
	return it->a.access & HVT_ACC_W;
}

/* Does it reach into the page behind gla's, whose gpa is not in the record? */
static bool crosses(const struct item *it)
{
	return it->a.size > HVT_PAGE - (it->a.gla & (HVT_PAGE - 1));
}

static void find_values(struct item *it)
{
	const struct hvt_rec_access *a = &it->a;
	const uint8_t *at = it->rec + sizeof(*a);
	uint32_t left = (uint32_t)(HVT_PAGE - (a->gpa & (HVT_PAGE - 1)));
	struct hvt_rec_wide w;

	it->len = it->off = 0;
	if (a->h.flags & (HVT_RF_DEVICE | HVT_RF_NOVALUE) || a->access & HVT_ACC_X)
		return;
	/* of two pages, one with no watch of reads was not locked while it was read */
	if (!writes(it) && crosses(it))
		return;
	if (a->h.flags & HVT_RF_WIDE) {
		if (a->h.flags & HVT_RF_REGS)
			at += 16 * sizeof(uint64_t);
		if (a->h.flags & HVT_RF_RUN)
			at += sizeof(struct hvt_rec_run);
		memcpy(&w, at, sizeof(w));
		it->off = w.off;
		it->len = w.len;
		it->old = at + sizeof(w);
		it->new_ = it->old + w.len;
		return;
	}
	it->old = it->rec + offsetof(struct hvt_rec_access, old);
	it->new_ = it->rec + offsetof(struct hvt_rec_access, new_);
	if (!a->size) /* BLIND: a window up to the page's end, WIDE if it is longer */
		it->len = left <= 8 ? left : 0;
	else if (!(a->h.flags & HVT_RF_CLIPPED) && a->size <= 8)
		it->len = a->size;
}

/*
 * Which page of which watch this is. Its own address tells when it is an address of the
 * watched process or of the kernel; any other one is an alias, which can only be of the
 * one page of a watch that has no more. 0 or -ENOMEM.
 */
static int place(struct hvt_chain *c, const struct item *it, struct hvt_vpage *page)
{
	const struct hvt_log_watch *w;

	/* the address that a page walk was for is not that of the table entry it touched */
	if (!(it->a.h.flags & HVT_RF_WALK) && hvt_vpages_place(c->pages, page, it->pid, it->a.gla))
		return -ENOMEM;
	if (hvt_vpage_placed(page) || crosses(it))
		return 0;
	w = hvt_vpages_watch(c->pages, it->a.h.watch);
	if (!w || (w->flags & HVT_WATCH_PHYS) ||
	    w->addr / HVT_PAGE != (w->addr + (w->len - 1)) / HVT_PAGE)
		return 0;
	return hvt_vpages_place(c->pages, page, w->pid, w->addr) ? -ENOMEM : 0;
}

static void rank(struct hvt_chain *c, const struct item *it, struct hvt_vpage *page)
{
	struct hvt_flaw f = { .cpu = it->cpu,
			      .seq = it->a.h.seq,
			      .tsc = it->a.h.tsc,
			      .gpa = it->a.gpa & ~(HVT_PAGE - 1),
			      .found = it->a.order };

	/*
	 * Over two pages it is the rank in one of them, and the record does not say which.
	 * That of a run is its last iteration's, which others may have followed.
	 */
	if (crosses(it) || (it->a.h.flags & HVT_RF_RUN))
		return;
	if (hvt_vpage_rank(c->pages, page, it->a.order, it->cpu, it->a.h.tsc, &f.expected))
		return;
	f.expected++; /* or more */
	hvt_verify_flaw(c->v, HVT_FLAW_ORDER, &f);
}

/*
 * An access goes on at va, on a page that is not known: can it be one that values are
 * known of? Behind an alias of a watch of several pages it can, whatever the address.
 */
static bool may_be_watched(const struct hvt_chain *c, const struct item *it, uint64_t va)
{
	const struct hvt_log_watch *w = hvt_vpages_watch(c->pages, it->a.h.watch);

	if (hvt_vpages_watched(c->pages, it->pid, va))
		return true;
	return w && w->addr / HVT_PAGE != (w->addr + (w->len - 1)) / HVT_PAGE &&
	       !hvt_vpages_watched(c->pages, it->pid, it->a.gla);
}

enum phase { CHECK, READS, FORGET, WRITES };

/*
 * Bytes [at, at + len) from gla on, page by page: values, or (FORGET) unseen writes. 0 or
 * -ENOMEM.
 */
static int walk(struct hvt_chain *c, const struct item *it, enum phase phase, uint64_t at,
		uint64_t len)
{
	uint64_t first = it->a.gpa & (HVT_PAGE - 1), pos, n, done;
	struct hvt_flaw f = { .cpu = it->cpu, .seq = it->a.h.seq, .tsc = it->a.h.tsc };
	struct hvt_vpage *page;
	uint32_t off, bad;
	uint8_t known = 0;
	bool differs = false;

	for (done = 0; done < len; done += n) {
		pos = first + at + done;
		off = (uint32_t)(pos % HVT_PAGE);
		n = HVT_PAGE - off < len - done ? HVT_PAGE - off : len - done;
		page = pos < HVT_PAGE ? hvt_vpages_get(c->pages, it->a.gpa) :
					hvt_vpages_at(c->pages, it->pid, it->a.gla - first + pos);
		if (!page) {
			/* watched memory was written, but it is not known which */
			if (phase == FORGET && may_be_watched(c, it, it->a.gla - first + pos))
				hvt_vpages_void(c->pages);
			continue;
		}
		switch (phase) {
		case CHECK:
			bad = hvt_vpage_check(c->pages, page, off, it->old + done, (uint32_t)n,
					      &known);
			if (bad == n || differs)
				break;
			differs = true;
			f.gpa = hvt_vpage_gpa(page) + off + bad;
			f.expected = known;
			f.found = it->old[done + bad];
			hvt_verify_flaw(c->v, HVT_FLAW_VALUE, &f);
			break;
		case FORGET:
			hvt_vpage_forget(page, off, (uint32_t)n);
			break;
		default:
			if (hvt_vpage_set(c->pages, page, off, it->new_ + done, (uint32_t)n))
				return -ENOMEM;
		}
	}
	return 0;
}

/* A BLIND record's instruction may have written more than the record has values of. */
static void forget_blind(struct hvt_chain *c, const struct item *it)
{
	struct hvt_reader *r = c->v->reader;
	const struct hvt_rec_access *a = &it->a;
	uint64_t page = a->gla & ~(HVT_PAGE - 1), from, to, first = a->gla - page;
	const struct hvt_insn *insn = NULL;
	const uint64_t *gpr = NULL;
	struct hvt_guess g[HVT_OPERANDS];
	int n, i;

	if (!(a->h.flags & HVT_RF_NOINSN))
		insn = hvt_decode(r->decoder, a->ip, a->h.flags, a->insn, a->insn_len);
	if (a->h.flags & HVT_RF_REGS)
		gpr = (const uint64_t *)(it->rec + sizeof(*a));
	n = hvt_refine(&r->watches, insn, a, gpr, g);
	for (i = 0; i < n; i++) {
		from = g[i].addr > page ? g[i].addr : page;
		to = g[i].addr + g[i].size;
		if (!g[i].exact)
			from = page;
		if (!g[i].exact || to > page + HVT_PAGE || to < g[i].addr)
			to = page + HVT_PAGE;
		if (from < to && (!g[i].exact || (g[i].access & HVT_ACC_W)))
			walk(c, it, FORGET, from - page - first, to - from);
	}
}

static void forget(struct hvt_chain *c, const struct item *it)
{
	if (!it->a.size && !(it->a.access & HVT_ACC_X))
		forget_blind(c, it);
	else if (writes(it) && it->a.size > SPAN_MAX)
		hvt_vpages_void(c->pages);
	else if (writes(it))
		walk(c, it, FORGET, 0, it->a.size);
}

static int chain(struct hvt_chain *c, const struct item *it, enum phase phase)
{
	bool want = phase == CHECK || (phase == WRITES) == writes(it);

	if (!is_memory(it))
		return 0;
	if (phase == FORGET)
		forget(c, it);
	else if (want && it->len)
		return walk(c, it, phase, it->off, it->len);
	return 0;
}

/* The record's part that does not depend on others of its instruction. */
static int prepare(struct hvt_chain *c, struct item *it)
{
	struct hvt_verdict *out = c->v->verdict;
	struct hvt_vpage *page;
	struct hvt_flaw f = { .cpu = it->cpu,
			      .seq = it->a.h.seq,
			      .tsc = it->a.h.tsc,
			      .gpa = it->a.gpa,
			      .expected = it->a.gla & (HVT_PAGE - 1),
			      .found = it->a.gpa & (HVT_PAGE - 1) };

	if (!is_memory(it)) {
		out->unvalued++;
		return 0;
	}
	if (!(it->a.h.flags & HVT_RF_WALK) && f.expected != f.found)
		hvt_verify_flaw(c->v, HVT_FLAW_PLACE, &f);
	page = hvt_vpages_get(c->pages, it->a.gpa);
	if (!page || place(c, it, page))
		return -ENOMEM;
	rank(c, it, page);
	if (it->a.access & HVT_ACC_X)
		return 0;
	if (!it->len)
		out->unvalued++;
	else if (!hvt_vpage_placed(page) && !crosses(it))
		out->unplaced++;
	return 0;
}

static int remap(struct hvt_chain *c, const struct hvt_pending *p)
{
	const struct hvt_log_watch *w;
	struct hvt_rec_remap m;

	memcpy(&m, p->chunk->bytes + p->offset, sizeof(m));
	w = hvt_vpages_watch(c->pages, m.h.watch);
	return hvt_vpages_remap(c->pages, w ? w->pid : 0, m.va, m.old_gpa, m.new_gpa) ? -ENOMEM : 0;
}

static bool load(struct item *it, const struct hvt_pending *p)
{
	it->rec = p->chunk->bytes + p->offset;
	it->cpu = p->cpu;
	if (it->rec[0] != HVT_REC_ACCESS)
		return false;
	memcpy(&it->a, it->rec, sizeof(it->a));
	it->pid = it->a.gla >> 63 ? 0 : (int32_t)it->a.pid;
	find_values(it);
	return true;
}

/* Are records of this time missing? Leaves behind what is over. */
static bool in_loss(struct hvt_chain *c, uint64_t tsc)
{
	const struct hvt_loss *l = c->v->losses;

	for (; c->loss < c->v->nr_losses && l[c->loss].to < tsc; c->loss++)
		hvt_vpages_void(c->pages);
	return c->loss < c->v->nr_losses && tsc > l[c->loss].from;
}

int hvt_chain_add(struct hvt_chain *c, const struct hvt_pending *p, size_t n)
{
	enum phase phase;
	struct item it;
	size_t i;

	if (in_loss(c, p->tsc)) {
		for (i = 0; i < n; i++)
			c->v->verdict->in_loss += load(&it, &p[i]);
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (load(&it, &p[i])) {
			if (prepare(c, &it))
				return -ENOMEM;
		} else if (it.rec[0] == HVT_REC_REMAP && remap(c, &p[i])) {
			return -ENOMEM;
		}
	}
	for (phase = CHECK; phase <= WRITES; phase++)
		for (i = 0; i < n; i++)
			if (load(&it, &p[i]) && chain(c, &it, phase))
				return -ENOMEM;
	return 0;
}
