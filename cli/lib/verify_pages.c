/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is known of physical memory while a log is verified: for each page that a record
 * touched its last rank, and for those whose place in a watch is known, the last value of
 * each byte that a watch of writes covers. Other bytes may change unseen. In memory there is
 * a page's place and rank; its bytes are there as far as verify_bytes.c has room.
 */
#include "verify.h"
#include "verify_bytes.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 4 /* addresses that one page is remembered to have */
#define WORDS  (HVT_PAGE / 64)

struct place {
	int32_t pid;
	uint64_t va;
};

struct hvt_vpage {
	struct hvt_vpage *next;
	uint64_t gpa, epoch;
	struct place places[PLACES];
	uint32_t nr_places; /* ever; the last PLACES are there */
	bool ranked, placed;
	uint32_t rank_cpu;
	uint64_t rank, rank_tsc;
	bool whole;	   /* a watch of writes without a filter covers all of it ... */
	uint64_t *covered; /* ... or these bytes, a bit for each; NULL: none */
	struct hvt_vbytes bytes;
};

/* Where a process has a page: (pid, va) -> page. */
struct location {
	struct location *next;
	struct place at;
	uint64_t gpa, epoch;
};

struct hvt_vpages {
	struct hvt_vpage **hash;
	struct location **locations;
	size_t buckets, n, loc_buckets, loc_n;
	struct hvt_vpage *last; /* most records touch the page of the one before */
	struct hvt_vstore store;
	uint64_t epoch;
	struct hvt_verdict *verdict;
	const struct hvt_log_watch *watches;
	size_t nr_watches;
	const struct hvt_log_watch **by_id;
};

static uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}

static size_t place_hash(const struct place *at, size_t buckets)
{
	return mix(at->va / HVT_PAGE + mix((uint32_t)at->pid)) & (buckets - 1);
}

