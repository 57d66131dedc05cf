/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts over time, in rows: as many columns as there is room for, each of the same
 * duration, which doubles whenever time goes on beyond the last one. So a log is read
 * once, and memory does not grow with it.
 */
#ifndef HVT_CLI_GRID_H
#define HVT_CLI_GRID_H

#include <stddef.h>
#include <stdint.h>

struct hvt_cell {
	uint64_t reads, writes, execs; /* a read-modify-write is a write */
	uint32_t name;	 /* the likely most frequent of the names given to it, 0: none */
	uint32_t weight; /* how much it leads */
};

struct hvt_grid {
	size_t rows, cols;  /* cols is even */
	uint64_t start_ns;  /* of the first column */
	uint64_t width_ns;  /* of each; 0: nothing was counted */
	size_t used;	    /* columns up to the last that has something */
	struct hvt_cell *v; /* rows * cols */
};

/* 0 or -ENOMEM. */
int hvt_grid_init(struct hvt_grid *g, size_t rows, size_t cols);
void hvt_grid_free(struct hvt_grid *g);

/* One access (HVT_ACC_*) at ns in rows [first, last], with a name or 0. */
void hvt_grid_count(struct hvt_grid *g, size_t first, size_t last, uint64_t ns, uint8_t access,
		    uint32_t name);

static inline const struct hvt_cell *hvt_grid_at(const struct hvt_grid *g, size_t row, size_t col)
{
	return &g->v[row * g->cols + col];
}

static inline uint64_t hvt_cell_sum(const struct hvt_cell *c)
{
	return c->reads + c->writes + c->execs;
}

#endif
