/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Records become events: what the merge lets out gets its time, its operand refined, its
 * instruction decoded and its addresses named. Records were bounded by chunk.c before.
 */
#include "internal.h"

#include <stddef.h>
#include <string.h>

/* Every record counts in its CPU's sequence; a jump without a LOST is a gap. */
static void count_seq(struct hvt_reader *r, uint32_t cpu, uint64_t seq, uint64_t n)
{
	struct hvt_cpu_seq *c = &r->cpus[cpu];

	if (seq > c->next || !c->seen)
		r->stats.gaps += seq - c->next; /* a session's sequence starts at 0 */
	c->seen = true;
	c->next = seq + n;
}

static void values(struct hvt_event *ev, const struct hvt_rec_access *a, const uint8_t *rec,
		   size_t at)
{
	uint64_t start = a->gla, end, ev_end = ev->addr + ev->size;
	struct hvt_rec_wide w;
	uint32_t len, skip;

	if (a->h.flags & HVT_RF_NOVALUE)
		return;
	/* Root keeps a load's value as the new one, too: not so if there was a store as well. */
	if (ev->access & ~a->access & HVT_ACC_W)
		return;
	if (a->h.flags & HVT_RF_WIDE) {
		memcpy(&w, rec + at, sizeof(w));
		start += w.off;
		len = w.len;
		ev->old = rec + at + sizeof(w);
		ev->new_ = ev->old + w.len;
	} else {
		/* how many of a clipped access there are is not said */
		if (a->h.flags & HVT_RF_CLIPPED)
			return;
		/* of a BLIND access up to 8 bytes in front of the page's end */
		len = a->size ? a->size : (uint32_t)(HVT_PAGE - (start & (HVT_PAGE - 1)));
		if (len > 8)
			len = 8;
		ev->old = rec + offsetof(struct hvt_rec_access, old);
		ev->new_ = rec + offsetof(struct hvt_rec_access, new_);
	}
	end = start + len;
	/* the part of the recorded bytes that the access covers; all when it is not known */
	if (!ev->size || (ev->access & HVT_ACC_X)) {
		ev->val_len = ev->access & HVT_ACC_X ? 0 : a->h.flags & HVT_RF_WIDE ? len : 0;
		ev->val_off = (uint32_t)(start - ev->addr);
		return;
	}
	if (end < start || ev_end < ev->addr || start >= ev_end || end <= ev->addr) {
		ev->val_len = 0;
		return;
	}
	skip = start < ev->addr ? (uint32_t)(ev->addr - start) : 0;
	start += skip;
	ev->old += skip;
	ev->new_ += skip;
	ev->val_off = (uint32_t)(start - ev->addr);
	ev->val_len = (uint32_t)((end < ev_end ? end : ev_end) - start);
}

/* The parts of a record that its flags announce; the WIDE one is the last. */
static void parts(struct hvt_event *ev, const struct hvt_rec_access *a, const uint8_t *rec)
{
	size_t at = sizeof(*a);
	struct hvt_rec_run run;

	if (a->h.flags & HVT_RF_REGS) {
		ev->gpr = (const uint64_t *)(rec + at);
		at += 16 * sizeof(uint64_t);
	}
	if (a->h.flags & HVT_RF_RUN) {
		memcpy(&run, rec + at, sizeof(run));
		ev->run_count = run.count;
		ev->run_elem = run.elem;
		ev->run_down = run.down;
		at += sizeof(run);
	}
	values(ev, a, rec, at);
	if (a->h.flags & HVT_RF_DEVICE)
		ev->old = NULL;
}

/*
 * An operand that crosses into a second watched page has a record for each page, one
 * after the other. The first one speaks for the whole operand.
 */
static bool second_half(struct hvt_reader *r, uint32_t cpu, const struct hvt_rec_access *a,
			const struct hvt_guess *g)
{
	struct hvt_cpu_seq *c = &r->cpus[cpu];
	uint64_t page = a->gla & ~(HVT_PAGE - 1);
	bool known = c->cross_size && c->cross_seq + 1 == a->h.seq && c->cross_tsc == a->h.tsc &&
		     c->cross_addr == g->addr && c->cross_size == g->size && c->cross_page != page;

	c->cross_size = 0;
	if (known || g->addr / HVT_PAGE == (g->addr + g->size - 1) / HVT_PAGE || !g->size)
		return known;
	c->cross_seq = a->h.seq;
	c->cross_tsc = a->h.tsc;
	c->cross_addr = g->addr;
	c->cross_page = page;
	c->cross_size = g->size;
	return false;
}