static int by_id(const void *a, const void *b)
{
	const struct hvt_log_watch *x = *(const struct hvt_log_watch *const *)a,
				   *y = *(const struct hvt_log_watch *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

struct hvt_vpages *hvt_vpages_new(const struct hvt_verify *v)
{
	struct hvt_vpages *p = calloc(1, sizeof(*p));
	size_t i;

	if (!p)
		return NULL;
	hvt_vstore_init(&p->store);
	p->verdict = v->verdict;
	p->watches = v->watches;
	p->nr_watches = v->nr_watches;
	p->buckets = p->loc_buckets = 1024;
	p->hash = calloc(p->buckets, sizeof(*p->hash));
	p->locations = calloc(p->loc_buckets, sizeof(*p->locations));
	p->by_id = calloc(v->nr_watches + 1, sizeof(*p->by_id));
	if (!p->hash || !p->locations || !p->by_id) {
		hvt_vpages_free(p);
		return NULL;
	}
	for (i = 0; i < v->nr_watches; i++)
		p->by_id[i] = &v->watches[i];
	qsort(p->by_id, v->nr_watches, sizeof(*p->by_id), by_id);
	return p;
}

void hvt_vpages_free(struct hvt_vpages *p)
{
	struct location *l;
	struct hvt_vpage *g;
	size_t i;

	if (!p)
		return;
	for (i = 0; p->hash && i < p->buckets; i++)
		while ((g = p->hash[i])) {
			p->hash[i] = g->next;
			hvt_vbytes_drop(&p->store, &g->bytes);
			free(g->covered);
			free(g);
		}
	for (i = 0; p->locations && i < p->loc_buckets; i++)
		while ((l = p->locations[i])) {
			p->locations[i] = l->next;
			free(l);
		}
	free(p->hash);
	free(p->locations);
	free(p->by_id);
	hvt_vstore_close(&p->store);
	free(p);
}

const struct hvt_log_watch *hvt_vpages_watch(const struct hvt_vpages *p, uint32_t id)
{
	size_t lo = 0, hi = p->nr_watches, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (p->by_id[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->nr_watches && p->by_id[lo]->id == id ? p->by_id[lo] : NULL;
}

static bool chains(const struct hvt_log_watch *w)
{
	return (w->access & HVT_ACC_W) && !w->filter;
}

static void set_bits(uint64_t *map, uint32_t off, uint32_t n)
{
	for (; n; off++, n--)
		map[off / 64] |= 1ull << (off % 64);
}

/* The bytes that w covers of the page at `page`, as [*off, *off + n); 0: none. */
static uint32_t part_of(const struct hvt_log_watch *w, uint64_t page, uint32_t *off)
{
	uint64_t end = page | (HVT_PAGE - 1), w_end = w->addr + (w->len - 1);
	uint64_t from = w->addr > page ? w->addr : page, to = w_end < end ? w_end : end;

	if (w->addr > end || w_end < page)
		return 0;
	*off = (uint32_t)(from - page);
	return (uint32_t)(to - from) + 1;
}

/* Add what the watches of physical (or else of pid's) memory cover of the page at `at`. */
static int cover(struct hvt_vpages *p, struct hvt_vpage *g, bool phys, int32_t pid, uint64_t at)
{
	const struct hvt_log_watch *w;
	uint32_t off, n;
	size_t i;

	for (i = 0; i < p->nr_watches; i++) {
		w = &p->watches[i];
		if (!chains(w) || !(w->flags & HVT_WATCH_PHYS) == phys || (!phys && w->pid != pid))
			continue;
		n = part_of(w, at, &off);
		if (!n)
			continue;
		g->placed = true;
		g->whole |= n == HVT_PAGE;
		if (g->whole)
			return 0;
		if (!g->covered)
			g->covered = calloc(WORDS, sizeof(*g->covered));
		if (!g->covered)
			return -1;
		set_bits(g->covered, off, n);
	}
	return 0;
}

/* What was known is not known any more. */
static void make_stale(struct hvt_vpage *g)
{
	g->ranked = false;
	hvt_vbytes_make_stale(&g->bytes);
}

/* It may be other memory by now: its place is not known either. */
static int reset(struct hvt_vpages *p, struct hvt_vpage *g)
{
	make_stale(g);
	g->epoch = p->epoch;
	g->nr_places = 0;
	g->placed = false;
	g->whole = false;
	free(g->covered);
	g->covered = NULL;
	return cover(p, g, true, 0, g->gpa);
}

static void grow(struct hvt_vpages *p)
{
	size_t n = p->buckets * 2, i, at;
	struct hvt_vpage **hash, *g;

	hash = n > p->buckets ? calloc(n, sizeof(*hash)) : NULL;
	if (!hash)
		return; /* longer chains are only slower */
	for (i = 0; i < p->buckets; i++)
		while ((g = p->hash[i])) {
			p->hash[i] = g->next;
			at = mix(g->gpa / HVT_PAGE) & (n - 1);
			g->next = hash[at];
			hash[at] = g;
		}
	free(p->hash);
	p->hash = hash;
	p->buckets = n;
}

struct hvt_vpage *hvt_vpages_get(struct hvt_vpages *p, uint64_t gpa)
{
	struct hvt_vpage *g = p->last;
	size_t at;

	gpa &= ~(HVT_PAGE - 1);
	if (!g || g->gpa != gpa) {
		at = mix(gpa / HVT_PAGE) & (p->buckets - 1);
		for (g = p->hash[at]; g && g->gpa != gpa; g = g->next)
			;
	}
	if (!g) {
		if (p->n > p->buckets)
			grow(p);
		g = calloc(1, sizeof(*g));
		if (!g)
			return NULL;
		g->gpa = gpa;
		at = mix(gpa / HVT_PAGE) & (p->buckets - 1);
		g->next = p->hash[at];
		p->hash[at] = g;
		p->n++;
		p->verdict->pages++;
		if (reset(p, g))
			return NULL;
	} else if (hvt_vbytes_use(&p->store, &g->bytes) || (g->epoch != p->epoch && reset(p, g))) {
		return NULL;
	}
	p->last = g;
	return g;
}

void hvt_vpages_void(struct hvt_vpages *p)
{
	p->epoch++;
}

static struct location *locate(struct hvt_vpages *p, const struct place *at)
{
	struct location *l = p->locations[place_hash(at, p->loc_buckets)];

	while (l && (l->at.pid != at->pid || l->at.va != at->va))
		l = l->next;
	return l;
}

static void grow_locations(struct hvt_vpages *p)
{
	size_t n = p->loc_buckets * 2, i, at;
	struct location **hash, *l;

	hash = n > p->loc_buckets ? calloc(n, sizeof(*hash)) : NULL;
	if (!hash)
		return;
	for (i = 0; i < p->loc_buckets; i++)
		while ((l = p->locations[i])) {
			p->locations[i] = l->next;
			at = place_hash(&l->at, n);
			l->next = hash[at];
			hash[at] = l;
		}
	free(p->locations);
	p->locations = hash;
	p->loc_buckets = n;
}

static int set_location(struct hvt_vpages *p, const struct place *at, uint64_t gpa)
{
	struct location *l = locate(p, at);
	size_t i;

	if (!l) {
		if (p->loc_n > p->loc_buckets)
			grow_locations(p);
		l = calloc(1, sizeof(*l));
		if (!l)
			return -1;
		i = place_hash(at, p->loc_buckets);
		l->at = *at;
		l->next = p->locations[i];
		p->locations[i] = l;
		p->loc_n++;
	}
	l->gpa = gpa;
	l->epoch = p->epoch;
	return 0;
}

int hvt_vpages_place(struct hvt_vpages *p, struct hvt_vpage *g, int32_t pid, uint64_t va)
{
	struct place at = { pid, va & ~(HVT_PAGE - 1) };
	uint32_t i;

	for (i = 0; i < g->nr_places && i < PLACES; i++)
		if (g->places[i].pid == at.pid && g->places[i].va == at.va)
			return 0;
	g->places[g->nr_places++ % PLACES] = at;
	if (cover(p, g, false, at.pid, at.va))
		return -1;
	return hvt_vpages_watched(p, at.pid, at.va) ? set_location(p, &at, g->gpa) : 0;
}

bool hvt_vpages_watched(const struct hvt_vpages *p, int32_t pid, uint64_t va)
{
	const struct hvt_log_watch *w;
	uint32_t off;
	size_t i;

	for (i = 0; i < p->nr_watches; i++) {
		w = &p->watches[i];
		if (chains(w) && ((w->flags & HVT_WATCH_PHYS) ||
				  (w->pid == pid && part_of(w, va & ~(HVT_PAGE - 1), &off))))
			return true;
	}
	return false;
}

struct hvt_vpage *hvt_vpages_at(struct hvt_vpages *p, int32_t pid, uint64_t va)
{
	struct place at = { pid, va & ~(HVT_PAGE - 1) };
	struct location *l = locate(p, &at);

	if (!l || l->epoch != p->epoch || l->gpa == HVT_GPA_NONE)
		return NULL;
	return hvt_vpages_get(p, l->gpa);
}

int hvt_vpages_remap(struct hvt_vpages *p, int32_t pid, uint64_t va, uint64_t old_gpa,
		     uint64_t new_gpa)
{
	struct place at = { pid, va & ~(HVT_PAGE - 1) };
	struct hvt_vpage *g;

	if (old_gpa != HVT_GPA_NONE) {
		g = hvt_vpages_get(p, old_gpa);
		if (!g || reset(p, g))
			return -1;
	}
	if (new_gpa == HVT_GPA_NONE)
		return set_location(p, &at, HVT_GPA_NONE);
	g = hvt_vpages_get(p, new_gpa);
	if (!g || reset(p, g))
		return -1;
	return hvt_vpages_place(p, g, pid, va);
}

uint64_t hvt_vpage_gpa(const struct hvt_vpage *g)
{
	return g->gpa;
}

bool hvt_vpage_placed(const struct hvt_vpage *g)
{
	return g->placed;
}

bool hvt_vpage_rank(struct hvt_vpages *p, struct hvt_vpage *g, uint64_t rank, uint32_t cpu,
		    uint64_t tsc, uint64_t *last)
{
	bool same = g->ranked && g->rank_cpu == cpu && g->rank_tsc == tsc && g->rank == rank;
	bool good = !g->ranked || same || rank > g->rank;

	*last = g->rank;
	p->verdict->ranks += g->ranked && good && !same;
	g->ranked = true;
	g->rank = rank;
	g->rank_cpu = cpu;
	g->rank_tsc = tsc;
	return good;
}

/* Is a byte of it covered? Then *map says which; NULL: all. */
static bool is_covered(const struct hvt_vpage *g, const uint64_t **map)
{
	*map = g->whole ? NULL : g->covered;
	return g->whole || g->covered;
}

uint32_t hvt_vpage_check(struct hvt_vpages *p, struct hvt_vpage *g, uint32_t off,
			 const uint8_t *bytes, uint32_t n, uint8_t *known)
{
	const uint64_t *map;

	if (!is_covered(g, &map))
		return n;
	return hvt_vbytes_check(&g->bytes, map, off, bytes, n, known, p->verdict);
}

int hvt_vpage_set(struct hvt_vpages *p, struct hvt_vpage *g, uint32_t off, const uint8_t *bytes,
		  uint32_t n)
{
	const uint64_t *map;

	return is_covered(g, &map) ? hvt_vbytes_set(&p->store, &g->bytes, map, off, bytes, n) : 0;
}

void hvt_vpage_forget(struct hvt_vpage *g, uint32_t off, uint32_t n)
{
	hvt_vbytes_forget(&g->bytes, off, n);
}
