/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a watched range, event after event: see memory.h.
 *
 * A watch is on memory, not on an address. An access at the range's own addresses says
 * where it was; one through another address (the kernel's direct map, another process)
 * says so only by its physical page, if an access or a remap told which of the range's
 * pages that is. When nobody can say, a write makes all bytes unknown that it may be about.
 */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "space.h"

#define PAGE 4096ull
#define MASK (PAGE - 1)

struct page {
	uint64_t base; /* its address in the range's space */
	uint64_t gpa;  /* HVT_GPA_NONE: not known */
};

struct cpu {
	uint64_t last_tsc; /* of its last event; after a keep: of the one before that */
	bool later;	   /* it had an event after the keep */
};

struct hvt_memory {
	const struct hvt_reader *reader;
	struct hvt_space space;
	uint64_t addr, len;
	struct hvt_byte *bytes, *kept;
	uint8_t *covered;
	struct page *pages;
	size_t nr_pages;
	struct hvt_space_watches watches; /* that share a page with the range */
	struct cpu *cpus;
	size_t nr_cpus;
	uint64_t number, now, group, group_tsc, gaps; /* now: tsc of the last event */
	uint32_t group_cpu;
	bool fleeting; /* uncovered bytes are known: until the next event */
	uint64_t kept_tsc, kept_number;
	bool kept_in_loss;
};

/* One page's part of an access: where it is in the range. */
struct piece {
	uint64_t at, len; /* from the access's first byte */
	uint64_t page;	  /* linear */
	uint64_t off;	  /* in the page */
	uint64_t gpa;	  /* of the page; HVT_GPA_NONE: not known */
};

typedef void (*act_fn)(struct hvt_memory *m, struct hvt_byte *b, const struct hvt_event *ev,
		       uint64_t at);

struct hvt_memory *hvt_memory_new(const struct hvt_reader *r, struct hvt_space space, uint64_t addr,
				  uint64_t len)
{
	struct hvt_memory *m = calloc(1, sizeof(*m));
	size_t i;

	if (!m)
		return NULL;
	m->reader = r;
	m->space = space;
	m->addr = addr;
	m->len = len;
	m->nr_pages = (addr + (len - 1)) / PAGE - addr / PAGE + 1;
	m->bytes = calloc(len, sizeof(*m->bytes));
	m->covered = calloc(len, 1);
	m->pages = calloc(m->nr_pages, sizeof(*m->pages));
	if (!m->bytes || !m->covered || !m->pages) {
		hvt_memory_free(m);
		return NULL;
	}
	for (i = 0; i < m->nr_pages; i++) {
		m->pages[i].base = (addr & ~MASK) + i * PAGE;
		m->pages[i].gpa = space.physical ? m->pages[i].base : HVT_GPA_NONE;
	}
	return m;
}

void hvt_memory_free(struct hvt_memory *m)
{
	if (!m)
		return;
	free(m->bytes);
	free(m->kept);
	free(m->covered);
	free(m->pages);
	free(m->watches.v);
	free(m->cpus);
	free(m);
}

static void prove(struct hvt_memory *m, struct hvt_space_watch *w)
{
	uint64_t i;

	if (w->proved || !w->complete)
		return;
	w->proved = true;
	for (i = 0; i < m->len; i++)
		m->covered[i] |= m->addr + i >= w->first && m->addr + i <= w->last;
}

static void forget(struct hvt_memory *m, uint64_t first, uint64_t n, enum hvt_writer_kind writer)
{
	uint64_t i;

	for (i = first; i < first + n; i++) {
		m->bytes[i].known = 0;
		m->bytes[i].writer = (uint8_t)writer;
		m->bytes[i].by = m->number;
	}
}

/* Records are missing: nothing known before is known any more. */
static void forget_all(struct hvt_memory *m)
{
	size_t i;

	forget(m, 0, m->len, HVT_WRITER_UNKNOWN);
	for (i = 0; i < m->nr_pages && !m->space.physical; i++)
		m->pages[i].gpa = HVT_GPA_NONE;
}

static struct page *page_at(struct hvt_memory *m, uint64_t page)
{
	uint64_t first = m->addr & ~MASK;

	if (page < first || (page - first) / PAGE >= m->nr_pages)
		return NULL;
	return &m->pages[(page - first) / PAGE];
}

/* Part of an access that is bytes [off, off + len) of this page of the range. */
static bool act_on(struct hvt_memory *m, const struct page *page, const struct piece *pc,
		   const struct hvt_event *ev, act_fn act)
{
	uint64_t first = page->base + pc->off, i, at;
	bool any = false;

	for (i = 0; i < pc->len; i++) {
		at = first + i - m->addr;
		if (at >= m->len)
			continue;
		act(m, &m->bytes[at], ev, pc->at + i);
		any = true;
	}
	return any;
}

/* The addresses are those that the range's process, or the kernel, has for itself. */
static bool own_address(const struct hvt_memory *m, const struct hvt_event *ev, uint64_t addr)
{
	if (m->space.physical || (ev->flags & HVT_RF_WALK))
		return false;
	return addr >> 63 ? !m->space.pid : m->space.pid && ev->pid == (uint32_t)m->space.pid;
}

/*
 * The page that the access must be about although it came through another address: the
 * only one that all the watches it touches have. NULL: there are several.
 */
static struct page *only_page(struct hvt_memory *m, const struct hvt_event *ev)
{
	const struct hvt_space_watch *w;
	uint64_t page = 0;
	uint32_t i, n = 0;

	if (ev->flags & (HVT_RF_BLIND | HVT_RF_WALK) || ev->nr_watches == HVT_EVENT_WATCHES)
		return NULL;
	for (i = 0; i < ev->nr_watches; i++) {
		w = hvt_space_watch(&m->watches, ev->watches[i]);
		if (!w)
			continue; /* of other memory, or of other pages */
		if (w->first / PAGE != w->last / PAGE || (n && page != w->first / PAGE))
			return NULL;
		page = w->first / PAGE;
		n++;
	}
	return n ? page_at(m, page * PAGE) : NULL;
}

/* Can an access in this page be about the range although the page is not one of its? */
static bool may_be_ours(struct hvt_memory *m, const struct hvt_event *ev, uint64_t page)
{
	bool own = own_address(m, ev, page), any = ev->nr_watches == HVT_EVENT_WATCHES;
	const struct hvt_space_watch *w;
	uint32_t i;

	for (i = 0; i < ev->nr_watches; i++) {
		w = hvt_space_watch(&m->watches, ev->watches[i]);
		if (w && own && page >= (w->first & ~MASK) && page <= w->last)
			return false; /* it is the watch's other page */
		any |= w != NULL;
	}
	return any;
}

/*
 * Do `sure` to the bytes of the range that this piece is about, `maybe` (or nothing) to
 * those that it may be about.
 */
static bool do_piece(struct hvt_memory *m, const struct piece *pc, const struct hvt_event *ev,
		     act_fn sure, act_fn maybe)
{
	struct page *page = own_address(m, ev, pc->page) ? page_at(m, pc->page) : NULL, *only;
	bool any = false;
	size_t i;

	if (page) {
		if (pc->gpa != HVT_GPA_NONE)
			page->gpa = pc->gpa;
		return act_on(m, page, pc, ev, sure);
	}
	if (!may_be_ours(m, ev, pc->page))
		return false;
	for (i = 0; i < m->nr_pages && pc->gpa != HVT_GPA_NONE; i++)
		if (m->pages[i].gpa == pc->gpa)
			return act_on(m, &m->pages[i], pc, ev, sure);
	only = pc->gpa == HVT_GPA_NONE || m->space.physical ? NULL : only_page(m, ev);
	if (only && only->gpa == HVT_GPA_NONE) {
		only->gpa = pc->gpa;
		return act_on(m, only, pc, ev, sure);
	}
	for (i = 0; i < m->nr_pages && maybe; i++)
		if (m->pages[i].gpa == HVT_GPA_NONE || pc->gpa == HVT_GPA_NONE)
			any |= act_on(m, &m->pages[i], pc, ev, maybe);
	return any;
}

/* Bytes [at, at + len) of the access, page by page. */
static bool walk(struct hvt_memory *m, const struct hvt_event *ev, uint64_t at, uint64_t len,
		 act_fn sure, act_fn maybe)
{
	/* of an access whose first page is not watched gpa is where its second page begins */
	bool here = ev->flags & HVT_RF_WALK || !((ev->gpa ^ ev->addr) & MASK);
	uint64_t start = here ? ev->gpa & MASK : ev->addr & MASK, pos, end = at + len, nth;
	struct piece pc;
	bool any = false;

	if (ev->gpa == HVT_GPA_NONE)
		start = ev->addr & MASK;
	for (; at < end; at += pc.len) {
		pos = start + at;
		nth = pos / PAGE;
		pc.at = at;
		pc.off = pos & MASK;
		pc.len = PAGE - pc.off < end - at ? PAGE - pc.off : end - at;
		pc.page = (ev->addr & ~MASK) + nth * PAGE;
		pc.gpa = HVT_GPA_NONE;
		if (ev->gpa != HVT_GPA_NONE && nth == (here ? 0 : 1) && (here || !(ev->gpa & MASK)))
			pc.gpa = ev->gpa & ~MASK;
		any |= do_piece(m, &pc, ev, sure, maybe);
		if (nth > m->nr_pages + 1 && pc.page > m->addr + m->len)
			break; /* hostile sizes */
	}
	return any;
}

static void write_unseen(struct hvt_memory *m, struct hvt_byte *b, enum hvt_writer_kind writer)
{
	b->torn = b->group == m->group && b->torn ? 1 : 2;
	b->group = m->group;
	b->known = 0;
	b->writer = (uint8_t)writer;
	b->by = m->number;
}

static void act_write(struct hvt_memory *m, struct hvt_byte *b, const struct hvt_event *ev,
		      uint64_t at)
{
	(void)at;
	write_unseen(m, b, ev->exact && ev->size ? HVT_WRITER_EVENT : HVT_WRITER_MAYBE);
}

static void act_maybe(struct hvt_memory *m, struct hvt_byte *b, const struct hvt_event *ev,
		      uint64_t at)
{
	(void)ev;
	(void)at;
	write_unseen(m, b, HVT_WRITER_MAYBE);
}

static void act_value(struct hvt_memory *m, struct hvt_byte *b, const struct hvt_event *ev,
		      uint64_t at)
{
	bool writes = ev->access & HVT_ACC_W || !ev->exact;

	/* records of one instruction: what it read was there before what it wrote */
	if (b->group == m->group && (writes ? b->torn == 1 : true))
		return;
	b->value = ev->new_[at - ev->val_off];
	b->known = 1;
	b->torn = 0;
	b->seen = m->number;
	if (!m->covered[b - m->bytes])
		m->fleeting = true;
}

static bool take_access(struct hvt_memory *m, const struct hvt_event *ev)
{
	bool writes = ev->access & HVT_ACC_W || !ev->exact, any = false;
	/* a coalesced run is recorded at its end: other CPUs' writes may have come after it */
	bool late = ev->flags & HVT_RF_RUN && hvt_reader_header(m->reader)->nr_cpus > 1;
	struct hvt_space_watch *w;
	uint32_t i;

	if (ev->access & HVT_ACC_X)
		return false;
	for (i = 0; i < ev->nr_watches; i++) {
		w = hvt_space_watch(&m->watches, ev->watches[i]);
		if (w)
			prove(m, w);
	}
	if (m->group_cpu != ev->cpu || m->group_tsc != ev->tsc || !m->group) {
		m->group = m->number;
		m->group_cpu = ev->cpu;
		m->group_tsc = ev->tsc;
	}
	if (writes && ev->exact && ev->size) {
		any = walk(m, ev, 0, ev->size, act_write, act_maybe);
	} else if (writes) {
		/* anywhere on the page */
		struct hvt_event page = *ev;

		page.addr &= ~MASK;
		page.gpa = ev->gpa == HVT_GPA_NONE ? ev->gpa : ev->gpa & ~MASK;
		any = walk(m, &page, 0, PAGE, act_write, act_maybe);
	}
	if (ev->val_len && ev->new_ && !(ev->flags & HVT_RF_DEVICE) && !(late && writes))
		any |= walk(m, ev, ev->val_off, ev->val_len, act_value, NULL);
	return any;
}

static bool take_remap(struct hvt_memory *m, const struct hvt_event *ev)
{
	const struct hvt_watch_fact *w = hvt_watch_of(m->reader, ev->watch);
	struct page *page = m->space.physical ? NULL : page_at(m, ev->addr & ~MASK);
	uint64_t first, last;

	if (!page || (w && (w->pid != m->space.pid || w->flags & HVT_WATCH_PHYS)))
		return false;
	first = page->base > m->addr ? page->base - m->addr : 0;
	last = page->base + MASK - m->addr;
	forget(m, first, (last < m->len ? last + 1 : m->len) - first, HVT_WRITER_UNKNOWN);
	page->gpa = ev->new_gpa;
	return true;
}

static struct cpu *cpu_of(struct hvt_memory *m, uint32_t cpu)
{
	struct cpu *grown;

	if (cpu >= m->nr_cpus) {
		grown = realloc(m->cpus, ((size_t)cpu + 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + m->nr_cpus, 0, (cpu + 1 - m->nr_cpus) * sizeof(*grown));
		m->cpus = grown;
		m->nr_cpus = (size_t)cpu + 1;
	}
	return &m->cpus[cpu];
}

/* Does this event tell that something went on, not recorded, at the kept moment? */
static void judge_kept(struct hvt_memory *m, const struct hvt_event *ev, struct cpu *cpu)
{
	bool hidden = ev->type == HVT_EV_LOST ||
		      (ev->flags & HVT_RF_RUN && hvt_reader_header(m->reader)->nr_cpus > 1);

	if (m->kept && !cpu->later) {
		cpu->later = true;
		if (hidden && m->kept_tsc > cpu->last_tsc && m->kept_tsc <= ev->tsc)
			m->kept_in_loss = true;
	}
	cpu->last_tsc = ev->tsc;
}

/* Its CPUs' records are not all there, or their order is not sure. */
static bool in_tail(const struct hvt_memory *m)
{
	enum hvt_log_state state = hvt_reader_state(m->reader);

	return state == HVT_LOG_CUT || state == HVT_LOG_DAMAGED;
}

bool hvt_memory_take(struct hvt_memory *m, const struct hvt_event *ev, uint64_t number)
{
	uint64_t gaps = hvt_reader_stats(m->reader)->gaps, i;
	struct cpu *cpu = ev->type == HVT_EV_MARK ? NULL : cpu_of(m, ev->cpu);

	m->number = number;
	m->kept_in_loss |= m->kept && gaps != m->gaps;
	if ((!cpu && ev->type != HVT_EV_MARK) ||
	    hvt_space_watches_learn(&m->watches, m->reader, m->space, m->addr, m->len) ||
	    gaps != m->gaps || in_tail(m))
		forget_all(m);
	m->gaps = gaps;
	for (i = 0; m->fleeting && i < m->len; i++)
		m->bytes[i].known &= m->covered[i];
	m->fleeting = false;
	if (cpu)
		judge_kept(m, ev, cpu);
	m->now = ev->tsc;
	switch (ev->type) {
	case HVT_EV_ACCESS:
		return take_access(m, ev);
	case HVT_EV_REMAP:
		return take_remap(m, ev);
	case HVT_EV_LOST:
		forget_all(m);
		return true;
	default:
		return false;
	}
}

const struct hvt_byte *hvt_memory_bytes(const struct hvt_memory *m)
{
	return m->bytes;
}

static int keep(struct hvt_memory *m, uint64_t tsc, uint64_t number)
{
	size_t i;

	free(m->kept);
	m->kept = calloc(m->len, sizeof(*m->kept));
	if (!m->kept)
		return -ENOMEM;
	memcpy(m->kept, m->bytes, m->len * sizeof(*m->kept));
	m->kept_tsc = tsc;
	m->kept_number = number;
	m->kept_in_loss = in_tail(m);
	for (i = 0; i < m->nr_cpus; i++)
		m->cpus[i].later = false;
	return 0;
}

int hvt_memory_keep(struct hvt_memory *m)
{
	return keep(m, m->now, m->number);
}

int hvt_memory_keep_before(struct hvt_memory *m, const struct hvt_event *next)
{
	uint64_t i;
	int rc = keep(m, next->tsc, 0);

	/* what is known only while its event lasts is over */
	for (i = 0; !rc && i < m->len; i++)
		m->kept[i].known &= m->covered[i];
	return rc;
}

const struct hvt_byte *hvt_memory_kept(struct hvt_memory *m)
{
	uint64_t i;

	for (i = 0; m->kept && m->kept_in_loss && i < m->len; i++) {
		if (m->kept[i].seen != m->kept_number)
			m->kept[i].known = 0;
		if (m->kept[i].by != m->kept_number || !m->kept_number)
			m->kept[i].writer = HVT_WRITER_UNKNOWN;
	}
	return m->kept;
}

bool hvt_memory_kept_in_loss(const struct hvt_memory *m)
{
	return m->kept_in_loss;
}

bool hvt_memory_covered(const struct hvt_memory *m, uint64_t i)
{
	return m->covered[i];
}
