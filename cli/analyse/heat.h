/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses over address and time: the watched ranges below each other, each in rows of so
 * many bytes, and a grid of counts. What is made of it is the business of heat_text.c and
 * heat_svg.c.
 */
#ifndef HVT_CLI_HEAT_H
#define HVT_CLI_HEAT_H

#include <stdio.h>

#include <hvtrace/hvtrace.h>

#include "grid.h"
#include "input.h"
#include "memory.h"
#include "tally.h"

#define HVT_HEAT_ROWS_MAX 1024

struct hvt_band { /* watched bytes without a gap */
	struct hvt_space space;
	uint64_t addr, len;
	size_t row, rows;
	char *name; /* of the first watch in it, as it was asked for; any bytes */
};

struct hvt_heat {
	struct hvt_band *bands;
	size_t n;
	uint64_t per_row; /* bytes */
	struct hvt_grid grid;
	struct hvt_tally names; /* who: the names of the cells, by row number + 1 */
	uint64_t accesses, unplaced, lost, first_ns, last_ns;
};

/* Lay out the watches that r knows and `in` wants in about so many rows. Exits on errors. */
void hvt_heat_init(struct hvt_heat *h, const struct hvt_reader *r, const struct hvt_input *in,
		   size_t rows, size_t cols);
void hvt_heat_take(struct hvt_heat *h, const struct hvt_reader *r, const struct hvt_event *ev);
void hvt_heat_free(struct hvt_heat *h);

/* "name+0x10" of a row, escaped; *band its band. Static storage. */
const char *hvt_heat_row(const struct hvt_heat *h, size_t row, const struct hvt_band **band);
/* The most of any cell. */
uint64_t hvt_heat_most(const struct hvt_heat *h);
/* 0 for none, 1 .. levels by the logarithm of n. */
int hvt_heat_level(uint64_t n, uint64_t most, int levels);

void hvt_heat_text(const struct hvt_heat *h);
/* html: inside a page of its own. Needs nothing but the file. */
void hvt_heat_svg(const struct hvt_heat *h, FILE *out, bool html);

#endif