/*
 * The watches that the access touches. Root could not test the values of a BLIND one: a
 * watch whose filter it does not pass is left out. False: none is left.
 */
static bool touched(struct hvt_reader *r, const struct hvt_rec_access *a, struct hvt_event *ev)
{
	struct hvt_place p = hvt_place_of(a, ev->addr, ev->size);
	const struct hvt_watch_fact *w;
	uint64_t first, last;
	uint32_t i, n = 0;

	ev->nr_watches = hvt_watches_touched(&r->watches, a->h.watch, ev->access, &p, ev->watches,
					     HVT_EVENT_WATCHES);
	if (!ev->nr_watches && a->h.watch)
		ev->watches[ev->nr_watches++] = a->h.watch;
	for (i = 0; i < ev->nr_watches; i++) {
		w = a->h.flags & HVT_RF_BLIND ? hvt_watches_find(&r->watches, ev->watches[i]) :
						NULL;
		if (!ev->size || !w || !w->filter ||
		    hvt_watch_meets(w, &p, &first, &last) != HVT_MEET ||
		    hvt_filter_values(w->filter, ev, first, last))
			ev->watches[n++] = ev->watches[i];
	}
	if (!n && ev->nr_watches)
		return false;
	ev->nr_watches = n;
	ev->watch = n ? ev->watches[0] : a->h.watch;
	return true;
}

/* False: it is none that was asked for. */
static bool access_event(struct hvt_reader *r, const uint8_t *rec, const struct hvt_rec_access *a,
			 struct hvt_insn *insn, const struct hvt_guess *g, struct hvt_event *ev)
{
	struct hvt_watch_fact *w, *first = NULL;
	size_t i;

	ev->pid = a->pid;
	ev->tid = a->tid;
	memcpy(ev->comm, a->comm, sizeof(a->comm));
	ev->vector = a->vector;
	ev->access = g->access;
	ev->exact = g->exact;
	ev->addr = g->addr;
	ev->size = g->size;
	ev->gpa = a->gpa == HVT_GPA_NONE ? a->gpa : a->gpa + (g->addr - a->gla);
	if (g->addr / HVT_PAGE != a->gla / HVT_PAGE)
		ev->gpa = a->gpa;
	ev->cr3 = a->cr3;
	ev->ip = a->ip;
	ev->order = a->order;
	ev->insn_len = a->insn_len > 15 ? 15 : a->insn_len;
	if (a->h.flags & HVT_RF_NOINSN)
		ev->insn_len = 0;
	memcpy(ev->insn, a->insn, sizeof(ev->insn));
	if (insn) {
		ev->insn_len = insn->len;
		ev->text = insn->text;
	}
	parts(ev, a, rec);
	if (!touched(r, a, ev))
		return false;
	for (i = 0; i < ev->nr_watches; i++) {
		w = hvt_watches_find(&r->watches, ev->watches[i]);
		if (w)
			w->hits++;
		if (!i)
			first = w;
	}
	if (!ev->nr_watches)
		first = hvt_watches_find(&r->watches, ev->watch);
	ev->physical = first && first->flags & HVT_WATCH_PHYS;
	if (insn)
		hvt_site_name(&r->symbols, &insn->site, ev);
	else
		hvt_symbols_resolve(&r->symbols, ev->pid, ev->ns, ev->ip, &ev->ip_sym);
	if (ev->physical)
		hvt_symbols_physical(&r->symbols, ev->gpa, &ev->addr_sym);
	else
		hvt_symbols_resolve(&r->symbols, ev->pid, ev->ns, ev->addr, &ev->addr_sym);
	if (r->symbols.lines)
		ev->src_line = (uint32_t)hvt_reader_line(r, ev->pid, ev->ns, ev->ip, &ev->src_file);
	r->stats.accesses++;
	return true;
}

