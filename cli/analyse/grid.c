/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts over time: see grid.h. */
#include "grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/uapi.h>

int hvt_grid_init(struct hvt_grid *g, size_t rows, size_t cols)
{
	memset(g, 0, sizeof(*g));
	g->rows = rows;
	g->cols = cols;
	g->v = calloc(rows * cols, sizeof(*g->v));
	return g->v ? 0 : -ENOMEM;
}

void hvt_grid_free(struct hvt_grid *g)
{
	free(g->v);
	memset(g, 0, sizeof(*g));
}

/* Boyer and Moore's majority vote: a name for each cell without a table for each cell. */
static void vote(struct hvt_cell *c, uint32_t name, uint32_t weight)
{
	if (!c->weight || !c->name)
		c->name = name;
	if (c->name != name && weight > c->weight) {
		c->name = name;
		c->weight = weight - c->weight;
	} else if (c->name != name) {
		c->weight -= weight;
	} else if (c->weight <= UINT32_MAX - weight) {
		c->weight += weight;
	}
}

static void merge(struct hvt_cell *to, const struct hvt_cell *from)
{
	to->reads += from->reads;
	to->writes += from->writes;
	to->execs += from->execs;
	if (from->name)
		vote(to, from->name, from->weight);
}

/* Two columns become one. */
static void fold(struct hvt_grid *g)
{
	struct hvt_cell *row;
	size_t r, c;

	for (r = 0; r < g->rows; r++) {
		row = &g->v[r * g->cols];
		for (c = 0; c < g->cols / 2; c++) {
			if (c)
				row[c] = row[2 * c];
			merge(&row[c], &row[2 * c + 1]);
		}
		memset(row + g->cols / 2, 0, g->cols / 2 * sizeof(*row));
	}
	g->width_ns *= 2;
	g->used = (g->used + 1) / 2;
}

void hvt_grid_count(struct hvt_grid *g, size_t first, size_t last, uint64_t ns, uint8_t access,
		    uint32_t name)
{
	struct hvt_cell *c;
	size_t col;

	if (!g->width_ns) {
		g->width_ns = 1;
		g->start_ns = ns;
	}
	if (ns < g->start_ns)
		ns = g->start_ns; /* clocks of hostile logs go back */
	while ((ns - g->start_ns) / g->width_ns >= g->cols)
		fold(g);
	col = (size_t)((ns - g->start_ns) / g->width_ns);
	if (col >= g->used)
		g->used = col + 1;
	for (; first <= last && first < g->rows; first++) {
		c = &g->v[first * g->cols + col];
		if (access & HVT_ACC_X)
			c->execs++;
		else if (access & HVT_ACC_W)
			c->writes++;
		else
			c->reads++;
		if (name)
			vote(c, name, 1);
	}
}
