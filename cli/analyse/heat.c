/* SPDX-License-Identifier: GPL-2.0-only */
/* Accesses over address and time: see heat.h. */
#include "heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/line.h"
#include "names.h"

#define PAGE 4096ull

static _Noreturn void no_memory(void)
{
	hvt_die(HVT_ERROR, "heatmap: no memory; try: fewer watches (--watch)");
}

static int by_place(const void *a, const void *b)
{
	const struct hvt_band *x = a, *y = b;

	if (x->space.physical != y->space.physical)
		return x->space.physical ? 1 : -1;
	if (x->space.pid != y->space.pid)
		return x->space.pid < y->space.pid ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool same_space(const struct hvt_band *a, const struct hvt_band *b)
{
	return a->space.physical == b->space.physical && a->space.pid == b->space.pid;
}

/* Watches that overlap or touch are one band. */
static void join(struct hvt_heat *h)
{
	struct hvt_band *to, *b;
	size_t i, n = 0;

	for (i = 0; i < h->n; i++) {
		b = &h->bands[i];
		to = n ? &h->bands[n - 1] : NULL;
		if (!to || !same_space(to, b) || b->addr - to->addr > to->len) {
			h->bands[n++] = *b;
			continue;
		}
		if (b->addr - to->addr + b->len > to->len)
			to->len = b->addr - to->addr + b->len;
		free(b->name);
	}
	h->n = n;
}

static size_t rows_of(const struct hvt_heat *h, uint64_t per_row)
{
	size_t i, n = 0;

	for (i = 0; i < h->n && n <= HVT_HEAT_ROWS_MAX; i++) {
		uint64_t rows = h->bands[i].len / per_row + !!(h->bands[i].len % per_row);

		n += rows <= HVT_HEAT_ROWS_MAX ? (size_t)rows : HVT_HEAT_ROWS_MAX + 1;
	}
	return n;
}

void hvt_heat_init(struct hvt_heat *h, const struct hvt_reader *r, const struct hvt_input *in,
		   size_t rows, size_t cols)
{
	const struct hvt_watch_fact *w;
	struct hvt_band *b;
	size_t i, at = 0;

	for (i = 0; hvt_reader_watch(r, i); i++)
		;
	h->bands = calloc(i + 1, sizeof(*h->bands));
	if (!h->bands)
		no_memory();
	for (i = 0; (w = hvt_reader_watch(r, i)); i++) {
		if (!hvt_ranges_have(&in->watches, w->id))
			continue;
		b = &h->bands[h->n++];
		b->space.pid = w->pid;
		b->space.physical = w->flags & HVT_WATCH_PHYS;
		b->addr = w->addr;
		b->len = w->len;
		b->name = strdup(w->spec);
		if (!b->name)
			no_memory();
		b->name[strcspn(b->name, ",")] = '\0';
	}
	if (h->n)
		qsort(h->bands, h->n, sizeof(*h->bands), by_place);
	join(h);
	if (rows < h->n)
		rows = h->n;
	if (!h->n || rows > HVT_HEAT_ROWS_MAX)
		hvt_die(HVT_ERROR, "heatmap: %zu watched places; try: %s", h->n,
			h->n ? "some of them (--watch LIST)" : "another --watch LIST");
	for (h->per_row = 1; rows_of(h, h->per_row) > rows;)
		h->per_row *= 2;
	for (i = 0; i < h->n; i++) {
		b = &h->bands[i];
		b->row = at;
		b->rows = (size_t)(b->len / h->per_row + !!(b->len % h->per_row));
		at += b->rows;
	}
	if (hvt_grid_init(&h->grid, at, cols & ~(size_t)1))
		no_memory();
}

void hvt_heat_free(struct hvt_heat *h)
{
	while (h->n)
		free(h->bands[--h->n].name);
	free(h->bands);
	hvt_grid_free(&h->grid);
	hvt_tally_free(&h->names);
}

/* Where the access is in the memory of the watch. False: nobody can say. */
static bool place(const struct hvt_watch_fact *w, const struct hvt_event *ev, uint64_t *addr)
{
	uint64_t last = w->addr + (w->len - 1), end = ev->addr + (ev->size ? ev->size - 1 : 0);

	*addr = ev->addr;
	if (w->flags & HVT_WATCH_PHYS) {
		*addr = ev->gpa;
		return ev->gpa != HVT_GPA_NONE;
	}
	if (ev->addr <= last && end >= w->addr)
		return true;
	/* through another address: the page's offset tells if there is one page */
	*addr = (w->addr & ~(PAGE - 1)) | (ev->addr & (PAGE - 1));
	return w->addr / PAGE == last / PAGE;
}

static struct hvt_band *band_of(struct hvt_heat *h, const struct hvt_watch_fact *w)
{
	struct hvt_band want = { .space = { w->pid, w->flags & HVT_WATCH_PHYS }, .addr = w->addr };
	struct hvt_band *b;
	size_t lo = 0, hi = h->n, mid;

	while (lo < hi) { /* the last one that does not begin behind it */
		mid = (lo + hi) / 2;
		if (by_place(&h->bands[mid], &want) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	b = lo ? &h->bands[lo - 1] : NULL;
	return b && same_space(b, &want) && w->addr - b->addr < b->len ? b : NULL;
}

/* "comm: symbol" of who did it */
static uint32_t name_of(struct hvt_heat *h, const struct hvt_event *ev)
{
	struct hvt_line *l = hvt_line_start();
	long row;

	hvt_put_escaped(l, ev->comm);
	hvt_line_put(l, ": ", 2);
	hvt_put_place(l, &ev->ip_sym, ev->ip);
	row = hvt_tally_add(&h->names, l->p, l->len, ev->access, ev->ns);
	return row < 0 || row >= UINT32_MAX ? 0 : (uint32_t)row + 1;
}

void hvt_heat_take(struct hvt_heat *h, const struct hvt_reader *r, const struct hvt_event *ev)
{
	const struct hvt_watch_fact *w = NULL;
	struct hvt_band *b = NULL;
	uint64_t addr, first, last;
	uint32_t i;

	if (ev->type == HVT_EV_LOST)
		h->lost += ev->count;
	if (ev->type != HVT_EV_ACCESS)
		return;
	if (!h->accesses++)
		h->first_ns = ev->ns;
	h->last_ns = ev->ns;
	for (i = 0; i < ev->nr_watches && !b; i++) {
		w = hvt_watch_of(r, ev->watches[i]);
		b = w ? band_of(h, w) : NULL;
	}
	if (!b || !place(w, ev, &addr)) {
		h->unplaced++;
		return;
	}
	first = addr > b->addr ? addr - b->addr : 0;
	last = addr + (ev->size ? ev->size - 1 : 0);
	if (last < b->addr || first >= b->len) {
		h->unplaced++;
		return;
	}
	last -= b->addr;
	if (last >= b->len)
		last = b->len - 1;
	hvt_grid_count(&h->grid, b->row + (size_t)(first / h->per_row),
		       b->row + (size_t)(last / h->per_row), ev->ns, ev->access, name_of(h, ev));
}

const char *hvt_heat_row(const struct hvt_heat *h, size_t row, const struct hvt_band **band)
{
	struct hvt_line *l = hvt_line_start();
	uint64_t off;
	size_t i;

	for (i = 0; i + 1 < h->n && h->bands[i + 1].row <= row; i++)
		;
	*band = &h->bands[i];
	off = (row - h->bands[i].row) * h->per_row;
	hvt_put_escaped(l, h->bands[i].name);
	if (off) {
		hvt_line_char(l, '+');
		hvt_line_hex(l, off);
	}
	hvt_line_char(l, '\0');
	return l->p;
}

uint64_t hvt_heat_most(const struct hvt_heat *h)
{
	uint64_t most = 0, n;
	size_t r, c;

	for (r = 0; r < h->grid.rows; r++)
		for (c = 0; c < h->grid.used; c++) {
			n = hvt_cell_sum(hvt_grid_at(&h->grid, r, c));
			most = n > most ? n : most;
		}
	return most;
}

int hvt_heat_level(uint64_t n, uint64_t most, int levels)
{
	if (!n || most < 2)
		return n ? levels : 0;
	return 1 + (int)((levels - 1) * log((double)n) / log((double)most) + 0.5);
}