/* One access of the current record, refining it first. False: none (left) in it. */
static bool next_access(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev)
{
	struct hvt_insn *insn = NULL;
	const uint64_t *gpr = NULL;
	const struct hvt_rec_access *a = (const struct hvt_rec_access *)rec;

	if (!(a->h.flags & HVT_RF_NOINSN))
		insn = hvt_decode(r->decoder, a->ip, a->h.flags, a->insn, a->insn_len);
	if (a->h.flags & HVT_RF_REGS)
		gpr = (const uint64_t *)(rec + sizeof(*a));
	if (r->next_guess < 0) {
		r->next_guess = 0;
		r->nr_guesses = 1;
		if (a->h.flags & HVT_RF_BLIND)
			r->nr_guesses = hvt_refine(&r->watches, insn, a, gpr, r->guesses);
		else
			r->guesses[0] = (struct hvt_guess){ a->gla, a->size, a->access, true };
		if (r->nr_guesses == 1 && (a->h.flags & HVT_RF_BLIND) &&
		    second_half(r, r->current.cpu, a, &r->guesses[0]))
			r->nr_guesses = 0;
		if (!r->nr_guesses)
			r->stats.near++;
	}
	while (r->next_guess < r->nr_guesses) {
		if (access_event(r, rec, a, insn, &r->guesses[r->next_guess++], ev))
			return true;
		r->stats.filtered++;
	}
	return false;
}

static void remap_event(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev)
{
	struct hvt_rec_remap m;

	memcpy(&m, rec, sizeof(m));
	ev->type = HVT_EV_REMAP;
	ev->watch = m.h.watch;
	ev->pid = m.pid;
	ev->tid = m.tid;
	ev->addr = m.va;
	ev->old_gpa = m.old_gpa;
	ev->new_gpa = m.new_gpa;
	r->stats.remaps++;
}

static void note_time(struct hvt_reader *r, uint64_t ns)
{
	if (!r->stats.first_ns || ns < r->stats.first_ns)
		r->stats.first_ns = ns;
	if (ns > r->stats.last_ns)
		r->stats.last_ns = ns;
}

int hvt_next_event(struct hvt_reader *r, struct hvt_event *ev)
{
	const struct hvt_pending *p;
	struct hvt_rec_lost lost;
	const uint8_t *rec;
	const struct hvt_rec *h;
	int n;

	for (;;) {
		if (!r->current.chunk) {
			n = hvt_log_next(r, &p, 1);
			r->broken |= n < 0;
			if (n <= 0)
				return 0;
			r->current = *p;
			r->next_guess = -1;
		}
		rec = r->current.chunk->bytes + r->current.offset;
		h = (const struct hvt_rec *)rec;
		hvt_clear(ev, sizeof(*ev));
		ev->cpu = r->current.cpu;
		ev->flags = h->flags;
		ev->seq = h->seq;
		ev->tsc = h->tsc;
		ev->ns = hvt_clocks_ns(&r->clocks, h->tsc);
		if (r->next_guess < 0) {
			r->stats.records++;
			if (h->type != HVT_REC_LOST)
				count_seq(r, ev->cpu, h->seq, 1);
		}
		switch (h->type) {
		case HVT_REC_ACCESS:
			ev->type = HVT_EV_ACCESS;
			if (!next_access(r, rec, ev)) {
				r->current.chunk = NULL;
				continue;
			}
			if (r->next_guess == r->nr_guesses)
				r->current.chunk = NULL;
			break;
		case HVT_REC_LOST:
			memcpy(&lost, rec, sizeof(lost));
			count_seq(r, ev->cpu, h->seq, lost.count);
			ev->type = HVT_EV_LOST;
			ev->count = lost.count;
			r->stats.lost += lost.count;
			r->current.chunk = NULL;
			break;
		case HVT_REC_REMAP:
			remap_event(r, rec, ev);
			r->current.chunk = NULL;
			break;
		case HVT_REC_INSN:
			r->current.chunk = NULL;
			r->broken |= hvt_insn_event(r, rec, ev) < 0;
			if (r->broken)
				return 0;
			break;
		case HVT_REC_FLOW:
			r->current.chunk = NULL;
			hvt_flow_event(r, rec, ev);
			break;
		default:
			r->current.chunk = NULL;
			continue;
		}
		note_time(r, ev->ns);
		return 1;
	}
}
