/* SPDX-License-Identifier: GPL-2.0-only */
/* The heat map on a terminal: shades of blocks, or of ASCII where there is no more. */
#include "heat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LABEL 24

static const char *const blocks[] = { " ", "\u2591", "\u2592", "\u2593", "\u2588" };
static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" };
/* from the 256 colours of xterm: blue, over yellow, to red */
static const int colours[] = { 0, 19, 27, 39, 114, 190, 220, 208, 202, 196 };

#define SIZE(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void cell(uint64_t n, uint64_t most, bool unicode, bool colour)
{
	const char *glyph = unicode ? blocks[hvt_heat_level(n, most, SIZE(blocks) - 1)] :
				      ascii[hvt_heat_level(n, most, SIZE(ascii) - 1)];

	if (n && colour)
		printf("\033[38;5;%dm%s\033[0m",
		       colours[hvt_heat_level(n, most, SIZE(colours) - 1)], glyph);
	else
		fputs(glyph, stdout);
}

/* A long name is cut, not the offset behind it. */
static void row_label(const struct hvt_heat *h, size_t row)
{
	const struct hvt_band *band;
	const char *label = hvt_heat_row(h, row, &band), *off = strrchr(label, '+');
	size_t len = strlen(label), tail = off && row != band->row ? strlen(off) : 0;

	if (len <= LABEL || tail > LABEL)
		printf("%*.*s ", LABEL, LABEL, label);
	else
		printf("%.*s%s ", (int)(LABEL - tail), label, label + len - tail);
}

void hvt_heat_text(const struct hvt_heat *h)
{
	bool unicode = hvt_unicode(), colour = hvt_colours();
	const char *bar = unicode ? "\u2502" : "|";
	uint64_t most = hvt_heat_most(h);
	size_t r, c;

	printf("%" PRIu64 " accesses, %" PRIu64 " records lost; %" PRIu64 " bytes a row, %" PRIu64
	       " ns a column, at most %" PRIu64 " in a cell\n",
	       h->accesses, h->lost, h->per_row, h->grid.width_ns, most);
	for (r = 0; r < h->grid.rows; r++) {
		row_label(h, r);
		fputs(bar, stdout);
		for (c = 0; c < h->grid.used; c++)
			cell(hvt_cell_sum(hvt_grid_at(&h->grid, r, c)), most, unicode, colour);
		printf("%s\n", bar);
	}
	printf("%*s  %" PRIu64 ".%06" PRIu64 " to %" PRIu64 ".%06" PRIu64 " s\n", LABEL, "",
	       h->first_ns / 1000000000, h->first_ns / 1000 % 1000000, h->last_ns / 1000000000,
	       h->last_ns / 1000 % 1000000);
	if (h->unplaced)
		printf("%" PRIu64 " accesses through other addresses are not shown: nobody can say "
		       "to which page\n",
		       h->unplaced);
}
